//! VMs, vCPUs, devices, and what every object is asked.

use kvm_core::kvm_sys::op::{Fds, Op, Takes};
use kvm_core::kvm_sys::*;

use super::Draft;
use crate::differential::step::{Does, Given, Looks, On, Step};
use crate::differential::world::ATTRIBUTE_ROOM;

pub(super) fn vcpu(draft: &mut Draft) {
    let id = draft.mostly(
        90,
        &[0, 1, 2, 3],
        &[255, 256, 4095, 4096, 1 << 20, 1 << 32, u64::MAX],
    );
    new_vcpu(draft, id);
}

pub(super) fn new_vcpu(draft: &mut Draft, id: u64) {
    // A second one with the same id is made under another name, if at all.
    let made = (!draft.vcpus.contains(&id)).then_some(On::Vcpu(id));
    draft.vcpus.push(id);
    draft.create(On::Vm, &KVM_CREATE_VCPU, Given::Value(id), made);
}

/// Closes a descriptor; what it stood for may well stay.
pub(super) fn forget(draft: &mut Draft) {
    let on = if draft.chance(50) {
        draft.a_vcpu()
    } else {
        On::Device(draft.rng.u8(0..3))
    };
    draft.steps.push(Step {
        on,
        does: Does::Drop,
    });
}

pub(super) fn vm_type(draft: &mut Draft) {
    let kind = draft.one_of(&[1, 2, 3, 39, 40, 64, 1 << 20, 1 << 31, 1 << 32, u64::MAX]);
    draft.create(On::System, &KVM_CREATE_VM, Given::Value(kind), None);
}

pub(super) fn device(draft: &mut Draft) {
    let device = kvm_create_device {
        type_: DeviceType(draft.mostly(
            80,
            &[4, 4, 1, 2, 3, 5, 6, 7, 8],
            &[0, 9, 10, 11, 12, 13, 14, u32::MAX],
        )),
        flags: CreateDeviceFlags(draft.mostly(60, &[0], &[1, 2, 3])),
        ..Default::default()
    };
    let given = Given::of(&device);
    if device.flags.contains(KVM_CREATE_DEVICE_TEST) {
        return draft.call(On::Vm, &KVM_CREATE_DEVICE, given, Looks::SUCCESS);
    }
    let made = On::Device(draft.devices);
    draft.devices += 1;
    draft.create(On::Vm, &KVM_CREATE_DEVICE, given, Some(made));
}

/// An attribute of any object. Those that are there, sequences of one architecture set.
pub(super) fn attribute(draft: &mut Draft) {
    let on = match draft.rng.u32(0..8) {
        0 => On::System,
        1 => On::Vm,
        2..=4 => draft.a_vcpu(),
        _ => On::Device(draft.rng.u8(0..2)),
    };
    let attr = kvm_device_attr {
        group: draft.one_of(&[0, 1, 2, 3, 9, 100]),
        attr: draft.one_of(&[0, 1, 2, 3, 1 << 32]),
        flags: draft.mostly(95, &[0], &[1]),
        ..Default::default()
    };
    if draft.chance(70) {
        return draft.call(on, &KVM_HAS_DEVICE_ATTR, Given::of(&attr), Looks::SUCCESS);
    }
    let given = Given::pointer(&attr, vec![0; ATTRIBUTE_ROOM]);
    draft.call(on, &KVM_GET_DEVICE_ATTR, given, Looks::SUCCESS);
}

pub(super) fn attribute_of(group: u32, attr: u64) -> kvm_device_attr {
    kvm_device_attr {
        group,
        attr,
        ..Default::default()
    }
}

/// Creates a device that is known as `made` from then on.
pub(super) fn create_device(draft: &mut Draft, type_: DeviceType, made: On) {
    let device = kvm_create_device {
        type_,
        ..Default::default()
    };
    draft.create(On::Vm, &KVM_CREATE_DEVICE, Given::of(&device), Some(made));
}

/// Sets an attribute to a number.
pub(super) fn set_attribute(draft: &mut Draft, on: On, attr: kvm_device_attr, value: u64) {
    let mut bytes = vec![0; ATTRIBUTE_ROOM];
    if let Some(first) = bytes.first_chunk_mut() {
        *first = value.to_ne_bytes();
    }
    let given = Given::pointer(&attr, bytes);
    draft.call(on, &KVM_SET_DEVICE_ATTR, given, Looks::SUCCESS);
}

/// Sets an attribute to a number and looks at it, or does one of the two, or asks whether there is such.
pub(super) fn use_attribute(draft: &mut Draft, on: On, attr: kvm_device_attr, value: u64) {
    if draft.chance(10) {
        return draft.call(on, &KVM_HAS_DEVICE_ATTR, Given::of(&attr), Looks::SUCCESS);
    }
    if draft.chance(70) {
        set_attribute(draft, on, attr, value);
    }
    if draft.chance(80) {
        let given = Given::pointer(&attr, vec![0; ATTRIBUTE_ROOM]);
        draft.call(on, &KVM_GET_DEVICE_ATTR, given, Looks::ALL);
    }
}

pub(super) fn extension(draft: &mut Draft) {
    let on = draft.one_of(&[true, false]);
    let on = if on { On::Vm } else { On::System };
    let cap = draft.mostly(
        95,
        &[draft.rng.clone().u64(0..260)],
        &[1 << 31, u64::MAX, 1000],
    );
    draft.rng.u8(..);
    draft.call(on, &KVM_CHECK_EXTENSION, Given::Value(cap), Looks::ALL);
}

pub(super) fn system(draft: &mut Draft) {
    let op = if draft.chance(50) {
        &KVM_GET_API_VERSION
    } else {
        &KVM_GET_VCPU_MMAP_SIZE
    };
    let given = Given::Value(draft.mostly(70, &[0], &[1, u64::MAX]));
    draft.call(On::System, op, given, Looks::ALL);
}

/// A call on an object that has no such call.
pub(super) fn wrong_object(draft: &mut Draft) {
    let on = match draft.rng.u32(0..4) {
        0 => On::System,
        1 => On::Vm,
        2 => draft.a_vcpu(),
        _ => On::Device(0),
    };
    let kind = match on {
        On::System => Fds::SYSTEM,
        On::Vm => Fds::VM,
        On::Vcpu(_) => Fds::VCPU,
        On::Device(_) => Fds::DEVICE,
    };
    let table = ioctl::TABLE;
    let at = draft.rng.usize(0..table.len().max(1));
    let Some(op) = table.get(at).copied().filter(|op| is_foreign(op, kind)) else {
        return;
    };
    let given = match op.takes {
        Takes::Nothing | Takes::Value => Given::Value(0),
        Takes::Struct { inner: [], .. } => Given::room(0x1000),
        Takes::Struct { .. } => return,
    };
    draft.call(on, op, given, Looks::SUCCESS);
}

/// Whether objects of this kind know no call by this number.
fn is_foreign(op: &Op, kind: Fds) -> bool {
    let number = op.request();
    // To run a guest takes more than this.
    number != KVM_RUN.request()
        && number != 0
        && ioctl::TABLE
            .iter()
            .filter(|other| other.request() == number)
            .all(|other| !other.fds.contains(kind))
        && !matches!(op.returns, op::Returns::Descriptor)
}

pub(super) fn statistics(draft: &mut Draft) {
    let on = if draft.chance(50) {
        On::Vm
    } else {
        draft.a_vcpu()
    };
    draft.create(on, &KVM_GET_STATS_FD, Given::Value(0), None);
}

pub(super) fn mp_state(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let state = kvm_mp_state {
        mp_state: MpState(draft.mostly(90, &[0, 1, 2, 3, 4, 5], &[6, 7, 8, 9, 10, 100, u32::MAX])),
    };
    if draft.chance(60) {
        draft.call(on, &KVM_SET_MP_STATE, Given::of(&state), Looks::SUCCESS);
    }
    let room = Given::room(size_of::<kvm_mp_state>());
    draft.call(on, &KVM_GET_MP_STATE, room, Looks::ALL);
}

pub(super) fn signal_mask(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let head = kvm_signal_mask {
        len: draft.mostly(80, &[8], &[0, 4, 9, 128]),
    };
    let given = Given::list(&head, [0_u8; 128].as_slice());
    draft.call(on, &KVM_SET_SIGNAL_MASK, given, Looks::SUCCESS);
}

/// A register that no architecture has.
pub(super) fn one_reg(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let head = kvm_one_reg {
        id: draft.one_of(&[
            0,
            0x2030_0000_0000_0000,
            0x6030_0000_ffff_0000,
            0x8030_0000_ffff_0000,
        ]),
        addr: 0,
    };
    let op = if draft.chance(50) {
        &KVM_GET_ONE_REG
    } else {
        &KVM_SET_ONE_REG
    };
    draft.call(on, op, Given::pointer(&head, vec![0; 256]), Looks::SUCCESS);
}

/// Enables a capability.
pub(super) fn enable(draft: &mut Draft, on: On, cap: Cap, value: u64) {
    let mut enable = kvm_enable_cap {
        cap,
        flags: draft.mostly(97, &[0], &[1]),
        ..Default::default()
    };
    enable.args[0] = value;
    draft.call(on, &KVM_ENABLE_CAP, Given::of(&enable), Looks::SUCCESS);
}

/// Sets a register, and looks at it.
pub(super) fn register(draft: &mut Draft, on: On, id: u64) {
    let mut value = vec![0; usize::try_from(KVM_REG_SIZE(id)).unwrap_or_default().max(8)];
    if let Some(first) = value.first_chunk_mut() {
        *first = draft.number().to_ne_bytes();
    }
    if draft.chance(60) {
        let head = kvm_one_reg { id, addr: 0 };
        draft.call(
            on,
            &KVM_SET_ONE_REG,
            Given::pointer(&head, value),
            Looks::SUCCESS,
        );
    }
    get_register(draft, on, id);
}

/// Looks at a register.
pub(super) fn get_register(draft: &mut Draft, on: On, id: u64) {
    let room = vec![0; usize::try_from(KVM_REG_SIZE(id)).unwrap_or_default().max(8)];
    let head = kvm_one_reg { id, addr: 0 };
    draft.call(
        on,
        &KVM_GET_ONE_REG,
        Given::pointer(&head, room),
        Looks::ALL,
    );
}

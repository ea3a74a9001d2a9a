//! What only aarch64 has.

use std::mem::size_of;

use kvm_core::aarch64::register;
use kvm_core::kvm_exit::Aarch64;
use kvm_core::kvm_sys::aarch64::*;

use super::objects::{enable, get_register, new_vcpu, register};
use super::{Draft, Kind, Sequences};
use crate::differential::step::{Given, Looks, On, change};
use crate::differential::world::ATTRIBUTE_ROOM;

impl Sequences for Aarch64 {
    const KINDS: &'static [(u32, Kind)] = &[
        (6, init),
        (2, finalize),
        (10, one_reg),
        (2, reg_list),
        (2, target),
        (2, counter),
        (3, events),
        (2, debug),
        (4, capability),
        (2, irqchip),
        (8, gic),
        (2, vcpu_attribute),
    ];

    fn begin(draft: &mut Draft) {
        if draft.chance(90) {
            new_vcpu(draft, 0);
        }
        if draft.chance(25) {
            new_vcpu(draft, 1);
        }
        if draft.chance(80) {
            init(draft);
        }
    }
}

fn init(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let mut init = kvm_vcpu_init {
        target: draft.mostly(95, &[KVM_ARM_TARGET_GENERIC_V8], &[0, 4, 6, u32::MAX]),
        ..Default::default()
    };
    let psci = 1 << KVM_ARM_VCPU_PSCI_0_2;
    let off = 1 << KVM_ARM_VCPU_POWER_OFF;
    let features = [psci, psci | off, psci, 0];
    let others = [
        1 << KVM_ARM_VCPU_SVE,
        1 << KVM_ARM_VCPU_EL1_32BIT,
        1 << 9,
        1 << 10,
        1 << 31,
    ];
    init.features[0] = draft.mostly(90, &features, &others);
    if draft.chance(3) {
        init.features[1] = 1;
    }
    draft.call(on, &KVM_ARM_VCPU_INIT, Given::of(&init), Looks::SUCCESS);
}

fn finalize(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let feature = draft.one_of(&[KVM_ARM_VCPU_SVE, 0, 7, u32::MAX]);
    draft.call(
        on,
        &KVM_ARM_VCPU_FINALIZE,
        Given::of(&feature),
        Looks::SUCCESS,
    );
}

fn one_reg(draft: &mut Draft) {
    /// SCTLR_EL1, CPACR_EL1, TTBR0_EL1, TTBR1_EL1, TCR_EL1, MAIR_EL1, VBAR_EL1, TPIDR_EL1.
    const SYSTEM: [u64; 8] = [
        ARM64_SYS_REG(3, 0, 1, 0, 0),
        ARM64_SYS_REG(3, 0, 1, 0, 2),
        ARM64_SYS_REG(3, 0, 2, 0, 0),
        ARM64_SYS_REG(3, 0, 2, 0, 1),
        ARM64_SYS_REG(3, 0, 2, 0, 2),
        ARM64_SYS_REG(3, 0, 10, 2, 0),
        ARM64_SYS_REG(3, 0, 12, 0, 0),
        ARM64_SYS_REG(3, 0, 13, 0, 4),
    ];
    /// What no vCPU has, and of what there is in another size.
    const OTHERS: [u64; 4] = [
        ARM64_SYS_REG(3, 7, 15, 15, 7),
        KVM_REG_ARM64 | KVM_REG_SIZE_U64 | 0xfff,
        register::PC ^ KVM_REG_SIZE_U64 ^ KVM_REG_SIZE_U32,
        KVM_REG_RISCV | KVM_REG_SIZE_U64,
    ];
    let on = draft.a_vcpu();
    let n = draft.rng.usize(0..31);
    let id = match draft.rng.u32(0..10) {
        0..=2 => register::x(n),
        3 => draft.one_of(&[
            register::SP_EL0,
            register::PC,
            register::SP_EL1,
            register::ELR_EL1,
        ]),
        4 => register::v(n),
        5 => draft.one_of(&[register::FPSR, register::FPCR]),
        6 => register::spsr(0),
        7 | 8 => draft.one_of(&SYSTEM),
        _ => draft.one_of(&OTHERS),
    };
    register(draft, on, id);
}

fn reg_list(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let head = kvm_reg_list {
        n: draft.one_of(&[0, 1, 1024]),
    };
    let given = Given::list(&head, vec![0_u64; 1024].as_slice());
    draft.call(on, &KVM_GET_REG_LIST, given, Looks::SUCCESS);
}

fn target(draft: &mut Draft) {
    let room = Given::room(size_of::<kvm_vcpu_init>());
    draft.call(On::Vm, &KVM_ARM_PREFERRED_TARGET, room, Looks::ALL);
}

fn counter(draft: &mut Draft) {
    let offset = kvm_arm_counter_offset {
        counter_offset: draft.number(),
        reserved: draft.mostly(80, &[0], &[1]),
    };
    draft.call(
        On::Vm,
        &KVM_ARM_SET_COUNTER_OFFSET,
        Given::of(&offset),
        Looks::SUCCESS,
    );
}

fn events(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let changes = match draft.rng.u32(0..4) {
        0 => vec![change!(kvm_vcpu_events, exception.serror_pending, 1_u8)],
        1 => vec![
            change!(kvm_vcpu_events, exception.serror_pending, 1_u8),
            change!(kvm_vcpu_events, exception.serror_has_esr, 1_u8),
        ],
        2 => vec![change!(
            kvm_vcpu_events,
            exception.serror_has_esr,
            draft.one_of(&[0_u8, 1])
        )],
        _ => vec![],
    };
    draft.set(
        on,
        (&KVM_GET_VCPU_EVENTS, &KVM_SET_VCPU_EVENTS),
        changes,
        Looks::ALL,
    );
}

fn debug(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let debug = kvm_guest_debug {
        control: GuestDebugFlags(draft.mostly(
            80,
            &[0, 1, 3, 0x1_0001, 0x2_0001],
            &[4, 0x4_0001, u32::MAX],
        )),
        ..Default::default()
    };
    draft.call(on, &KVM_SET_GUEST_DEBUG, Given::of(&debug), Looks::SUCCESS);
}

fn capability(draft: &mut Draft) {
    const CAPS: [Cap; 6] = [
        KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
        KVM_CAP_ARM_NISV_TO_USER,
        KVM_CAP_ARM_MTE,
        KVM_CAP_ARM_SYSTEM_SUSPEND,
        KVM_CAP_HALT_POLL,
        KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
    ];
    let cap = draft.mostly(95, &CAPS, &[Cap(0), Cap(1000)]);
    let value = draft.mostly(85, &[0, 1, 2, 3, 0x1000], &[u64::MAX]);
    enable(draft, On::Vm, cap, value);
}

fn irqchip(draft: &mut Draft) {
    draft.call(On::Vm, &KVM_CREATE_IRQCHIP, Given::Value(0), Looks::SUCCESS);
}

/// A GICv3, its addresses, how many interrupts it has, and that it is to start.
fn gic(draft: &mut Draft) {
    let on = On::Device(100);
    let numbers = [64, 96, 128, 1024];
    let attribute = |group, attr| kvm_device_attr {
        group,
        attr,
        ..Default::default()
    };
    let (attr, value) = match draft.rng.u32(0..8) {
        0 | 1 => {
            let device = kvm_create_device {
                type_: KVM_DEV_TYPE_ARM_VGIC_V3,
                ..Default::default()
            };
            return draft.create(On::Vm, &KVM_CREATE_DEVICE, Given::of(&device), Some(on));
        }
        2 | 3 => {
            let kind = draft.mostly(90, &[2, 3], &[0, 1, 4, 99]);
            let address = draft.mostly(80, &[0x800_0000, 0x80a_0000], &[0x800_1000, 1 << 60]);
            (attribute(KVM_DEV_ARM_VGIC_GRP_ADDR, kind), address)
        }
        4 => {
            let number = draft.mostly(80, &numbers, &[0, 32, 65, 1056]);
            (attribute(KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0), number)
        }
        5 => (
            attribute(
                KVM_DEV_ARM_VGIC_GRP_CTRL,
                draft.mostly(85, &[0], &[1, 3, 99]),
            ),
            0,
        ),
        6 => {
            let attr = attribute(
                draft.one_of(&[0, 3, 4, 1, 5, 6, 7, 99]),
                draft.one_of(&[0, 2, 3]),
            );
            return draft.call(on, &KVM_HAS_DEVICE_ATTR, Given::of(&attr), Looks::SUCCESS);
        }
        _ => {
            let attr = match draft.rng.u32(0..2) {
                0 => attribute(KVM_DEV_ARM_VGIC_GRP_ADDR, draft.one_of(&[2, 3])),
                _ => attribute(KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0),
            };
            let given = Given::pointer(&attr, vec![0; ATTRIBUTE_ROOM]);
            return draft.call(on, &KVM_GET_DEVICE_ATTR, given, Looks::ALL);
        }
    };
    let mut bytes = vec![0; ATTRIBUTE_ROOM];
    if let Some(first) = bytes.first_chunk_mut() {
        *first = u64::to_ne_bytes(value);
    }
    draft.call(
        on,
        &KVM_SET_DEVICE_ATTR,
        Given::pointer(&attr, bytes),
        Looks::SUCCESS,
    );
}

fn vcpu_attribute(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let attr = kvm_device_attr {
        group: draft.one_of(&[0, 1, 2, 3]),
        attr: draft.one_of(&[0, 1, 2]),
        ..Default::default()
    };
    draft.call(on, &KVM_HAS_DEVICE_ATTR, Given::of(&attr), Looks::SUCCESS);
    get_register(draft, on, register::PC);
}

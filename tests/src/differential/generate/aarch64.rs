//! What only aarch64 has.

use std::mem::size_of;

use kvm_core::aarch64::register;
use kvm_core::kvm_exit::Aarch64;
use kvm_core::kvm_sys::aarch64::*;

use zerocopy::IntoBytes;

use super::objects::{enable, new_vcpu, register, use_attribute};
use super::{Draft, Kind, Sequences, gic};
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
        (8, gic::device),
        (12, gic::register),
        (3, gic::line),
        (5, gic::its),
        (3, vcpu_attribute),
        (2, smccc),
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
        if draft.chance(40) {
            gic::ready(draft);
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

/// An attribute of a vCPU: the interrupts of its timers, and where it is told of stolen time.
fn vcpu_attribute(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let group = draft.mostly(
        80,
        &[KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_PVTIME_CTRL],
        &[KVM_ARM_VCPU_PMU_V3_CTRL, 3, 9],
    );
    let attr = kvm_device_attr {
        group,
        attr: draft.mostly(90, &[0, 1], &[2, 3, 4, 99]),
        ..Default::default()
    };
    let value = if group == KVM_ARM_VCPU_TIMER_CTRL {
        draft.mostly(80, &[16, 20, 27, 31], &[0, 15, 32, 1 << 31])
    } else {
        draft.mostly(80, &[0, 0x40, 0x1000], &[1, 0x20, 1 << 40])
    };
    use_attribute(draft, on, attr, value);
}

/// Calls of the guest that KVM does not answer itself.
fn smccc(draft: &mut Draft) {
    let mut filter = kvm_smccc_filter {
        base: draft.mostly(
            80,
            &[0x8400_0000, 0x8400_0001, 0xc400_0000, 0x8600_0000],
            &[
                0,
                0x8000_0000,
                0x8000_ffff,
                0x8001_0000,
                0xc000_0000,
                u32::MAX,
            ],
        ),
        nr_functions: draft.mostly(80, &[1, 2, 0x1000], &[0, 0x1_0000, u32::MAX]),
        action: draft.mostly(90, &[0, 1, 2], &[3, 255]),
        ..Default::default()
    };
    if draft.chance(5) {
        filter.pad[14] = 1;
    }
    let attr = kvm_device_attr {
        group: draft.mostly(95, &[KVM_ARM_VM_SMCCC_CTRL], &[1]),
        attr: draft.mostly(95, &[KVM_ARM_VM_SMCCC_FILTER], &[1]),
        ..Default::default()
    };
    if draft.chance(20) {
        return draft.call(
            On::Vm,
            &KVM_HAS_DEVICE_ATTR,
            Given::of(&attr),
            Looks::SUCCESS,
        );
    }
    let mut bytes = filter.as_bytes().to_vec();
    bytes.resize(ATTRIBUTE_ROOM, 0);
    let given = Given::pointer(&attr, bytes);
    draft.call(On::Vm, &KVM_SET_DEVICE_ATTR, given, Looks::SUCCESS);
}

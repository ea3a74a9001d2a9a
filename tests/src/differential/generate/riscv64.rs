//! What only riscv64 has.

use std::mem::offset_of;

use kvm_core::kvm_exit::Riscv64;
use kvm_core::kvm_sys::riscv64::*;
use kvm_core::riscv64::register;

use super::objects::{enable, get_register, new_vcpu, register};
use super::{Draft, Kind, Sequences, aia};
use crate::differential::step::{Given, Looks, On};

impl Sequences for Riscv64 {
    const KINDS: &'static [(u32, Kind)] = &[
        (14, one_reg),
        (4, extension_reg),
        (2, reg_list),
        (3, interrupt),
        (2, debug),
        (4, capability),
        (4, aia::device),
        (12, aia::register),
        (3, aia::line),
        (2, aia::message),
    ];

    fn begin(draft: &mut Draft) {
        if draft.chance(90) {
            new_vcpu(draft, 0);
        }
        if draft.chance(40) {
            new_vcpu(draft, 1);
        }
        if draft.chance(40) {
            aia::ready(draft);
        }
    }
}

fn one_reg(draft: &mut Draft) {
    /// What can be any number.
    const CSRS: [u64; 4] = [
        register::csr(offset_of!(kvm_riscv_csr, sscratch)),
        register::csr(offset_of!(kvm_riscv_csr, sepc)),
        register::csr(offset_of!(kvm_riscv_csr, stval)),
        register::csr(offset_of!(kvm_riscv_csr, scause)),
    ];
    /// What the vCPU is.
    const CONFIG: [u64; 5] = [
        register::config(offset_of!(kvm_riscv_config, isa)),
        register::config(offset_of!(kvm_riscv_config, zicbom_block_size)),
        register::config(offset_of!(kvm_riscv_config, mvendorid)),
        register::config(offset_of!(kvm_riscv_config, satp_mode)),
        register::timer(offset_of!(kvm_riscv_timer, frequency)),
    ];
    /// What no vCPU has, and of what there is in another size.
    const OTHERS: [u64; 4] = [
        register::core(0x1000),
        register::csr(0x1000),
        register::PC ^ KVM_REG_SIZE_U64 ^ KVM_REG_SIZE_U32,
        KVM_REG_ARM64 | KVM_REG_SIZE_U64,
    ];
    let on = draft.a_vcpu();
    let id = match draft.rng.u32(0..10) {
        0..=3 => register::core(draft.rng.usize(0..32) * 8),
        4 | 5 => draft.one_of(&CSRS),
        6 => register::fp_d(draft.rng.usize(0..32)),
        7 => draft.one_of(&CONFIG),
        8 => register::MODE,
        _ => draft.one_of(&OTHERS),
    };
    if CONFIG.contains(&id) {
        return get_register(draft, on, id);
    }
    register(draft, on, id);
}

/// Whether the vCPU has an extension, of the processor or of its firmware.
fn extension_reg(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let n = draft.rng.u32(0..90);
    let id = if draft.chance(70) {
        register::isa_ext(RiscvIsaExt(n))
    } else {
        register::sbi_ext(RiscvSbiExt(n % 16))
    };
    get_register(draft, on, id);
}

fn reg_list(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let head = kvm_reg_list {
        n: draft.one_of(&[0, 1, 1024]),
    };
    let given = Given::list(&head, vec![0_u64; 1024].as_slice());
    draft.call(on, &KVM_GET_REG_LIST, given, Looks::SUCCESS);
}

fn interrupt(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let irq = draft.mostly(80, &[KVM_INTERRUPT_SET, KVM_INTERRUPT_UNSET], &[0, 1, 9]);
    let interrupt = kvm_interrupt { irq };
    draft.call(on, &KVM_INTERRUPT, Given::of(&interrupt), Looks::SUCCESS);
}

fn debug(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let debug = kvm_guest_debug {
        control: GuestDebugFlags(draft.one_of(&[0, 1, 3, 0x1_0001])),
        ..Default::default()
    };
    draft.call(on, &KVM_SET_GUEST_DEBUG, Given::of(&debug), Looks::SUCCESS);
}

fn capability(draft: &mut Draft) {
    const CAPS: [Cap; 4] = [
        KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
        KVM_CAP_HALT_POLL,
        KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
        KVM_CAP_ONE_REG,
    ];
    let cap = draft.mostly(95, &CAPS, &[Cap(0), Cap(1000)]);
    let value = draft.mostly(85, &[0, 1, 2, 3, 0x1000], &[u64::MAX]);
    enable(draft, On::Vm, cap, value);
}

//! The ids of registers that have no constant in [`kvm_sys::aarch64`]: those of the core.
//! [`ARM64_SYS_REG`](kvm_sys::aarch64::ARM64_SYS_REG) makes those of system registers.

use core::mem::offset_of;

use kvm_sys::aarch64::{
    KVM_NR_SPSR, KVM_REG_ARM_CORE, KVM_REG_ARM_CORE_REG, KVM_REG_ARM64, KVM_REG_SIZE_U32,
    KVM_REG_SIZE_U64, KVM_REG_SIZE_U128, kvm_regs, user_fpsimd_state, user_pt_regs,
};

const fn core(size: u64, offset: usize) -> u64 {
    KVM_REG_ARM64 | size | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(offset)
}

const REGS: usize = offset_of!(kvm_regs, regs);
const FP: usize = offset_of!(kvm_regs, fp_regs);

/// The general register X`n`, for `n` up to 30; 64 bits.
///
/// ```
/// use kvm_core::aarch64::register;
///
/// assert_eq!(register::x(0), 0x6030_0000_0010_0000);
/// assert_eq!(register::PC, 0x6030_0000_0010_0040);
/// ```
pub const fn x(n: usize) -> u64 {
    core(
        KVM_REG_SIZE_U64,
        REGS + offset_of!(user_pt_regs, regs) + 8 * n,
    )
}

/// The stack pointer of EL0; 64 bits.
pub const SP_EL0: u64 = core(KVM_REG_SIZE_U64, REGS + offset_of!(user_pt_regs, sp));
/// The program counter; 64 bits.
pub const PC: u64 = core(KVM_REG_SIZE_U64, REGS + offset_of!(user_pt_regs, pc));
/// The processor's state; 64 bits.
pub const PSTATE: u64 = core(KVM_REG_SIZE_U64, REGS + offset_of!(user_pt_regs, pstate));
/// The stack pointer of EL1; 64 bits.
pub const SP_EL1: u64 = core(KVM_REG_SIZE_U64, offset_of!(kvm_regs, sp_el1));
/// The exception link register of EL1; 64 bits.
pub const ELR_EL1: u64 = core(KVM_REG_SIZE_U64, offset_of!(kvm_regs, elr_el1));
/// The saved state of the mode numbered `n`: 0 is EL1, others those of AArch32; 64 bits.
pub const fn spsr(n: usize) -> u64 {
    core(KVM_REG_SIZE_U64, offset_of!(kvm_regs, spsr) + 8 * n)
}
/// How many modes [`spsr`] knows.
pub const SPSRS: usize = KVM_NR_SPSR;

/// The vector register V`n`, for `n` up to 31; 128 bits. A vCPU with SVE has Z`n` instead.
pub const fn v(n: usize) -> u64 {
    core(
        KVM_REG_SIZE_U128,
        FP + offset_of!(user_fpsimd_state, vregs) + 16 * n,
    )
}

/// The status of floating point; 32 bits.
pub const FPSR: u64 = core(KVM_REG_SIZE_U32, FP + offset_of!(user_fpsimd_state, fpsr));
/// The control of floating point; 32 bits.
pub const FPCR: u64 = core(KVM_REG_SIZE_U32, FP + offset_of!(user_fpsimd_state, fpcr));

//! The ids of registers: of the families into which the API sorts them, section 4.68.
//!
//! Where a family is a structure of the kernel's, its functions take the offset of a field:
//!
//! ```
//! use std::mem::offset_of;
//!
//! use kvm_core::kvm_sys::riscv64::{kvm_riscv_config, kvm_riscv_csr, kvm_riscv_timer};
//! use kvm_core::riscv64::register;
//!
//! assert_eq!(register::csr(offset_of!(kvm_riscv_csr, sepc)), 0x8030_0000_0300_0004);
//! assert_eq!(register::timer(offset_of!(kvm_riscv_timer, time)), 0x8030_0000_0400_0001);
//! assert_eq!(register::config(offset_of!(kvm_riscv_config, isa)), 0x8030_0000_0100_0000);
//! ```
//!
//! All have 64 bits but those of single precision, and of the vectors.

use core::mem::offset_of;

use kvm_sys::riscv64::{
    __riscv_d_ext_state, __riscv_f_ext_state, KVM_REG_RISCV, KVM_REG_RISCV_CONFIG,
    KVM_REG_RISCV_CONFIG_REG, KVM_REG_RISCV_CORE, KVM_REG_RISCV_CORE_REG, KVM_REG_RISCV_CSR,
    KVM_REG_RISCV_CSR_AIA, KVM_REG_RISCV_CSR_AIA_REG, KVM_REG_RISCV_CSR_GENERAL,
    KVM_REG_RISCV_CSR_REG, KVM_REG_RISCV_CSR_SMSTATEEN, KVM_REG_RISCV_CSR_SMSTATEEN_REG,
    KVM_REG_RISCV_CSR_ZICFISS, KVM_REG_RISCV_CSR_ZICFISS_REG, KVM_REG_RISCV_FP_D,
    KVM_REG_RISCV_FP_D_REG, KVM_REG_RISCV_FP_F, KVM_REG_RISCV_FP_F_REG, KVM_REG_RISCV_ISA_EXT,
    KVM_REG_RISCV_ISA_SINGLE, KVM_REG_RISCV_SBI_EXT, KVM_REG_RISCV_SBI_FWFT,
    KVM_REG_RISCV_SBI_FWFT_REG, KVM_REG_RISCV_SBI_SINGLE, KVM_REG_RISCV_SBI_STA,
    KVM_REG_RISCV_SBI_STA_REG, KVM_REG_RISCV_SBI_STATE, KVM_REG_RISCV_TIMER,
    KVM_REG_RISCV_TIMER_REG, KVM_REG_RISCV_VECTOR, KVM_REG_RISCV_VECTOR_CSR_REG,
    KVM_REG_RISCV_VECTOR_REG, KVM_REG_SIZE_SHIFT, KVM_REG_SIZE_U32, KVM_REG_SIZE_U64, RiscvIsaExt,
    RiscvSbiExt, kvm_riscv_core, user_regs_struct,
};

const fn long(family: u64, number: u64) -> u64 {
    KVM_REG_RISCV | KVM_REG_SIZE_U64 | family | number
}

const fn word(family: u64, number: u64) -> u64 {
    KVM_REG_RISCV | KVM_REG_SIZE_U32 | family | number
}

/// A register that configures the vCPU, by its offset in
/// [`kvm_riscv_config`](kvm_sys::riscv64::kvm_riscv_config).
pub const fn config(offset: usize) -> u64 {
    long(KVM_REG_RISCV_CONFIG, KVM_REG_RISCV_CONFIG_REG(offset))
}

/// A register of the core, by its offset in [`kvm_riscv_core`].
pub const fn core(offset: usize) -> u64 {
    long(KVM_REG_RISCV_CORE, KVM_REG_RISCV_CORE_REG(offset))
}

/// The program counter.
pub const PC: u64 = core(offset_of!(kvm_riscv_core, regs) + offset_of!(user_regs_struct, pc));
/// The first argument and result of a call.
pub const A0: u64 = core(offset_of!(kvm_riscv_core, regs) + offset_of!(user_regs_struct, a0));
/// The second argument and result of a call.
pub const A1: u64 = core(offset_of!(kvm_riscv_core, regs) + offset_of!(user_regs_struct, a1));
/// The privilege mode: `KVM_RISCV_MODE_S` or `KVM_RISCV_MODE_U`.
pub const MODE: u64 = core(offset_of!(kvm_riscv_core, mode));

/// A control register, by its offset in [`kvm_riscv_csr`](kvm_sys::riscv64::kvm_riscv_csr).
pub const fn csr(offset: usize) -> u64 {
    long(
        KVM_REG_RISCV_CSR | KVM_REG_RISCV_CSR_GENERAL,
        KVM_REG_RISCV_CSR_REG(offset),
    )
}

/// A control register of the interrupt architecture, by its offset in
/// [`kvm_riscv_aia_csr`](kvm_sys::riscv64::kvm_riscv_aia_csr).
pub const fn aia_csr(offset: usize) -> u64 {
    long(
        KVM_REG_RISCV_CSR | KVM_REG_RISCV_CSR_AIA,
        KVM_REG_RISCV_CSR_AIA_REG(offset),
    )
}

/// A state-enable register, by its offset in
/// [`kvm_riscv_smstateen_csr`](kvm_sys::riscv64::kvm_riscv_smstateen_csr).
pub const fn smstateen_csr(offset: usize) -> u64 {
    long(
        KVM_REG_RISCV_CSR | KVM_REG_RISCV_CSR_SMSTATEEN,
        KVM_REG_RISCV_CSR_SMSTATEEN_REG(offset),
    )
}

/// A register of the shadow stack, by its offset in
/// [`kvm_riscv_zicfiss_csr`](kvm_sys::riscv64::kvm_riscv_zicfiss_csr).
pub const fn zicfiss_csr(offset: usize) -> u64 {
    long(
        KVM_REG_RISCV_CSR | KVM_REG_RISCV_CSR_ZICFISS,
        KVM_REG_RISCV_CSR_ZICFISS_REG(offset),
    )
}

/// A register of the timer, by its offset in [`kvm_riscv_timer`](kvm_sys::riscv64::kvm_riscv_timer).
pub const fn timer(offset: usize) -> u64 {
    long(KVM_REG_RISCV_TIMER, KVM_REG_RISCV_TIMER_REG(offset))
}

/// The single-precision register F`n`, for `n` up to 31; 32 bits.
pub const fn fp_f(n: usize) -> u64 {
    let offset = offset_of!(__riscv_f_ext_state, f) + 4 * n;
    word(KVM_REG_RISCV_FP_F, KVM_REG_RISCV_FP_F_REG(offset))
}

/// Control and status of floating point, where the vCPU has single precision only; 32 bits.
pub const FP_F_FCSR: u64 = word(
    KVM_REG_RISCV_FP_F,
    KVM_REG_RISCV_FP_F_REG(offset_of!(__riscv_f_ext_state, fcsr)),
);

/// The double-precision register F`n`, for `n` up to 31.
pub const fn fp_d(n: usize) -> u64 {
    let offset = offset_of!(__riscv_d_ext_state, f) + 8 * n;
    long(KVM_REG_RISCV_FP_D, KVM_REG_RISCV_FP_D_REG(offset))
}

/// Control and status of floating point; 32 bits.
pub const FP_D_FCSR: u64 = word(
    KVM_REG_RISCV_FP_D,
    KVM_REG_RISCV_FP_D_REG(offset_of!(__riscv_d_ext_state, fcsr)),
);

/// Whether the vCPU has an extension: 0 or 1.
pub const fn isa_ext(extension: RiscvIsaExt) -> u64 {
    long(
        KVM_REG_RISCV_ISA_EXT | KVM_REG_RISCV_ISA_SINGLE,
        extension.0 as u64,
    )
}

/// Whether the vCPU has an extension of the supervisor's interface: 0 or 1.
pub const fn sbi_ext(extension: RiscvSbiExt) -> u64 {
    long(
        KVM_REG_RISCV_SBI_EXT | KVM_REG_RISCV_SBI_SINGLE,
        extension.0 as u64,
    )
}

/// A register of steal-time accounting, by its offset in
/// [`kvm_riscv_sbi_sta`](kvm_sys::riscv64::kvm_riscv_sbi_sta).
pub const fn sbi_sta(offset: usize) -> u64 {
    long(
        KVM_REG_RISCV_SBI_STATE | KVM_REG_RISCV_SBI_STA,
        KVM_REG_RISCV_SBI_STA_REG(offset),
    )
}

/// A register of firmware features, by its offset in
/// [`kvm_riscv_sbi_fwft`](kvm_sys::riscv64::kvm_riscv_sbi_fwft).
pub const fn sbi_fwft(offset: usize) -> u64 {
    long(
        KVM_REG_RISCV_SBI_STATE | KVM_REG_RISCV_SBI_FWFT,
        KVM_REG_RISCV_SBI_FWFT_REG(offset),
    )
}

/// A control register of the vectors, by its offset in
/// [`__riscv_v_ext_state`](kvm_sys::riscv64::__riscv_v_ext_state). One of them, `vlenb`, is the size of a vector in
/// bytes.
pub const fn vector_csr(offset: usize) -> u64 {
    long(KVM_REG_RISCV_VECTOR, KVM_REG_RISCV_VECTOR_CSR_REG(offset))
}

/// The vector register V`n`, for `n` up to 31, where vectors have `vlenb` bytes, a power of two.
pub const fn vector(n: u64, vlenb: u64) -> u64 {
    let size = (vlenb.trailing_zeros() as u64) << KVM_REG_SIZE_SHIFT;
    KVM_REG_RISCV | size | KVM_REG_RISCV_VECTOR | KVM_REG_RISCV_VECTOR_REG(n)
}

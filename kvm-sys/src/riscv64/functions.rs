//! Macros with parameters, as functions. Where a macro takes the name of a field, the function takes its
//! offset: `KVM_REG_RISCV_CSR_REG(offset_of!(kvm_riscv_csr, sepc))`.

use super::{
    __riscv_v_ext_state, KVM_DEV_RISCV_AIA_IMSIC_ISEL_BITS, KVM_DEV_RISCV_AIA_IMSIC_ISEL_MASK,
    RiscvIsaExt, RiscvSbiExt,
};

const LONG: u64 = 8;

/// The low part of the id of a configuration register, by its offset in `kvm_riscv_config`.
pub const fn KVM_REG_RISCV_CONFIG_REG(offset: usize) -> u64 {
    offset as u64 / LONG
}

/// The low part of the id of a core register, by its offset in `kvm_riscv_core`.
pub const fn KVM_REG_RISCV_CORE_REG(offset: usize) -> u64 {
    offset as u64 / LONG
}

/// The low part of the id of a CSR, by its offset in `kvm_riscv_csr`.
pub const fn KVM_REG_RISCV_CSR_REG(offset: usize) -> u64 {
    offset as u64 / LONG
}

/// The low part of the id of a CSR of the interrupt architecture, by its offset in `kvm_riscv_aia_csr`.
pub const fn KVM_REG_RISCV_CSR_AIA_REG(offset: usize) -> u64 {
    offset as u64 / LONG
}

/// The low part of the id of a state-enable CSR, by its offset in `kvm_riscv_smstateen_csr`.
pub const fn KVM_REG_RISCV_CSR_SMSTATEEN_REG(offset: usize) -> u64 {
    offset as u64 / LONG
}

/// The low part of the id of a shadow-stack CSR, by its offset in `kvm_riscv_zicfiss_csr`.
pub const fn KVM_REG_RISCV_CSR_ZICFISS_REG(offset: usize) -> u64 {
    offset as u64 / LONG
}

/// The low part of the id of a timer register, by its offset in `kvm_riscv_timer`.
pub const fn KVM_REG_RISCV_TIMER_REG(offset: usize) -> u64 {
    offset as u64 / 8
}

/// The low part of the id of a single-precision register, by its offset in `__riscv_f_ext_state`.
pub const fn KVM_REG_RISCV_FP_F_REG(offset: usize) -> u64 {
    offset as u64 / 4
}

/// The low part of the id of a double-precision register, by its offset in `__riscv_d_ext_state`.
pub const fn KVM_REG_RISCV_FP_D_REG(offset: usize) -> u64 {
    offset as u64 / 8
}

/// The low part of the id of the register in which an extension has a bit.
pub const fn KVM_REG_RISCV_ISA_MULTI_REG(extension: RiscvIsaExt) -> u64 {
    extension.0 as u64 / u64::BITS as u64
}

/// The bit that an extension has in that register.
pub const fn KVM_REG_RISCV_ISA_MULTI_MASK(extension: RiscvIsaExt) -> u64 {
    1 << (extension.0 % u64::BITS)
}

/// The low part of the id of the register in which an SBI extension has a bit.
pub const fn KVM_REG_RISCV_SBI_MULTI_REG(extension: RiscvSbiExt) -> u64 {
    extension.0 as u64 / u64::BITS as u64
}

/// The bit that an SBI extension has in that register.
pub const fn KVM_REG_RISCV_SBI_MULTI_MASK(extension: RiscvSbiExt) -> u64 {
    1 << (extension.0 % u64::BITS)
}

/// The low part of the id of a vector CSR, by its offset in `__riscv_v_ext_state`.
pub const fn KVM_REG_RISCV_VECTOR_CSR_REG(offset: usize) -> u64 {
    offset as u64 / LONG
}

/// The low part of the id of the vector register V`n`.
pub const fn KVM_REG_RISCV_VECTOR_REG(n: u64) -> u64 {
    n + size_of::<__riscv_v_ext_state>() as u64 / LONG
}

/// The low part of the id of a register of steal-time accounting, by its offset in `kvm_riscv_sbi_sta`.
pub const fn KVM_REG_RISCV_SBI_STA_REG(offset: usize) -> u64 {
    offset as u64 / LONG
}

/// The low part of the id of a firmware feature's register, by its offset in `kvm_riscv_sbi_fwft`.
pub const fn KVM_REG_RISCV_SBI_FWFT_REG(offset: usize) -> u64 {
    offset as u64 / LONG
}

/// The device attribute that holds the address of a vCPU's IMSIC.
pub const fn KVM_DEV_RISCV_AIA_ADDR_IMSIC(vcpu: u64) -> u64 {
    1 + vcpu
}

/// The device attribute for a register of a vCPU's IMSIC.
pub const fn KVM_DEV_RISCV_AIA_IMSIC_MKATTR(vcpu: u64, isel: u64) -> u64 {
    vcpu << KVM_DEV_RISCV_AIA_IMSIC_ISEL_BITS | isel & KVM_DEV_RISCV_AIA_IMSIC_ISEL_MASK
}

/// The register that such an attribute means.
pub const fn KVM_DEV_RISCV_AIA_IMSIC_GET_ISEL(attr: u64) -> u64 {
    attr & KVM_DEV_RISCV_AIA_IMSIC_ISEL_MASK
}

/// The vCPU that such an attribute means.
pub const fn KVM_DEV_RISCV_AIA_IMSIC_GET_VCPU(attr: u64) -> u64 {
    attr >> KVM_DEV_RISCV_AIA_IMSIC_ISEL_BITS
}

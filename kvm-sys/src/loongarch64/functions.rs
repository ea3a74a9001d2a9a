//! Macros with parameters, as functions.

use super::{
    KVM_REG_LOONGARCH_CPUCFG, KVM_REG_LOONGARCH_CSR, KVM_REG_SIZE_U64, LOONGARCH_REG_SHIFT,
};

/// The id of the register with this number in a bank of them.
pub const fn LOONGARCH_REG_64(bank: u64, register: u64) -> u64 {
    bank | KVM_REG_SIZE_U64 | register << LOONGARCH_REG_SHIFT
}

/// The id of a control and status register.
pub const fn KVM_IOC_CSRID(register: u64) -> u64 {
    LOONGARCH_REG_64(KVM_REG_LOONGARCH_CSR, register)
}

/// The id of a word of the CPU's configuration.
pub const fn KVM_IOC_CPUCFG(register: u64) -> u64 {
    LOONGARCH_REG_64(KVM_REG_LOONGARCH_CPUCFG, register)
}

//! Macros with parameters, as functions.

use super::{
    KVM_REG_MIPS_FPR, KVM_REG_MIPS_MAAR, KVM_REG_SIZE_U32, KVM_REG_SIZE_U64, KVM_REG_SIZE_U128,
};

/// The id of a memory accessibility attribute register.
pub const fn KVM_REG_MIPS_CP0_MAAR(n: u64) -> u64 {
    KVM_REG_MIPS_MAAR | KVM_REG_SIZE_U64 | n
}

/// The id of a single-precision register.
pub const fn KVM_REG_MIPS_FPR_32(n: u64) -> u64 {
    KVM_REG_MIPS_FPR | KVM_REG_SIZE_U32 | n
}

/// The id of a double-precision register.
pub const fn KVM_REG_MIPS_FPR_64(n: u64) -> u64 {
    KVM_REG_MIPS_FPR | KVM_REG_SIZE_U64 | n
}

/// The id of a vector register.
pub const fn KVM_REG_MIPS_VEC_128(n: u64) -> u64 {
    KVM_REG_MIPS_FPR | KVM_REG_SIZE_U128 | n
}

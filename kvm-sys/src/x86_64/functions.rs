//! Macros with parameters, as functions.

use super::{
    KVM_REG_GUEST_SSP, KVM_REG_SIZE_U64, KVM_REG_X86, KVM_X86_REG_TYPE_KVM, KVM_X86_REG_TYPE_MSR,
};

/// The size field in the id of one of KVM's own registers; 0 for one that does not exist.
pub const fn KVM_X86_KVM_REG_SIZE(reg: u64) -> u64 {
    if reg == KVM_REG_GUEST_SSP {
        KVM_REG_SIZE_U64
    } else {
        0
    }
}

/// The type and size fields in the id of a register.
pub const fn KVM_X86_REG_TYPE_SIZE(kind: u64, reg: u64) -> u64 {
    let size = match kind {
        KVM_X86_REG_TYPE_MSR => KVM_REG_SIZE_U64,
        KVM_X86_REG_TYPE_KVM => KVM_X86_KVM_REG_SIZE(reg),
        _ => 0,
    };
    kind << 32 | size
}

/// The id of a register, for `KVM_GET_ONE_REG`.
pub const fn KVM_X86_REG_ID(kind: u64, index: u64) -> u64 {
    KVM_REG_X86 | KVM_X86_REG_TYPE_SIZE(kind, index) | index
}

/// The id of the register that holds an MSR.
pub const fn KVM_X86_REG_MSR(index: u32) -> u64 {
    KVM_X86_REG_ID(KVM_X86_REG_TYPE_MSR, index as u64)
}

/// The id of one of KVM's own registers.
pub const fn KVM_X86_REG_KVM(index: u32) -> u64 {
    KVM_X86_REG_ID(KVM_X86_REG_TYPE_KVM, index as u64)
}

/// An entry of a `kvm_pmu_event_filter` whose flags have `KVM_PMU_EVENT_FLAG_MASKED_EVENTS`: the event, and
/// a mask and value that its unit mask is compared with.
pub const fn KVM_PMU_ENCODE_MASKED_ENTRY(
    event_select: u64,
    mask: u64,
    value: u64,
    exclude: bool,
) -> u64 {
    event_select & 0xff
        | (event_select & 0xf00) << 24
        | (mask & 0xff) << 56
        | (value & 0xff) << 8
        | (exclude as u64) << 55
}

/// Whether a range is encrypted, in the attributes of the hypercall `KVM_HC_MAP_GPA_RANGE`.
pub const fn KVM_MAP_GPA_RANGE_ENC_STAT(encrypted: u64) -> u64 {
    encrypted << 4
}

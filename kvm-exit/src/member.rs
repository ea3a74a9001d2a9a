//! The exit union of `kvm_run` and its members.

use kvm_sys::x86_64::kvm_run_debug;
use kvm_sys::{
    kvm_exit_snp_req_certs, kvm_hyperv_exit, kvm_run_arm_nisv, kvm_run_arm_sea, kvm_run_dcr,
    kvm_run_eoi, kvm_run_epr, kvm_run_ex, kvm_run_fail_entry, kvm_run_hw, kvm_run_hypercall,
    kvm_run_internal, kvm_run_io, kvm_run_iocsr_io, kvm_run_memory_fault, kvm_run_mmio,
    kvm_run_msr, kvm_run_notify, kvm_run_osi, kvm_run_papr_hcall, kvm_run_riscv_csr,
    kvm_run_riscv_sbi, kvm_run_s390_sieic, kvm_run_s390_stsi, kvm_run_s390_tsch,
    kvm_run_s390_ucontrol, kvm_run_system_event, kvm_run_tdx, kvm_run_tpr_access, kvm_xen_exit,
};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, transmute, transmute_mut};

/// The union, as the words that every member is made of.
pub(crate) type Union = [u64; 32];

/// A member of the union.
pub(crate) trait Member: Sized {
    /// The union as this member.
    fn of(union: &mut Union) -> &mut Self;
}

/// A cast of the *whole* union to the member and what is left: the sizes are compared when this is
/// compiled, so nothing is tested (and nothing can fail) when it runs. A cast of a prefix would be
/// tested each time.
macro_rules! members {
    ($($member:ident)*) => {$(
        impl Member for $member {
            #[inline(always)]
            fn of(union: &mut Union) -> &mut Self {
                #[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
                #[repr(C)]
                struct Whole {
                    member: $member,
                    rest: [u8; size_of::<Union>() - size_of::<$member>()],
                }
                let Whole { member, rest: _ } = transmute_mut!(union);
                member
            }
        }
    )*};
}

members! {
    kvm_exit_snp_req_certs
    kvm_hyperv_exit
    kvm_run_arm_nisv
    kvm_run_arm_sea
    kvm_run_dcr
    kvm_run_debug
    kvm_run_eoi
    kvm_run_epr
    kvm_run_ex
    kvm_run_fail_entry
    kvm_run_hw
    kvm_run_hypercall
    kvm_run_internal
    kvm_run_io
    kvm_run_iocsr_io
    kvm_run_memory_fault
    kvm_run_mmio
    kvm_run_msr
    kvm_run_notify
    kvm_run_osi
    kvm_run_papr_hcall
    kvm_run_riscv_csr
    kvm_run_riscv_sbi
    kvm_run_s390_sieic
    kvm_run_s390_stsi
    kvm_run_s390_tsch
    kvm_run_s390_ucontrol
    kvm_run_system_event
    kvm_run_tdx
    kvm_run_tpr_access
    kvm_xen_exit
}

/// A word that two fields of four bytes share, in their order in memory.
pub(crate) fn halves(word: u64) -> [u32; 2] {
    transmute!(word)
}

/// The inverse of [`halves`].
pub(crate) fn word(halves: [u32; 2]) -> u64 {
    transmute!(halves)
}

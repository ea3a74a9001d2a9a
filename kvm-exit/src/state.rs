//! What stands before the exit union.

use kvm_sys::ExitReason;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What all architectures have there.
#[allow(
    unreachable_pub,
    reason = "a bound in the interface, but not to be named"
)]
pub trait State {
    #[doc(hidden)]
    fn reason(&self) -> ExitReason;

    #[doc(hidden)]
    fn set_reason(&mut self, reason: ExitReason);
}

/// What `kvm_run` holds before its exit union, from byte 8 to byte 32, where the architecture gives no
/// meaning to more of it than the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct PlainState {
    /// Why `KVM_RUN` returned.
    pub exit_reason: ExitReason,
    /// On PowerPC, whether an interrupt can be injected with `KVM_INTERRUPT` now.
    pub ready_for_interrupt_injection: u8,
    /// Not used.
    pub if_flag: u8,
    /// On PowerPC, what became of the machine check that `KVM_EXIT_NMI` tells of
    /// (`KVM_RUN_PPC_NMI_DISP_*`); elsewhere no flags are defined.
    pub flags: u16,
    /// Not used.
    pub cr8: u64,
    /// Not used.
    pub apic_base: u64,
}

impl State for PlainState {
    #[inline(always)]
    fn reason(&self) -> ExitReason {
        self.exit_reason
    }

    fn set_reason(&mut self, reason: ExitReason) {
        self.exit_reason = reason;
    }
}

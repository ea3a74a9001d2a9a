//! `KVM_EXIT_HYPERCALL`: a hypercall of KVM's own that user space handles.

use kvm_sys::kvm_run_hypercall;
use kvm_sys::x86_64::HypercallExitFlags;

use crate::member::{Member, Union};

/// The guest made a hypercall that `KVM_CAP_EXIT_HYPERCALL` sends here (`KVM_HC_MAP_GPA_RANGE`).
///
/// ```
/// use kvm_exit::{Hypercall, kvm_sys::KVM_HC_MAP_GPA_RANGE};
///
/// fn hypercall(call: Hypercall<'_>) {
///     let [address, pages, attributes, ..] = *call.args;
///     *call.ret = match call.nr {
///         KVM_HC_MAP_GPA_RANGE => map(address, pages, attributes),
///         _ => 1000_u64.wrapping_neg(), // -KVM_ENOSYS
///     };
/// }
/// # fn map(_: u64, _: u64, _: u64) -> u64 { 0 }
/// # let flags = kvm_exit::kvm_sys::HypercallExitFlags::empty();
/// # hypercall(Hypercall { nr: 12, args: &[0; 6], ret: &mut 0, flags });
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Hypercall<'a> {
    /// Which one: `KVM_HC_*`.
    pub nr: u64,
    /// Its arguments; how many of them it has depends on `nr`.
    pub args: &'a [u64; 6],
    /// Reply: what the guest gets in RAX, 0 or a negative `KVM_E*`. KVM puts 0 there beforehand.
    pub ret: &'a mut u64,
    /// How it was made; see [`long_mode`](Self::long_mode).
    pub flags: HypercallExitFlags,
}

impl<'a> Hypercall<'a> {
    /// Whether the guest made the call in 64-bit mode; otherwise arguments and reply have 32 bits.
    pub fn long_mode(&self) -> bool {
        self.flags
            .contains(HypercallExitFlags::KVM_EXIT_HYPERCALL_LONG_MODE)
    }

    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        let member = kvm_run_hypercall::of(payload);
        Self {
            nr: member.nr,
            args: &member.args,
            ret: &mut member.ret,
            flags: HypercallExitFlags::from_bits_retain(member.flags),
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_hypercall::of(payload);
        member.nr = self.nr;
        member.args = *self.args;
        member.ret = *self.ret;
        member.flags = self.flags.bits();
    }
}

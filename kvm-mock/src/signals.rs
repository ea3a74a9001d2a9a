//! The argument of `KVM_SET_SIGNAL_MASK`.

use kvm_core::Arg;
use kvm_sys::kvm_signal_mask;

use crate::call;
use crate::wait::Blocked;

/// The kernel's own set of signals, in bytes.
pub(crate) const SET: usize = 8;

/// The signals that are blocked while a vCPU runs; nothing when it is to be those that its thread blocks.
pub(crate) fn blocked(arg: &Arg<'_>) -> Option<Blocked> {
    let (bytes, _) = call::head(arg)?;
    let set = bytes
        .get(size_of::<kvm_signal_mask>()..)?
        .first_chunk::<SET>()?;
    Some(Blocked(u64::from_ne_bytes(*set)))
}

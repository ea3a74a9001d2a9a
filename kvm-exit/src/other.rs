//! Exits that have no variant of their own.

use kvm_sys::ExitReason;
use zerocopy::{transmute, transmute_mut};

use crate::member::Union;

/// An exit that this crate has no variant for: one that is newer than the crate.
///
/// New versions give variants to more reasons, so match on [`reason`](Self::reason) only for what
/// your kernel has and this crate has not.
///
/// ```
/// use kvm_exit::{Exit, Other, kvm_sys::ExitReason};
///
/// let other = Other { reason: ExitReason(99), payload: &mut [0; 256] };
/// let exit: Exit<'_> = Exit::Other(other);
/// assert_eq!(exit.to_string(), "other 99 (KVM_EXIT_?)");
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Other<'a> {
    /// Its number.
    pub reason: ExitReason,
    /// The whole exit union; which bytes hold and which are replies depends on the reason.
    pub payload: &'a mut [u8; 256],
}

impl<'a> Other<'a> {
    pub(crate) fn decode(reason: ExitReason, payload: &'a mut Union) -> Self {
        Self {
            reason,
            payload: transmute_mut!(payload),
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        *payload = transmute!(*self.payload);
    }
}

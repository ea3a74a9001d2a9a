//! Which signals interrupt a vCPU.

use kvm_core::kvm_sys::kvm_signal_mask;
use kvm_core::{Arg, Errno};

use super::args::List;
use super::vcpu::Vcpu;

/// The kernel's own set of signals, in bytes.
const SET: usize = 8;

impl Vcpu {
    /// Section 4.21; no argument ends it. Sets of another size than the kernel's are `EINVAL`. What a thread
    /// blocks while it waits here is what it blocks itself: the set is only looked at.
    pub(super) fn set_signal_mask(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        const LIST: List = List::behind::<kvm_signal_mask>();
        if let Arg::None = arg {
            return Ok(0);
        }
        if LIST.count(arg)? != SET {
            return Err(Errno::EINVAL);
        }
        LIST.elements::<u8>(arg, SET).map(|_| 0)
    }
}

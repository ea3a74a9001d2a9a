//! Which signals interrupt a vCPU.

use kvm_core::kvm_sys::kvm_signal_mask;
use kvm_core::{Arg, Errno};

use super::args::List;
use super::lock;
use super::vcpu::Vcpu;
use crate::signals;

impl Vcpu {
    /// Section 4.21; no argument ends it. Sets of another size than the kernel's are `EINVAL`.
    pub(super) fn set_signal_mask(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        const LIST: List = List::behind::<kvm_signal_mask>();
        let blocked = match arg {
            Arg::None => None,
            _ if LIST.count(arg)? != signals::SET => return Err(Errno::EINVAL),
            _ => Some(signals::blocked(arg).ok_or(Errno::EFAULT)?),
        };
        lock(&self.state).blocked = blocked;
        Ok(0)
    }
}

//! Which MSRs a guest may access: section 4.97.

use std::mem::offset_of;

use kvm_core::kvm_sys::x86_64::{
    KVM_MSR_FILTER_DEFAULT_DENY, KVM_MSR_FILTER_MAX_BITMAP_SIZE, KVM_MSR_FILTER_RANGE_VALID_MASK,
    KVM_MSR_FILTER_VALID_MASK, kvm_msr_filter, kvm_msr_filter_range,
};
use kvm_core::{Arg, Errno};

use crate::model::args;
use crate::model::vm::Vm;

impl Vm {
    /// What exits because of it, a script says, so there is nothing to remember.
    #[expect(clippy::unused_self, reason = "an entry of the table of calls")]
    pub(super) fn set_msr_filter(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let filter: kvm_msr_filter = args::head(arg)?;
        let mut empty = true;
        for (i, range) in filter.ranges.iter().enumerate() {
            if range.nmsrs == 0 {
                continue;
            }
            empty = false;
            let unknown = KVM_MSR_FILTER_RANGE_VALID_MASK.complement();
            let words = (range.nmsrs as usize).div_ceil(64);
            if range.flags.is_empty()
                || unknown.intersects(range.flags)
                || words * 8 > KVM_MSR_FILTER_MAX_BITMAP_SIZE
            {
                return Err(Errno::EINVAL);
            }
            let at = i * size_of::<kvm_msr_filter_range>()
                + offset_of!(kvm_msr_filter, ranges)
                + offset_of!(kvm_msr_filter_range, bitmap);
            if args::part(arg, at)?.len() < words * 8 {
                return Err(Errno::EFAULT);
            }
        }
        // "Calling this ioctl with an empty set of ranges (all nmsrs == 0) disables MSR filtering. In that mode,
        // KVM_MSR_FILTER_DEFAULT_DENY is invalid and causes an error."
        let denies = filter.flags.contains(KVM_MSR_FILTER_DEFAULT_DENY);
        let unknown = KVM_MSR_FILTER_VALID_MASK.complement();
        if unknown.intersects(filter.flags) || empty && denies {
            return Err(Errno::EINVAL);
        }
        Ok(0)
    }
}

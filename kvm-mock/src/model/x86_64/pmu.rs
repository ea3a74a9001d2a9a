//! Which events a guest may count: section 4.120.

use kvm_core::kvm_sys::x86_64::{
    KVM_PMU_EVENT_DENY, KVM_PMU_EVENT_FLAGS_VALID_MASK, kvm_pmu_event_filter,
};
use kvm_core::{Arg, Errno};

use crate::model::args;
use crate::model::vm::Vm;

/// The kernel takes no more events than this.
const MOST_EVENTS: u32 = 300;

impl Vm {
    /// A guest that executes nothing has no events, so there is nothing to remember.
    #[expect(clippy::unused_self, reason = "an entry of the table of calls")]
    pub(super) fn set_pmu_event_filter(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let filter: kvm_pmu_event_filter = args::read(arg)?;
        let unknown = KVM_PMU_EVENT_FLAGS_VALID_MASK.complement();
        if filter.action > KVM_PMU_EVENT_DENY || unknown.intersects(filter.flags) {
            return Err(Errno::EINVAL);
        }
        if filter.nevents > MOST_EVENTS {
            return Err(Errno::E2BIG);
        }
        Ok(0)
    }
}

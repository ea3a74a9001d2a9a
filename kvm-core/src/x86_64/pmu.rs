//! Which events a guest's performance counters may count.

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::kvm_pmu_event_filter;

use crate::typed::SetList;
use crate::{Error, Hypervisor, Vm};

const SET_PMU_EVENT_FILTER: SetList<u64> = SetList::new(&x86_64::KVM_SET_PMU_EVENT_FILTER);

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// Allows or denies, as `filter.action` says, the guest to count these events; `nevents` is filled in. With
    /// [`KVM_PMU_EVENT_FLAG_MASKED_EVENTS`](kvm_sys::KVM_PMU_EVENT_FLAG_MASKED_EVENTS) events are as
    /// [`KVM_PMU_ENCODE_MASKED_ENTRY`](kvm_sys::KVM_PMU_ENCODE_MASKED_ENTRY) makes them. Section
    /// 4.120; needs `KVM_CAP_PMU_EVENT_FILTER`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::{KVM_PMU_EVENT_DENY, kvm_pmu_event_filter};
    ///
    /// const CACHE_MISSES: u64 = 0x412e;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let filter = kvm_pmu_event_filter { action: KVM_PMU_EVENT_DENY, ..Default::default() };
    /// vm.set_pmu_event_filter(&filter, &[CACHE_MISSES])?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for an unknown action or flag, or reserved bits in an event; `E2BIG` for more than
    /// 300 events.
    pub fn set_pmu_event_filter(
        &self,
        filter: &kvm_pmu_event_filter,
        events: &[u64],
    ) -> Result<(), Error> {
        SET_PMU_EVENT_FILTER
            .call_behind(self.backend(), filter, events)
            .map(|_| ())
    }
}

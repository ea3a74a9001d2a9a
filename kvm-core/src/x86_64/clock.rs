//! kvmclock, the clock that a guest shares with its host.

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::kvm_clock_data;

use crate::typed::{Call, Get, Set};
use crate::{Error, Hypervisor, Registers, Vm};

const GET_CLOCK: Get<kvm_clock_data> = Get::new(&x86_64::KVM_GET_CLOCK);
const SET_CLOCK: Set<kvm_clock_data> = Set::new(&x86_64::KVM_SET_CLOCK);
const KVMCLOCK_CTRL: Call = Call::new(&x86_64::KVM_KVMCLOCK_CTRL);

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// The guest's clock in nanoseconds and, where `flags` says so, the host's clocks at the same moment. Section
    /// 4.29; needs `KVM_CAP_ADJUST_CLOCK`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_clock(&self) -> Result<kvm_clock_data, Error> {
        GET_CLOCK.call(self.backend())
    }

    /// Sets the guest's clock. With `KVM_CLOCK_REALTIME` in `flags` it is advanced by what passed since
    /// `realtime`; the other flags that [`get_clock`](Self::get_clock) gives are ignored. Section 4.30; needs
    /// `KVM_CAP_ADJUST_CLOCK`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let mut clock = vm.get_clock()?;
    /// clock.clock = 1_000_000_000;
    /// vm.set_clock(&clock)?;
    /// assert!(vm.get_clock()?.clock >= 1_000_000_000);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for unknown flags.
    pub fn set_clock(&self, clock: &kvm_clock_data) -> Result<(), Error> {
        SET_CLOCK.call(self.backend(), clock).map(|_| ())
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// Notes in the vCPU's kvmclock that the host stopped it, so that the guest's watchdog takes no alarm when
    /// it goes on. Section 4.70; needs `KVM_CAP_KVMCLOCK_CTRL`.
    ///
    /// ```
    /// use kvm_core::Errno;
    ///
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// // The guest did not ask for kvmclock.
    /// assert_eq!(vcpu.kvmclock_ctrl().unwrap_err().errno(), Errno::EINVAL);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the guest has not set up kvmclock on this vCPU.
    pub fn kvmclock_ctrl(&self) -> Result<(), Error> {
        KVMCLOCK_CTRL.call(self.backend()).map(|_| ())
    }
}

//! The timer in the kernel, an i8254.

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::{kvm_pit_config, kvm_pit_state, kvm_pit_state2, kvm_reinject_control};

use crate::typed::{Call, Get, Set};
use crate::{Error, Hypervisor, Vm};

const CREATE_PIT: Call = Call::new(&x86_64::KVM_CREATE_PIT);
const GET_PIT: Get<kvm_pit_state> = Get::new(&x86_64::KVM_GET_PIT);
const SET_PIT: Set<kvm_pit_state> = Set::new(&x86_64::KVM_SET_PIT);
const CREATE_PIT2: Set<kvm_pit_config> = Set::new(&x86_64::KVM_CREATE_PIT2);
const GET_PIT2: Get<kvm_pit_state2> = Get::new(&x86_64::KVM_GET_PIT2);
const SET_PIT2: Set<kvm_pit_state2> = Set::new(&x86_64::KVM_SET_PIT2);
const REINJECT_CONTROL: Set<kvm_reinject_control> = Set::new(&x86_64::KVM_REINJECT_CONTROL);

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// Creates the timer with the flags in `config`: whether port 0x61, the speaker's, is KVM's too. Section
    /// 4.71; needs `KVM_CAP_PIT2`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// vm.create_pit2(&Default::default())?;
    /// let mut timer = vm.get_pit2()?;
    /// timer.channels[2].count = 1193;
    /// vm.set_pit2(&timer)?;
    /// assert_eq!(vm.get_pit2()?, timer);
    /// vm.set_pit_reinject(false)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EEXIST` when the VM has one, `ENOENT` when its interrupt controllers are not in the kernel.
    pub fn create_pit2(&self, config: &kvm_pit_config) -> Result<(), Error> {
        CREATE_PIT2.call(self.backend(), config).map(|_| ())
    }

    /// The state of the timer. Section 4.72; needs `KVM_CAP_PIT_STATE2`.
    ///
    /// # Errors
    ///
    /// `ENXIO` when the VM has none.
    pub fn get_pit2(&self) -> Result<kvm_pit_state2, Error> {
        GET_PIT2.call(self.backend())
    }

    /// Sets the state of the timer. Section 4.73; needs `KVM_CAP_PIT_STATE2`.
    ///
    /// # Errors
    ///
    /// `ENXIO` when the VM has none.
    pub fn set_pit2(&self, state: &kvm_pit_state2) -> Result<(), Error> {
        SET_PIT2.call(self.backend(), state).map(|_| ())
    }

    /// Whether the timer makes up for ticks that the guest missed, as it does by default. Section 4.99;
    /// needs `KVM_CAP_REINJECT_CONTROL`.
    ///
    /// # Errors
    ///
    /// `ENXIO` when the VM has no timer.
    pub fn set_pit_reinject(&self, reinject: bool) -> Result<(), Error> {
        let control = kvm_reinject_control {
            pit_reinject: reinject.into(),
            ..Default::default()
        };
        REINJECT_CONTROL.call(self.backend(), &control).map(|_| ())
    }

    /// Creates the timer as [`create_pit2`](Self::create_pit2) does, without a choice of flags. Needs
    /// `KVM_CAP_PIT`; the API document has no section on it.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// vm.create_pit()?;
    /// let mut timer = vm.get_pit()?;
    /// timer.channels[0].count = 1193;
    /// vm.set_pit(&timer)?;
    /// assert_eq!(vm.get_pit2()?.channels, timer.channels);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`create_pit2`](Self::create_pit2).
    pub fn create_pit(&self) -> Result<(), Error> {
        CREATE_PIT.call(self.backend()).map(|_| ())
    }

    /// The state of the timer without its flags: [`get_pit2`](Self::get_pit2) is its successor. Needs
    /// `KVM_CAP_PIT`; the API document has no section on it.
    ///
    /// # Errors
    ///
    /// `ENXIO` when the VM has none.
    pub fn get_pit(&self) -> Result<kvm_pit_state, Error> {
        GET_PIT.call(self.backend())
    }

    /// Sets the state of the timer without its flags: [`set_pit2`](Self::set_pit2) is its successor. Needs
    /// `KVM_CAP_PIT`; the API document has no section on it.
    ///
    /// # Errors
    ///
    /// `ENXIO` when the VM has none.
    pub fn set_pit(&self, state: &kvm_pit_state) -> Result<(), Error> {
        SET_PIT.call(self.backend(), state).map(|_| ())
    }
}

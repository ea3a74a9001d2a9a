//! Saving and restoring vCPUs and VMs, whatever their architecture.

use kvm_exit::GuestArch;
use kvm_sys::{KVM_EXIT_UNKNOWN, KVM_RUN};

use crate::device::{Device, Plan};
use crate::error::Cause;
use crate::{Errno, Error, Hypervisor, Registers, SavedState, Vcpu, Vm};

/// An architecture whose machines can be saved and restored. It is one of [`kvm_exit`]'s types.
pub trait StateGuest: GuestArch {
    #[doc(hidden)]
    fn save_vcpu<H: Hypervisor<Guest = Self>>(vcpu: &mut Vcpu<H>) -> Result<SavedState, Error>;

    #[doc(hidden)]
    fn restore_vcpu<H: Hypervisor<Guest = Self>>(
        vcpu: &mut Vcpu<H>,
        state: &SavedState,
    ) -> Result<(), Error>;

    #[doc(hidden)]
    fn save_vm<H: Hypervisor<Guest = Self>>(vm: &Vm<H>) -> Result<SavedState, Error>;

    #[doc(hidden)]
    fn restore_vm<H: Hypervisor<Guest = Self>>(vm: &Vm<H>, state: &SavedState)
    -> Result<(), Error>;

    /// What the state of a device consists of; nothing when there is no state of such a device. The vCPUs are
    /// all of its VM, with their ids, in the order in which they were created.
    #[doc(hidden)]
    fn device_plan<H: Hypervisor<Guest = Self>>(
        device: &Device<H>,
        vcpus: &[(u64, Option<Registers<H>>)],
    ) -> Result<Option<Plan>, Error>;
}

impl<H: Hypervisor> Vcpu<H>
where
    H::Guest: StateGuest,
{
    /// The vCPU's state, to be [restored](Self::restore) into another one, here or elsewhere.
    ///
    /// Finishes the I/O of the last exit first. Other vCPUs of the VM have to be stopped, and stay so until
    /// all else is saved: [`SavedState`] says in which order.
    ///
    /// In the state is all that KVM hands out of a vCPU. On x86_64: registers, FPU, debug registers, local APIC,
    /// CPUID, MSRs (those of `KVM_GET_MSR_INDEX_LIST`, MTRRs and banks of machine checks), the TSC's frequency,
    /// pending events. On aarch64: what it was initialised as, its vector lengths, all of `KVM_GET_REG_LIST` (the
    /// firmware's and the timers' among them), pending events. On riscv64: all of `KVM_GET_REG_LIST`. What this
    /// host does not have is noted as absent. Not in it is what the VMM set up and has to set up again:
    /// capabilities it enabled, filters, debugging, attributes of the vCPU, Xen and Hyper-V beyond their MSRs.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::io_out(0x80, [1])]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// vcpu.run()?;
    /// let state = vcpu.save()?;
    ///
    /// let mut other = Kvm::with(Model::new())?.create_vm()?.create_vcpu(0)?;
    /// other.restore(&state)?;
    /// assert_eq!(other.get_regs()?, vcpu.get_regs()?);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Cause::Unanswered`] when finishing the I/O gives a further exit, which is in the
    /// [run page](Self::run_page_mut) then: [`complete_with`](Self::complete_with) comes first. On aarch64
    /// [`Cause::NotInitialised`] when the vCPU has not been given
    /// [`vcpu_init`](crate::Registers#method.vcpu_init), and `EPERM` when it is not finalised. Else what the backend
    /// answers.
    pub fn save(&mut self) -> Result<SavedState, Error> {
        H::Guest::save_vcpu(self)
    }

    /// Gives the vCPU a saved state. It has to be of the same id, has not run yet, and its VM is set up as the
    /// one was whose vCPU was saved: capabilities, memory with what was in it, on x86_64 interrupt controllers.
    /// [`SavedState`] says in which order.
    ///
    /// On aarch64 this initialises the vCPU, and finalises it. The counters go on where they were, so the
    /// guest does not see how long it was away; those of all vCPUs are one, which the vCPU restored last sets.
    /// [`set_counter_offset`](Vm#method.set_counter_offset) takes that from them. On riscv64 it is the same with
    /// the `time` register. Where a host of riscv64 lacks `Sstc`, KVM lets a timer that was armed expire at
    /// once.
    ///
    /// When it fails, the vCPU is left with a part of the state, and is good for nothing but another try.
    ///
    /// # Errors
    ///
    /// [`Cause::ForeignState`], [`Cause::StateOfOther`], [`Cause::StateUnknown`], [`Cause::StateMissing`] and
    /// [`Cause::StateLength`] when the bytes are not the state of such a vCPU; [`Cause::Msr`] or
    /// [`Cause::Register`] when the host refuses one that has another value. Else what the backend answers:
    /// mostly `EINVAL` when the host lacks what the state needs.
    pub fn restore(&mut self, state: &SavedState) -> Result<(), Error> {
        H::Guest::restore_vcpu(self, state)
    }

    /// Finishes the I/O of the last exit.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        // Without an exit there is none, and to enter a vCPU that has never run ends its configuration.
        if self.run_page().exit_reason() == KVM_EXIT_UNKNOWN {
            return Ok(());
        }
        match self.complete()? {
            None => Ok(()),
            Some(_) => Err(Error::with(&KVM_RUN, Errno::EBUSY, Cause::Unanswered, 0)),
        }
    }
}

impl<H: Hypervisor> Vm<H>
where
    H::Guest: StateGuest,
{
    /// The state of the VM, to be [restored](Self::restore) into another one, here or elsewhere. On x86_64 its
    /// interrupt controllers, timer and clock. On aarch64 and riscv64 nothing: all is in the
    /// [vCPUs](Vcpu::save) and [devices](crate::device::Device::save). All vCPUs have to be stopped;
    /// [`SavedState`] says in which order.
    ///
    /// What this VM does not have is noted as absent. Not in it is what the VMM set up and has to set up again:
    /// memory, routes of interrupts, eventfds, capabilities it enabled, and on aarch64 the tags of memory
    /// ([`get_mte_tags`](Vm#method.get_mte_tags)).
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn save(&self) -> Result<SavedState, Error> {
        H::Guest::save_vm(self)
    }

    /// Gives the VM a saved state. It has the interrupt controllers and the timer that the saved one had, and its
    /// vCPUs have got their state [before](Vcpu::restore).
    ///
    /// On x86_64 its clock goes on where it was, so the guest does not see how long it was away. A VMM that wants
    /// it to finds the time of saving in the [state](SavedState::pieces) (`KVM_GET_CLOCK`).
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_mock::Model;
    ///
    /// let state = Kvm::with(Model::new())?.create_vm()?.save()?;
    /// Kvm::with(Model::new())?.create_vm()?.restore(&state)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Cause::ForeignState`] and the other refusals of [`Vcpu::restore`]; `ENXIO` when the VM lacks interrupt
    /// controllers or the timer.
    pub fn restore(&self, state: &SavedState) -> Result<(), Error> {
        H::Guest::restore_vm(self, state)
    }
}

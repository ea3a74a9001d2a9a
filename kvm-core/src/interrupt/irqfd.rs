//! Interrupts that an eventfd raises.

use kvm_sys::{IrqfdFlags, KVM_IRQFD_FLAG_DEASSIGN, KVM_IRQFD_FLAG_RESAMPLE, kvm_irqfd};

use crate::typed::SetWith;
use crate::{Descriptor, Error, Hypervisor, Vm};

const IRQFD: SetWith<kvm_irqfd> = SetWith::new(&kvm_sys::KVM_IRQFD);

impl<H: Hypervisor> Vm<H> {
    /// From now on, each time the eventfd is signalled the interrupt of `gsi` is raised: an edge, or the
    /// message that
    /// [`set_gsi_routing`](Self::set_gsi_routing) says. Section 4.75; needs `KVM_CAP_IRQFD`.
    ///
    /// An eventfd that is signalled already raises it at once. The kernel keeps a reference of its own to the
    /// eventfd, and lets go of it when it is unregistered or the last other one is closed.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// # let eventfd = || unsafe { std::os::fd::FromRawFd::from_raw_fd(libc::eventfd(0, 0)) };
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// let interrupt: std::os::fd::OwnedFd = eventfd();
    /// vm.register_irqfd(&interrupt, 5)?;
    /// vm.unregister_irqfd(&interrupt, 5)?;
    /// # }
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the VM has no interrupt controller in the kernel (on x86_64, `KVM_CREATE_IRQCHIP` or a
    /// split one), or the file is no eventfd; `EBUSY` when the eventfd is registered already; `EAGAIN` when
    /// the interrupt controller is not initialised yet (arm64).
    pub fn register_irqfd<'fd>(
        &self,
        eventfd: impl Into<Descriptor<'fd>>,
        gsi: u32,
    ) -> Result<(), Error> {
        self.irqfd(&[eventfd.into()], gsi, IrqfdFlags::empty())
    }

    /// As [`register_irqfd`](Self::register_irqfd), for an interrupt that is triggered by level: signalling
    /// `eventfd` raises the line. When the guest ends the interrupt the line is lowered, and `resample`
    /// signalled, so that the device can look whether it needs it again. Needs `KVM_CAP_IRQFD_RESAMPLE`.
    ///
    /// Unregistered with [`unregister_irqfd`](Self::unregister_irqfd).
    ///
    /// ```
    /// use rustix::event::{EventfdFlags, eventfd};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// let flags = EventfdFlags::CLOEXEC;
    /// let (raise, ended) = (eventfd(0, flags)?, eventfd(0, flags)?);
    /// vm.register_irqfd_with_resample(&raise, &ended, 10)?;
    /// vm.unregister_irqfd(&raise, 10)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`register_irqfd`](Self::register_irqfd); a split interrupt controller of x86_64 gives `EINVAL`,
    /// too.
    pub fn register_irqfd_with_resample<'fd>(
        &self,
        eventfd: impl Into<Descriptor<'fd>>,
        resample: impl Into<Descriptor<'fd>>,
        gsi: u32,
    ) -> Result<(), Error> {
        let both = [eventfd.into(), resample.into()];
        self.irqfd(&both, gsi, KVM_IRQFD_FLAG_RESAMPLE)
    }

    /// The eventfd raises the interrupt no longer. When this returns, the interrupts that it raised before
    /// are delivered. Section 4.75.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the file is no eventfd. That it was not registered for this `gsi` is no error.
    pub fn unregister_irqfd<'fd>(
        &self,
        eventfd: impl Into<Descriptor<'fd>>,
        gsi: u32,
    ) -> Result<(), Error> {
        self.irqfd(&[eventfd.into()], gsi, KVM_IRQFD_FLAG_DEASSIGN)
    }

    fn irqfd(&self, eventfds: &[Descriptor<'_>], gsi: u32, flags: IrqfdFlags) -> Result<(), Error> {
        let irqfd = kvm_irqfd {
            gsi,
            flags,
            ..Default::default()
        };
        IRQFD.call(self.backend(), &irqfd, eventfds).map(|_| ())
    }
}

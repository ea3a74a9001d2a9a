//! Hyper-V's services to its guests.

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::{HypervEventfdFlags, KVM_HYPERV_EVENTFD_DEASSIGN, kvm_hyperv_eventfd};

use crate::typed::SetWith;
use crate::{Descriptor, Error, Hypervisor, Vm};

const HYPERV_EVENTFD: SetWith<kvm_hyperv_eventfd> = SetWith::new(&x86_64::KVM_HYPERV_EVENTFD);

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// Makes the guest's signals on a connection go to an eventfd instead of exiting. Section 4.113; needs
    /// `KVM_CAP_HYPERV_EVENTFD`.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// # let (eventfd, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    /// vm.register_hyperv_eventfd(0x10, &eventfd)?;
    /// vm.unregister_hyperv_eventfd(0x10)?;
    /// # }
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EEXIST` when the connection has one, `EINVAL` when its number has more than 24 bits or the file is no
    /// eventfd.
    pub fn register_hyperv_eventfd<'fd>(
        &self,
        connection: u32,
        eventfd: impl Into<Descriptor<'fd>>,
    ) -> Result<(), Error> {
        self.hyperv_eventfd(connection, HypervEventfdFlags::empty(), &[eventfd.into()])
    }

    /// Makes the guest's signals on a connection exit again. Section 4.113; needs
    /// `KVM_CAP_HYPERV_EVENTFD`.
    ///
    /// # Errors
    ///
    /// `ENOENT` when the connection has no eventfd.
    pub fn unregister_hyperv_eventfd(&self, connection: u32) -> Result<(), Error> {
        self.hyperv_eventfd(connection, KVM_HYPERV_EVENTFD_DEASSIGN, &[])
    }

    fn hyperv_eventfd(
        &self,
        conn_id: u32,
        flags: HypervEventfdFlags,
        eventfd: &[Descriptor<'_>],
    ) -> Result<(), Error> {
        let connection = kvm_hyperv_eventfd {
            conn_id,
            flags,
            ..Default::default()
        };
        HYPERV_EVENTFD
            .call(self.backend(), &connection, eventfd)
            .map(|_| ())
    }
}

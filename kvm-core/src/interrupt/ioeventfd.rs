//! Writes of the guest's that signal an eventfd in place of an exit.

use kvm_sys::{
    IoeventfdFlags, KVM_IOEVENTFD_FLAG_DATAMATCH, KVM_IOEVENTFD_FLAG_DEASSIGN,
    KVM_IOEVENTFD_FLAG_PIO, KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY, kvm_ioeventfd,
};

use crate::typed::SetWith;
use crate::{Descriptor, Error, Hypervisor, Vm};

const IOEVENTFD: SetWith<kvm_ioeventfd> = SetWith::new(&kvm_sys::KVM_IOEVENTFD);

/// Where a guest writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IoEventAddress {
    /// A port of x86_64.
    Pio(u64),
    /// A guest-physical address without memory, in bytes.
    Mmio(u64),
}

/// Which writes of the guest signal an eventfd: the address, and optionally the length and the data that
/// they must have.
///
/// ```
/// use kvm_core::IoEvent;
///
/// let any = IoEvent::mmio(0xd000_0050); // the fastest: KVM does not look what is written
/// let queue_3 = IoEvent::mmio(0xd000_0050).len(2).datamatch(3);
/// let port = IoEvent::pio(0x5658).len(4);
/// assert_ne!(any, queue_3);
/// # let _ = port;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IoEvent {
    address: u64,
    flags: IoeventfdFlags,
    len: u32,
    datamatch: u64,
}

impl IoEvent {
    const fn new(address: u64, flags: IoeventfdFlags) -> Self {
        Self {
            address,
            flags,
            len: 0,
            datamatch: 0,
        }
    }

    /// Any write to the guest-physical address, where there is no memory. Needs
    /// `KVM_CAP_IOEVENTFD_NO_LENGTH` as long as no length is given.
    pub const fn mmio(address: u64) -> Self {
        Self::new(address, IoeventfdFlags::empty())
    }

    /// Any write to the port. Needs `KVM_CAP_IOEVENTFD_ANY_LENGTH` as long as no length is given.
    pub const fn pio(port: u64) -> Self {
        Self::new(port, KVM_IOEVENTFD_FLAG_PIO)
    }

    /// A notification of a virtio-ccw device of s390: the subchannel's id; the queue is the
    /// [data](Self::datamatch), of 8 bytes.
    ///
    /// ```
    /// use kvm_core::IoEvent;
    ///
    /// let queue_0 = IoEvent::virtio_ccw(0x1_0004).len(8).datamatch(0);
    /// assert_ne!(queue_0, queue_0.datamatch(1));
    /// ```
    pub const fn virtio_ccw(subchannel: u32) -> Self {
        Self::new(subchannel as u64, KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY)
    }

    /// Only writes of so many bytes: 1, 2, 4 or 8. 0 is any length.
    #[must_use]
    pub const fn len(self, len: u32) -> Self {
        Self { len, ..self }
    }

    /// Only writes of this value. It needs a [length](Self::len), which has room for it.
    #[must_use]
    pub const fn datamatch(self, datamatch: u64) -> Self {
        Self {
            datamatch,
            flags: self.flags.union(KVM_IOEVENTFD_FLAG_DATAMATCH),
            ..self
        }
    }
}

impl From<IoEventAddress> for IoEvent {
    fn from(address: IoEventAddress) -> Self {
        match address {
            IoEventAddress::Pio(port) => Self::pio(port),
            IoEventAddress::Mmio(address) => Self::mmio(address),
        }
    }
}

impl<H: Hypervisor> Vm<H> {
    /// From now on, writes of the guest's that are such an event signal the eventfd, and cause no exit.
    /// Section 4.59; needs `KVM_CAP_IOEVENTFD`.
    ///
    /// The kernel keeps a reference of its own to the eventfd until it is unregistered.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// # use std::os::fd::{FromRawFd, OwnedFd};
    /// # use kvm_mock::{Model, Step};
    /// use std::io::Read;
    /// use kvm_core::{Exit, IoEvent, Kvm};
    ///
    /// # let model = Model::new();
    /// # model.script(0, [Step::mmio_write(0xd000_0050, [3, 0]).in_kernel(), Step::hlt()]);
    /// # let eventfd = || unsafe { OwnedFd::from_raw_fd(libc::eventfd(0, 0)) };
    /// let vm = Kvm::with(model)?.create_vm()?;
    /// let mut notified = std::fs::File::from(eventfd());
    /// vm.register_ioevent(&notified, IoEvent::mmio(0xd000_0050).len(2))?;
    ///
    /// let mut vcpu = vm.create_vcpu(0)?;
    /// assert_eq!(vcpu.run()?.0, Exit::Hlt); // the write to 0xd0000050 came before
    /// let mut count = [0; 8];
    /// notified.read_exact(&mut count)?;
    /// assert_eq!(u64::from_ne_bytes(count), 1);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EEXIST` when there is an event at the address that some of the same writes would be, `EINVAL` for
    /// another length than 0, 1, 2, 4 or 8, for 0 with data to match, and for a file that is no eventfd;
    /// `ENOSPC` when the VM has too many.
    pub fn register_ioevent<'fd>(
        &self,
        eventfd: impl Into<Descriptor<'fd>>,
        event: impl Into<IoEvent>,
    ) -> Result<(), Error> {
        self.ioeventfd(eventfd.into(), event.into(), IoeventfdFlags::empty())
    }

    /// The writes signal the eventfd no longer, and exit again. Section 4.59.
    ///
    /// ```
    /// use kvm_core::IoEvent;
    /// use rustix::event::{EventfdFlags, eventfd};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let notify = eventfd(0, EventfdFlags::CLOEXEC)?;
    /// let event = IoEvent::mmio(0xd000_0050);
    /// vm.register_ioevent(&notify, event)?;
    /// vm.unregister_ioevent(&notify, event)?;
    /// assert!(vm.unregister_ioevent(&notify, event).is_err(), "it is gone");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ENOENT` when this eventfd is not registered for this event.
    pub fn unregister_ioevent<'fd>(
        &self,
        eventfd: impl Into<Descriptor<'fd>>,
        event: impl Into<IoEvent>,
    ) -> Result<(), Error> {
        self.ioeventfd(eventfd.into(), event.into(), KVM_IOEVENTFD_FLAG_DEASSIGN)
    }

    fn ioeventfd(
        &self,
        eventfd: Descriptor<'_>,
        event: IoEvent,
        flags: IoeventfdFlags,
    ) -> Result<(), Error> {
        let ioeventfd = kvm_ioeventfd {
            datamatch: event.datamatch,
            addr: event.address,
            len: event.len,
            flags: event.flags | flags,
            ..Default::default()
        };
        IOEVENTFD
            .call(self.backend(), &ioeventfd, &[eventfd])
            .map(|_| ())
    }
}

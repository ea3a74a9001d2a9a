//! [`Doorbells`]: eventfds that a guest signals by writing to an address, section 4.59.
#![expect(unsafe_code, reason = "takes descriptors by their numbers")]

use kvm_core::Errno;
use kvm_sys::{
    IoeventfdFlags, KVM_IOEVENTFD_FLAG_DATAMATCH, KVM_IOEVENTFD_FLAG_DEASSIGN,
    KVM_IOEVENTFD_FLAG_PIO, KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY, kvm_ioeventfd,
};

use crate::eventfd::EventFd;

/// The flags of an ioeventfd that KVM takes: the four that have a name, and the bit behind them.
const KNOWN_FLAGS: u32 = 0x1f;

/// The ioeventfds of a VM.
#[derive(Debug, Default)]
pub(crate) struct Doorbells(Vec<Ioeventfd>);

#[derive(Debug)]
struct Ioeventfd {
    eventfd: EventFd,
    kind: IoeventfdFlags,
    address: u64,
    /// 0 for any.
    len: u32,
    datamatch: Option<u64>,
}

impl Ioeventfd {
    fn new(args: &kvm_ioeventfd) -> Result<Self, Errno> {
        let matches = args.flags.contains(KVM_IOEVENTFD_FLAG_DATAMATCH);
        // SAFETY: the descriptors in the argument of a call are open, by the contract of `Hypervisor::ioctl`.
        let eventfd = unsafe { EventFd::adopt(args.fd) }?;
        Ok(Self {
            eventfd,
            kind: args.flags & (KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY),
            address: args.addr,
            len: args.len,
            datamatch: matches.then_some(args.datamatch),
        })
    }

    /// Whether there is a write that is both events.
    fn collides(&self, other: &Self) -> bool {
        let any_len = self.len == 0 || other.len == 0;
        let any_data = self.datamatch.is_none() || other.datamatch.is_none();
        self.kind == other.kind
            && self.address == other.address
            && (any_len || self.len == other.len && (any_data || self.datamatch == other.datamatch))
    }

    fn same(&self, other: &Self) -> bool {
        self.eventfd == other.eventfd
            && self.kind == other.kind
            && self.address == other.address
            && self.len == other.len
            && self.datamatch == other.datamatch
    }
}

/// A write that may be one to a doorbell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) pio: bool,
    pub(crate) address: u64,
    /// Bytes that were written.
    pub(crate) len: u32,
    pub(crate) value: u64,
}

impl Write {
    /// Nothing for more bytes than KVM writes at once.
    pub(crate) fn new(pio: bool, address: u64, data: &[u8]) -> Option<Self> {
        let mut value = [0; 8];
        value.get_mut(..data.len())?.copy_from_slice(data);
        Some(Self {
            pio,
            address,
            len: u32::try_from(data.len()).ok()?,
            value: u64::from_le_bytes(value),
        })
    }
}

impl Doorbells {
    /// `KVM_IOEVENTFD`. The rules that section 4.59 leaves out are KVM's: the errnos are those of KVM on x86_64.
    pub(crate) fn call(&mut self, args: &kvm_ioeventfd) -> Result<u32, Errno> {
        if args.flags.contains(KVM_IOEVENTFD_FLAG_DEASSIGN) {
            let event = Ioeventfd::new(args)?;
            let found = self.0.iter().position(|other| other.same(&event));
            self.0.remove(found.ok_or(Errno::ENOENT)?);
            return Ok(0);
        }
        let natural = matches!(args.len, 0 | 1 | 2 | 4 | 8);
        let inside = args.addr.checked_add(args.len.into()).is_some();
        let known = args.flags.bits() & !KNOWN_FLAGS == 0;
        // "If datamatch flag is set, the event will be signaled only if the written value ... is equal", of
        // which no length has one.
        let can_match = args.len != 0 || !args.flags.contains(KVM_IOEVENTFD_FLAG_DATAMATCH);
        if !(natural && inside && known && can_match) {
            return Err(Errno::EINVAL);
        }
        let event = Ioeventfd::new(args)?;
        if self.0.iter().any(|other| other.collides(&event)) {
            return Err(Errno::EEXIST);
        }
        self.0.push(event);
        Ok(0)
    }

    /// Signals the eventfd that is registered for this write. Says whether one is.
    pub(crate) fn take(&self, write: Write) -> bool {
        let found = self.find(write);
        if let Some(event) = found {
            event.eventfd.signal();
        }
        found.is_some()
    }

    /// Whether an eventfd is registered for this write.
    pub(crate) fn has(&self, write: Write) -> bool {
        self.find(write).is_some()
    }

    fn find(&self, write: Write) -> Option<&Ioeventfd> {
        let kind = if write.pio {
            KVM_IOEVENTFD_FLAG_PIO
        } else {
            IoeventfdFlags::empty()
        };
        self.0.iter().find(|event| {
            event.kind == kind
                && event.address == write.address
                && (event.len == 0 || event.len == write.len)
                && event.datamatch.is_none_or(|data| data == write.value)
        })
    }
}

//! Eventfds: those that raise interrupts, and those that the guest's writes signal.
#![expect(unsafe_code, reason = "takes descriptors by their numbers")]

use kvm_core::kvm_sys::{
    IoeventfdFlags, IrqfdFlags, KVM_IOEVENTFD_FLAG_DATAMATCH, KVM_IOEVENTFD_FLAG_DEASSIGN,
    KVM_IOEVENTFD_FLAG_PIO, KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY, KVM_IRQFD_FLAG_DEASSIGN,
    KVM_IRQFD_FLAG_RESAMPLE, kvm_ioeventfd, kvm_irqfd,
};
use kvm_core::{Arg, Errno};

use super::args;
use super::lock;
use super::vm::Vm;
use crate::eventfd::EventFd;
use crate::model::script::Write;

/// The flags of an ioeventfd that KVM takes: the four that have a name, and the bit behind them.
const KNOWN_FLAGS: u32 = 0x1f;

/// The eventfds that a VM has.
#[derive(Debug, Default)]
pub(super) struct Events {
    irqfds: Vec<Irqfd>,
    ioeventfds: Vec<Ioeventfd>,
}

#[derive(Debug)]
struct Irqfd {
    eventfd: EventFd,
    gsi: u32,
    resample: Option<EventFd>,
}

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
        Ok(Self {
            eventfd: eventfd(args.fd)?,
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

impl Events {
    /// Section 4.75, on resampling: "When the interrupt is EOIed" the eventfds of this GSI are signalled.
    pub(super) fn end_interrupt(&self, gsi: u32) {
        let irqfds = self.irqfds.iter().filter(|irqfd| irqfd.gsi == gsi);
        irqfds
            .filter_map(|irqfd| irqfd.resample.as_ref())
            .for_each(EventFd::signal);
    }

    /// Signals the eventfd that is registered for this write. Says whether one is.
    pub(super) fn take(&self, write: Write<'_>) -> bool {
        let kind = if write.pio {
            KVM_IOEVENTFD_FLAG_PIO
        } else {
            IoeventfdFlags::empty()
        };
        let found = self.ioeventfds.iter().find(|event| {
            event.kind == kind
                && event.address == write.address
                && (event.len == 0 || event.len as usize == write.data.len())
                && event.datamatch.is_none_or(|data| data == write.value())
        });
        if let Some(event) = found {
            event.eventfd.signal();
        }
        found.is_some()
    }
}

impl Vm {
    /// Section 4.75. The rules that it leaves out are those of KVM on x86_64: an interrupt controller has
    /// to be there, an eventfd is registered once, and one that was not registered can be unregistered.
    pub(super) fn irqfd(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let args: kvm_irqfd = args::read(arg)?;
        let known: IrqfdFlags = KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE;
        if !known.contains(args.flags) {
            return Err(Errno::EINVAL);
        }
        let mut state = lock(&self.state);
        let deassign = args.flags.contains(KVM_IRQFD_FLAG_DEASSIGN);
        let resamples = args.flags.contains(KVM_IRQFD_FLAG_RESAMPLE) && !deassign;
        // Of a split controller, the half that sees an interrupt end is the VMM's.
        let allowed = if resamples {
            state.irqchips.chip(0).is_ok()
        } else {
            state.irqchips.exist() || state.arm.has_interrupts()
        };
        if !deassign && !allowed {
            return Err(Errno::EINVAL);
        }
        let irqfd = Irqfd {
            eventfd: eventfd(args.fd)?,
            gsi: args.gsi,
            resample: resamples.then(|| eventfd(args.resamplefd)).transpose()?,
        };
        let irqfds = &mut state.events.irqfds;
        if deassign {
            irqfds.retain(|other| (&other.eventfd, other.gsi) != (&irqfd.eventfd, irqfd.gsi));
            return Ok(0);
        }
        if irqfds.iter().any(|other| other.eventfd == irqfd.eventfd) {
            return Err(Errno::EBUSY);
        }
        irqfds.push(irqfd);
        Ok(0)
    }

    /// Section 4.59. The rules that it leaves out are KVM's: the errnos are those of KVM on x86_64.
    pub(super) fn ioeventfd(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let args: kvm_ioeventfd = args::read(arg)?;
        if args.flags.contains(KVM_IOEVENTFD_FLAG_DEASSIGN) {
            let event = Ioeventfd::new(&args)?;
            let events = &mut lock(&self.state).events.ioeventfds;
            let found = events.iter().position(|other| other.same(&event));
            events.remove(found.ok_or(Errno::ENOENT)?);
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
        let event = Ioeventfd::new(&args)?;
        let events = &mut lock(&self.state).events.ioeventfds;
        if events.iter().any(|other| other.collides(&event)) {
            return Err(Errno::EEXIST);
        }
        events.push(event);
        Ok(0)
    }
}

/// The eventfd that a call names.
fn eventfd(number: impl TryInto<i32>) -> Result<EventFd, Errno> {
    let number = number.try_into().map_err(|_| Errno::EBADF)?;
    // SAFETY: the descriptors in the argument of a call are open, by the contract of `Hypervisor::ioctl`.
    unsafe { EventFd::adopt(number) }
}

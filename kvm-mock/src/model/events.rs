//! Eventfds: those that raise interrupts, and those that the guest's writes signal.
#![expect(unsafe_code, reason = "takes descriptors by their numbers")]

use kvm_core::kvm_sys::{
    IrqfdFlags, KVM_IRQFD_FLAG_DEASSIGN, KVM_IRQFD_FLAG_RESAMPLE, kvm_ioeventfd, kvm_irqfd,
};
use kvm_core::{Arg, Errno};

use super::args;
use super::lock;
use super::vm::Vm;
use crate::doorbells::{self, Doorbells};
use crate::eventfd::EventFd;
use crate::model::script::Write;

/// The eventfds that a VM has.
#[derive(Debug, Default)]
pub(super) struct Events {
    irqfds: Vec<Irqfd>,
    doorbells: Doorbells,
}

#[derive(Debug)]
struct Irqfd {
    eventfd: EventFd,
    gsi: u32,
    resample: Option<EventFd>,
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
        let write = doorbells::Write::new(write.pio, write.address, write.data);
        write.is_some_and(|write| self.doorbells.take(write))
    }
}

impl Vm {
    /// Section 4.75. The rules that it leaves out are KVM's: an interrupt controller has
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
        if !deassign {
            (self.system().platform().takes_irqfd)(&state, resamples)?;
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

    /// Section 4.59.
    pub(super) fn ioeventfd(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let args: kvm_ioeventfd = args::read(arg)?;
        lock(&self.state).events.doorbells.call(&args)
    }
}

/// The eventfd that a call names.
fn eventfd(number: impl TryInto<i32>) -> Result<EventFd, Errno> {
    let number = number.try_into().map_err(|_| Errno::EBADF)?;
    // SAFETY: the descriptors in the argument of a call are open, by the contract of `Hypervisor::ioctl`.
    unsafe { EventFd::adopt(number) }
}

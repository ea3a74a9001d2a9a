//! Eventfds that are signalled: by KVM or the model. No recording has that.

use std::os::fd::OwnedFd;

use kvm_core::Hypervisor;
use kvm_core::kvm_exit::X86_64;

use super::events::{ioeventfd_without_exit_script, new_eventfd, notified};
use super::waiting::{LINE, steps, waiting, writes};
use super::{Model, Outcome};

pub(crate) fn signal(eventfd: &OwnedFd) -> Outcome {
    rustix::io::write(eventfd, &1_u64.to_ne_bytes())?;
    Ok(())
}

/// How often it was signalled since this was last asked.
fn signals(eventfd: &OwnedFd) -> Result<u64, rustix::io::Errno> {
    let mut count = [0; 8];
    match rustix::io::read(eventfd, &mut count) {
        Ok(_) => Ok(u64::from_ne_bytes(count)),
        Err(rustix::io::Errno::AGAIN) => Ok(0),
        Err(error) => Err(error),
    }
}

pub(crate) fn resample_script(model: &Model) {
    let twice = [steps(), steps()].map(|[begins, ends]| [begins, ends.ends_interrupt(LINE)]);
    model.script(0, twice.into_iter().flatten());
}

/// The eventfd raises the line. When the guest ends the interrupt the line is lowered, and the device told.
pub(crate) fn resample<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = waiting(system, true)?;
    let (line, resample) = (new_eventfd()?, new_eventfd()?);
    guest
        .vm
        .register_irqfd_with_resample(&line, &resample, LINE)?;
    for _ in 0..2 {
        signal(&line)?;
        writes(&mut guest, b'i')?;
        assert_eq!(signals(&resample)?, 0);
        writes(&mut guest, 0x20)?;
        assert_eq!(signals(&resample)?, 1);
    }
    Ok(())
}

pub(crate) fn ioeventfd_script(model: &Model) {
    ioeventfd_without_exit_script(model);
}

/// Each write signals its eventfd once, and no other.
pub(crate) fn ioeventfd<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    for eventfd in notified(system)? {
        assert_eq!(signals(&eventfd)?, 1);
    }
    Ok(())
}

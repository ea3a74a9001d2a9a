//! An eventfd that tells of ended interrupts. No recording has that.

use kvm_core::Hypervisor;
use kvm_core::kvm_exit::X86_64;

use super::waiting::{LINE, steps, waiting, writes};
use super::{Model, Outcome};
use crate::conformance::common::ioeventfd::{new_eventfd, signal, signals};

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

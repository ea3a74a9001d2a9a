//! Which signals interrupt a vCPU: section 4.21.

use kvm_core::kvm_exit::X86_64;
use kvm_core::{Hypervisor, SignalSet};

use super::guest::Guest;
use super::{Model, Outcome, Step};

pub(crate) fn set_script(model: &Model) {
    model.script(0, [Step::hlt(), Step::hlt()]);
}

/// A mask is taken, and one can go back to the thread's own.
pub(crate) fn set<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, &[0xf4, 0xf4])?;
    guest.vcpu.set_signal_mask(Some(SignalSet::ALL))?;
    guest.halts()?;
    guest.vcpu.set_signal_mask(None)?;
    guest.halts()
}

//! Which signals interrupt a vCPU: section 4.21.

use kvm_core::{Hypervisor, SignalSet};
use kvm_mock::Model;

use super::Outcome;
use super::machine::{Guest, MMIO, Machine};
use super::program::{Op, play};

const STOPS: &[Op] = &[Op::Write(MMIO, &[1])];

pub(crate) fn set_script<G: Machine>(model: &Model<G>) {
    play(model, STOPS);
}

/// A mask is taken, and one can go back to the thread's own.
pub(crate) fn set<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, STOPS)?;
    guest.vcpu.set_signal_mask(Some(SignalSet::ALL))?;
    guest.writes(MMIO, &[1])?;
    guest.vcpu.set_signal_mask(None)?;
    guest.ends()
}

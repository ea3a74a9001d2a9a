//! [`Script`]: the steps of one vCPU, and how far it has come.

use std::collections::VecDeque;
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kvm_core::kvm_sys::kvm_regs;
use kvm_exit::{Exit, RunPage};

use super::failure::{Failure, Mismatch};
use super::step::{Leaves, Reply, Step, complement};

/// The steps of one vCPU, and how far it has come.
#[derive(Debug, Default)]
pub(crate) struct Script(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    steps: VecDeque<Step>,
    /// How many are gone.
    taken: usize,
    /// The exit that the VMM is at, if anything is left to be done with it.
    pending: Option<Pending>,
}

/// A step whose exit the VMM has yet to answer.
#[derive(Debug)]
pub(crate) struct Pending {
    index: usize,
    step: Step,
}

impl Script {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn extend(&self, steps: impl IntoIterator<Item = Step>) {
        self.state().steps.extend(steps);
    }

    /// Takes the next step.
    pub(crate) fn next(&self) -> Option<Pending> {
        let mut state = self.state();
        let step = state.steps.pop_front()?;
        let index = state.taken;
        state.taken += 1;
        Some(Pending { index, step })
    }

    /// The VMM is at this step's exit.
    pub(crate) fn pend(&self, pending: Pending) {
        self.state().pending = Some(pending);
    }

    /// Takes the next step if it is a wait: the kick that it waits for came before it.
    pub(crate) fn end_wait(&self) {
        let mut state = self.state();
        let waits = |step: &Step| matches!(step.leaves, Leaves::Block);
        if state.steps.front().is_some_and(waits) {
            state.steps.pop_front();
            state.taken += 1;
        }
    }

    /// The step whose exit the VMM was at.
    pub(crate) fn finish(&self) -> Option<Pending> {
        self.state().pending.take()
    }

    /// The first thing that was not done, once the run is over.
    pub(crate) fn left(&self, vcpu: u64) -> Result<(), Failure> {
        let state = self.state();
        let unanswered = state
            .pending
            .as_ref()
            .filter(|pending| !matches!(pending.step.reply, Reply::None));
        if let Some(pending) = unanswered {
            return Err(pending.failure(vcpu, Mismatch::Unanswered));
        }
        let Some(step) = state.steps.front() else {
            return Ok(());
        };
        let behind = state.steps.len() - 1;
        Err(failure(
            vcpu,
            state.taken,
            step,
            Mismatch::Unread { behind },
        ))
    }
}

impl Pending {
    pub(crate) fn step(&self) -> &Step {
        &self.step
    }

    pub(crate) fn failure(&self, vcpu: u64, mismatch: Mismatch) -> Failure {
        failure(vcpu, self.index, &self.step, mismatch)
    }

    /// What `KVM_GET_REGS` gives from now on, if the step says so.
    pub(crate) fn regs_then(&self) -> Option<&kvm_regs> {
        self.step.regs_then.as_ref()
    }

    /// Whether the next step is a further exit of the same access.
    pub(crate) fn goes_on(&self) -> bool {
        self.step.goes_on
    }

    /// Compares what the VMM left in the page with what the step says.
    pub(crate) fn check(&self, page: &mut RunPage) -> Result<(), Mismatch> {
        if matches!(self.step.reply, Reply::None) {
            return Ok(());
        }
        let exit = page.decode().map_err(Mismatch::Malformed)?;
        match (&self.step.reply, exit) {
            (Reply::Check(holds), exit) if holds(&exit) => Ok(()),
            (Reply::Data(expected), Exit::IoIn(kvm_exit::IoIn { data, .. }))
            | (Reply::Data(expected), Exit::MmioRead(kvm_exit::MmioRead { data, .. })) => {
                compare(expected, data)
            }
            _ => Err(Mismatch::Refused),
        }
    }
}

fn compare(expected: &[u8], given: &[u8]) -> Result<(), Mismatch> {
    if given == expected {
        return Ok(());
    }
    let expected = expected.to_vec();
    Err(if given == complement(&expected) {
        Mismatch::NoReply { expected }
    } else {
        let given = given.to_vec();
        Mismatch::Reply { expected, given }
    })
}

fn failure(vcpu: u64, index: usize, step: &Step, mismatch: Mismatch) -> Failure {
    let place: &'static Location<'static> = step.place;
    Failure {
        vcpu,
        step: index,
        place,
        text: step.to_string(),
        mismatch,
    }
}

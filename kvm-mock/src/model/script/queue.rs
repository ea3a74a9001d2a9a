//! [`Script`]: the steps of one vCPU, and how far it has come.

use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::failure::{Failure, Mismatch};
use super::scripted::Scripted;

/// The steps of one vCPU, and how far it has come.
#[derive(Default)]
pub(crate) struct Script(Mutex<State>);

#[derive(Default)]
struct State {
    steps: VecDeque<Box<dyn Scripted>>,
    /// How many are gone.
    taken: usize,
    /// The exit that the VMM is at, if anything is left to be done with it.
    pending: Option<Pending>,
}

/// A step whose exit the VMM has yet to answer.
pub(crate) struct Pending {
    index: usize,
    step: Box<dyn Scripted>,
}

impl Script {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn extend(&self, steps: impl IntoIterator<Item = Box<dyn Scripted>>) {
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

    /// Gives a step back that was not done.
    pub(crate) fn give_back(&self, Pending { index, step }: Pending) {
        let mut state = self.state();
        state.steps.push_front(step);
        state.taken = index;
    }

    /// How registers that a call touches now fail the script: if the VMM is at an exit that it has to answer.
    pub(crate) fn between(
        &self,
        vcpu: u64,
        mismatch: impl FnOnce() -> Mismatch,
    ) -> Option<Failure> {
        let state = self.state();
        let pending = state
            .pending
            .as_ref()
            .filter(|pending| pending.step.asks())?;
        Some(pending.failure(vcpu, mismatch()))
    }

    /// Takes the next step if it is a wait: the kick that it waits for came before it.
    pub(crate) fn end_wait(&self) {
        let mut state = self.state();
        if state.steps.front().is_some_and(|step| step.blocks()) {
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
        let unanswered = state.pending.as_ref().filter(|pending| pending.step.asks());
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
            &**step,
            Mismatch::Unread { behind },
        ))
    }
}

impl Pending {
    pub(crate) fn step(&self) -> &dyn Scripted {
        &*self.step
    }

    pub(crate) fn failure(&self, vcpu: u64, mismatch: Mismatch) -> Failure {
        failure(vcpu, self.index, self.step(), mismatch)
    }
}

fn failure(vcpu: u64, index: usize, step: &dyn Scripted, mismatch: Mismatch) -> Failure {
    let place: &'static Location<'static> = step.frame().place;
    Failure {
        vcpu,
        step: index,
        place,
        text: step.to_string(),
        mismatch,
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let steps = state.steps.iter().map(ToString::to_string);
        f.debug_struct("Script")
            .field("steps", &steps.collect::<Vec<_>>())
            .field("taken", &state.taken)
            .finish_non_exhaustive()
    }
}

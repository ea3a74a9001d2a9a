//! [`Barrier`]: a place where vCPUs wait for each other.

use std::sync::{Arc, Mutex, PoisonError};

use kvm_core::Guard;

use crate::page::RunMemory;

/// A place where vCPUs wait for each other, for [`Step::meets`](crate::Step::meets). Clones are the same place.
///
/// ```
/// use kvm_core::{AnonymousMemory, Exit, GuestAddress, Kvm, Slot};
/// use kvm_mock::{Barrier, Model, Step};
///
/// let model = Model::new();
/// let written = Barrier::new(2);
/// model.script(0, [Step::meets(&written).writes_memory(0x1000, [7]), Step::hlt()]);
/// model.script(1, [Step::meets(&written), Step::hlt()]);
///
/// let vm = Kvm::with(model.clone())?.create_vm()?;
/// vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x10000)?)?;
/// let vcpus = [vm.create_vcpu(0)?, vm.create_vcpu(1)?];
/// std::thread::scope(|scope| {
///     for mut vcpu in vcpus {
///         scope.spawn(move || assert_eq!(vcpu.run().unwrap().0, Exit::Hlt));
///     }
/// });
/// model.verify()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Barrier(Arc<Place>);

#[derive(Debug)]
struct Place {
    vcpus: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How often all have met.
    round: u64,
    /// Those that are here.
    waiting: Vec<Arc<RunMemory>>,
}

impl Barrier {
    /// A place where so many vCPUs meet. Once they have, it is one for as many again.
    pub fn new(vcpus: usize) -> Self {
        Self(Arc::new(Place {
            vcpus,
            state: Mutex::default(),
        }))
    }

    fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A vCPU comes. Gives the round that it waits for the end of.
    fn come(&self, run: &Arc<RunMemory>) -> u64 {
        self.with(|state| {
            let round = state.round;
            state.waiting.push(Arc::clone(run));
            if state.waiting.len() >= self.0.vcpus {
                state.round += 1;
                state.waiting.drain(..).for_each(|run| run.wake());
            }
            round
        })
    }

    fn is_over(&self, round: u64) -> bool {
        self.with(|state| state.round != round)
    }
}

/// One vCPU's wait at a barrier.
#[derive(Debug)]
pub(crate) struct Meeting {
    barrier: Barrier,
    /// Since the vCPU came. A kick ends its wait, but it stays there.
    round: Mutex<Option<u64>>,
}

impl Meeting {
    pub(super) fn at(barrier: &Barrier) -> Self {
        Self {
            barrier: barrier.clone(),
            round: Mutex::new(None),
        }
    }

    /// The vCPU comes, if it is not here yet.
    pub(crate) fn come(&self, run: &Arc<RunMemory>) {
        let mut round = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        round.get_or_insert_with(|| self.barrier.come(run));
    }

    /// Whether all have come.
    pub(crate) fn is_over(&self) -> bool {
        let round = *self.round.lock().unwrap_or_else(PoisonError::into_inner);
        round.is_some_and(|round| self.barrier.is_over(round))
    }
}

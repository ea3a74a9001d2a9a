//! [`FaultPlan`]: the faults of a run, and what they did.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kvm_core::{Errno, Error, Hypervisor, Mapping, ops};
use kvm_sys::op::Op;

use super::Faults;
use super::fault::{Effect, Fault};
use super::live::{Counts, Live, Object};

/// The faults of a run, and what they did. Clones are handles on the same plan.
///
/// ```
/// use kvm_core::{Errno, Kvm, ops};
/// use kvm_mock::{Fault, FaultPlan, Model};
///
/// let plan = FaultPlan::new();
/// plan.add(Fault::errno(&ops::OPEN, Errno::EMFILE).nth(1));
/// assert_eq!(plan.open(|| Ok(Model::new())).unwrap_err().errno(), Errno::EMFILE);
///
/// let kvm = Kvm::with(plan.open(|| Ok(Model::new()))?)?;
/// assert_eq!(plan.live().objects, 1);
/// drop(kvm);
/// assert!(plan.live().is_empty());
/// assert_eq!(plan.hits()[0].to_string(), "call 1: /dev/kvm");
/// # Ok::<(), kvm_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FaultPlan(Arc<Plan>);

#[derive(Debug, Default)]
struct Plan {
    state: Mutex<State>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct State {
    /// Each with the number of calls that fit so far.
    faults: Vec<(Fault, u64)>,
    calls: u64,
    hits: Vec<Hit>,
}

/// A call that failed by the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its number among all calls, from 1.
    pub call: u64,
    /// What was called.
    pub op: &'static Op,
    /// The id of the vCPU that it was called on.
    pub vcpu: Option<u64>,
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {}: {}", self.call, self.op)?;
        match self.vcpu {
            Some(id) => write!(f, " of vCPU {id}"),
            None => Ok(()),
        }
    }
}

impl FaultPlan {
    /// Without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault. Of several that fit a call, the one that was added first decides.
    pub fn add(&self, fault: Fault) {
        self.state().faults.push((fault, 0));
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        self.state().faults.clear();
    }

    /// The system that `open` gives, under this plan. Opening it is a call too,
    /// [`ops::OPEN`](kvm_core::ops::OPEN).
    ///
    /// # Errors
    ///
    /// That of the fault, or that of `open`.
    pub fn open<H: Hypervisor>(
        &self,
        open: impl FnOnce() -> Result<H, Error>,
    ) -> Result<Faults<H>, Error> {
        match self.effect(&ops::OPEN, None) {
            Some(Effect::Errno(errno)) => Err(Error::new(&ops::OPEN, errno)),
            Some(Effect::Short(_)) | None => open().map(|inner| self.wrap(inner)),
        }
    }

    /// Counts a call of `op` that is to reach no backend: a further descriptor of a system that is open already, say.
    ///
    /// # Errors
    ///
    /// That of the fault.
    pub fn refused(&self, op: &'static Op) -> Result<(), Errno> {
        match self.effect(op, None) {
            Some(Effect::Errno(errno)) => Err(errno),
            Some(Effect::Short(_)) | None => Ok(()),
        }
    }

    /// A system that is open, under this plan.
    pub fn wrap<H: Hypervisor>(&self, inner: H) -> Faults<H> {
        Faults::with(inner, self, None)
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// The calls that failed by the plan, in their order.
    pub fn hits(&self) -> Vec<Hit> {
        self.state().hits.clone()
    }

    /// What is open and mapped. A VMM that was dropped and leaves something here leaks it.
    pub fn live(&self) -> Live {
        self.0.counts.live()
    }

    /// What happens to a call; counts it.
    pub(super) fn effect(&self, op: &'static Op, vcpu: Option<u64>) -> Option<Effect> {
        let mut state = self.state();
        state.calls += 1;
        let mut effect = None;
        for (fault, calls) in &mut state.faults {
            if fault.fits(op, vcpu) {
                *calls += 1;
                effect = effect.or(fault.at(*calls));
            }
        }
        if effect.is_some() {
            let call = state.calls;
            state.hits.push(Hit { call, op, vcpu });
        }
        effect
    }

    pub(super) fn live_object(&self) -> Object {
        self.0.counts.object()
    }

    pub(super) fn live_mapping(&self, inner: Mapping) -> Mapping {
        self.0.counts.mapping(inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a panic elsewhere leaves is whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! [`Sweep`]: runs a program once for each call that can fail.

use std::any::Any;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};

use kvm_core::Errno;
use kvm_sys::op::Op;

use super::{Fault, FaultPlan, Hit, Live};

/// Runs a program once for each call that it makes, with that call failing.
///
/// The program is a closure that is given a [`FaultPlan`] to run under. It drops all that it makes, and gives an error
/// where the VMM did what it should not have. A panic is such an error too, and so is an object or mapping
/// that is still there when the closure is over.
///
/// ```
/// use kvm_core::{AnonymousMemory, Errno, Error, Exit, GuestAddress, Hypervisor, Kvm, Slot};
/// use kvm_mock::{Model, Step, Sweep};
///
/// /// What is to be tested.
/// fn vmm<H: Hypervisor>(system: H) -> Result<(), Error> {
///     let vm = Kvm::with(system)?.create_vm()?;
///     vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x10000)?)?;
///     let mut vcpu = vm.create_vcpu(0)?;
///     while vcpu.run()?.0 != Exit::Hlt {}
///     Ok(())
/// }
///
/// let sweep = Sweep::new(Errno::ENOMEM).run(|plan| {
///     let model = Model::new();
///     model.script(0, [Step::io_out(0x80, [1]), Step::hlt()]);
///     model.allow_unread(); // the VMM may give up before
///     match (plan.open(|| Ok(model)).and_then(vmm), plan.hits().first()) {
///         (Ok(()), Some(hit)) => Err(format!("nobody was told of {hit}")),
///         (Err(error), None) => Err(error.to_string()),
///         _ => Ok(()),
///     }
/// });
/// assert!(sweep? > 5);
/// # Ok::<(), kvm_mock::SweepFailure>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sweep {
    errno: Errno,
    op: Option<&'static Op>,
}

impl Sweep {
    /// Calls fail with this errno.
    pub fn new(errno: Errno) -> Self {
        Self { errno, op: None }
    }

    /// Only calls of `op` fail.
    pub fn only(mut self, op: &'static Op) -> Self {
        self.op = Some(op);
        self
    }

    /// Runs `program` without a fault, then with the first call failing, then the second, until no call is left. Gives
    /// how many calls have failed.
    ///
    /// Each fault hits once, so a program that tries again gets on.
    ///
    /// # Errors
    ///
    /// All runs that went wrong; of one that does so without a fault, that one alone.
    pub fn run<E: fmt::Display>(
        &self,
        mut program: impl FnMut(&FaultPlan) -> Result<(), E>,
    ) -> Result<u64, SweepFailure> {
        let mut failure = SweepFailure { runs: Vec::new() };
        failure.check(&FaultPlan::new(), &mut program);
        if !failure.runs.is_empty() {
            return Err(failure);
        }
        let mut hits = 0;
        loop {
            let plan = FaultPlan::new();
            let fault = match self.op {
                Some(op) => Fault::errno(op, self.errno),
                None => Fault::any(self.errno),
            };
            plan.add(fault.nth(hits + 1));
            failure.check(&plan, &mut program);
            if plan.hits().is_empty() {
                break;
            }
            hits += 1;
        }
        if failure.runs.is_empty() {
            Ok(hits)
        } else {
            Err(failure)
        }
    }
}

/// The runs of a [`Sweep`] that went wrong.
#[derive(Clone, PartialEq, Eq)]
pub struct SweepFailure {
    runs: Vec<Misbehaviour>,
}

impl SweepFailure {
    /// The runs that went wrong, in their order.
    pub fn runs(&self) -> &[Misbehaviour] {
        &self.runs
    }

    fn check<E: fmt::Display>(
        &mut self,
        plan: &FaultPlan,
        program: &mut impl FnMut(&FaultPlan) -> Result<(), E>,
    ) {
        // The program is not asked what a panic left of it; the plan's state is whole at any time.
        let ran = panic::catch_unwind(AssertUnwindSafe(|| {
            program(plan).map_err(|error| error.to_string())
        }));
        let fault = plan.hits().first().copied();
        match ran {
            Ok(Ok(())) => {}
            Ok(Err(what)) => self.runs.push(Misbehaviour::Failed { fault, what }),
            Err(payload) => {
                let what = message(payload.as_ref());
                self.runs.push(Misbehaviour::Panicked { fault, what });
            }
        }
        let live = plan.live();
        if !live.is_empty() {
            self.runs.push(Misbehaviour::Leaked { fault, live });
        }
    }
}

/// How a run of a [`Sweep`] went wrong. `fault` is the call that failed, if one had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// It gave an error.
    Failed {
        /// The call that failed.
        fault: Option<Hit>,
        /// The error.
        what: String,
    },
    /// It panicked.
    Panicked {
        /// The call that failed.
        fault: Option<Hit>,
        /// The panic's message.
        what: String,
    },
    /// It left something behind.
    Leaked {
        /// The call that failed.
        fault: Option<Hit>,
        /// What is still there.
        live: Live,
    },
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Failed { fault, .. }
        | Self::Panicked { fault, .. }
        | Self::Leaked { fault, .. }) = self;
        match fault {
            Some(hit) => write!(f, "{hit} failed: ")?,
            None => f.write_str("without a fault: ")?,
        }
        match self {
            Self::Failed { what, .. } => f.write_str(what),
            Self::Panicked { what, .. } => write!(f, "panicked: {what}"),
            Self::Leaked { live, .. } => write!(f, "leaked {live}"),
        }
    }
}

impl fmt::Display for SweepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} things went wrong", self.runs.len())?;
        for run in &self.runs {
            write!(f, "\n  {run}")?;
        }
        Ok(())
    }
}

/// As [`Display`](fmt::Display): tests show it by `unwrap`.
impl fmt::Debug for SweepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for SweepFailure {}

/// What a panic says.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("something that is no text").to_owned()
}

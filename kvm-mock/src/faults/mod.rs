//! [`Faults`]: makes calls fail that would have succeeded.
#![expect(unsafe_code, reason = "implements the contract of backends")]

mod fault;
mod live;
mod parse;
mod plan;
mod short;
mod sweep;

use std::sync::OnceLock;

use kvm_core::{Arg, Errno, Hypervisor, Mapping, Region, ops};
use kvm_sys::op::Op;
use kvm_sys::{KVM_CREATE_VCPU, KVM_RUN};

use crate::handed::HANDED;
use crate::page;
use fault::Effect;
pub use fault::Fault;
pub use live::Live;
use live::Object;
pub use parse::FaultSyntax;
pub use plan::{FaultPlan, Hit};
pub use sweep::{Misbehaviour, Sweep, SweepFailure};

/// A backend that passes calls on to another one, but for those that a [`FaultPlan`] has fail.
///
/// A call that fails so never reaches the other backend. An entry that does has not happened: what the VMM
/// answered to the last exit is there for the next one. An entry that only
/// [completes](kvm_core::Vcpu::complete) a pending access ends with `EINTR` as a rule; it reaches the backend even where the plan
/// says `EINTR`, as the access would not be complete else.
///
/// ```
/// use kvm_core::{Errno, Exit, Kvm};
/// use kvm_mock::{Fault, Faults, Model, Step};
///
/// let model = Model::new();
/// model.script(0, [Step::hlt()]);
/// let faults = Faults::new(model);
/// let plan = faults.plan();
/// plan.add(Fault::interruption().first(2));
/// plan.add(Fault::errno(&kvm_sys::KVM_CREATE_VM, Errno::ENOMEM).nth(2));
///
/// let kvm = Kvm::with(faults)?;
/// let vm = kvm.create_vm()?;
/// assert_eq!(kvm.create_vm().unwrap_err().errno(), Errno::ENOMEM);
///
/// let mut vcpu = vm.create_vcpu(0)?;
/// assert_eq!(vcpu.run()?.0, Exit::Interrupted);
/// assert_eq!(vcpu.run()?.0, Exit::Interrupted);
/// assert_eq!(vcpu.run()?.0, Exit::Hlt);
/// assert_eq!(plan.hits().len(), 3);
/// # Ok::<(), kvm_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Faults<H> {
    inner: H,
    plan: FaultPlan,
    /// Id, of a vCPU.
    vcpu: Option<u64>,
    run: OnceLock<Mapping>,
    _object: Object,
}

impl<H: Hypervisor> Faults<H> {
    /// With a plan of its own, which has no faults yet.
    pub fn new(inner: H) -> Self {
        FaultPlan::new().wrap(inner)
    }

    /// The plan, to which faults can be added at any time.
    pub fn plan(&self) -> FaultPlan {
        self.plan.clone()
    }

    /// The backend that answers.
    pub fn inner(&self) -> &H {
        &self.inner
    }

    fn with(inner: H, plan: &FaultPlan, vcpu: Option<u64>) -> Self {
        Self {
            inner,
            vcpu,
            run: OnceLock::new(),
            _object: plan.live_object(),
            plan: plan.clone(),
        }
    }

    fn effect(&self, op: &'static Op) -> Option<Effect> {
        self.plan.effect(op, self.vcpu)
    }

    /// The errno with which a call fails that can't be answered in part.
    fn refused(&self, op: &'static Op) -> Result<(), Errno> {
        match self.effect(op) {
            Some(Effect::Errno(errno)) => Err(errno),
            Some(Effect::Short(_)) | None => Ok(()),
        }
    }
}

// SAFETY: what is passed on is passed on as it came, but for a smaller count of MSRs. Mappings are the
// inner backend's, with one more guard around them; of their bytes only the kick flag is read, atomically.
unsafe impl<H: Hypervisor> Hypervisor for Faults<H> {
    type Guest = H::Guest;

    unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        if [&ops::PAGE_SIZE, &HANDED].contains(&op) {
            // No calls that can fail.
            // SAFETY: the caller's promises, passed on.
            return unsafe { self.inner.ioctl(op, arg) };
        }
        match self.effect(op) {
            Some(Effect::Errno(errno)) => Err(errno),
            // SAFETY: the caller's promises, passed on.
            Some(Effect::Short(most)) => unsafe { short::call(&self.inner, op, arg, most) },
            // SAFETY: the caller's promises, passed on.
            None => unsafe { self.inner.ioctl(op, arg) },
        }
    }

    unsafe fn create(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<Self, Errno> {
        self.refused(op)?;
        let vcpu = match arg {
            Arg::Value(id) if *op == KVM_CREATE_VCPU => Some(*id),
            Arg::None if *op == KVM_CREATE_VCPU => Some(0),
            _ => None,
        };
        // SAFETY: the caller's promises, passed on.
        let inner = unsafe { self.inner.create(op, arg) }?;
        Ok(Self::with(inner, &self.plan, vcpu))
    }

    fn map(&self, region: Region) -> Result<Mapping, Errno> {
        self.refused(&ops::MMAP)?;
        let mapping = self.inner.map(region)?;
        if matches!(region, Region::Run { .. }) {
            // A vCPU that is mapped again has the same page.
            let _ = self.run.set(mapping.clone());
        }
        Ok(self.plan.live_mapping(mapping))
    }

    unsafe fn enter(&self) -> Result<(), Errno> {
        match self.effect(&KVM_RUN) {
            Some(Effect::Errno(Errno::EINTR))
                if self.run.get().is_some_and(page::completes_only) => {}
            Some(Effect::Errno(errno)) => return Err(errno),
            Some(Effect::Short(_)) | None => {}
        }
        // SAFETY: the caller's promises, passed on.
        unsafe { self.inner.enter() }
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        self.refused(&ops::READ)?;
        self.inner.read(offset, buf)
    }

    fn number(&self) -> i32 {
        self.inner.number()
    }
}

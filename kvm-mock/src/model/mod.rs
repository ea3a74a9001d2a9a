//! [`Model`]: a KVM in memory.
#![expect(unsafe_code, reason = "implements an unsafe trait")]

mod aarch64;
mod args;
mod banks;
mod calls;
mod coalesced;
mod device;
mod dirty_log;
mod dirty_ring;
mod enter;
mod events;
mod guest;
mod guest_memfd;
mod host;
mod one_reg;
mod profile;
mod riscv64;
mod routing;
mod script;
mod signals;
mod slots;
mod stats;
mod system;
mod vcpu;
mod verdict;
mod vm;
mod x86_64;

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kvm_core::kvm_sys::op::{Fds, Op};
use kvm_core::kvm_sys::{
    KVM_CREATE_DEVICE, KVM_CREATE_GUEST_MEMFD, KVM_CREATE_VCPU, KVM_CREATE_VM, KVM_GET_STATS_FD,
};
use kvm_core::{Arg, Errno, Hypervisor, Mapping, Region};

use crate::page::RunMemory;
use device::Device;
pub use guest::{ModelGuest, NativeModel};
use guest_memfd::GuestMemfd;
pub use profile::{Profile, ProfileError};
use script::Scripted;
pub use script::{Barrier, Failure, Mismatch, Step};
use stats::Stats;
use system::System;
use vcpu::Vcpu;
pub use verdict::PendingIo;
use vm::Vm;

/// A KVM in memory, for tests: it keeps state by the rules that KVM documents, refuses what KVM
/// refuses with the same errnos, and its guests do what a script says.
///
/// * A [`Profile`] says what it offers. Calls that need what it lacks, or that no model knows how to do, are
///   refused as an older kernel would: with `ENOTTY` by VMs, with `EINVAL` by the system and vCPUs.
/// * State that one call sets and another gets is kept as it is: nothing is computed from it.
/// * Guests execute nothing. A vCPU runs [the script](Self::script) for its id; at its end, or without one, it
///   waits as an idle guest would, until it is kicked or its thread gets a signal.
/// * A vCPU that is dropped before the end of its script, or without an answer to its last exit, ends the run as a wrong
///   reply does, unless [that is all right](Self::allow_unread). A test that never asks [how it went](Self::verify)
///   panics with the first failure when the last handle on the model, its VMs and vCPUs is dropped; one that panics
///   already prints it.
/// * Exits are written into the run page in the kernel's layout, so the VMM's own code decodes them.
///
/// Clones are handles on the same object. A test keeps one to say what the guest does and to ask how it
/// went:
///
/// ```
/// use kvm_core::{Exit, Kvm};
/// use kvm_mock::{Model, Step};
///
/// let model = Model::new();
/// model.script(0, [Step::io_in(0x60, [0x1c]), Step::hlt()]);
///
/// let mut vcpu = Kvm::with(model.clone())?.create_vm()?.create_vcpu(0)?;
/// if let (Exit::IoIn(io), _) = vcpu.run()? {
///     io.data.fill(0x1d); // not what the script says
/// }
/// assert!(vcpu.run().is_err());
///
/// let failure = model.verify().unwrap_err();
/// assert!(failure.to_string().contains("expected the reply 1c, got 1d"));
/// assert!(failure.place().file().ends_with(".rs"));
/// # Ok::<(), kvm_core::Error>(())
/// ```
pub struct Model<G = NativeModel>(Object, PhantomData<fn() -> G>);

#[derive(Clone, Debug)]
enum Object {
    System(Arc<System>),
    Vm(Arc<Vm>),
    Vcpu(Arc<Vcpu>),
    Device(Arc<Device>),
    Stats(Arc<Stats>),
    GuestMemfd(Arc<GuestMemfd>),
}

impl Object {
    fn kind(&self) -> Fds {
        match self {
            Self::System(_) => Fds::SYSTEM,
            Self::Vm(_) => Fds::VM,
            Self::Vcpu(_) => Fds::VCPU,
            Self::Device(_) => Fds::DEVICE,
            Self::Stats(_) | Self::GuestMemfd(_) => Fds::empty(),
        }
    }
}

impl Model {
    /// The system of a [synthetic](Profile::synthetic) host of this one's architecture. Of another
    /// architecture, that is `Model::<Aarch64>::default()`.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<G: ModelGuest> Model<G> {
    /// The system of this host.
    pub fn with_profile(profile: Profile<G>) -> Self {
        let system = System::new(G::platform(), profile.host);
        Self::of(Object::System(Arc::new(system)))
    }

    /// Adds steps to the script for the vCPU that is created first with this id.
    ///
    /// A vCPU that waits at the end of its script does not look for more before it is entered again.
    pub fn script(&self, vcpu: u64, steps: impl IntoIterator<Item = Step<G>>) {
        let steps = steps.into_iter();
        let steps = steps.map(|step| Box::new(step) as Box<dyn Scripted>);
        self.system().script(vcpu).extend(steps);
    }

    /// Whether the run has followed the scripts so far. From the first failure on, entering a vCPU fails
    /// with [`Errno::DIVERGED`].
    ///
    /// # Errors
    ///
    /// The first failure.
    pub fn outcome(&self) -> Result<(), Failure> {
        self.system().verdict.outcome()
    }

    /// What calls that touch registers come to between an exit that asks for a reply and the next entry.
    ///
    /// ```
    /// use kvm_core::{Errno, Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::io_in(0x60, [7]), Step::hlt()]);
    /// let mut vcpu = Kvm::with(model.clone())?.create_vm()?.create_vcpu(0)?;
    /// if let (Exit::IoIn(io), registers) = vcpu.run()? {
    ///     io.data.fill(7);
    ///     let mut regs = registers.get_regs()?; // those of before the access
    ///     regs.rip += 1;
    ///     let error = registers.set_regs(&regs).unwrap_err(); // would lose the 7
    ///     assert_eq!(error.errno(), Errno::DIVERGED);
    /// }
    /// let failure = model.outcome().unwrap_err();
    /// assert!(failure.to_string().contains("KVM_SET_REGS came before the access was complete"));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn pending_io(&self, policy: PendingIo) {
        self.system().verdict.set_pending_io(policy);
    }

    /// A test may end, and a vCPU go, before the scripts do: for programs that are made to fail on the way, as under a
    /// [`Sweep`](crate::Sweep). [`verify`](Self::verify) still says what is left.
    pub fn allow_unread(&self) {
        self.system().verdict.allow_unread();
    }

    /// Whether the run followed the scripts to their ends, and answered their last exits: each vCPU was
    /// entered again after them, or [completed](kvm_core::Vcpu::complete).
    ///
    /// # Errors
    ///
    /// The first failure, or else the first thing that is left.
    pub fn verify(&self) -> Result<(), Failure> {
        self.system().verify()
    }
}

impl<G> Model<G> {
    fn of(object: Object) -> Self {
        Self(object, PhantomData)
    }

    fn system(&self) -> &System {
        match &self.0 {
            Object::System(system) => system,
            Object::Vm(vm) => vm.system(),
            Object::Vcpu(vcpu) => vcpu.vm().system(),
            Object::Device(device) => device.vm().system(),
            Object::Stats(stats) => stats.vm().system(),
            Object::GuestMemfd(file) => file.vm().system(),
        }
    }

    /// How the object refuses a call that it does not know.
    fn unknown(&self) -> Errno {
        calls::unknown(self.system().platform(), self.0.kind())
    }
}

/// The system of the [synthetic](Profile::synthetic) host.
impl<G: ModelGuest> Default for Model<G> {
    fn default() -> Self {
        Self::with_profile(Profile::default())
    }
}

/// A handle on the same object.
impl<G> Clone for Model<G> {
    fn clone(&self) -> Self {
        Self::of(self.0.clone())
    }
}

impl<G> fmt::Debug for Model<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Model").field(&self.0).finish()
    }
}

// SAFETY: `RunMemory` makes the mappings, and the model touches their bytes from 8 on in `Vcpu::enter`
// only. `Slots` touches guest memory through spans, whose accesses are atomic, and only while the slot
// exists.
unsafe impl<G: ModelGuest> Hypervisor for Model<G> {
    type Guest = G;

    unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        match &self.0 {
            Object::System(system) => system.ioctl(op, arg),
            Object::Vm(vm) => vm.ioctl(op, arg),
            Object::Vcpu(vcpu) => vcpu.ioctl(op, arg),
            Object::Device(device) => device.ioctl(op, arg),
            // No call is known to them; the errno is that of every file without calls.
            Object::Stats(_) | Object::GuestMemfd(_) => Err(Errno::ENOTTY),
        }
    }

    unsafe fn create(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<Self, Errno> {
        match &self.0 {
            Object::System(system) if op == &KVM_CREATE_VM => {
                let vm = Vm::create(system, args::value(arg)?)?;
                Ok(Self::of(Object::Vm(Arc::new(vm))))
            }
            Object::Vm(vm) if op == &KVM_CREATE_VCPU => {
                let vcpu = vm.create_vcpu(args::value(arg)?)?;
                Ok(Self::of(Object::Vcpu(Arc::new(vcpu))))
            }
            Object::Vm(vm) if op == &KVM_CREATE_DEVICE => {
                vm.offers(op)?;
                Ok(Self::of(Object::Device(Arc::new(vm.create_device(arg)?))))
            }
            Object::Vm(vm) if op == &KVM_GET_STATS_FD => {
                vm.offers(op)?;
                Ok(Self::of(Object::Stats(Arc::new(Stats::of_vm(vm)))))
            }
            Object::Vm(vm) if op == &KVM_CREATE_GUEST_MEMFD => {
                vm.offers(op)?;
                Ok(Self::of(Object::GuestMemfd(vm.create_guest_memfd(arg)?)))
            }
            Object::Vcpu(vcpu) if op == &KVM_GET_STATS_FD => {
                vcpu.vm().offers(op)?;
                Ok(Self::of(Object::Stats(Arc::new(Stats::of_vcpu(vcpu)))))
            }
            _ => Err(self.unknown()),
        }
    }

    fn map(&self, region: Region) -> Result<Mapping, Errno> {
        match &self.0 {
            Object::Vcpu(vcpu) => match region {
                Region::Run { .. } => vcpu.map(RunMemory::new::<G>(region)?),
                Region::DirtyRing { len } => vcpu.map_dirty_ring(len),
                Region::GuestMemfd { .. } => Err(Errno::EINVAL),
            },
            Object::GuestMemfd(file) => match region {
                Region::GuestMemfd { len } => file.map(len),
                _ => Err(Errno::EINVAL),
            },
            _ => Err(Errno::ENODEV),
        }
    }

    unsafe fn enter(&self) -> Result<(), Errno> {
        match &self.0 {
            // SAFETY: the caller's promise is the same.
            Object::Vcpu(vcpu) => unsafe { vcpu.enter() },
            _ => Err(self.unknown()),
        }
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        match &self.0 {
            Object::Stats(stats) => Ok(stats.read(offset, buf)),
            // What the kernel says of files that can't be read.
            _ => Err(Errno::EINVAL),
        }
    }

    fn number(&self) -> i32 {
        match &self.0 {
            Object::System(system) => system.number(),
            Object::Vm(vm) => vm.number(),
            Object::Vcpu(vcpu) => vcpu.number(),
            Object::Device(device) => device.number(),
            Object::Stats(stats) => stats.number(),
            Object::GuestMemfd(file) => file.number(),
        }
    }
}

/// A panic in one thread of a test does not make the others' calls panic too: what the locks guard is
/// never left half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

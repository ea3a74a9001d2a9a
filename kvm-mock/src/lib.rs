//! KVM without a kernel: backends that answer for it, and wrappers that watch it.
//!
//! A VMM that is generic over [`Hypervisor`](kvm_core::Hypervisor), as all of kvm-core is, runs on them unchanged: what is
//! faked is the system call alone, and the code that decodes exits is the one that runs in production.
//!
//! | to test | there is |
//! |---|---|
//! | set-up, state, what a VMM does with an exit | [`Model`]: keeps state by KVM's rules, and its guests follow a script of [`Step`]s |
//! | against what a real guest did | [`Recorder`] on real KVM, and [`Replay`] anywhere |
//! | that errors are survived | [`Faults`], and [`Sweep`] for each call in turn |
//! | the order of calls | [`Log`] |
//! | hosts that one has not | [`Profile`]: what a host offers, as a file |
//!
//! # A guest that follows a script
//!
//! Say what the guest does, run the VMM's own loop, and ask how it went:
//!
//! ```
//! use kvm_core::{AnonymousMemory, Error, Exit, GuestAddress, Hypervisor, Kvm, Slot, Vcpu};
//! use kvm_mock::{Model, Step};
//!
//! /// The loop to be tested: a serial port that is always ready, and a device that adds.
//! fn run<H: Hypervisor>(vcpu: &mut Vcpu<H>, output: &mut Vec<u8>) -> Result<(), Error> {
//!     let mut sum = 0u32;
//!     loop {
//!         match vcpu.run()?.0 {
//!             Exit::IoIn(io) if io.port == 0x3fd => io.data.fill(0x20),
//!             Exit::IoOut(io) if io.port == 0x3f8 => output.extend_from_slice(io.data),
//!             Exit::MmioWrite(mmio) => sum += u32::from(mmio.data[0]),
//!             Exit::MmioRead(mmio) => mmio.data.copy_from_slice(&sum.to_le_bytes()),
//!             Exit::Hlt => return Ok(()),
//!             other => panic!("{other}"),
//!         }
//!     }
//! }
//!
//! let model = Model::new();
//! model.script(0, [
//!     Step::io_in(0x3fd, [0x20]),                    // the reply that the VMM has to give
//!     Step::io_out(0x3f8, *b"!"),
//!     Step::mmio_write(0xd000_0000, [2]),
//!     Step::mmio_write(0xd000_0000, [3]),
//!     Step::mmio_read(0xd000_0000, 5u32.to_le_bytes())
//!         .writes_memory(0x1000, *b"done"),          // by the guest, before the read
//!     Step::hlt(),
//! ]);
//!
//! let vm = Kvm::with(model.clone())?.create_vm()?;
//! vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x10000)?)?;
//! let mut output = Vec::new();
//! run(&mut vm.create_vcpu(0)?, &mut output)?;
//!
//! assert_eq!(output, b"!");
//! let mut left = [0; 4];
//! vm.read_memory(GuestAddress(0x1000), &mut left)?;
//! assert_eq!(&left, b"done");
//! model.verify()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A wrong reply ends the run: entering any vCPU fails with [`Errno::DIVERGED`](kvm_core::Errno::DIVERGED), and
//! [`Model::verify`] says which step it was, where that is in the source, what was expected and what came instead. A test
//! that forgets to ask, or whose vCPU does not get to the end of its script, panics with the same words when the model is
//! dropped.
//!
//! Steps can do more than exit: look at what the VMM has to have [set](Step::finds_regs) or [written](Step::finds_memory),
//! [fail](Step::errno), [wait](Step::block) for a kick, or for [other vCPUs](Barrier).
//!
//! # Several vCPUs, and kicks
//!
//! Each vCPU has a script of its own, by its id. At its end the guest is idle: the vCPU waits inside `KVM_RUN`, in a system
//! call that a kick ends, or a signal.
//!
//! ```
//! use kvm_core::{Exit, Kvm};
//! use kvm_mock::{Model, Step};
//!
//! let model = Model::new();
//! model.script(0, [Step::block(), Step::hlt()]);
//! model.script(1, [Step::block(), Step::hlt()]);
//! let vm = Kvm::with(model.clone())?.create_vm()?;
//! let vcpus = [vm.create_vcpu(0)?, vm.create_vcpu(1)?];
//! let kickers: Vec<_> = vcpus.iter().map(|vcpu| vcpu.kicker()).collect();
//! std::thread::scope(|scope| {
//!     for mut vcpu in vcpus {
//!         scope.spawn(move || while vcpu.run().unwrap().0 != Exit::Hlt {});
//!     }
//!     kickers.iter().for_each(|kicker| kicker.kick());
//! });
//! model.verify()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guests and hosts of all kinds
//!
//! `Model::new()` is a small made-up host of this machine's architecture; `Model::<Aarch64>::default()` is one of another, on
//! any machine. A [`Profile`] says what the host offers; one line makes it lack something.
//!
//! ```
//! use kvm_core::kvm_exit::Aarch64;
//! use kvm_core::kvm_sys::KVM_CAP_IMMEDIATE_EXIT;
//! use kvm_core::Kvm;
//! use kvm_mock::{Model, Profile};
//!
//! let old = Profile::<Aarch64>::default().cap(KVM_CAP_IMMEDIATE_EXIT, 0);
//! let kvm = Kvm::with(Model::with_profile(old))?;
//! assert_eq!(kvm.check_extension(KVM_CAP_IMMEDIATE_EXIT)?, 0);
//! # Ok::<(), kvm_core::Error>(())
//! ```
//!
//! # Errors that are survived
//!
//! A [`Sweep`] runs a program once for each call that it makes, with that call failing, and finds what leaks.
//!
//! ```
//! use kvm_core::{Errno, Error, Hypervisor, Kvm};
//! use kvm_mock::{Model, Sweep};
//!
//! fn build<H: Hypervisor>(system: H) -> Result<(), Error> {
//!     let vm = Kvm::with(system)?.create_vm()?;
//!     vm.create_vcpu(0)?;
//!     Ok(())
//! }
//!
//! let calls = Sweep::new(Errno::ENOMEM).run(|plan| {
//!     match (plan.open(|| Ok(Model::new())).and_then(build), plan.hits().is_empty()) {
//!         (Err(error), true) => Err(error.to_string()),
//!         (Ok(()), false) => Err("the fault was swallowed".to_owned()),
//!         _ => Ok(()),
//!     }
//! })?;
//! assert!(calls >= 5);
//! # Ok::<(), kvm_mock::SweepFailure>(())
//! ```
//!
//! # What a real guest did
//!
//! ```no_run
//! use kvm_core::{DevKvm, Kvm};
//! use kvm_mock::{Recorder, Replay};
//!
//! let kvm = Kvm::with(Recorder::create(DevKvm::open()?, "boot.kvmrec")?)?; // once, where there is KVM
//! let kvm = Kvm::with(Replay::open("boot.kvmrec")?)?;                     // in tests, anywhere
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Recorder`] and [`Replay`] know guests of every architecture, [`Model`] and its steps those of x86_64, aarch64 and
//! riscv64.

mod call;
mod describe;
mod dirty_ring;
mod doorbells;
mod eventfd;
mod faults;
mod file;
mod format;
mod handed;
mod ignored;
mod lent;
mod log;
#[cfg(target_os = "linux")]
mod mapped;
mod memory;
mod model;
mod page;
mod process;
mod recorder;
pub mod recording;
mod registers;
mod replay;
mod ring;
mod signals;
mod tape;
mod wait;
mod words;

pub use faults::{
    Fault, FaultPlan, FaultSyntax, Faults, Hit, Live, Misbehaviour, Sweep, SweepFailure,
};
pub use format::{Architecture, ReplayError};
pub use log::{CallLog, Log, LogEntry, OutOfOrder};
pub use model::{
    Barrier, Failure, Mismatch, Model, ModelGuest, NativeModel, PendingIo, Profile, ProfileError,
    Step,
};
pub use recorder::{Recorder, RecorderHandle, RecorderOptions};
pub use replay::{Divergence, Mode, Outcome, Replay, ReplayOptions};
pub use tape::{RecordError, Summary};

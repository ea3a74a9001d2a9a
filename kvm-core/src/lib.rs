//! Safe, typed KVM for virtual machine monitors, over any backend.
//!
//! [`Kvm`], [`Vm`] and [`Vcpu`] are the kernel's objects; their methods are its calls, under the names
//! that Rust VMMs know. All of them go through one narrow trait, [`Hypervisor`], so the same program runs on
//! `/dev/kvm` ([`DevKvm`], the default), on a recording, or on a model in memory.
//!
//! ```
//! use kvm_core::{AnonymousMemory, Exit, GuestAddress, Kvm, Slot};
//! use kvm_mock::{Model, Step};
//!
//! // `Kvm::open()?` is the real one. This one says what the guest will do.
//! let model = Model::new();
//! model.script(0, [Step::io_out(0x3f8, *b"hi"), Step::hlt()]);
//! let kvm = Kvm::with(model)?;
//!
//! let vm = kvm.create_vm()?;
//! vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x4000)?)?;
//! let mut vcpu = vm.create_vcpu(0)?;
//! let mut serial = Vec::new();
//! loop {
//!     let (exit, regs) = vcpu.run()?;
//!     match exit {
//!         Exit::IoOut(io) if io.port == 0x3f8 => serial.extend_from_slice(io.data),
//!         Exit::IoIn(io) => io.data.fill(0xff),
//!         Exit::Hlt => break,
//!         other => panic!("{other} at {:#x}", regs.get_regs()?.rip),
//!     }
//! }
//! assert_eq!(serial, b"hi");
//! # Ok::<(), kvm_core::Error>(())
//! ```
//!
//! # Exits and registers
//!
//! [`Vcpu::run`] gives the exit, which borrows the run page, and beside it the [`Registers`]: both can be
//! used at once. A reply is written into the exit; the guest has it once the vCPU runs again, or once
//! [`Vcpu::complete`] finished the access without running it.
//!
//! # Memory
//!
//! [`Vm::add_memory`] takes what backs the guest's memory and keeps it alive. As a guest changes its memory
//! when it likes, no Rust reference to the bytes exists while they are in a slot; they are copied, by
//! guest address or through a [`Memory`] handle:
//!
//! ```compile_fail
//! # let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
//! # use kvm_core::{AnonymousMemory, GuestAddress, Slot};
//! let mut ram = AnonymousMemory::new(0x4000)?;
//! let bytes = ram.as_mut_slice();
//! vm.add_memory(Slot(0), GuestAddress(0), ram)?;
//! bytes[0] = 0xf4; // the guest has it now
//! # Ok::<(), kvm_core::Error>(())
//! ```
//!
//! # Threads
//!
//! One thread at a time runs a vCPU; all other handles can be cloned and used from any thread, and
//! [`Kicker::kick`] ends a run from another one. [`threads`] says who may call what, what waits for what, which
//! signal a kick uses, and what holds for forks and drops.
//!
//! # Features
//!
//! `std` (default): `AsFd` and `OwnedFd` for [`DevKvm`], and the system's locks. Without it the crate is
//! `no_std` with `alloc`; entering a vCPU then asks the kernel for the thread's number each time.
//!
//! `x86_64`, `aarch64`, `riscv64`: the calls of guests of that architecture on hosts of another one, for
//! recordings and models of them. Those of the host's own are always there.
//!
//! `vm-memory`: regions of the `vm-memory` crate are [`Backing`]s of guest memory.
#![no_std]
// Where `x86_64` below is left out.
#![cfg_attr(
    all(
        not(feature = "x86_64"),
        any(
            all(target_arch = "aarch64", target_endian = "little"),
            target_arch = "riscv64",
            target_arch = "s390x",
            all(target_arch = "powerpc64", target_endian = "little"),
            target_arch = "loongarch64",
            all(target_arch = "mips64", target_endian = "little"),
        )
    ),
    allow(
        dead_code,
        reason = "some of what all architectures share is used by x86_64 alone"
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod capability;
mod coalesced;
mod debug;
mod descriptor;
mod dev_kvm;
pub mod device;
mod errno;
mod error;
mod events;
mod hint;
mod hypervisor;
mod interrupt;
mod kicker;
mod kvm;
mod mapping;
mod memory;
mod one_reg;
pub mod ops;
mod pointed;
mod raw;
mod registers;
mod signals;
mod state;
mod stats;
mod sync;
mod sys;
#[doc = include_str!("../THREADS.md")]
pub mod threads {}
mod typed;
mod vcpu;
mod vm;
// Calls of one architecture: of the native one always; where there is no KVM, x86_64 stands in (`kvm_sys::Arch::NATIVE`).
#[cfg(any(
    feature = "aarch64",
    all(target_arch = "aarch64", target_endian = "little")
))]
pub mod aarch64;
#[cfg(any(feature = "riscv64", target_arch = "riscv64"))]
pub mod riscv64;
#[cfg(any(
    feature = "x86_64",
    not(any(
        all(target_arch = "aarch64", target_endian = "little"),
        target_arch = "riscv64",
        target_arch = "s390x",
        all(target_arch = "powerpc64", target_endian = "little"),
        target_arch = "loongarch64",
        all(target_arch = "mips64", target_endian = "little"),
    ))
))]
mod x86_64;

pub use kvm_exit::{self, Exit};
pub use kvm_sys;

pub use coalesced::CoalescedPage;
pub use debug::DebugGuest;
pub use descriptor::Descriptor;
pub use dev_kvm::DevKvm;
pub use errno::Errno;
pub use error::{Cause, Error};
pub use events::EventsGuest;
pub use hypervisor::{Arg, Hypervisor, Part, PartBytes, Region};
pub use interrupt::{IoEvent, IoEventAddress, IrqStatus, Route, RoutingEntry};
pub use kicker::Kicker;
pub use kvm::Kvm;
pub use mapping::{Guard, Mapping};
#[cfg(target_os = "linux")]
pub use memory::MemfdMemory;
pub use memory::{
    AnonymousMemory, Backing, DirtyLog, DirtyRing, GuestAddress, GuestMemfd, Memory, Slot, Span,
};
pub use registers::Registers;
pub use signals::SignalSet;
pub use state::{Piece, Pieces, SavedState, StateGuest};
pub use stats::{StatDescriptor, StatKind, StatUnit, StatValues, Stats};
pub use vcpu::Vcpu;
pub use vm::Vm;
#[cfg(any(
    feature = "x86_64",
    not(any(
        all(target_arch = "aarch64", target_endian = "little"),
        target_arch = "riscv64",
        target_arch = "s390x",
        all(target_arch = "powerpc64", target_endian = "little"),
        target_arch = "loongarch64",
        all(target_arch = "mips64", target_endian = "little"),
    ))
))]
pub use x86_64::{EncryptCommand, MsrFilterRange, NestedState, SyncedRegisters, Xsave};

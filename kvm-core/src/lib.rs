//! Safe, typed KVM for virtual machine monitors, over any backend.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod dev_kvm;
mod errno;
mod error;
mod hypervisor;
mod kicker;
mod kvm;
mod mapping;
mod memory;
pub mod ops;
mod registers;
mod sync;
mod sys;
mod typed;
mod vcpu;
mod vm;
mod x86_64;

pub use kvm_exit::{self as exit, Exit};

pub use dev_kvm::DevKvm;
pub use errno::Errno;
pub use error::{Cause, Error};
pub use hypervisor::{Arg, Hypervisor, Part, PartBytes, Region};
pub use kicker::Kicker;
pub use kvm::Kvm;
pub use mapping::{Guard, Mapping};
pub use memory::{AnonymousMemory, Backing, GuestAddress, Memory, Slot, Span};
pub use registers::Registers;
pub use vcpu::Vcpu;
pub use vm::Vm;

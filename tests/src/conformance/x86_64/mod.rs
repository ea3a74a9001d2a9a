//! Scenarios for guests of x86_64.

pub(super) mod apic;
pub(super) mod calls;
pub(super) mod coalesced;
pub(super) mod devices;
#[cfg(target_os = "linux")]
pub(super) mod events;
pub(super) mod exits;
pub(crate) mod guest;
pub(super) mod interrupts;
pub(super) mod io;
pub(super) mod irqchip;
mod machine;
pub(super) mod msr_filter;
pub(super) mod nested;
pub(super) mod private_memory;
pub(super) mod registers;
pub(super) mod run;
#[cfg(target_os = "linux")]
pub(super) mod signals;
pub(super) mod smm;
pub(super) mod state;
pub(super) mod sync_regs;
pub(super) mod vm;
mod waiting;
pub(super) mod window;

use kvm_core::kvm_exit::X86_64;

use super::{Outcome, unexpected};

type Model = kvm_mock::Model<X86_64>;
type Step = kvm_mock::Step<X86_64>;

//! Scenarios for guests of riscv64.

pub(super) mod debug;
mod guest;
pub(super) mod interrupts;
mod machine;
pub(super) mod registers;
pub(super) mod sbi;

use kvm_core::kvm_exit::Riscv64;

use super::{Outcome, unexpected};

type Model = kvm_mock::Model<Riscv64>;
type Step = kvm_mock::Step<Riscv64>;

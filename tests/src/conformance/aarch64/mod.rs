//! Scenarios for guests of aarch64.

pub(super) mod debug;
pub(super) mod gic;
mod guest;
#[cfg(target_os = "linux")]
pub(super) mod irqfd;
mod machine;
pub(super) mod nisv;
pub(super) mod psci;
pub(super) mod registers;

use kvm_core::kvm_exit::Aarch64;

use super::{Outcome, unexpected};

type Model = kvm_mock::Model<Aarch64>;
type Step = kvm_mock::Step<Aarch64>;

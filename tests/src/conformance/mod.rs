//! The conformance suite: what KVM documents, asked of everything that answers for it.
//!
//! A scenario is a function on any backend. Where a guest runs, its code stands beside a script that does
//! the same on the model. Expectations are KVM's documented contract, never what one host does.
//!
//! The scenarios in `common` are for guests of every architecture, those in the other folders for one.

mod aarch64;
mod backends;
mod common;
mod expected;
mod harness;
mod raw;
mod riscv64;
mod table;
pub(crate) mod x86_64;

use std::error::Error;

use kvm_core::Exit;
use kvm_core::kvm_exit::GuestArch;

pub use backends::Backend;
pub use harness::main;
pub use table::{Scenario, scenarios};

/// How a scenario ends, besides by a failed assertion.
type Outcome = Result<(), Box<dyn Error>>;

/// The guest did something else.
fn unexpected<T, G: GuestArch>(expected: &str, exit: Exit<'_, G>) -> Result<T, Box<dyn Error>> {
    Err(format!("expected {expected}, got {exit}").into())
}

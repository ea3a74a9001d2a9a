//! Scripts: what a guest does, step by step, and how the VMM has to answer.

mod barrier;
mod exits;
mod expect;
mod failure;
mod queue;
mod riscv64;
mod scripted;
mod step;
mod write;
mod x86_64;

pub use barrier::Barrier;
pub use failure::{Failure, Mismatch};
pub(crate) use queue::Script;
pub(crate) use scripted::Scripted;
pub use step::Step;
pub(crate) use write::Write;

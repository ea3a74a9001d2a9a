//! Scripts: what a guest does, step by step, and how the VMM has to answer.

mod failure;
mod queue;
mod step;
mod write;

pub use failure::{Failure, Mismatch};
pub(crate) use queue::Script;
pub(crate) use step::Scripted;
pub use step::Step;
pub(crate) use write::Write;

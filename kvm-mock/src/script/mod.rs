//! Scripts: what a guest does, step by step, and how the VMM has to answer.

mod failure;
mod queue;
mod step;

pub use failure::{Failure, Mismatch};
pub(crate) use queue::{Pending, Script};
pub use step::Step;
pub(crate) use step::{Leaves, Reply};

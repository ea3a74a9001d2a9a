//! KVM without a kernel: backends that answer for it, and wrappers that watch it.

mod model;
mod page;
mod script;
mod wait;

pub use model::{Model, Profile};
pub use script::{Failure, Mismatch, Step};

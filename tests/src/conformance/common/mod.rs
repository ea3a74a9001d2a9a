//! Scenarios for guests of every architecture.

pub(super) mod memory;
pub(super) mod objects;

use super::Outcome;

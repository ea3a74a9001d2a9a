//! Scenarios for guests of every architecture.

pub(super) mod coalesced;
pub(super) mod dirty_ring;
#[cfg(target_os = "linux")]
pub(super) mod ioeventfd;
pub(super) mod machine;
pub(super) mod memory;
pub(super) mod mmio;
pub(super) mod objects;
mod program;
pub(super) mod run;
pub(super) mod signal_mask;
pub(super) mod slots;
pub(super) mod state;
pub(super) mod stats;

use super::{Outcome, unexpected};

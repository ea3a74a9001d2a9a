//! KVM without a kernel: backends that answer for it, and wrappers that watch it.
//!
//! [`Faults`] makes calls fail, each in turn under a [`Sweep`], and [`Log`] keeps them, on any backend.
//!
//! [`Recorder`] and [`Replay`] know guests of every architecture, [`Model`] and its [`Step`]s those of x86_64,
//! aarch64 and riscv64. Which one is a type: `Model::new()` is one of this host's, `Model::<Aarch64>::default()` of
//! another, on any host.

mod call;
mod describe;
mod eventfd;
mod faults;
mod file;
mod format;
mod log;
#[cfg(target_os = "linux")]
mod mapped;
mod memory;
mod model;
mod page;
mod process;
mod recorder;
pub mod recording;
mod replay;
mod signals;
mod tape;
mod wait;
mod words;

pub use faults::{
    Fault, FaultPlan, FaultSyntax, Faults, Hit, Live, Misbehaviour, Sweep, SweepFailure,
};
pub use format::{Architecture, ReplayError};
pub use log::{CallLog, Log, LogEntry, OutOfOrder};
pub use model::{
    Barrier, Failure, Mismatch, Model, ModelGuest, NativeModel, PendingIo, Profile, ProfileError,
    Step,
};
pub use recorder::{Recorder, RecorderHandle, RecorderOptions};
pub use replay::{Divergence, Mode, Outcome, Replay, ReplayOptions};
pub use tape::{RecordError, Summary};

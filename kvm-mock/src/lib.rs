//! KVM without a kernel: backends that answer for it, and wrappers that watch it.

mod call;
mod format;
mod memory;
mod model;
mod page;
mod recorder;
mod replay;
mod script;
mod tape;
mod wait;
mod words;

pub use format::{Architecture, ReplayError};
pub use model::{Model, Profile};
pub use recorder::{Recorder, RecorderHandle, RecorderOptions};
pub use replay::{Divergence, Mode, Outcome, Replay, ReplayOptions};
pub use script::{Failure, Mismatch, Step};
pub use tape::{RecordError, Summary};

//! KVM without a kernel: backends that answer for it, and wrappers that watch it.
//!
//! [`Recorder`] and [`Replay`] know guests of every architecture. The model, `Model` with its `Step`s, is one of
//! x86_64 and made of what the root of kvm-sys has: it is there where that is x86_64 (`kvm_sys::Arch::NATIVE`),
//! which hosts of other architectures that have KVM are not.

mod call;
mod eventfd;
mod file;
mod format;
mod memory;
mod page;
mod recorder;
mod replay;
mod tape;
mod wait;
mod words;

#[cfg(not(any(
    all(target_arch = "aarch64", target_endian = "little"),
    target_arch = "riscv64",
    target_arch = "s390x",
    all(target_arch = "powerpc64", target_endian = "little"),
    target_arch = "loongarch64",
    all(target_arch = "mips64", target_endian = "little"),
)))]
mod model;

pub use format::{Architecture, ReplayError};
#[cfg(not(any(
    all(target_arch = "aarch64", target_endian = "little"),
    target_arch = "riscv64",
    target_arch = "s390x",
    all(target_arch = "powerpc64", target_endian = "little"),
    target_arch = "loongarch64",
    all(target_arch = "mips64", target_endian = "little"),
)))]
pub use model::{Failure, Mismatch, Model, Profile, Step};
pub use recorder::{Recorder, RecorderHandle, RecorderOptions};
pub use replay::{Divergence, Mode, Outcome, Replay, ReplayOptions};
pub use tape::{RecordError, Summary};

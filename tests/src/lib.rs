//! What the examples and the tests of the kvm crates share.

mod any;
pub mod checks;
pub mod conformance;
#[cfg(target_os = "linux")]
pub mod differential;
mod example;
mod exits;
pub mod host;
pub mod long_mode;
mod options;
pub mod page_file;
#[cfg(target_arch = "x86_64")]
pub mod pages;
pub mod refused;
mod run;
#[cfg(target_arch = "aarch64")]
pub mod vgic;

pub use example::{Example, Failure};
pub use exits::ExitTable;
pub use options::{BadOptions, Options};
pub use run::{main, run};

/// The programs in the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

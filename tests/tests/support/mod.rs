//! The examples as functions, with what comes with them.

#[path = "../../examples/hello.rs"]
#[expect(dead_code, reason = "its main is not called")]
mod hello;
#[path = "../../examples/long_mode.rs"]
#[expect(dead_code, reason = "its main is not called")]
mod long_mode;
#[path = "../../examples/single_step.rs"]
#[expect(dead_code, reason = "its main is not called")]
mod single_step;
#[path = "../../examples/uart.rs"]
#[expect(dead_code, reason = "its main is not called")]
pub(crate) mod uart;

use std::path::{Path, PathBuf};

use kvm_core::kvm_exit::GuestArch;
use kvm_tests::{Example, Failure, Options};

pub(crate) use hello::Hello;
pub(crate) use long_mode::LongMode;
use single_step::SingleStep;

/// The example as its `main` runs it.
pub(crate) const HELLO: Hello = Hello { key: b'K' };
/// The example as its `main` runs it.
pub(crate) const LONG_MODE: LongMode = LongMode { count: 50 };
/// The example as its `main` runs it.
pub(crate) const SINGLE_STEP: SingleStep = SingleStep;

/// What an example printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) printed: String,
    pub(crate) ended: Result<(), Failure>,
}

impl Ran {
    /// The message of an example that failed.
    pub(crate) fn error(&self) -> String {
        self.ended.as_ref().unwrap_err().to_string()
    }
}

/// Runs an example as its `main` would with these options.
pub(crate) fn run(example: &impl Example, options: &Options) -> Ran {
    let mut printed = Vec::new();
    let ended = kvm_tests::run(example, options, &mut printed);
    Ran {
        printed: String::from_utf8_lossy(&printed).into_owned(),
        ended,
    }
}

/// A file or folder of this package.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The recording that comes with an example.
pub(crate) fn recording<E: Example>(_: &E) -> Vec<u8> {
    let arch = E::Guest::ARCH.name();
    std::fs::read(folder(&format!("recordings/{arch}/{}.kvmrec", E::NAME))).unwrap()
}

/// What an example prints in a replay of that, after the line that names the backend.
pub(crate) fn expected<E: Example>(_: &E) -> String {
    std::fs::read_to_string(folder(&format!("expected/{}.txt", E::NAME))).unwrap()
}

/// A file that is removed when the test ends.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        let name = format!("kvm-tests-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }

    /// The options that have it replayed.
    pub(crate) fn replay(&self) -> Options {
        Options::Replay(Some(self.0.clone()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

//! What the launcher asks for, in the environment.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

use kvm_mock::{Fault, Mode, RecorderOptions};

/// What the launcher asks for.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) source: Source,
    /// Where to record to.
    pub(crate) record: Option<PathBuf>,
    /// What to record.
    pub(crate) options: RecorderOptions,
    pub(crate) faults: Vec<Fault>,
    /// A file that says which recording is the next process's.
    pub(crate) turns: Option<PathBuf>,
    /// A file to say in what became of the run.
    pub(crate) report: Option<PathBuf>,
}

/// What answers.
#[derive(Debug)]
pub(crate) enum Source {
    Kernel,
    Model { profile: Option<String> },
    Replay { path: PathBuf, mode: Mode },
}

static CONFIG: OnceLock<Config> = OnceLock::new();

/// What the launcher asks for; nothing when it asks for nothing, or has not been read yet.
pub(crate) fn get() -> Option<&'static Config> {
    CONFIG.get()
}

/// Reads the environment. An error is in words.
pub(crate) fn read() -> Result<(), String> {
    let Some(source) = variable("KVMREC_BACKEND") else {
        return Ok(());
    };
    let source = match source.to_str() {
        Some("kvm") => Source::Kernel,
        Some("model") => Source::Model {
            profile: text("KVMREC_PROFILE")?,
        },
        Some("replay") => Source::Replay {
            path: variable("KVMREC_REPLAY")
                .ok_or("KVMREC_REPLAY names no file")?
                .into(),
            mode: match text("KVMREC_MODE")?.as_deref() {
                None | Some("strict") => Mode::Strict,
                Some("by-exit") => Mode::ByExit,
                Some(other) => return Err(format!("KVMREC_MODE is {other}")),
            },
        },
        _ => return Err(format!("KVMREC_BACKEND is {}", source.to_string_lossy())),
    };
    let mut faults = Vec::new();
    for fault in text("KVMREC_FAULTS")?
        .unwrap_or_default()
        .split_whitespace()
    {
        faults.push(fault.parse().map_err(|error| format!("{fault}: {error}"))?);
    }
    let on = |name| variable(name).is_some();
    let config = Config {
        source,
        record: variable("KVMREC_RECORD").map(PathBuf::from),
        options: RecorderOptions::new()
            .unowned(true)
            .memory(on("KVMREC_MEMORY"))
            .dirty_log(on("KVMREC_DIRTY_LOG"))
            .registers(on("KVMREC_REGISTERS"))
            .eventfds(on("KVMREC_EVENTFDS"))
            .times(on("KVMREC_TIMES")),
        faults,
        turns: variable("KVMREC_TURNS").map(PathBuf::from),
        report: variable("KVMREC_REPORT").map(PathBuf::from),
    };
    // Read once, by the thread that starts the program.
    let _ = CONFIG.set(config);
    Ok(())
}

fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn text(name: &str) -> Result<Option<String>, String> {
    let value = variable(name).map(OsString::into_string).transpose();
    value.map_err(|value| format!("{name} is {}", value.to_string_lossy()))
}

//! [`Trouble`]: why a command could not do its work.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use kvm_mock::{ProfileError, RecordError, ReplayError};

use crate::served::Reason;

/// What a command gives: its exit code, or why it has none.
pub(crate) type Done = Result<ExitCode, Trouble>;

/// The exit code of a command that could not do its work.
const TROUBLE: u8 = 2;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// A recording can't be used.
    #[error("{}: {error}", path.display())]
    Recording {
        path: PathBuf,
        #[source]
        error: ReplayError,
    },
    /// A program can't be recorded in this way.
    #[error("{0}")]
    Record(RecordError),
    /// Another file can't be read or written.
    #[error("{}: {error}", path.display())]
    File {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    /// The host's KVM can't be asked.
    #[error("{0}")]
    Kvm(kvm_core::Error),
    /// A profile can't be used.
    #[error("{}: {error}", path.display())]
    Profile {
        path: PathBuf,
        #[source]
        error: ProfileError,
    },
    /// There is no such program.
    #[error("there is no program {}", .0.display())]
    NoProgram(PathBuf),
    /// A program can't be served.
    #[error("{} can't be served: {reason} (--anyway tries)", program.display())]
    NotServed { program: PathBuf, reason: Reason },
    /// The library to preload is nowhere.
    #[error(
        "the library to preload is in none of these places: {}; cargo build -p kvm-preload makes it, and KVMREC_PRELOAD \
         says where it is",
        places(.0)
    )]
    NoLibrary(Vec<PathBuf>),
    /// Times were asked for, which the recording does not have.
    #[error(
        "the recording has no times, which its recorder keeps only when it is asked to; --records filters by number"
    )]
    NoTimes,
    /// What was found can't be printed.
    #[error("the output can't be written: {0}")]
    Output(#[from] io::Error),
}

impl Trouble {
    /// Says so on standard error, and gives the exit code.
    ///
    /// Who closes the pipe that a command prints to has seen enough, which is no trouble.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            _ => {
                eprintln!("kvmrec: {self}");
                ExitCode::from(TROUBLE)
            }
        }
    }
}

fn places(places: &[PathBuf]) -> String {
    let places: Vec<_> = places
        .iter()
        .map(|place| place.display().to_string())
        .collect();
    places.join(", ")
}

//! `kvmrec check`: whether recordings are as they were written.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use kvm_core::kvm_exit::Native;
use kvm_mock::{Replay, ReplayError};

use crate::{Done, Trouble};

/// Whether recordings are as they were written.
///
/// Exit codes: 0 all are good, 2 trouble, 3 one is damaged, or no recording.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The recordings
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

const DAMAGED: u8 = 3;

pub(crate) fn run(args: &Args) -> Done {
    let mut out = io::stdout().lock();
    let mut code = ExitCode::SUCCESS;
    for path in &args.files {
        let name = path.display();
        match Replay::<Native>::open_guest(path) {
            // The architecture is looked at after all else.
            Ok(_) | Err(ReplayError::Architecture { .. }) => writeln!(out, "{name}: good")?,
            Err(error @ ReplayError::Io(_)) => {
                let path = path.clone();
                return Err(Trouble::Recording { path, error });
            }
            Err(error) => {
                writeln!(out, "{name}: {error}")?;
                code = ExitCode::from(DAMAGED);
            }
        }
    }
    Ok(code)
}

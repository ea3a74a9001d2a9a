//! Runs an example on the backend that the user, or the machine, has chosen.

use std::io::Write;
use std::process::ExitCode;

use kvm_core::Kvm;

use crate::{Example, Failure, Options};

/// The whole of an example's `main`: understands the command line, runs the example, and reports why it
/// failed.
pub fn main(example: &impl Example) -> ExitCode {
    let done = match Options::parse(std::env::args_os().skip(1)) {
        Ok(options) => run(example, &options, &mut std::io::stdout().lock()),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs an example, and prints to `out` on which backend, and what it has to say.
///
/// # Errors
///
/// When the backend that `options` ask for can't be had, or the example fails.
pub fn run<E: Example>(example: &E, options: &Options, out: &mut dyn Write) -> Result<(), Failure> {
    match options {
        Options::Help => Ok(out.write_all(Options::HELP.as_bytes())?),
        _ => {
            writeln!(out, "backend: kvm")?;
            example.run(&Kvm::open()?, out)
        }
    }
}

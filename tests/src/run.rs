//! Runs an example on the backend that the user, or the machine, has chosen.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kvm_core::Kvm;
use kvm_core::kvm_exit::GuestArch;
use kvm_mock::{Outcome, Replay};

use crate::any::Any;
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
        Options::Any => match Any::kvm().and_then(|kvm| Ok(Kvm::with(kvm)?)) {
            Ok(kvm) => on_kvm(example, &kvm, out),
            Err(why) => {
                let recording = Recording::committed::<E>();
                writeln!(out, "backend: replay of {} because {why}", recording.name)?;
                replay(example, &recording, out)
            }
        },
        Options::Kvm => on_kvm(example, &Kvm::with(Any::kvm()?)?, out),
        Options::Record(file) => record(example, file, out),
        Options::Replay(file) => {
            let recording = match file {
                Some(file) => Recording::of(file),
                None => Recording::committed::<E>(),
            };
            writeln!(out, "backend: replay of {}", recording.name)?;
            replay(example, &recording, out)
        }
    }
}

/// A recording, and what it is called in messages.
struct Recording {
    name: String,
    path: PathBuf,
}

impl Recording {
    fn of(path: &Path) -> Self {
        Self {
            name: path.display().to_string(),
            path: path.to_owned(),
        }
    }

    /// The one that comes with an example.
    fn committed<E: Example>() -> Self {
        let file = format!("recordings/{}/{}.kvmrec", E::Guest::ARCH.name(), E::NAME);
        Self {
            path: Path::new(env!("CARGO_MANIFEST_DIR")).join(&file),
            name: format!("tests/{file}"),
        }
    }
}

fn on_kvm<E: Example>(
    example: &E,
    kvm: &Kvm<Any<E::Guest>>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    writeln!(out, "backend: kvm")?;
    example.run(kvm, out)
}

fn record<E: Example>(example: &E, file: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    // Where there is no KVM, no file is left behind.
    Kvm::with(Any::<E::Guest>::kvm()?)?;
    let kvm = Any::<E::Guest>::kvm()?;
    let in_file = |error: Failure| format!("{}: {error}", file.display());
    let create = || kvm.recorded(File::create(file)?, false);
    let (recorder, recording) = create().map_err(in_file)?;
    writeln!(out, "backend: kvm, recorded to {}", file.display())?;
    let ran = Kvm::with(recorder)
        .map_err(Failure::from)
        .and_then(|kvm| example.run(&kvm, out));
    recording.finish().map_err(|error| in_file(error.into()))?;
    ran
}

fn replay<E: Example>(
    example: &E,
    recording: &Recording,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let name = &recording.name;
    let replay = Replay::open_guest(&recording.path).map_err(|error| format!("{name}: {error}"))?;
    let ran = match Kvm::with(Any::replay(replay.clone())) {
        Ok(kvm) => example.run(&kvm, out),
        Err(error) => Err(error.into()),
    };
    match (replay.outcome(), ran) {
        (Outcome::Complete, ran) => ran,
        // The example stopped for a reason of its own, so it is no wonder that records are left.
        (Outcome::Unread { .. } | Outcome::Cut { reached: false, .. }, Err(error)) => Err(error),
        (outcome, _) => Err(format!("{name}: {outcome}").into()),
    }
}

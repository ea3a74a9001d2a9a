//! Runs an example on the backend that the user, or the machine, has chosen.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kvm_core::{DevKvm, Kvm};
use kvm_mock::{Outcome, RecorderOptions, Replay};

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
        Options::Any => match usable() {
            Ok(kvm) => on_kvm(example, &kvm, out),
            Err(why) => {
                let recording = Recording::committed::<E>();
                writeln!(out, "backend: replay of {} because {why}", recording.name)?;
                replay(example, &recording, out)
            }
        },
        Options::Kvm => on_kvm(example, &usable()?, out),
        Options::Record(file) => {
            usable()?;
            record(example, file, out)
        }
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
        let file = format!("recordings/x86_64/{}.kvmrec", E::NAME);
        Self {
            path: Path::new(env!("CARGO_MANIFEST_DIR")).join(&file),
            name: format!("tests/{file}"),
        }
    }
}

/// `/dev/kvm`, if it can run the guests of the examples.
fn usable() -> Result<Kvm, Failure> {
    let arch = std::env::consts::ARCH;
    if arch == "x86_64" {
        Ok(Kvm::open()?)
    } else {
        Err(format!("the guest is for x86_64, and KVM on this host runs guests for {arch}").into())
    }
}

fn on_kvm(example: &impl Example, kvm: &Kvm, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "backend: kvm")?;
    example.run(kvm, out)
}

fn record(example: &impl Example, file: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let in_file = |error| format!("{}: {error}", file.display());
    // With guest memory, so that what the guest leaves there can be looked at in a replay too.
    let recorder = RecorderOptions::new()
        .memory(true)
        .create(DevKvm::open()?, file)
        .map_err(in_file)?;
    let recording = recorder.handle();
    writeln!(out, "backend: kvm, recorded to {}", file.display())?;
    let ran = example.run(&Kvm::with(recorder)?, out);
    recording.finish().map_err(in_file)?;
    ran
}

fn replay(
    example: &impl Example,
    recording: &Recording,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let name = &recording.name;
    let replay = Replay::open(&recording.path).map_err(|error| format!("{name}: {error}"))?;
    let ran = match Kvm::with(replay.clone()) {
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

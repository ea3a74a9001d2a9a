//! Runs a program with the library preloaded that puts a backend under it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

use kvm_mock::{Fault, NativeModel, Profile};

use crate::child;
use crate::desk::Desk;
use crate::served;
use crate::{Done, Trouble};

/// Name of the library.
const LIBRARY: &str = "libkvm_preload.so";

/// The exit code when the program succeeded, but its recording or replay did not.
const LEFT: u8 = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct Program {
    /// Have calls fail: CALL=ERRNO, and behind it nth=N, first=N, from=N, every=N, vcpu=ID, as in
    /// KVM_RUN=EINTR,every=2. Calls are ioctls, open, mmap, read and any
    #[arg(long = "fault", value_name = "SPEC", value_parser = fault)]
    faults: Vec<String>,
    /// Run it even if it looks as if it can't be served
    #[arg(long)]
    anyway: bool,
    /// The program and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Refuses what the library would refuse.
fn fault(text: &str) -> Result<String, kvm_mock::FaultSyntax> {
    text.parse::<Fault>().map(|_| text.to_owned())
}

/// What is put under the program.
#[derive(Debug)]
pub(crate) enum Launch {
    Kernel,
    Model(Model),
    Record(Recording),
    Replay { path: PathBuf, by_exit: bool },
}

/// A recording that is to be made.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) path: PathBuf,
    pub(crate) memory: bool,
    pub(crate) dirty_log: bool,
    pub(crate) registers: bool,
    pub(crate) eventfds: bool,
    pub(crate) times: bool,
    /// What is recorded in place of the kernel.
    pub(crate) model: Option<Model>,
}

/// The profile of a model: its name, or the path of its file.
#[derive(Debug)]
pub(crate) struct Model(OsString);

impl Model {
    /// A profile that comes with the model, or one in a file.
    pub(crate) fn new(profile: &OsStr) -> Result<Self, Trouble> {
        if profile == "synthetic" || profile == "amd-pvm" {
            return Ok(Self(profile.to_owned()));
        }
        let path = absolute(Path::new(profile))?;
        let failed = |error| Trouble::File {
            path: path.clone(),
            error,
        };
        let text = fs::read_to_string(&path).map_err(failed)?;
        Profile::<NativeModel>::parse(&text).map_err(|error| Trouble::Profile {
            path: path.clone(),
            error,
        })?;
        Ok(Self(path.into()))
    }
}

/// Runs the program, and says what became of the run.
pub(crate) fn launch(launch: &Launch, args: &Program) -> Done {
    let Some((program, rest)) = args.command.split_first() else {
        return Ok(ExitCode::SUCCESS);
    };
    let library = library()?;
    let found = served::find(program).ok_or_else(|| Trouble::NoProgram(program.into()))?;
    if !args.anyway {
        served::check(&found).map_err(|reason| Trouble::NotServed {
            program: program.into(),
            reason,
        })?;
    }
    let mut desk = Desk::new()?;
    let mut command = Command::new(program);
    command.args(rest).env("LD_PRELOAD", preload(&library));
    command.env("KVMREC_FAULTS", args.faults.join(" "));
    command.env("KVMREC_REPORT", desk.report());
    command.env("KVMREC_TURNS", desk.turns());
    set(&mut command, launch)?;
    let status = child::run(&mut command).map_err(|error| Trouble::File { path: found, error })?;
    let fine = tell(&desk.read_report()?, launch);
    Ok(if status.success() && !fine {
        ExitCode::from(LEFT)
    } else {
        code(status)
    })
}

/// Tells the library, by the environment, what to put under the program.
fn set(command: &mut Command, launch: &Launch) -> Result<(), Trouble> {
    let model = |command: &mut Command, Model(profile): &Model| {
        command.env("KVMREC_BACKEND", "model");
        command.env("KVMREC_PROFILE", profile);
    };
    match launch {
        Launch::Kernel => {
            command.env("KVMREC_BACKEND", "kvm");
        }
        Launch::Model(profile) => model(command, profile),
        Launch::Record(recording) => {
            let path = absolute(&recording.path)?;
            remove_old(&path)?;
            match &recording.model {
                Some(profile) => model(command, profile),
                None => {
                    command.env("KVMREC_BACKEND", "kvm");
                }
            }
            command.env("KVMREC_RECORD", path);
            for (name, on) in [
                ("KVMREC_MEMORY", recording.memory),
                ("KVMREC_DIRTY_LOG", recording.dirty_log),
                ("KVMREC_REGISTERS", recording.registers),
                ("KVMREC_EVENTFDS", recording.eventfds),
                ("KVMREC_TIMES", recording.times),
            ] {
                command.env(name, if on { "1" } else { "" });
            }
        }
        Launch::Replay { path, by_exit } => {
            let mode = if *by_exit { "by-exit" } else { "strict" };
            command.env("KVMREC_BACKEND", "replay");
            command.env("KVMREC_REPLAY", absolute(path)?);
            command.env("KVMREC_MODE", mode);
        }
    }
    Ok(())
}

/// Says what the processes of the program reported. Gives whether all went well.
fn tell(report: &str, launch: &Launch) -> bool {
    let mut fine = true;
    let mut opened = false;
    let mut loaded = false;
    for line in report.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("loaded", _) => loaded = true,
            ("opened", _) => opened = true,
            ("done", text) => eprintln!("kvmrec: {text}"),
            // It has said so itself, when it did.
            ("left", _) => fine = false,
            (_, text) => {
                fine = false;
                eprintln!("kvmrec: {text}");
            }
        }
    }
    if !loaded {
        eprintln!(
            "kvmrec: the program did not load the library: it is linked statically, or has privileges that this user \
             has not"
        );
    } else if !opened {
        eprintln!(
            "kvmrec: the program opened no /dev/kvm, or not through the C library, as one does that makes system \
             calls of its own"
        );
    }
    fine && (opened || !matches!(launch, Launch::Record(_) | Launch::Replay { .. }))
}

/// The recordings of an earlier run with more processes would be taken for those of this one.
fn remove_old(first: &Path) -> Result<(), Trouble> {
    let numbered = |number| {
        let mut path = first.as_os_str().to_owned();
        if number > 1 {
            path.push(format!(".{number}"));
        }
        PathBuf::from(path)
    };
    for path in (1_u32..).map(numbered) {
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Trouble::File { path, error }),
        }
    }
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf, Trouble> {
    std::path::absolute(path).map_err(|error| Trouble::File {
        path: path.into(),
        error,
    })
}

/// The library: where `KVMREC_PRELOAD` says, or beside this program, or where libraries lie beside programs.
fn library() -> Result<PathBuf, Trouble> {
    if let Some(path) = env::var_os("KVMREC_PRELOAD") {
        return found(vec![path.into()]);
    }
    let program = env::current_exe()?;
    let folder = program.parent().unwrap_or(Path::new("."));
    found(vec![
        folder.join(LIBRARY),
        folder.join("deps").join(LIBRARY),
        folder.join("../lib").join(LIBRARY),
    ])
}

fn found(places: Vec<PathBuf>) -> Result<PathBuf, Trouble> {
    let found = places.iter().find(|place| place.is_file());
    match found {
        Some(place) => Ok(place.canonicalize()?),
        None => Err(Trouble::NoLibrary(places)),
    }
}

/// With what is to be preloaded besides.
fn preload(library: &Path) -> OsString {
    let mut preload = library.as_os_str().to_owned();
    if let Some(others) = env::var_os("LD_PRELOAD").filter(|others| !others.is_empty()) {
        preload.push(":");
        preload.push(others);
    }
    preload
}

/// The program's exit code; of one that a signal ended, what a shell gives.
fn code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| child::signal(status).map(|signal| 128 + signal));
    let code = code.and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(u8::MAX))
}

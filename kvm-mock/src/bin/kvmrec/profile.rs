//! `kvmrec profile`: what a host's KVM offers, for models.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kvm_core::kvm_exit::{Aarch64, Riscv64, X86_64};
use kvm_core::{Error, Kvm};
use kvm_mock::{ModelGuest, Profile, ProfileError};
use kvm_sys::Arch;

use crate::paint::Paint;
use crate::progress::Progress;
use crate::{Done, Trouble};

/// Take a profile of this host's KVM, for models that claim to be it
///
/// VMs and vCPUs are made, and none is run. The profile is a text that is made to be read and edited: capabilities, CPUID,
/// MSRs, limits, and the state in which vCPUs start. Neither the host's name nor its kernel's is in it.
///
/// Exit codes: 0 done, 2 trouble, 3 a file to be checked is no profile.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the profile is written, instead of standard output
    #[arg(short, long, value_name = "FILE", conflicts_with = "check")]
    output: Option<PathBuf>,
    /// What the profile is called, such as `AMD Zen 3, Linux 6.12`
    #[arg(long, value_name = "NAME", conflicts_with = "check")]
    name: Option<String>,
    /// Take none, but tell whether these files are profiles
    #[arg(long, value_name = "FILE", num_args = 1..)]
    check: Vec<PathBuf>,
}

const NO_PROFILE: u8 = 3;

pub(crate) fn run(args: &Args) -> Done {
    if !args.check.is_empty() {
        return check(&args.check);
    }
    let mut profile = capture().map_err(Trouble::Kvm)?;
    if let Some(name) = &args.name {
        profile = profile.named(name);
    }
    let text = profile.to_string();
    match &args.output {
        None => io::stdout().lock().write_all(text.as_bytes())?,
        Some(path) => {
            let failed = |error| Trouble::File {
                path: path.clone(),
                error,
            };
            fs::write(path, text).map_err(failed)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn capture() -> Result<Profile, Error> {
    let _progress = Progress::begun("asking /dev/kvm".to_owned(), 0);
    Profile::capture(&Kvm::open()?)
}

fn check(files: &[PathBuf]) -> Done {
    let mut out = io::stdout().lock();
    let mut code = ExitCode::SUCCESS;
    for path in files {
        let text = read(path)?;
        let name = path.display();
        match about(&text) {
            Ok(about) => writeln!(out, "{name}: {}: {about}", Paint::Good.on("good"))?,
            Err(error) => {
                writeln!(out, "{name}: {}: {error}", Paint::Bad.on("no profile"))?;
                code = ExitCode::from(NO_PROFILE);
            }
        }
    }
    Ok(code)
}

fn read(path: &Path) -> Result<String, Trouble> {
    let bytes = fs::read(path).map_err(|error| Trouble::File {
        path: path.to_owned(),
        error,
    })?;
    // What is no text is no profile either, and is found to be none.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A line about the profile, of whichever architecture it says that it is.
fn about(text: &str) -> Result<String, ProfileError> {
    let said = text.lines().find_map(|line| line.strip_prefix("arch "));
    match said.map(str::trim) {
        Some(arch) if arch == Arch::Aarch64.name() => of::<Aarch64>(text),
        Some(arch) if arch == Arch::Riscv64.name() => of::<Riscv64>(text),
        _ => of::<X86_64>(text),
    }
}

fn of<G: ModelGuest>(text: &str) -> Result<String, ProfileError> {
    let profile = Profile::<G>::parse(text)?;
    let made_up = if profile.is_synthetic() {
        ", not taken from a machine"
    } else {
        ""
    };
    Ok(format!("{}, {}{made_up}", G::ARCH.name(), profile.name()))
}

//! `cargo xtask foreign`: programs that were never written for these crates, on their backends. The tests of published
//! crates, unmodified, with `/dev/kvm` hidden, on the model and on recordings; QEMU, recorded and replayed.

mod bench;
mod hidden;
mod package;
mod qemu;
mod suite;

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

/// The packages whose tests are run: the first has the most that a KVM can be asked, the others set up what a VMM does.
const PACKAGES: [&str; 3] = ["kvm-ioctls", "dbs-interrupt", "dbs-arch"];

#[derive(Args)]
pub(crate) struct Options {
    /// Only time exits, with and without the library
    #[arg(long)]
    bench: bool,
    /// Leave QEMU out
    #[arg(long)]
    no_qemu: bool,
    /// Install qemu-system-x86, as root on Debian, if it is missing
    #[arg(long)]
    install: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = Tools::build(here, options.bench)?;
    if options.bench {
        return bench::run_bench(&tools);
    }
    let mut failed = Vec::new();
    for name in PACKAGES {
        let tests = package::tests(here, name)?;
        failed.extend(suite::run_tests(&tools, name, &tests)?);
    }
    if !options.no_qemu {
        qemu::run_qemu(&tools, options.install)?;
    }
    if !failed.is_empty() {
        bail!(
            "neither on the model nor on a recording pass: {}",
            failed.join(", ")
        );
    }
    Ok(())
}

/// `kvmrec`, and a folder for what it writes.
struct Tools {
    kvmrec: PathBuf,
    scratch: tempfile::TempDir,
    /// Whether `/dev/kvm` can be used.
    kvm: bool,
}

impl Tools {
    /// Builds them; `fast` to be timed.
    fn build(here: &Path, fast: bool) -> Result<Self> {
        let root = here.parent().context("xtask is in a folder")?;
        let mut command = Command::new(env!("CARGO"));
        command
            .current_dir(root)
            .args(["build", "--quiet", "--lib", "--bin", "kvmrec"]);
        command.args(["--package", "kvm-preload", "--package", "kvm-mock"]);
        command.args(["--features", "kvm-mock/kvmrec"]);
        let folder = if fast { "release" } else { "debug" };
        if fast {
            command.arg("--release");
        }
        if !command.status()?.success() {
            bail!("kvmrec does not build");
        }
        let target = std::env::var_os("CARGO_TARGET_DIR");
        let target = target.map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Self {
            kvmrec: root.join(target).join(folder).join("kvmrec"),
            scratch: tempfile::tempdir()?,
            kvm: OpenOptions::new()
                .read(true)
                .write(true)
                .open("/dev/kvm")
                .is_ok(),
        })
    }

    /// `kvmrec` with these arguments.
    fn kvmrec<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(&self.kvmrec);
        command.args(arguments);
        command
    }
}

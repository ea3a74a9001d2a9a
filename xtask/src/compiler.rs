//! The two C compilers of each architecture: where they are, and how they can be had.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::arch::{Arch, Vendor};
use crate::cache;

/// The release of PyPI's `ziglang` that `--install` fetches.
const ZIG_VERSION: &str = "0.17.1";

/// A compiler for one architecture.
#[derive(Debug, Clone)]
pub(crate) struct Compiler {
    pub(crate) vendor: Vendor,
    program: PathBuf,
    target: Option<String>,
}

impl Compiler {
    /// The compiler, or what to do about its absence.
    pub(crate) fn find(arch: &Arch, vendor: Vendor) -> Result<Self> {
        match vendor {
            Vendor::Gcc => {
                let program = PathBuf::from(&arch.gcc);
                if !runs(&program, "--version") {
                    bail!(
                        "`{}` is not installed; it is in the Debian package {}",
                        arch.gcc,
                        arch.package
                    );
                }
                Ok(Self {
                    vendor,
                    program,
                    target: None,
                })
            }
            Vendor::Zig => Ok(Self {
                vendor,
                program: zig()?,
                target: Some(arch.zig.clone()),
            }),
        }
    }

    /// A command that needs no more than options and a file.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(target) = &self.target {
            command.args(["cc", "-target", target]);
        }
        command.env("LC_ALL", "C");
        command
    }

    /// How messages call it.
    pub(crate) fn name(&self) -> String {
        match &self.target {
            Some(target) => format!("zig cc -target {target}"),
            None => self.program.display().to_string(),
        }
    }

    /// The first line of what it says about itself.
    pub(crate) fn version(&self) -> Result<String> {
        let output = self.command().arg("--version").output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }
}

fn runs(program: &Path, argument: &str) -> bool {
    let status = Command::new(program)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// `zig` from the search path, or the one that `--install` has put into the cache.
fn zig() -> Result<PathBuf> {
    let kept = zig_dir()?.join("ziglang/zig");
    for candidate in [kept, PathBuf::from("zig")] {
        if runs(&candidate, "version") {
            return Ok(candidate);
        }
    }
    bail!("`zig` is not installed; it is in the PyPI package ziglang")
}

fn zig_dir() -> Result<PathBuf> {
    Ok(cache::dir()?.join(format!("ziglang-{ZIG_VERSION}")))
}

/// Installs a missing compiler: Debian's into the system, PyPI's into a folder of its own.
pub(crate) fn install(arch: &Arch, vendor: Vendor) -> Result<()> {
    let mut command = match vendor {
        Vendor::Gcc => {
            let mut command = Command::new("apt-get");
            command.args(["-q", "install", "-y", "--no-install-recommends"]);
            command.arg(&arch.package);
            command
        }
        Vendor::Zig => {
            let mut command = Command::new("python3");
            command.args(["-m", "pip", "install", "--quiet", "--target"]);
            command.arg(zig_dir()?);
            command.arg(format!("ziglang=={ZIG_VERSION}"));
            command
        }
    };
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("{}", message.trim());
    }
    Ok(())
}

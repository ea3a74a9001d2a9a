//! Building programs for the lab's machines: static, for the machine's architecture.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::machine::Arch;
use super::packages::Store;

/// How much debug information programs have.
const DEBUG: &str = "CARGO_PROFILE_DEV_DEBUG";

/// Cargo, set up for an architecture.
#[derive(Debug)]
pub(crate) struct Cargo {
    arch: Arch,
    environment: Vec<(String, String)>,
}

/// A program of a cargo package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

/// What a program of a cargo package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Test,
    Bin,
    Example,
    /// The unit tests of a library.
    Lib,
}

/// Whether the active toolchain has an architecture's library, so that no other compiler is needed.
pub(crate) fn has_library(arch: Arch) -> Result<bool> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", arch.target()])
        .output()
        .context("cannot run rustc")?;
    let dir = String::from_utf8(output.stdout)?;
    Ok(output.status.success() && Path::new(dir.trim()).is_dir())
}

impl Cargo {
    /// Cargo for an architecture, with more flags for the compiler; `own` says whether that is the store's.
    pub(crate) fn new(store: &Store, arch: Arch, own: bool, more: &str) -> Result<Self> {
        let mut flags = format!("-Ctarget-feature=+crt-static {more}");
        let mut environment = Vec::new();
        let variable = arch.target().replace('-', "_").to_uppercase();
        if arch != Arch::X86_64 {
            flags.push_str(" -Clinker-flavor=ld -Crelocation-model=static");
            let linker = linker(store, arch)?;
            environment.push((format!("CARGO_TARGET_{variable}_LINKER"), linker));
            if own {
                environment.push(("RUSTC".to_owned(), compiler(store, arch)?));
            }
        }
        environment.push((format!("CARGO_TARGET_{variable}_RUSTFLAGS"), flags));
        // What a backtrace shows: no debugger runs there, and the rest takes long to make and to boot with.
        if std::env::var_os(DEBUG).is_none() {
            environment.push((DEBUG.to_owned(), "line-tables-only".to_owned()));
        }
        Ok(Self { arch, environment })
    }

    /// Builds the programs and returns where they are, in their order.
    pub(crate) fn build(
        &self,
        manifest: &Path,
        options: &[&str],
        targets: &[Target],
    ) -> Result<Vec<PathBuf>> {
        let mut built = Vec::new();
        // Unit tests alone are nothing that `cargo build` builds.
        let (libraries, others): (Vec<_>, Vec<_>) =
            targets.iter().partition(|target| target.kind == Kind::Lib);
        if !others.is_empty() {
            built.extend(self.artifacts(manifest, &[&["build"], options].concat(), &others)?);
        }
        if !libraries.is_empty() {
            let words = [&["test", "--no-run"], options].concat();
            built.extend(self.artifacts(manifest, &words, &libraries)?);
        }
        targets
            .iter()
            .map(|target| {
                let found = built.iter().find_map(|artifact| artifact.program(target));
                found.with_context(|| format!("cargo built no {}", target.name))
            })
            .collect()
    }

    fn artifacts(
        &self,
        manifest: &Path,
        words: &[&str],
        targets: &[&Target],
    ) -> Result<Vec<Artifact>> {
        let mut command = Command::new("cargo");
        // They would take the place of the flags that make programs static.
        command
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .args(words)
            .args(["--message-format=json-render-diagnostics", "--target"])
            .arg(self.arch.target())
            .arg("--manifest-path")
            .arg(manifest)
            .arg("--target-dir")
            .arg(target_dir(manifest)?);
        for target in targets {
            match target.kind {
                Kind::Test => command.args(["--test", &target.name]),
                Kind::Bin => command.args(["--bin", &target.name]),
                Kind::Example => command.args(["--example", &target.name]),
                Kind::Lib => command.args(["--lib", "--package", &target.name]),
            };
        }
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            bail!("cargo could not build the programs for {}", self.arch);
        }
        Ok(String::from_utf8(output.stdout)?
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect())
    }
}

/// What cargo says of something that it built.
#[derive(Deserialize)]
struct Artifact {
    target: Described,
    profile: Profile,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Described {
    kind: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

impl Artifact {
    /// Its path if it is the target's program.
    fn program(&self, target: &Target) -> Option<PathBuf> {
        let (kind, test) = match target.kind {
            Kind::Test => ("test", true),
            Kind::Bin => ("bin", false),
            Kind::Example => ("example", false),
            Kind::Lib => ("lib", true),
        };
        let name = target.name.replace('-', "_");
        let fits = self.target.kind.iter().any(|found| found == kind)
            && self.target.name.replace('-', "_") == name
            && self.profile.test == test;
        fits.then(|| self.executable.clone()).flatten()
    }
}

/// Not where programs for the host are: two builds would wait for each other.
fn target_dir(manifest: &Path) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let output = Command::new("cargo")
        .args([
            "metadata",
            "--no-deps",
            "--format-version=1",
            "--manifest-path",
        ])
        .arg(manifest)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo does not understand {}", manifest.display());
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    Ok(metadata.target_directory.join("lab"))
}

/// A script that runs an unpacked program with the C library that it was built with, which may be newer than
/// the host's.
fn script(tree: &Path, name: &str, words: &str) -> Result<String> {
    let tree_text = tree.to_str().context("the cache's path is not UTF-8")?;
    let text = format!(
        "#!/bin/sh\n\
         tree='{tree_text}'\n\
         exec \"$tree/usr/lib64/ld-linux-x86-64.so.2\" --library-path \"$tree/usr/lib/x86_64-linux-gnu\" \\\n\
         \x20   {words}\n"
    );
    let path = tree.join(name);
    if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
        // In one step: others may be using it.
        let file = tempfile::NamedTempFile::new_in(tree)?;
        std::fs::write(file.path(), text)?;
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(0o755))?;
        file.persist(&path)?;
    }
    Ok(path
        .to_str()
        .context("the cache's path is not UTF-8")?
        .to_owned())
}

fn compiler(store: &Store, arch: Arch) -> Result<String> {
    let tree = store.compiler();
    let place = tree.join("usr/lib/rustlib").join(arch.target());
    if !place.exists() {
        let library = store
            .library(arch)
            .join("usr/lib/rustlib")
            .join(arch.target());
        if let Err(error) = std::os::unix::fs::symlink(&library, &place) {
            if !place.exists() {
                return Err(error).with_context(|| format!("cannot link {}", place.display()));
            }
        }
    }
    script(
        &tree,
        "rustc",
        "\"$tree/usr/bin/rustc\" --sysroot \"$tree/usr\" \"$@\"",
    )
}

/// The linker, with the objects around a static program that a C compiler would name.
fn linker(store: &Store, arch: Arch) -> Result<String> {
    let tree = store.linker(arch);
    let gnu = arch.gnu();
    let words = format!(
        "\"$tree/usr/bin/{gnu}-ld\" --sysroot=\"$tree\" \\\n\
         \x20   \"$tree/usr/{gnu}/lib/crt1.o\" \"$tree/usr/{gnu}/lib/crti.o\" \\\n\
         \x20   \"$tree\"/usr/lib/gcc-cross/{gnu}/*/crtbeginT.o \"$@\" \\\n\
         \x20   -L \"$tree/usr/{gnu}/lib\" -L \"$tree\"/usr/lib/gcc-cross/{gnu}/* \\\n\
         \x20   --start-group -lgcc -lgcc_eh -lc --end-group \\\n\
         \x20   \"$tree\"/usr/lib/gcc-cross/{gnu}/*/crtend.o \"$tree/usr/{gnu}/lib/crtn.o\""
    );
    script(&tree, "ld", &words)
}

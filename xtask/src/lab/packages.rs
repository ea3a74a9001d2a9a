//! What the lab is made of: Debian packages, unpacked into the cache. Nothing is installed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::fs::FlockOperation;

use super::machine::{Arch, Kernel};
use crate::apt::Suite;
use crate::cache;

/// Where what runs on this host comes from.
const TOOLS: &str = "trixie";
/// The architecture of hosts that the lab runs on.
const HOST: &str = "amd64";

/// The list of a part's packages, in its folder.
const LIST: &str = "packages.txt";

/// Some packages, unpacked into a folder of their own.
#[derive(Debug)]
struct Part {
    name: String,
    release: &'static str,
    arch: &'static str,
    /// These, with all that they depend on.
    whole: &'static [&'static str],
    /// These alone.
    alone: &'static [&'static str],
    /// What this one depends on, alone: its name tells the version.
    of: Option<&'static str>,
}

/// The folder of all parts.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    /// How long what was not there took to download.
    pub(crate) downloads: Duration,
}

impl Store {
    /// The store with all that an architecture's machine needs, and with `rust` the parts that build
    /// programs for it.
    pub(crate) fn with(arch: Arch, kernel: Kernel, rust: bool) -> Result<Self> {
        if !kernel.exists_for(arch) {
            bail!("Debian has no Linux {kernel} for {arch}");
        }
        let mut store = Self {
            dir: cache::dir()?.join("lab"),
            downloads: Duration::ZERO,
        };
        let mut parts = vec![emulators(), kernel_of(arch, kernel)];
        if arch != Arch::X86_64 {
            parts.push(linker(arch));
            if rust {
                parts.extend([compiler(), library(arch)]);
            }
        }
        store.fetch(&parts)?;
        if rust && arch != Arch::X86_64 {
            store.same_compiler(arch)?;
        }
        Ok(store)
    }

    /// A file in the part of the emulators.
    pub(crate) fn emulators(&self) -> PathBuf {
        self.folder(&emulators())
    }

    /// The part of a kernel.
    pub(crate) fn kernel(&self, arch: Arch, kernel: Kernel) -> PathBuf {
        self.folder(&kernel_of(arch, kernel))
    }

    pub(crate) fn linker(&self, arch: Arch) -> PathBuf {
        self.folder(&linker(arch))
    }

    pub(crate) fn compiler(&self) -> PathBuf {
        self.folder(&compiler())
    }

    pub(crate) fn library(&self, arch: Arch) -> PathBuf {
        self.folder(&library(arch))
    }

    fn folder(&self, part: &Part) -> PathBuf {
        self.dir.join(&part.name)
    }

    /// Fetches the parts that are not there. Others may do the same at the same time, and wait.
    fn fetch(&mut self, parts: &[Part]) -> Result<()> {
        if parts.iter().all(|part| self.folder(part).is_dir()) {
            return Ok(());
        }
        let downloads = self.dir.join("downloads");
        std::fs::create_dir_all(&downloads)
            .with_context(|| format!("cannot create {}", downloads.display()))?;
        let lock = File::create(self.dir.join("lock"))?;
        if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            eprintln!("lab: waiting for another setup to end");
            rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
        }
        let mut suites = Suites::default();
        for part in parts {
            if self.folder(part).is_dir() {
                continue;
            }
            let begun = Instant::now();
            let suite = suites.get(part.release, part.arch)?;
            self.downloads += begun.elapsed();
            self.fetch_part(part, suite, &downloads)
                .with_context(|| format!("while fetching {}", part.name))?;
        }
        std::fs::remove_dir_all(&downloads)?;
        Ok(())
    }

    fn fetch_part(&mut self, part: &Part, suite: &Suite, downloads: &Path) -> Result<()> {
        let packages = part.packages(suite)?;
        let files = suite.files(&packages)?;
        let size: u64 = files.iter().map(|file| file.size).sum();
        eprintln!(
            "lab: fetching {}: {} packages, {} MB",
            part.name,
            files.len(),
            size / 1_000_000
        );
        let begun = Instant::now();
        suite.download_into(downloads, &packages)?;
        self.downloads += begun.elapsed();
        // Beside its last place, so that moving it there is one step.
        let unpacked = tempfile::tempdir_in(&self.dir)?;
        let mut list = String::new();
        for file in &files {
            unpack(&downloads.join(&file.name), unpacked.path())?;
            list.push_str(&file.name);
            list.push('\n');
        }
        std::fs::write(unpacked.path().join(LIST), list)?;
        std::fs::rename(unpacked.keep(), self.folder(part))?;
        Ok(())
    }

    /// A library is of use to the very compiler that built it only.
    fn same_compiler(&self, arch: Arch) -> Result<()> {
        let version = |part: &Part| -> Result<String> {
            let list = std::fs::read_to_string(self.folder(part).join(LIST))?;
            version(&list, "libstd-rust-web-dev").context("no libstd-rust-web-dev was unpacked")
        };
        let (compiler, library) = (version(&compiler())?, version(&library(arch))?);
        if compiler != library {
            bail!(
                "the compiler in the cache is of version {compiler}, the library for {arch} of {library}: \
                 remove {} to fetch both again",
                self.dir.display()
            );
        }
        Ok(())
    }
}

fn emulators() -> Part {
    Part {
        name: "qemu".to_owned(),
        release: TOOLS,
        arch: HOST,
        whole: &["qemu-system-x86", "qemu-system-arm", "qemu-system-riscv"],
        alone: &[],
        of: None,
    }
}

fn kernel_of(arch: Arch, kernel: Kernel) -> Part {
    Part {
        name: format!("linux-{kernel}-{arch}"),
        release: kernel.release(),
        arch: arch.debian(),
        whole: &[],
        alone: &[],
        of: Some(arch.kernel_package()),
    }
}

/// The linker, with the C library's objects.
fn linker(arch: Arch) -> Part {
    let (whole, alone): (&[&str], &[&str]) = match arch {
        Arch::X86_64 => (&[], &[]),
        Arch::Aarch64 => (
            &["binutils-aarch64-linux-gnu"],
            &["libc6-dev-arm64-cross", "libgcc-14-dev-arm64-cross"],
        ),
        Arch::Riscv64 => (
            &["binutils-riscv64-linux-gnu"],
            &["libc6-dev-riscv64-cross", "libgcc-14-dev-riscv64-cross"],
        ),
    };
    Part {
        name: format!("binutils-{arch}"),
        release: TOOLS,
        arch: HOST,
        whole,
        alone,
        of: None,
    }
}

/// The compiler that Debian has libraries of other architectures for.
fn compiler() -> Part {
    Part {
        name: "rust".to_owned(),
        release: TOOLS,
        arch: HOST,
        whole: &["libstd-rust-web-dev"],
        alone: &["rustc-web"],
        of: None,
    }
}

fn library(arch: Arch) -> Part {
    Part {
        name: format!("rust-std-{arch}"),
        release: TOOLS,
        arch: arch.debian(),
        whole: &[],
        alone: &["libstd-rust-web-dev"],
        of: None,
    }
}

impl Part {
    /// The names of its packages.
    fn packages(&self, suite: &Suite) -> Result<Vec<String>> {
        let mut packages: Vec<String> = self.alone.iter().map(|&name| name.to_owned()).collect();
        if !self.whole.is_empty() {
            packages.extend(suite.closure(self.whole)?);
        }
        if let Some(meta) = self.of {
            packages.push(suite.newest(meta)?);
        }
        packages.sort();
        packages.dedup();
        Ok(packages)
    }
}

/// The indexes read so far.
#[derive(Default)]
struct Suites(Vec<(&'static str, &'static str, Suite)>);

impl Suites {
    fn get(&mut self, release: &'static str, arch: &'static str) -> Result<&Suite> {
        let found = self
            .0
            .iter()
            .position(|suite| (suite.0, suite.1) == (release, arch));
        let index = match found {
            Some(index) => index,
            None => {
                eprintln!("lab: reading what Debian {release} has for {arch}");
                self.0.push((release, arch, Suite::release(release, arch)?));
                self.0.len() - 1
            }
        };
        self.0.get(index).map(|suite| &suite.2).context("no index")
    }
}

fn unpack(package: &Path, dir: &Path) -> Result<()> {
    let output = Command::new("dpkg-deb")
        .arg("--extract")
        .args([package, dir])
        .output()
        .context("cannot run dpkg-deb")?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!(
            "dpkg-deb cannot unpack {}: {}",
            package.display(),
            message.trim()
        );
    }
    Ok(())
}

/// The version of a package in a list of files, without the number of a rebuild.
fn version(list: &str, package: &str) -> Option<String> {
    let version = list.lines().find_map(|file| {
        let mut words = file.split('_');
        (words.next()? == package).then(|| words.next()).flatten()
    })?;
    let version = match version.rsplit_once("+b") {
        Some((version, rebuild)) if rebuild.bytes().all(|byte| byte.is_ascii_digit()) => version,
        _ => version,
    };
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuild_is_the_same_version() {
        let list = "libc6_2.41-12_amd64.deb\nrustc_1.96.0+dfsg1-1~deb13u1+b1_amd64.deb\nstd_1.96.0+dfsg1_arm64.deb\n";
        let of = |package| version(list, package);
        assert_eq!(of("rustc").as_deref(), Some("1.96.0+dfsg1-1~deb13u1"));
        assert_eq!(of("std").as_deref(), Some("1.96.0+dfsg1"));
        assert_eq!(of("libc"), None);
    }
}

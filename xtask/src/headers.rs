//! The kernel's headers: a directory, a package file, or the package that `headers.lock` pins.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{apt, cache};

/// Names a local copy of the pinned package.
const DEB_VARIABLE: &str = "KVM_HEADERS_DEB";

/// An unpacked tree: `usr/include`, and `usr/lib/linux/uapi/<arch>` for each architecture.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    /// Kernel release, from `linux/version.h`.
    pub(crate) kernel: String,
    /// The package it came from; None for a directory that the user named.
    pub(crate) lock: Option<Lock>,
}

/// `headers.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    pub(crate) suite: String,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) sha256: String,
    pub(crate) kernel: String,
}

impl Lock {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Replaces the values in the file and keeps its comments.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let old = std::fs::read_to_string(path)?;
        let mut text = String::new();
        for line in old.lines().filter(|line| line.starts_with('#')) {
            writeln!(text, "{line}")?;
        }
        text.push_str(&toml::to_string(self)?);
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A tree of headers, or why there is none to be had: without a mirror that is no error.
pub(crate) enum Found {
    Tree(Tree),
    Nothing(anyhow::Error),
}

/// Finds the headers: `directory` if it is named, else the pinned package, from a local copy, the
/// cache or the mirror; with `newest`, or where the mirror has dropped the pinned version, its newest.
pub(crate) fn find(directory: Option<&Path>, lock: &Lock, newest: bool) -> Result<Found> {
    if let Some(directory) = directory {
        let root = directory
            .canonicalize()
            .with_context(|| format!("there are no headers in {}", directory.display()))?;
        let kernel = release(&root)?;
        return Ok(Found::Tree(Tree {
            root,
            kernel,
            lock: None,
        }));
    }
    let cache = cache::dir()?;
    if let (Some(file), false) = (std::env::var_os(DEB_VARIABLE), newest) {
        let file = PathBuf::from(file);
        verify(&file, lock)?;
        return unpack(&file, lock, &cache).map(Found::Tree);
    }
    let kept = cache.join(format!("{}_{}.deb", lock.package, lock.version));
    if kept.is_file() && !newest {
        verify(&kept, lock)?;
        return unpack(&kept, lock, &cache).map(Found::Tree);
    }
    let fetched = match apt::fetch(lock, newest) {
        Ok(fetched) => fetched,
        Err(error) => return Ok(Found::Nothing(error)),
    };
    let sha256 = digest(&fetched.file)?;
    if fetched.version == lock.version {
        verify(&fetched.file, lock)?;
    }
    let actual = Lock {
        version: fetched.version,
        sha256,
        ..lock.clone()
    };
    std::fs::copy(
        &fetched.file,
        cache.join(format!("{}_{}.deb", actual.package, actual.version)),
    )?;
    unpack(&fetched.file, &actual, &cache).map(Found::Tree)
}

/// Checks a package file against the lock.
fn verify(file: &Path, lock: &Lock) -> Result<()> {
    let found = digest(file)?;
    if found != lock.sha256 {
        bail!(
            "{} is not {} {}:\n  its sha256 is {found}\n  headers.lock has    {}\nUse the pinned \
             package, or pass another tree with --headers.",
            file.display(),
            lock.package,
            lock.version,
            lock.sha256
        );
    }
    Ok(())
}

fn digest(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file)
        .with_context(|| format!("cannot read the package {}", file.display()))?;
    let mut text = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}

/// Unpacks a package into the cache, once.
fn unpack(file: &Path, lock: &Lock, cache: &Path) -> Result<Tree> {
    let root = cache.join(&lock.sha256);
    if !root.is_dir() {
        let unfinished = tempfile::tempdir_in(cache)?;
        unpack_into(file, unfinished.path())
            .context("the package can be unpacked by hand and passed as --headers")?;
        std::fs::rename(unfinished.keep(), &root)?;
    }
    let kernel = release(&root)?;
    Ok(Tree {
        lock: Some(Lock {
            kernel: kernel.clone(),
            ..lock.clone()
        }),
        root,
        kernel,
    })
}

/// Unpacks a package into a directory, beside what is there.
pub(crate) fn unpack_into(file: &Path, dir: &Path) -> Result<()> {
    let status = Command::new("dpkg-deb")
        .arg("-x")
        .arg(file)
        .arg(dir)
        .status()
        .context("cannot run dpkg-deb")?;
    if !status.success() {
        bail!("dpkg-deb could not unpack {}", file.display());
    }
    Ok(())
}

/// The release that a tree's `linux/version.h` states.
pub(crate) fn release(root: &Path) -> Result<String> {
    let path = root.join("usr/include/linux/version.h");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "{} can't be read: is it a tree of kernel headers?",
            path.display()
        )
    })?;
    let part = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("#define {name} ")));
        line.map(str::trim)
            .with_context(|| format!("{} has no {name}", path.display()))
    };
    Ok(format!(
        "{}.{}.{}",
        part("LINUX_VERSION_MAJOR")?,
        part("LINUX_VERSION_PATCHLEVEL")?,
        part("LINUX_VERSION_SUBLEVEL")?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        Lock {
            suite: "suite".to_owned(),
            package: "headers".to_owned(),
            version: "1-1".to_owned(),
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
            kernel: "7.3.4".to_owned(),
        }
    }

    #[test]
    fn another_package_than_the_pinned_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("headers.deb");
        std::fs::write(&file, "abc").unwrap();
        verify(&file, &lock()).unwrap();
        std::fs::write(&file, "abd").unwrap();
        let error = verify(&file, &lock()).unwrap_err().to_string();
        assert!(
            error.contains("headers.deb") && error.contains("--headers"),
            "{error}"
        );
    }

    #[test]
    fn the_lock_file_keeps_its_comments() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("headers.lock");
        std::fs::write(&file, "# why\nold = 1\n").unwrap();
        lock().write(&file).unwrap();
        assert_eq!(Lock::read(&file).unwrap(), lock());
        assert!(
            std::fs::read_to_string(&file)
                .unwrap()
                .starts_with("# why\n")
        );
    }

    #[test]
    fn a_tree_says_which_release_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let include = dir.path().join("usr/include/linux");
        std::fs::create_dir_all(&include).unwrap();
        assert!(
            release(dir.path())
                .unwrap_err()
                .to_string()
                .contains("version.h")
        );
        let text = "#define LINUX_VERSION_MAJOR 7\n#define LINUX_VERSION_PATCHLEVEL 3\n\
                    #define LINUX_VERSION_SUBLEVEL 4\n";
        std::fs::write(include.join("version.h"), text).unwrap();
        assert_eq!(release(dir.path()).unwrap(), "7.3.4");
    }
}

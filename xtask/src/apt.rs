//! Downloading a Debian package without touching the system's own package state.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::headers::Lock;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A downloaded package; it lives as long as this does.
pub(crate) struct Fetched {
    pub(crate) file: PathBuf,
    pub(crate) version: String,
    _suite: Suite,
}

/// Downloads the pinned version, or with `newest`, or where that one is gone, the newest.
pub(crate) fn fetch(lock: &Lock, newest: bool) -> Result<Fetched> {
    let suite = Suite::open(&lock.suite)?;
    let pinned = format!("{}={}", lock.package, lock.version);
    let file = if newest {
        suite.download(&lock.package)?
    } else {
        suite.download(&pinned).or_else(|_| {
            eprintln!("{pinned} is gone from {}; using the newest", lock.suite);
            suite.download(&lock.package)
        })?
    };
    let version = version(&file)?;
    Ok(Fetched {
        file,
        version,
        _suite: suite,
    })
}

/// A private state of packages with one suite as its source; what it downloads goes with it.
pub(crate) struct Suite {
    root: TempDir,
}

impl Suite {
    pub(crate) fn open(name: &str) -> Result<Self> {
        let mirror = mirror(Path::new("/etc/apt"))?;
        let root = tempfile::tempdir()?;
        configure(root.path(), &mirror, name)?;
        apt(root.path(), root.path(), &["update"])?;
        Ok(Self { root })
    }

    /// Downloads a package: its name alone, or `name=version`, where `*` stands for anything.
    pub(crate) fn download(&self, package: &str) -> Result<PathBuf> {
        let dir = tempfile::tempdir_in(self.root.path())?.keep();
        apt(self.root.path(), &dir, &["download", package])?;
        std::fs::read_dir(&dir)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .context("apt-get downloaded no package")
    }
}

/// Where this system gets its own packages from.
fn mirror(etc: &Path) -> Result<String> {
    for name in ["sources.list.d/debian.sources", "sources.list"] {
        let Ok(text) = std::fs::read_to_string(etc.join(name)) else {
            continue;
        };
        if let Some(uri) = text.lines().find_map(uri) {
            return Ok(uri.to_owned());
        }
    }
    bail!("this system has no Debian package source")
}

/// The address in a line of either format of sources.
fn uri(line: &str) -> Option<&str> {
    if let Some(uris) = line.strip_prefix("URIs:") {
        return uris.split_whitespace().next();
    }
    let rest = line.strip_prefix("deb ")?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    rest.split_whitespace().next()
}

/// Makes a private configuration with one source, and empty state.
fn configure(root: &Path, mirror: &str, suite: &str) -> Result<()> {
    for dir in [
        "etc/apt.conf.d",
        "etc/preferences.d",
        "etc/sources.list.d",
        "state/lists/partial",
        "cache/archives/partial",
    ] {
        std::fs::create_dir_all(root.join(dir))?;
    }
    std::fs::write(root.join("state/status"), "")?;
    std::fs::write(
        root.join("etc/sources.list"),
        format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n"),
    )?;
    let mut conf = String::new();
    for (key, path) in [
        ("Dir::Etc", "etc"),
        ("Dir::Etc::sourcelist", "etc/sources.list"),
        ("Dir::Etc::sourceparts", "etc/sources.list.d"),
        ("Dir::Etc::parts", "etc/apt.conf.d"),
        ("Dir::State", "state"),
        ("Dir::State::status", "state/status"),
        ("Dir::Cache", "cache"),
    ] {
        writeln!(conf, "{key} \"{}\";", root.join(path).display())?;
    }
    conf.push_str("Acquire::Languages \"none\";\nAPT::Sandbox::User \"root\";\n");
    std::fs::write(root.join("apt.conf"), conf)?;
    Ok(())
}

fn apt(root: &Path, dir: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new("apt-get")
        .env("APT_CONFIG", root.join("apt.conf"))
        .current_dir(dir)
        .arg("-q")
        .args(arguments)
        .output()
        .context("cannot run apt-get")?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("apt-get {} failed: {}", arguments.join(" "), message.trim());
    }
    Ok(())
}

fn version(file: &Path) -> Result<String> {
    let output = Command::new("dpkg-deb")
        .arg("--field")
        .arg(file)
        .arg("Version")
        .output()
        .context("cannot run dpkg-deb")?;
    if !output.status.success() {
        bail!("dpkg-deb cannot read {}", file.display());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_of_sources_are_read() {
        let etc = tempfile::tempdir().unwrap();
        assert!(mirror(etc.path()).is_err());
        let list = "# deb http://none.example/debian a main\n\
                    deb [arch=amd64] http://one.example/debian a main\n";
        std::fs::write(etc.path().join("sources.list"), list).unwrap();
        assert_eq!(mirror(etc.path()).unwrap(), "http://one.example/debian");
        std::fs::create_dir(etc.path().join("sources.list.d")).unwrap();
        let sources = "Types: deb\nURIs: http://two.example/debian\nSuites: a\n";
        std::fs::write(etc.path().join("sources.list.d/debian.sources"), sources).unwrap();
        assert_eq!(mirror(etc.path()).unwrap(), "http://two.example/debian");
    }
}

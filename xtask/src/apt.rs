//! Downloading a Debian package without touching the system's own package state.

use std::fmt::Write;
use std::io::IsTerminal;
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
        Self::open_as(name, None)
    }

    /// The packages of a release for an architecture. A mirror's index of one may be broken under the
    /// release's own name and whole under another that it has.
    pub(crate) fn release(codename: &str, arch: &str) -> Result<Self> {
        let own = match Self::open_as(codename, Some(arch)) {
            Ok(suite) => return Ok(suite),
            Err(error) => error,
        };
        let aliases = ["stable", "oldstable"].into_iter();
        let suites = aliases.filter_map(|alias| Self::open_as(alias, Some(arch)).ok());
        for suite in suites {
            if suite.codename()?.as_deref() == Some(codename) {
                return Ok(suite);
            }
        }
        Err(own)
    }

    fn open_as(name: &str, arch: Option<&str>) -> Result<Self> {
        let mirror = mirror(Path::new("/etc/apt"))?;
        let root = tempfile::tempdir()?;
        configure(root.path(), &mirror, name, arch)?;
        apt(root.path(), root.path(), &["update"])?;
        Ok(Self { root })
    }

    fn codename(&self) -> Result<Option<String>> {
        for entry in std::fs::read_dir(self.root.path().join("state/lists"))? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with("Release") {
                return Ok(codename(&std::fs::read_to_string(&path)?).map(str::to_owned));
            }
        }
        Ok(None)
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

    /// Downloads packages into a folder, showing progress. What is there whole is kept, what is there in
    /// part is continued.
    pub(crate) fn download_into(&self, dir: &Path, packages: &[String]) -> Result<()> {
        let mut command = Command::new("apt-get");
        configured(&mut command, self.root.path())
            .current_dir(dir)
            .arg("download")
            .args(packages);
        if !std::io::stderr().is_terminal() {
            command.arg("-qq");
        }
        let status = command.stdout(std::io::stderr()).status();
        if !status.context("cannot run apt-get")?.success() {
            bail!("apt-get could not download {}", packages.join(" "));
        }
        Ok(())
    }

    /// The files of packages.
    pub(crate) fn files(&self, packages: &[String]) -> Result<Vec<Listed>> {
        let mut arguments = vec!["--print-uris", "download"];
        arguments.extend(packages.iter().map(String::as_str));
        let printed = apt(self.root.path(), self.root.path(), &arguments)?;
        Ok(printed.lines().filter_map(file).collect())
    }

    /// The packages with everything that they depend on, as if nothing were installed.
    pub(crate) fn closure(&self, packages: &[&str]) -> Result<Vec<String>> {
        let arguments = [&["--simulate", "install"], packages].concat();
        let printed = apt(self.root.path(), self.root.path(), &arguments)?;
        Ok(printed.lines().filter_map(installed).collect())
    }

    /// What a package that stands for the newest of several depends on.
    pub(crate) fn newest(&self, package: &str) -> Result<String> {
        let mut command = Command::new("apt-cache");
        let printed = output(configured(&mut command, self.root.path()).args([
            "--important",
            "depends",
            package,
        ]))?;
        let newest = printed.lines().find_map(depends);
        newest.with_context(|| format!("{package} depends on nothing"))
    }
}

/// A package's file in an index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    /// In bytes.
    pub(crate) size: u64,
}

/// The release that a suite is.
fn codename(release: &str) -> Option<&str> {
    release
        .lines()
        .find_map(|line| line.strip_prefix("Codename: "))
        .map(str::trim)
}

/// What a line of `apt-get --print-uris` has: `'address' file size hash`.
fn file(line: &str) -> Option<Listed> {
    let mut words = line.strip_prefix('\'')?.split_whitespace().skip(1);
    Some(Listed {
        name: words.next()?.to_owned(),
        size: words.next()?.parse().ok()?,
    })
}

/// What a line of `apt-cache depends` names: `Depends: name:arch`.
fn depends(line: &str) -> Option<String> {
    let name = line.trim_start().strip_prefix("Depends: ")?;
    Some(name.split(':').next()?.to_owned())
}

/// What a line of `apt-get --simulate` installs: `Inst name:arch (version ...`.
fn installed(line: &str) -> Option<String> {
    let name = line.strip_prefix("Inst ")?.split_whitespace().next()?;
    Some(name.split(':').next()?.to_owned())
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
fn configure(root: &Path, mirror: &str, suite: &str, arch: Option<&str>) -> Result<()> {
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
    if let Some(arch) = arch {
        writeln!(
            conf,
            "APT::Architecture \"{arch}\";\nAPT::Architectures {{ \"{arch}\"; }};"
        )?;
    }
    conf.push_str(
        "Acquire::Languages \"none\";\nAPT::Sandbox::User \"root\";\nAPT::Install-Recommends \"false\";\n",
    );
    std::fs::write(root.join("apt.conf"), conf)?;
    Ok(())
}

/// Runs apt-get and returns what it printed.
fn apt(root: &Path, dir: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("apt-get");
    let command = configured(&mut command, root).current_dir(dir);
    output(command.arg("-q").args(arguments))
}

fn configured<'a>(command: &'a mut Command, root: &Path) -> &'a mut Command {
    command
        .env("APT_CONFIG", root.join("apt.conf"))
        .env("LC_ALL", "C")
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        let arguments: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy())
            .collect();
        let message = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{program} {} failed: {}",
            arguments.join(" "),
            message.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
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

    #[test]
    fn what_apt_prints_is_understood() {
        let printed = "Reading package lists...\nInst libc6:arm64 (2.41-12 Debian:13/stable [arm64]) []\n\
                       Inst qemu-system-x86 (1:10.0 Debian:13/stable [amd64])\nConf libc6:arm64 (2.41)\n";
        let installed: Vec<_> = printed.lines().filter_map(installed).collect();
        assert_eq!(installed, ["libc6", "qemu-system-x86"]);
        let line = "'http://one.example/a_1%3a2_all.deb' a_1%3a2_all.deb 1024 SHA256:00";
        assert_eq!(
            file(line),
            Some(Listed {
                name: "a_1%3a2_all.deb".to_owned(),
                size: 1024
            })
        );
        let printed = "linux-image-cloud-arm64:arm64\n  Depends: linux-image-6.12.1:arm64\n";
        let newest = printed.lines().find_map(depends);
        assert_eq!(newest.as_deref(), Some("linux-image-6.12.1"));
        assert_eq!(file("Reading package lists..."), None);
        let release = "Origin: Debian\nSuite: stable\nCodename: trixie\n";
        assert_eq!(codename(release), Some("trixie"));
    }
}

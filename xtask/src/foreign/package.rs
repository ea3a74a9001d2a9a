//! A published package, and its tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The tests of a package, as it was published.
pub(super) struct Tests {
    pub(super) version: String,
    pub(super) programs: Vec<PathBuf>,
}

/// Builds the tests of a package that `xtask/foreign` names.
pub(super) fn tests(here: &Path, name: &str) -> Result<Tests> {
    let folder = here.join("foreign");
    let wanted = wanted(&folder, name)?;
    let (version, source) = source(&folder, name, &wanted)?;
    // The registry's copy is not to be written to.
    let copy = folder.join("target/packages").join(name);
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    copy_folder(&source, &copy)?;
    let output = Command::new(env!("CARGO"))
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("RUSTFLAGS", "--cap-lints=allow")
        .args([
            "test",
            "--quiet",
            "--all-features",
            "--no-run",
            "--message-format=json",
        ])
        .output()?;
    if !output.status.success() {
        bail!(
            "{name} does not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let mut programs = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let message: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
        programs.extend(
            message
                .get("executable")
                .and_then(|path| path.as_str())
                .map(PathBuf::from),
        );
    }
    Ok(Tests { version, programs })
}

/// The version that is named.
fn wanted(folder: &Path, name: &str) -> Result<String> {
    let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml"))?.parse()?;
    let version = manifest
        .get("dependencies")
        .and_then(|dependencies| dependencies.get(name)?.as_str());
    Ok(version
        .with_context(|| format!("no {name}"))?
        .trim_start_matches('=')
        .to_owned())
}

/// Version and folder of the registry's copy.
fn source(folder: &Path, name: &str, wanted: &str) -> Result<(String, PathBuf)> {
    let output = Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(["metadata", "--format-version=1", "--locked"])
        .output()?;
    if !output.status.success() {
        bail!(
            "cargo metadata:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata
        .get("packages")
        .and_then(|packages| packages.as_array());
    for package in packages.into_iter().flatten() {
        let text = |key: &str| {
            package
                .get(key)
                .and_then(|value| value.as_str())
                .unwrap_or_default()
        };
        if text("name") == name && text("version") == wanted {
            let folder = Path::new(text("manifest_path"))
                .parent()
                .context("a manifest is in a folder")?;
            return Ok((wanted.to_owned(), folder.to_owned()));
        }
    }
    bail!("Cargo knows of no {name} {wanted}")
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

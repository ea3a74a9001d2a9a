//! `cargo xtask bindings`: kernel headers to facts, and facts with curation to kvm-sys.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use similar::TextDiff;

use crate::arch::Arch;
use crate::compare::Changes;
use crate::curation::Curation;
use crate::emit::{self, File};
use crate::extract;
use crate::facts::Facts;
use crate::headers::{self, Found, Lock, Tree};
use crate::macros;
use crate::stale;
use crate::toolchain::Toolchain;

#[derive(Args)]
pub(crate) struct Options {
    /// Only compare kvm-sys with what the committed facts give; needs no headers and no network.
    #[arg(long, conflicts_with_all = ["headers", "newest"])]
    check: bool,
    /// Take the headers from this directory, which holds usr/include and usr/lib/linux/uapi.
    #[arg(long, value_name = "DIR")]
    headers: Option<PathBuf>,
    /// Take the newest package instead of the one that headers.lock pins.
    #[arg(long, conflicts_with = "headers")]
    newest: bool,
}

/// Where things are, from this package's folder.
struct Paths {
    curation: PathBuf,
    facts: PathBuf,
    lock: PathBuf,
    rust: PathBuf,
}

impl Paths {
    fn new() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self {
            curation: here.join("curation"),
            facts: here.join("facts"),
            lock: here.join("headers.lock"),
            rust: here.with_file_name("kvm-sys").join("src"),
        }
    }

    fn facts_of(&self, arch: &Arch) -> PathBuf {
        self.facts.join(format!("{}.json", arch.name))
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let paths = Paths::new();
    let curation = Curation::read(&paths.curation)?;
    if options.check {
        let differences = check(&generate(&paths, &curation)?, &paths.rust, &curation.arches)?;
        if !differences.is_empty() {
            eprint!("{differences}");
            bail!("kvm-sys is not what the committed facts give; run `cargo xtask bindings`");
        }
        return Ok(());
    }
    let lock = Lock::read(&paths.lock)?;
    match headers::find(options.headers.as_deref(), &lock, options.newest)? {
        Found::Tree(tree) => refresh(&tree, &lock, &paths, &curation)?,
        Found::Nothing(why) => {
            eprintln!("no headers to be had, the committed facts stay as they are: {why:#}");
        }
    }
    for File { path, text } in generate(&paths, &curation)? {
        write(&paths.rust.join(path), &text)?;
    }
    Ok(())
}

/// Makes the facts anew and says what that changed.
fn refresh(tree: &Tree, lock: &Lock, paths: &Paths, curation: &Curation) -> Result<()> {
    for arch in &curation.arches {
        let toolchain = Toolchain::new(arch, arch.facts, tree)?;
        let mut facts = Facts {
            kernel: tree.kernel.clone(),
            arch: arch.name.clone(),
            ..Facts::default()
        };
        extract::extract(&toolchain, &arch.extra, &mut facts)
            .and_then(|()| macros::extract(&toolchain, &mut facts))
            .with_context(|| format!("while reading the headers for {}", arch.name))?;
        let path = paths.facts_of(arch);
        if path.is_file() {
            let old = Facts::read(&path)?;
            let changes = Changes::between(&old, &facts);
            if !changes.is_empty() {
                print!(
                    "{}: Linux {} -> {}\n{changes}",
                    arch.name, old.kernel, facts.kernel
                );
            }
        }
        write(&path, &facts.to_json()?)?;
    }
    match &tree.lock {
        Some(used) if used != lock => {
            println!("headers.lock: {} -> {}", lock.version, used.version);
            used.write(&paths.lock)
        }
        Some(_) => Ok(()),
        None => {
            println!(
                "the facts come from {}, not from headers.lock",
                tree.root.display()
            );
            Ok(())
        }
    }
}

fn generate(paths: &Paths, curation: &Curation) -> Result<Vec<File>> {
    let mut all = Vec::new();
    for arch in &curation.arches {
        let path = paths.facts_of(arch);
        all.push(Facts::read(&path)?);
    }
    let stale = stale::entries(curation, &all)?;
    if !stale.is_empty() {
        bail!(
            "these entries of the curation fit nothing in the headers:\n  {}",
            stale.join("\n  ")
        );
    }
    let all: Vec<_> = curation.arches.iter().zip(&all).collect();
    emit::files(&all, curation).context("while turning the facts into Rust")
}

/// Compares files with what is below `dir`; gives the differences as text, empty if there are none.
fn check(files: &[File], dir: &Path, arches: &[Arch]) -> Result<String> {
    let mut differences = String::new();
    for File { path, text } in files {
        let found = match std::fs::read_to_string(dir.join(path)) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
        };
        if found != *text {
            let diff = TextDiff::from_lines(found.as_str(), text.as_str());
            let names = (format!("committed {path}"), format!("generated {path}"));
            let diff = diff.unified_diff().header(&names.0, &names.1).to_string();
            differences.push_str(&diff);
        }
    }
    let expected: BTreeSet<PathBuf> = files.iter().map(|file| dir.join(&file.path)).collect();
    let modules = arches.iter().map(|arch| arch.name.as_str());
    for module in modules.chain([emit::COMMON]) {
        for entry in std::fs::read_dir(dir.join(module)).into_iter().flatten() {
            let path = entry?.path();
            let by_hand = path.file_stem().is_some_and(|stem| stem == emit::FUNCTIONS);
            if !by_hand && !expected.contains(&path) {
                differences.push_str(&format!("{} is not generated; delete it\n", path.display()));
            }
        }
    }
    Ok(differences)
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated() -> (Vec<File>, Vec<Arch>) {
        let paths = Paths::new();
        let curation = Curation::read(&paths.curation).unwrap();
        let files = generate(&paths, &curation).unwrap();
        (files, curation.arches)
    }

    #[test]
    fn what_is_committed_is_what_the_facts_give() {
        let (files, arches) = generated();
        assert_eq!(check(&files, &Paths::new().rust, &arches).unwrap(), "");
    }

    #[test]
    fn a_changed_byte_in_any_file_is_found_and_shown() {
        let (files, arches) = generated();
        let dir = tempfile::tempdir().unwrap();
        for file in &files {
            write(&dir.path().join(&file.path), &file.text).unwrap();
        }
        assert_eq!(check(&files, dir.path(), &arches).unwrap(), "");
        for file in &files {
            let path = dir.path().join(&file.path);
            let mut bytes = file.text.clone().into_bytes();
            let middle = bytes.len() / 2;
            bytes[middle] = if bytes[middle] == b'7' { b'8' } else { b'7' };
            std::fs::write(&path, bytes).unwrap();
            let shown = check(&files, dir.path(), &arches).unwrap();
            assert!(
                shown.contains(&format!("committed {}", file.path)),
                "{shown}"
            );
            assert!(shown.contains("\n-") && shown.contains("\n+"), "{shown}");
            std::fs::write(&path, &file.text).unwrap();
        }
    }

    #[test]
    fn missing_and_left_over_files_are_found() {
        let (files, arches) = generated();
        let dir = tempfile::tempdir().unwrap();
        for file in files.iter().skip(1) {
            write(&dir.path().join(&file.path), &file.text).unwrap();
        }
        std::fs::write(dir.path().join(&arches[0].name).join("old.rs"), "").unwrap();
        let shown = check(&files, dir.path(), &arches).unwrap();
        assert!(
            shown.contains(&format!("committed {}", files[0].path)),
            "{shown}"
        );
        assert!(shown.contains("old.rs is not generated"), "{shown}");
    }
}

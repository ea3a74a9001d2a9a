//! `cargo xtask migrating`: whether MIGRATING.md names every method of kvm-ioctls, and only methods of ours
//! that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::methods;

pub(crate) fn run() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().context("xtask is in a folder")?;
    let theirs = methods::read(&source_of_kvm_ioctls(here)?)?;
    let mut ours = methods::read(&root.join("kvm-core/src"))?;
    ours.extend(methods::read(&root.join("kvm-exit/src"))?);
    let table = Table::read(&std::fs::read_to_string(root.join("MIGRATING.md"))?)?;

    let wrong = compare(&table, &theirs, &ours);
    if !wrong.is_empty() {
        bail!("MIGRATING.md:\n{}", wrong.join("\n"));
    }
    let without = table.0.values().filter(|ours| ours.is_empty()).count();
    println!(
        "MIGRATING.md: {} methods of kvm-ioctls, {} of them with a method of ours, {without} with a reason \
         why there is none",
        theirs.len(),
        theirs.len() - without
    );
    Ok(())
}

/// The registry's copy of the version that the instruction budget compares with.
pub(crate) fn source_of_kvm_ioctls(xtask: &Path) -> Result<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .current_dir(xtask.join("budget"))
        .args(["metadata", "--format-version=1", "--locked"])
        .output()?;
    if !output.status.success() {
        bail!(
            "cargo metadata:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let manifest = metadata
        .get("packages")
        .and_then(|packages| packages.as_array())
        .into_iter()
        .flatten()
        .find(|package| package.get("name").is_some_and(|name| name == "kvm-ioctls"))
        .and_then(|package| package.get("manifest_path")?.as_str())
        .context("the budget does not depend on kvm-ioctls")?;
    Ok(Path::new(manifest).with_file_name("src"))
}

/// What the tables of methods stand behind.
const HEADING: &str = "## Each method";

/// For each of their methods, those of ours. Where there is none, the third column says why.
#[derive(Debug, PartialEq, Eq)]
struct Table(BTreeMap<String, Vec<String>>);

impl Table {
    fn read(text: &str) -> Result<Self> {
        let mut rows = BTreeMap::new();
        let (_, tables) = text
            .split_once(HEADING)
            .with_context(|| format!("there is no heading {HEADING:?}"))?;
        for line in tables.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [theirs, ours, note] = *cells else {
                bail!("a row has not three cells: {line}");
            };
            let ours = names(ours);
            if ours.is_empty() && note.is_empty() {
                bail!("{theirs} has neither a method of ours nor a reason");
            }
            for theirs in names(theirs) {
                if rows.insert(theirs.clone(), ours.clone()).is_some() {
                    bail!("{theirs} is there twice");
                }
            }
        }
        Ok(Self(rows))
    }
}

/// What stands between backquotes.
fn names(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn compare(table: &Table, theirs: &BTreeSet<String>, ours: &BTreeSet<String>) -> Vec<String> {
    let listed: BTreeSet<_> = table.0.keys().cloned().collect();
    let missing = theirs
        .difference(&listed)
        .map(|name| format!("{name} is not there"));
    let gone = listed
        .difference(theirs)
        .map(|name| format!("kvm-ioctls has no {name}"));
    let unknown = table
        .0
        .values()
        .flatten()
        .filter(|name| !ours.contains(*name));
    missing
        .chain(gone)
        .chain(unknown.map(|name| format!("there is no {name} here")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn finds_what_is_missing_gone_or_unknown() -> Result<()> {
        let table = Table::read(
            "## Each method\n\n| kvm-ioctls | here | |\n|---|---|---|\n\
             | `Kvm::new` | `Kvm::open` | |\n| `Kvm::old` | | gone |\n",
        )?;
        let ours = set(&["Kvm::open"]);
        assert!(compare(&table, &set(&["Kvm::new", "Kvm::old"]), &ours).is_empty());
        assert_eq!(
            compare(&table, &set(&["Kvm::new", "Kvm::more"]), &set(&[])),
            [
                "Kvm::more is not there",
                "kvm-ioctls has no Kvm::old",
                "there is no Kvm::open here"
            ]
        );
        Ok(())
    }

    #[test]
    fn wants_a_reason_where_there_is_no_method() {
        assert!(Table::read("## Each method\n| `Kvm::old` | | |\n").is_err());
    }
}

//! `cargo xtask port`: whether moving over is mostly a change of imports. The example in the documentation of kvm-ioctls,
//! taken from its package, and the same with the edits in `port/example.ed`, are built, and where there is a KVM
//! they have to do the same.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::migrating;

pub(crate) fn run() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(migrating::source_of_kvm_ioctls(here)?.join("lib.rs"))?;
    let theirs = example(&docs).context("kvm-ioctls has no example")?;
    let edits = std::fs::read_to_string(here.join("port/example.ed"))?;
    let (ours, changed) = apply(&theirs, &edits)?;

    let folder = here.join("budget/target/port");
    let src = folder.join("src/bin");
    std::fs::create_dir_all(&src)?;
    std::fs::write(src.join("theirs.rs"), program(&theirs))?;
    std::fs::write(src.join("ours.rs"), program(&ours))?;
    std::fs::write(folder.join("Cargo.toml"), manifest(here)?)?;
    std::fs::copy(here.join("budget/Cargo.lock"), folder.join("Cargo.lock"))?;
    let status = Command::new(env!("CARGO"))
        .current_dir(&folder)
        .args(["build", "--quiet"])
        .status()?;
    if !status.success() {
        bail!("the example does not build");
    }
    println!(
        "the example of kvm-ioctls: {} of {} lines differ",
        changed,
        theirs.len()
    );
    println!(
        "lines of unsafe blocks: {} there, {} here",
        unsafe_blocks(&theirs),
        unsafe_blocks(&ours)
    );
    let debug = folder.join("target/debug");
    compare(&debug.join("theirs"), &debug.join("ours"))
}

/// The lines of the first program in the documentation.
fn example(docs: &str) -> Option<Vec<String>> {
    let mut lines = docs.lines().skip_while(|line| *line != "//! ```rust");
    lines.next()?;
    Some(
        lines
            .take_while(|line| *line != "//! ```")
            .map(|line| line.trim_start_matches("//!").to_owned())
            .map(|line| line.strip_prefix(' ').unwrap_or(&line).to_owned())
            .collect(),
    )
}

/// Makes the edits, a script of `ed` as `diff -e` writes it: changes of ranges of lines, the last one first.
/// Gives also how many lines are other than before, or gone.
fn apply(lines: &[String], edits: &str) -> Result<(Vec<String>, usize)> {
    let mut edited = lines.to_vec();
    let mut changed = 0;
    let mut edits = edits.lines();
    while let Some(edit) = edits.next() {
        let range = edit
            .strip_suffix('c')
            .with_context(|| format!("not a change of lines: {edit}"))?;
        let (first, last) = range.split_once(',').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse()?, last.parse()?);
        if first == 0 || first > last || last > edited.len() {
            bail!("no such lines: {edit}");
        }
        let new: Vec<_> = edits.by_ref().take_while(|line| *line != ".").collect();
        changed += (last - first + 1).max(new.len());
        edited.splice(first - 1..last, new.into_iter().map(str::to_owned));
    }
    Ok((edited, changed))
}

fn program(lines: &[String]) -> String {
    format!("fn main() {{\n{}\n}}\n", lines.join("\n"))
}

fn unsafe_blocks(lines: &[String]) -> usize {
    lines
        .iter()
        .filter(|line| line.contains("unsafe {"))
        .count()
}

fn manifest(xtask: &Path) -> Result<String> {
    let budget: toml::Table = std::fs::read_to_string(xtask.join("budget/Cargo.toml"))?.parse()?;
    let dependencies = budget
        .get("dependencies")
        .and_then(|table| table.as_table())
        .context("the budget has no dependencies")?;
    let core = xtask.with_file_name("kvm-core");
    let mut manifest = format!(
        "[package]\nname = \"port\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nkvm-core = {{ path = {:?} }}\n\
         # The one that kvm-ioctls depends on.\nkvm-bindings = \"*\"\n",
        core.display().to_string()
    );
    for name in ["kvm-ioctls", "libc"] {
        let version = dependencies
            .get(name)
            .with_context(|| format!("no {name}"))?;
        manifest.push_str(&format!("{name} = {version}\n"));
    }
    Ok(manifest)
}

fn compare(theirs: &Path, ours: &Path) -> Result<()> {
    if let Err(error) = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/kvm")
    {
        println!("*** NOT RUN: /dev/kvm: {error}");
        return Ok(());
    }
    let (theirs, ours) = (ran(theirs)?, ran(ours)?);
    if theirs.1.is_empty() || theirs != ours {
        bail!("they don't end and print the same: {theirs:#?}, {ours:#?}");
    }
    // The program asserts how many pages are dirty, which a KVM in software may count otherwise.
    println!(
        "on /dev/kvm both print the same {} lines, and {}",
        ours.1.lines().count(),
        if ours.0 {
            "end well"
        } else {
            "fail, the original too"
        }
    );
    Ok(())
}

/// Whether the program ended well, and what it printed.
fn ran(program: &Path) -> Result<(bool, String)> {
    let output = Command::new(program).env("RUST_BACKTRACE", "0").output()?;
    Ok((output.status.success(), String::from_utf8(output.stdout)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn edits_change_ranges_from_the_end() -> Result<()> {
        let (edited, changed) = apply(&lines("a b c d"), "4c\nD\nE\n.\n1,2c\nx\n.\n")?;
        assert_eq!(edited, lines("x c D E"));
        assert_eq!(changed, 4);
        Ok(())
    }

    #[test]
    fn edits_of_no_such_lines_are_refused() {
        for edits in ["5c\n.\n", "0c\n.\n", "2,1c\n.\n", "1d\n"] {
            assert!(apply(&lines("a b c d"), edits).is_err(), "{edits}");
        }
    }
}

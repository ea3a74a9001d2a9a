//! The tests of a package, one by one: without KVM, on the model, and those that need what guest code does on a recording.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::Tools;
use super::hidden::{Ended, run, without_kvm};
use super::package::Tests;

/// A test that waits longer waits for a guest.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of the tests of a package.
#[derive(Default)]
struct Count {
    tests: usize,
    hidden: usize,
    model: usize,
    kvm: usize,
    replay: usize,
}

/// Runs the tests and prints what became of them. Gives those that pass on KVM, and neither on the model nor on a
/// recording.
pub(super) fn run_tests(tools: &Tools, name: &str, tests: &Tests) -> Result<Vec<String>> {
    let mut count = Count::default();
    let mut notes = Vec::new();
    let mut failed = Vec::new();
    for program in &tests.programs {
        for test in list(program)? {
            count.tests += 1;
            let plain = || {
                let mut command = Command::new(program);
                command.args(["--exact", &test]);
                command
            };
            let served = |options: &[&str]| {
                let mut command = tools.kvmrec(options);
                command.arg("--").arg(program).args(["--exact", &test]);
                command
            };
            let on_kvm = if tools.kvm {
                Some(run(&mut plain(), PATIENCE)?)
            } else {
                None
            };
            let passes_on_kvm = on_kvm.as_ref().is_none_or(Ended::succeeded);
            count.kvm += usize::from(on_kvm.as_ref().is_some_and(Ended::succeeded));
            count.hidden += usize::from(run(&mut without_kvm(&plain()), PATIENCE)?.succeeded());
            let model = run(&mut without_kvm(&served(&["run", "--model"])), PATIENCE)?;
            if model.succeeded() {
                count.model += 1;
                continue;
            }
            let reason = reason(&model);
            if !tools.kvm {
                notes.push(format!(
                    "{test}: on the model {reason}; there is no KVM here to record it on"
                ));
                continue;
            }
            let file = tools.scratch.path().join("recording");
            let file = file.to_string_lossy();
            let recorded = run(&mut served(&["record", "--memory", "-o", &file]), PATIENCE)?;
            let replayed = run(&mut without_kvm(&served(&["replay", &file])), PATIENCE)?;
            if recorded.succeeded() && replayed.succeeded() {
                count.replay += 1;
                notes.push(format!(
                    "{test}: on the model {reason}; passes on a recording"
                ));
                continue;
            }
            if passes_on_kvm {
                failed.push(test.clone());
            }
            let ended = if recorded.succeeded() {
                replayed
            } else {
                recorded
            };
            let kvm = if passes_on_kvm { "passes" } else { "fails too" };
            notes.push(format!(
                "{test}: on the model {reason}; on this host's KVM it {kvm}; on a recording {}",
                self::reason(&ended)
            ));
        }
    }
    print(name, &tests.version, &count, &notes, tools.kvm);
    Ok(failed)
}

fn print(name: &str, version: &str, count: &Count, notes: &[String], kvm: bool) {
    println!("\n{name} {version}: {} tests", count.tests);
    println!("  {:4} pass with /dev/kvm hidden", count.hidden);
    println!(
        "  {:4} pass on the model, with /dev/kvm hidden",
        count.model
    );
    if kvm {
        println!(
            "  {:4} more pass on a recording, with /dev/kvm hidden",
            count.replay
        );
        println!("  {:4} pass on this host's KVM", count.kvm);
    }
    for note in notes {
        println!("  {note}");
    }
}

/// The tests of a program that are not ignored.
fn list(program: &Path) -> Result<Vec<String>> {
    let list = |more: &[&str]| -> Result<Vec<String>> {
        let output = Command::new(program)
            .args(["--list", "--format", "terse"])
            .args(more)
            .output()?;
        if !output.status.success() {
            bail!("{} does not list its tests", program.display());
        }
        let names = String::from_utf8_lossy(&output.stdout);
        Ok(names
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .map(str::to_owned)
            .collect())
    };
    let ignored = list(&["--ignored"])?;
    Ok(list(&[])?
        .into_iter()
        .filter(|test| !ignored.contains(test))
        .collect())
}

/// Why a test failed.
fn reason(ended: &Ended) -> String {
    if ended.code.is_none() {
        return "it waits for its guest".to_owned();
    }
    let text = format!("{}\n{}", ended.printed, ended.said);
    let mut lines = text
        .lines()
        .skip_while(|line| !line.contains("panicked at"));
    lines.next();
    let panic: Vec<&str> = lines
        .take_while(|line| !line.starts_with("stack") && !line.starts_with("note:"))
        .collect();
    let panic = panic.join(" ");
    let panic = panic.trim();
    let left = text.lines().find(|line| line.starts_with("kvmrec:"));
    match (panic.is_empty(), left) {
        (false, _) => format!("it fails: {panic}"),
        (true, Some(left)) => format!("it fails: {left}"),
        (true, None) => format!("it ends with code {:?}", ended.code),
    }
}

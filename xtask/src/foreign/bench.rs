//! What an exit costs a program in C: as it is, with its calls passed on by the library, and recorded.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Tools;
use super::hidden::run;

const PATIENCE: Duration = Duration::from_secs(120);
/// Each is run so often, in turn, and the fastest counts.
const ROUNDS: usize = 5;

pub(super) fn run_bench(tools: &Tools) -> Result<()> {
    if !tools.kvm {
        bail!("there is no KVM here to time");
    }
    let program = tools.scratch.path().join("exits");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/foreign/exits.c");
    let built = Command::new("cc")
        .args(["-O2", "-o"])
        .arg(&program)
        .arg(source)
        .status()?;
    if !built.success() {
        bail!("the loop does not compile");
    }
    let recording = tools.scratch.path().join("exits.kvmrec");
    let recording = recording.to_string_lossy();
    let ways: [(&str, Option<&[&str]>); 4] = [
        ("as it is", None),
        ("passed on", Some(&["run", "--kvm"])),
        (
            "recorded",
            Some(&["record", "--no-times", "-o", &recording]),
        ),
        ("recorded, with times", Some(&["record", "-o", &recording])),
    ];
    let mut best = [[f64::INFINITY; 2]; 4];
    for _ in 0..ROUNDS {
        for ((_, options), best) in ways.iter().zip(&mut best) {
            let mut command = match options {
                Some(options) => {
                    let mut command = tools.kvmrec(options);
                    command.arg("--").arg(&program);
                    command
                }
                None => Command::new(&program),
            };
            let ended = run(&mut command, PATIENCE)?;
            let mut times = ended.printed.split_whitespace().map(str::parse::<f64>);
            for best in best {
                let time = times.next().context("the loop printed no time")??;
                *best = best.min(time);
            }
        }
    }
    println!("nanoseconds, the fastest of {ROUNDS} rounds     an exit   KVM_GET_REGS");
    for ((name, _), [exit, registers]) in ways.iter().zip(best) {
        println!("  {name:36} {exit:10.0} {registers:14.0}");
    }
    Ok(())
}

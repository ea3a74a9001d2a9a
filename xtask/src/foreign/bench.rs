//! What a program in C pays: as it is, with its calls passed on by the library, and recorded.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Tools;
use super::hidden::run;

const PATIENCE: Duration = Duration::from_secs(120);
/// Each way runs once in a round, so that what else the machine does hits all of them.
const ROUNDS: usize = 11;
/// What the program times, in the order in which it prints it.
const CALLS: [&str; 4] = [
    "KVM_RUN, port out",
    "KVM_GET_REGS",
    "read, /dev/zero",
    "ioctl, a pipe",
];

struct Way {
    name: &'static str,
    /// Arguments of `kvmrec`; without any, the program runs alone.
    kvmrec: &'static [&'static str],
    records: bool,
    /// Of the guest's memory.
    kib: u32,
    /// In each round.
    times: [Vec<f64>; CALLS.len()],
}

const fn way(name: &'static str, kvmrec: &'static [&'static str], records: bool, kib: u32) -> Way {
    Way {
        name,
        kvmrec,
        records,
        kib,
        times: [const { Vec::new() }; CALLS.len()],
    }
}

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
    let mut ways = [
        way("as it is", &[], false, 64),
        way("passed on", &["run", "--kvm"], false, 64),
        way("recorded, no times", &["record", "--no-times"], true, 64),
        way("recorded", &["record"], true, 64),
        way("with memory of 64 KiB", &["record", "--memory"], true, 64),
        way("with memory of 4 MiB", &["record", "--memory"], true, 4096),
    ];
    for round in 0..ROUNDS {
        let first = round % ways.len();
        ways.rotate_left(first);
        for way in &mut ways {
            let mut command = match way.kvmrec {
                [] => Command::new(&program),
                options => {
                    let mut command = tools.kvmrec(options);
                    if way.records {
                        command.arg("-o").arg(&recording);
                    }
                    command.arg("--").arg(&program);
                    command
                }
            };
            command.arg(way.kib.to_string());
            let ended = run(&mut command, PATIENCE)?;
            if !ended.succeeded() {
                bail!("{}: code {:?}\n{}", way.name, ended.code, ended.said);
            }
            let mut printed = ended.printed.split_whitespace().map(str::parse::<f64>);
            for times in &mut way.times {
                times.push(printed.next().context("the loop printed no time")??);
            }
        }
        ways.rotate_right(first);
    }
    print(&mut ways);
    Ok(())
}

fn print(ways: &mut [Way]) {
    print!("{:24}", format!("nanoseconds ({ROUNDS} rounds)"));
    for call in CALLS {
        print!("  {call:>18}");
    }
    println!();
    let mut alone = [0.0; CALLS.len()];
    for way in ways {
        print!("  {:22}", way.name);
        for (times, alone) in way.times.iter_mut().zip(&mut alone) {
            let median = median(times);
            if way.kvmrec.is_empty() {
                *alone = median;
                print!("  {median:>18.0}");
            } else {
                print!("  {:>18}", format!("{median:.0} ({:+.0})", median - *alone));
            }
        }
        println!();
    }
    println!("`--memory` looks at all of the guest's memory before and after each exit.");
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

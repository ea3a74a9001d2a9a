//! `cargo xtask bench`: how fast exits are on `/dev/kvm`, beside kvm-ioctls and plain C.
//!
//! Each case is a small program, of which there are three: over kvm-core, over kvm-ioctls, in C. They take turns: a
//! round runs each once, in another order than the round before, so what else the machine does hits all of them.
//! A figure is the median of the rounds; a ratio is the median of the rounds' own ratios, with its quartiles.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::bench_recordings;
use crate::chart::{self, Bar, Group};

#[derive(Args)]
pub(crate) struct Options {
    /// Rounds in which each program runs once.
    #[arg(long, default_value_t = 15)]
    pub(crate) rounds: usize,
    /// Exits that a program takes in a round.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) exits: u64,
    /// Measure recordings only.
    #[arg(long)]
    recordings: bool,
    /// Where to write the table (`bench.md`) and the chart (`bench.svg`).
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

struct Case {
    name: &'static str,
    says: &'static str,
    /// How many times a program does it, for so many exits.
    times: fn(u64) -> u64,
}

const CASES: [Case; 5] = [
    Case {
        name: "port_out",
        says: "port out",
        times: |exits| exits,
    },
    Case {
        name: "mmio_write",
        says: "MMIO write",
        times: |exits| exits,
    },
    Case {
        name: "registers_ioctl",
        says: "port out, registers by calls",
        times: |exits| exits,
    },
    Case {
        name: "registers_sync",
        says: "port out, synchronised registers",
        times: |exits| exits,
    },
    Case {
        name: FIRST_EXIT,
        says: "from open to the first exit",
        times: |exits| (exits / 500).max(1),
    },
];

const FIRST_EXIT: &str = "first_exit";

/// What a program is over.
#[derive(Clone, Copy, PartialEq)]
enum Library {
    Ours,
    Theirs,
    C,
}

impl Library {
    const ALL: [Self; 3] = [Self::Ours, Self::Theirs, Self::C];

    /// As people call it.
    fn says(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Theirs => "kvm-ioctls",
            Self::C => "C",
        }
    }

    /// As the programs call it.
    fn argument(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Theirs => "theirs",
            Self::C => "c",
        }
    }
}

/// Ours is slower, not just measured so, if it is by more than this and in three rounds of four.
const NOISE: f64 = 0.97;

/// Nanoseconds that one time took, in each round.
#[derive(Clone, Default)]
struct Times {
    ours: Vec<f64>,
    theirs: Vec<f64>,
    c: Vec<f64>,
}

impl Times {
    fn of(&self, library: Library) -> &[f64] {
        match library {
            Library::Ours => &self.ours,
            Library::Theirs => &self.theirs,
            Library::C => &self.c,
        }
    }

    fn push(&mut self, library: Library, took: f64) {
        match library {
            Library::Ours => self.ours.push(took),
            Library::Theirs => self.theirs.push(took),
            Library::C => self.c.push(took),
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench");
    let rust = build_rust(&folder)?;
    if options.rounds == 0 || options.exits == 0 {
        bail!("without rounds or exits there is nothing to measure");
    }
    std::fs::create_dir_all(&options.out)?;
    if options.recordings {
        return recordings(&rust, options);
    }
    let c = build_c(&folder)?;

    let mut results = vec![Times::default(); CASES.len()];
    for round in 0..options.rounds {
        for (case, result) in CASES.iter().zip(&mut results) {
            let order = Library::ALL.into_iter().cycle().skip(round % 3);
            for library in order.take(Library::ALL.len()) {
                let program = if library == Library::C { &c } else { &rust };
                let times = (case.times)(options.exits);
                let took = time(program, library.argument(), case.name, times)?;
                result.push(library, took / times as f64);
            }
        }
    }

    let table = table(&results, options);
    print!("{table}");
    std::fs::write(options.out.join("bench.md"), &table)?;
    let chart = options.out.join("bench.svg");
    std::fs::write(
        &chart,
        chart::draw("Exits per second on /dev/kvm", &groups(&results)),
    )?;
    println!("\nchart: {}", chart.display());
    let recordings = recordings(&rust, options);
    judge(&results).and(recordings)
}

fn recordings(program: &Path, options: &Options) -> Result<()> {
    let (table, worse) = bench_recordings::run(program, options)?;
    print!("{table}");
    std::fs::write(options.out.join("recordings.md"), &table)?;
    bench_recordings::verdict(&worse)
}

fn build_rust(folder: &Path) -> Result<PathBuf> {
    let target = folder.join("target");
    let status = Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(["build", "--release", "--quiet", "--target-dir"])
        .arg(&target)
        .status()?;
    if !status.success() {
        bail!("the programs don't build");
    }
    Ok(target.join("release/bench"))
}

fn build_c(folder: &Path) -> Result<PathBuf> {
    let program = folder.join("target/bench_c");
    let status = Command::new("cc")
        .args(["-O2", "-Wall", "-o"])
        .arg(&program)
        .arg(folder.join("c/bench.c"))
        .status()
        .context("cannot run `cc`; is a C compiler installed?")?;
    if !status.success() {
        bail!("the program in C does not build");
    }
    Ok(program)
}

/// Nanoseconds that a program took.
pub(crate) fn time(program: &Path, library: &str, case: &str, times: u64) -> Result<f64> {
    let output = Command::new(program)
        .args([library, case, &times.to_string()])
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{library} {case} failed: {said}");
    }
    let took: u64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(took as f64)
}

/// The value that so many quarters of the values are below.
pub(crate) fn quartile(values: &[f64], quarters: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = quarters * sorted.len().saturating_sub(1);
    let value = |at: usize| {
        sorted
            .get(at)
            .or(sorted.last())
            .copied()
            .unwrap_or(f64::NAN)
    };
    let (low, high) = (value(place / 4), value(place / 4 + 1));
    low + (high - low) * (place % 4) as f64 / 4.0
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quartile(values, 2)
}

/// How many times as fast ours was as another, in each round.
fn ratios(times: &Times, other: Library) -> Vec<f64> {
    let rounds = times.of(other).iter().zip(&times.ours);
    rounds.map(|(other, ours)| other / ours).collect()
}

/// How many times as fast ours was with synchronised registers as with calls, in each round.
fn gain(results: &[Times]) -> Vec<f64> {
    let ours = |name| {
        let found = CASES
            .iter()
            .zip(results)
            .find(|(case, _)| case.name == name);
        found.map_or(&[][..], |(_, times)| &times.ours)
    };
    let rounds = ours("registers_ioctl").iter().zip(ours("registers_sync"));
    rounds.map(|(calls, synced)| calls / synced).collect()
}

fn figure(case: &Case, nanoseconds: f64) -> String {
    if case.name == FIRST_EXIT {
        format!("{:.0} us", nanoseconds / 1e3)
    } else {
        format!("{:.0} /s", 1e9 / nanoseconds)
    }
}

fn table(results: &[Times], options: &Options) -> String {
    let mut table = format!(
        "Medians of {} rounds with {} exits each. Ratios above 1: ours is faster; in brackets the quartiles.\n\n\
         | | ours | kvm-ioctls | C | ours to kvm-ioctls | ours to C |\n|---|---:|---:|---:|---|---|\n",
        options.rounds, options.exits
    );
    for (case, times) in CASES.iter().zip(results) {
        let figures = Library::ALL.map(|library| figure(case, median(times.of(library))));
        let ratios = [Library::Theirs, Library::C].map(|other| {
            let ratios = ratios(times, other);
            let [low, high] = [1, 3].map(|quarters| quartile(&ratios, quarters));
            format!("{:.3} ({low:.3} to {high:.3})", median(&ratios))
        });
        table.push_str(&format!(
            "| {} | {} | {} |\n",
            case.says,
            figures.join(" | "),
            ratios.join(" | ")
        ));
    }
    table.push_str(&format!(
        "\nRegisters read and written in the page, not by calls: {:.2} times as many exits.\n",
        median(&gain(results))
    ));
    table
}

fn groups(results: &[Times]) -> Vec<Group> {
    let group = |(case, times): (&Case, &Times)| Group {
        name: case.says.to_owned(),
        bars: Library::ALL
            .into_iter()
            .map(|library| {
                let took = median(times.of(library));
                Bar {
                    name: library.says(),
                    value: if case.name == FIRST_EXIT {
                        took
                    } else {
                        1e9 / took
                    },
                    label: figure(case, took),
                }
            })
            .collect(),
    };
    CASES.iter().zip(results).map(group).collect()
}

/// Fails where ours is slower beyond the noise, or synchronised registers are no faster than calls.
fn judge(results: &[Times]) -> Result<()> {
    let mut slower = Vec::new();
    for (case, times) in CASES.iter().zip(results) {
        let ratios = ratios(times, Library::Theirs);
        if median(&ratios) < NOISE && quartile(&ratios, 3) < 1.0 {
            slower.push(format!(
                "{}: {:.3} of kvm-ioctls",
                case.says,
                median(&ratios)
            ));
        }
    }
    if median(&gain(results)) <= 1.0 {
        slower.push("synchronised registers are no faster than calls".to_owned());
    }
    if !slower.is_empty() {
        bail!("slower than it should be:\n{}", slower.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_the_values() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!([0, 2, 4].map(|at| quartile(&values, at)), [1.0, 2.5, 4.0]);
    }

    #[test]
    fn slower_beyond_the_noise_is_a_failure() {
        let times = |ours: f64| Times {
            ours: vec![ours; 4],
            theirs: vec![100.0; 4],
            c: vec![100.0; 4],
        };
        let results = |ours| [100.0, 100.0, 100.0, 50.0, ours].map(times);
        assert!(judge(&results(99.0)).is_ok());
        assert!(judge(&results(102.0)).is_ok());
        assert!(judge(&results(110.0)).is_err());
    }

    #[test]
    fn registers_in_the_page_have_to_be_faster() {
        let times = |ours: f64| Times {
            ours: vec![ours; 4],
            theirs: vec![100.0; 4],
            c: vec![100.0; 4],
        };
        assert!(judge(&[100.0; 5].map(times)).is_err());
    }
}

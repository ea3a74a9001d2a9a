//! The part of `cargo xtask bench` about recordings: what recording an exit of `/dev/kvm` costs, how large it is in the
//! file, and how fast it is replayed.

use std::path::Path;

use anyhow::{Result, bail};

use crate::bench::{Options, median, quartile, time};

/// Exits that one program replays: enough to time without a system call in between.
const REPLAYED: u64 = 200_000;

/// Exits replayed in a second on one core, at least.
const REPLAY_SPEED: f64 = 5e6;
/// Bytes of an exit for port output, at most.
const SIZE: f64 = 48.0;
/// Nanoseconds that recording adds to an exit, at most.
const OVERHEAD: f64 = 500.0;

/// Nanoseconds for an exit, in each round.
#[derive(Default)]
struct Rounds {
    plain: Vec<f64>,
    overhead: Vec<f64>,
    with_memory: Vec<f64>,
    replay: Vec<f64>,
}

/// Measures, and gives a table and what is not as good as it has to be.
pub(crate) fn run(program: &Path, options: &Options) -> Result<(String, Vec<String>)> {
    let mut rounds = Rounds::default();
    let exits = options.exits;
    let each =
        |case: &str| Ok::<_, anyhow::Error>(time(program, "ours", case, exits)? / exits as f64);
    for _ in 0..options.rounds {
        rounds.plain.push(each("port_out")?);
        rounds.overhead.push(each("overhead")?);
        rounds.with_memory.push(each("overhead_memory")?);
        let replayed = time(program, "ours", "replay", REPLAYED)? / REPLAYED as f64;
        rounds.replay.push(replayed);
    }
    let size = time(program, "ours", "recording_bytes", REPLAYED)? / REPLAYED as f64;
    Ok((table(&rounds, size), judge(&rounds, size)))
}

fn table(rounds: &Rounds, size: f64) -> String {
    let nanoseconds = |values: &[f64]| {
        let [low, high] = [1, 3].map(|quarters| quartile(values, quarters));
        format!("{:.0} ns ({low:.0} to {high:.0})", median(values))
    };
    let plain = nanoseconds(&rounds.plain);
    let overhead = nanoseconds(&rounds.overhead);
    let with_memory = nanoseconds(&rounds.with_memory);
    let speed = 1e3 / median(&rounds.replay);
    let replay = nanoseconds(&rounds.replay);
    format!(
        "\nRecordings, for exits of port output; in brackets the quartiles.\n\n\
         | | measured | required |\n|---|---|---|\n\
         | an exit of /dev/kvm | {plain} | |\n\
         | recording adds | {overhead} | at most {OVERHEAD:.0} ns |\n\
         | recording with guest memory adds | {with_memory} | |\n\
         | bytes in the file | {size:.1} | at most {SIZE:.0} |\n\
         | replay, processor time | {replay} | |\n\
         | replay, millions a second | {speed:.1} | at least {:.0} |\n",
        REPLAY_SPEED / 1e6
    )
}

/// What is not as good as it has to be. The best quartile speaks for a replay, which only other programs can slow
/// down; of the overhead it is the median.
fn judge(rounds: &Rounds, size: f64) -> Vec<String> {
    let mut worse = Vec::new();
    let overhead = median(&rounds.overhead);
    if overhead > OVERHEAD {
        worse.push(format!("recording adds {overhead:.0} ns to an exit"));
    }
    let speed = 1e9 / quartile(&rounds.replay, 1);
    if speed < REPLAY_SPEED {
        worse.push(format!("{speed:.0} exits are replayed in a second"));
    }
    // The records beside those of exits are few.
    if size > SIZE + 0.1 {
        worse.push(format!("an exit takes {size:.1} bytes"));
    }
    worse
}

/// Says what is wrong.
pub(crate) fn verdict(worse: &[String]) -> Result<()> {
    if !worse.is_empty() {
        bail!(
            "recordings are not as they have to be:\n{}",
            worse.join("\n")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_is_judged() {
        let rounds = |overhead: f64, replay: f64| Rounds {
            plain: vec![4000.0; 4],
            overhead: vec![overhead; 4],
            with_memory: vec![overhead; 4],
            replay: vec![replay; 4],
        };
        assert!(judge(&rounds(400.0, 150.0), 48.0).is_empty());
        assert_eq!(judge(&rounds(600.0, 150.0), 48.0).len(), 1);
        assert_eq!(judge(&rounds(600.0, 250.0), 56.0).len(), 3);
        assert!(verdict(&judge(&rounds(600.0, 150.0), 48.0)).is_err());
        assert!(table(&rounds(400.0, 100.0), 48.0).contains("| 10.0 |"));
    }
}

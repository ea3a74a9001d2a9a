//! The examples on `/dev/kvm`, and on a recording of that very run.
#![allow(
    clippy::unwrap_used,
    reason = "a test without libtest, which is what clippy looks for"
)]

#[expect(dead_code, reason = "for tests of damaged recordings too")]
#[path = "../support/mod.rs"]
mod support;

use kvm_tests::checks::{self, NotRun};
use kvm_tests::{Example, Options};
use support::{HELLO, LONG_MODE, SINGLE_STEP, Scratch, expected, run};

/// The part before the table of exits: how string I/O is split into exits differs between hosts.
fn guests_output(printed: &str) -> &str {
    printed.split_once("\n\nexit ").unwrap().0
}

fn records_and_replays(example: &impl Example, name: &str) -> Result<(), NotRun> {
    drop(checks::kvm()?);
    let scratch = Scratch::new(name, &[]);
    let recorded = run(example, &Options::Record(scratch.0.clone()));
    recorded.ended.unwrap();
    let (backend, recorded) = recorded.printed.split_once('\n').unwrap();
    assert!(
        backend.starts_with("backend: kvm, recorded to "),
        "{backend}"
    );
    assert_eq!(guests_output(recorded), guests_output(&expected(example)));

    let replayed = run(example, &scratch.replay());
    replayed.ended.unwrap();
    assert_eq!(replayed.printed.split_once('\n').unwrap().1, recorded);

    let plain = run(example, &Options::Any);
    plain.ended.unwrap();
    assert_eq!(plain.printed, format!("backend: kvm\n{recorded}"));
    Ok(())
}

pub(crate) fn main() {
    checks::main(&[
        ("hello_records_and_replays", || {
            records_and_replays(&HELLO, "hello")
        }),
        ("long_mode_records_and_replays", || {
            records_and_replays(&LONG_MODE, "long_mode")
        }),
        ("single_step_records_and_replays", || {
            records_and_replays(&SINGLE_STEP, "single_step")
        }),
    ]);
}

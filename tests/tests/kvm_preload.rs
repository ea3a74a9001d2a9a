//! Programs in C and Python on `/dev/kvm`, as they are, recorded, and on a recording of that very run.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test without libtest, which is what clippy looks for"
)]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[allow(dead_code, reason = "what tests without KVM need too")]
mod preload_support;

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use kvm_tests::checks::{self, NotRun};
use preload_support::{Ran, compiled, file, kvmrec, run, scratch};

/// Runs `kvmrec` with a program behind its options.
fn on(options: &[&str], program: &[&Path], input: &str) -> Ran {
    let mut arguments: Vec<OsString> = options.iter().map(OsString::from).collect();
    arguments.push("--".into());
    arguments.extend(program.iter().map(OsString::from));
    kvmrec(&arguments, input)
}

/// Runs a program as it is, with its calls only passed on, and recorded: it prints the same. Gives that, and the
/// recording.
fn records(program: &[&Path], input: &str) -> Result<(String, String), NotRun> {
    drop(checks::kvm()?);
    let plain = run(Command::new(program[0]).args(&program[1..]), input).succeeded();
    assert_eq!(on(&["run", "--kvm"], program, input).succeeded(), plain);
    let name = program[program.len() - 1].file_name().unwrap();
    let recording = scratch(&format!("{}.kvmrec", name.to_string_lossy()));
    let recording = recording.to_str().unwrap();
    let recorded = on(&["record", "-o", recording], program, input);
    assert_eq!(recorded.succeeded(), plain);
    Ok((plain, recording.to_owned()))
}

fn records_and_replays(program: &[&Path]) -> Result<(), NotRun> {
    let (plain, recording) = records(program, "")?;
    let replayed = on(&["replay", &recording], program, "");
    assert!(
        replayed.said.contains("the run did what was recorded"),
        "{}",
        replayed.said
    );
    assert_eq!(replayed.succeeded(), plain);
    Ok(())
}

/// Each request of the table with the kinds of descriptor, as the program reads them.
fn requests() -> String {
    let run = &kvm_core::kvm_sys::KVM_RUN;
    let table = kvm_core::kvm_sys::ALL.iter().filter(|op| **op != run);
    table
        .map(|op| format!("{:x} svc\n", op.request()))
        .collect()
}

fn main() {
    checks::main(&[
        ("c", || records_and_replays(&[&compiled("first")])),
        ("python", || {
            records_and_replays(&[Path::new("python3"), &file("programs/first.py")])
        }),
        ("doorbell", || {
            let program = compiled("doorbell");
            let program = &[&*program];
            let (plain, recording) = records(program, "")?;
            let signalled = "exit 2, signals 1, left 0x1234\nexit 5, signals 0, left 0x1256\n";
            assert_eq!(plain, signalled);
            let replayed = on(&["replay", &recording], program, "");
            assert!(
                !replayed.printed.contains("signals 1"),
                "nothing asked for it"
            );

            for memory in ["--memory", "--dirty-log"] {
                let options = [
                    "record",
                    memory,
                    "--registers",
                    "--eventfds",
                    "-o",
                    &recording,
                ];
                assert_eq!(on(&options, program, "").succeeded(), plain);
                for mode in [
                    &["replay", &recording][..],
                    &["replay", "--by-exit", &recording],
                ] {
                    assert_eq!(on(mode, program, "").succeeded(), plain);
                }
                let shown = kvmrec(&["show", &recording], "").succeeded();
                assert!(
                    shown.contains("eventfd signalled by io out 0x10 <- 02"),
                    "{shown}"
                );
                assert!(shown.contains("rip: 0x100a"), "{shown}");
            }
            Ok(())
        }),
        // Another run has its memory elsewhere, and asks for other addresses.
        ("hostile", || {
            records(&[&compiled("hostile")], &requests()).map(|_| ())
        }),
        ("kicks", || {
            drop(checks::kvm()?);
            let program = compiled("kicks");
            let expected = std::fs::read_to_string(file("expected/kicks.txt")).unwrap();
            let plain = run(&mut Command::new(&program), "").succeeded();
            assert_eq!(plain, expected);
            assert_eq!(on(&["run", "--kvm"], &[&program], "").succeeded(), expected);
            Ok(())
        }),
    ]);
}

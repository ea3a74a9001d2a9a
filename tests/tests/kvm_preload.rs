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

use kvm_core::kvm_sys::{self, op::Op};
use kvm_tests::checks::{self, NotRun};
use preload_support::{Ran, compiled, compiled_with, file, kvmrec, run, scratch};

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

/// Each request of the table but these with the kinds of descriptor, as the program reads them.
fn requests_but(left_out: &[&Op]) -> String {
    let left_out: Vec<u32> = left_out.iter().map(|op| op.request()).collect();
    let table = kvm_sys::ALL.iter().map(|op| op.request());
    table
        .filter(|request| *request != kvm_sys::KVM_RUN.request() && !left_out.contains(request))
        .map(|request| format!("{request:x} svc\n"))
        .collect()
}

/// What a model of this very host answers is what the host answers.
fn hostile_on_a_model() -> Result<(), NotRun> {
    /// Calls that the model of x86_64 has not, or only on hosts with private memory: it has no such number, where
    /// kernels that have it look first whether there is an argument.
    const NOT_OF_THE_MODEL: [&Op; 8] = [
        &kvm_sys::KVM_CREATE_GUEST_MEMFD,
        &kvm_sys::KVM_GET_ONE_REG,
        &kvm_sys::KVM_GET_REG_LIST,
        &kvm_sys::KVM_MEMORY_ENCRYPT_OP,
        &kvm_sys::KVM_MEMORY_ENCRYPT_REG_REGION,
        &kvm_sys::KVM_MEMORY_ENCRYPT_UNREG_REGION,
        &kvm_sys::KVM_PRE_FAULT_MEMORY,
        &kvm_sys::KVM_SET_ONE_REG,
    ];

    drop(checks::kvm()?);
    let profile = scratch("host.profile");
    let arguments = [OsString::from("profile"), "-o".into(), (&profile).into()];
    kvmrec(&arguments, "").succeeded();
    let (program, requests) = (compiled("hostile"), requests_but(&NOT_OF_THE_MODEL));
    let host = run(&mut Command::new(&program), &requests).succeeded();
    let model = format!("--model={}", profile.display());
    let model = on(&["run", &model], &[&program], &requests).succeeded();
    let lines = host.lines().zip(model.lines());
    let differ: Vec<_> = lines.filter(|(host, model)| host != model).collect();
    assert!(differ.is_empty(), "the host, and the model: {differ:#?}");
    assert_eq!(host.lines().count(), model.lines().count());
    Ok(())
}

fn main() {
    checks::main(&[
        ("c", || records_and_replays(&[&compiled("first")])),
        ("by numbers", || {
            records_and_replays(&[&compiled_with("first", &["-DRAW"])])
        }),
        ("python", || {
            records_and_replays(&[Path::new("python3"), &file("programs/first.py")])
        }),
        ("scribble", || {
            let (_, recording) = records(&[&compiled("scribble")], "")?;
            kvmrec(&["check", &recording], "").succeeded();
            Ok(())
        }),
        ("statistics", || records_and_replays(&[&compiled("stats")])),
        ("ring", || {
            let program = compiled("ring");
            let program = &[&*program];
            let (plain, recording) = records(program, "")?;
            assert!(plain.contains("slot 5, page 2\nreset "), "{plain}");
            for mode in [
                &["replay", &recording][..],
                &["replay", "--by-exit", &recording],
            ] {
                assert_eq!(on(mode, program, "").succeeded(), plain);
            }
            Ok(())
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
            records(&[&compiled("hostile")], &requests_but(&[])).map(|_| ())
        }),
        ("hostile on a model", hostile_on_a_model),
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

//! A process that is killed, or forks, while it records.
#![cfg(target_os = "linux")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
#![expect(unsafe_code, reason = "forks")]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Vmm, model};
use kvm_core::kvm_exit::X86_64;
use kvm_core::{Exit, Kvm};
use kvm_mock::recording::{Content, Recording, RunPages};
use kvm_mock::{Model, Outcome, RecordError, Recorder, Replay, Step};

/// Tells the test below that it is the process to be killed, and where to record.
const VICTIM: &str = "KVM_MOCK_TEST_VICTIM";

fn path(name: &str) -> PathBuf {
    let name = format!("kvm-mock-{name}-{}.kvmrec", std::process::id());
    std::env::temp_dir().join(name)
}

/// Writes 0, 1, 2, ... to a port, and says each number once it is written.
fn be_killed(path: &str) {
    let model = Model::new();
    let recorder = Recorder::create(model.clone(), path).unwrap();
    let mut vcpu = Kvm::with(recorder)
        .unwrap()
        .create_vm()
        .unwrap()
        .create_vcpu(0)
        .unwrap();
    for number in 0u32.. {
        model.script(0, [Step::io_out(1, number.to_ne_bytes())]);
        vcpu.run().unwrap();
        println!("wrote {number}");
    }
}

#[test]
fn a_killed_process_loses_nothing_that_it_saw_return() {
    if let Ok(path) = std::env::var(VICTIM) {
        return be_killed(&path);
    }
    let path = path("killed");
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_killed_process_loses_nothing_that_it_saw_return",
        ])
        .arg("--nocapture")
        .env(VICTIM, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(victim.stdout.take().unwrap()));
    let mut last = 0;
    let begun = Instant::now();
    // Over the end of the first window.
    while last < 25_000 && begun.elapsed() < Duration::from_secs(20) {
        let line = lines.next().unwrap().unwrap();
        if let Some(number) = line.strip_prefix("wrote ") {
            last = number.parse::<u32>().unwrap();
        }
    }
    victim.kill().unwrap();
    for line in lines.map_while(Result::ok) {
        if let Some(number) = line.strip_prefix("wrote ") {
            last = number.parse().unwrap_or(last);
        }
    }
    victim.wait().unwrap();

    let recording = Recording::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(recording.cut().is_some());
    let mut pages = RunPages::new();
    let mut written = 0u32;
    for record in recording.records() {
        pages.apply(&record);
        if let Content::Entry(_) = record.content {
            let page = pages.page::<X86_64>(record.stream.unwrap()).unwrap();
            let Exit::IoOut(io) = page.decode().unwrap() else {
                panic!("another exit");
            };
            assert_eq!(io.data, written.to_ne_bytes());
            written += 1;
        }
    }
    // The last number may have been on its way to the test.
    assert!(
        written > last && last > 0,
        "{written} recorded, {last} seen"
    );
}

#[test]
fn what_returned_is_in_the_file_and_the_end_takes_off_the_rest() {
    let path = path("at-once");
    let recorder = Recorder::create(model(), &path).unwrap();
    let handle = recorder.handle();
    let mut told = Vec::new();
    let kept = recorder_copy(&path);
    assert!(kept > 64, "the file is made longer ahead");
    Vmm::default().run(recorder, &mut told).unwrap();
    let summary = handle.finish().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), summary.bytes);

    let replay = Replay::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let mut again = Vec::new();
    Vmm::default().run(replay.clone(), &mut again).unwrap();
    assert_eq!(again, told);
    assert_eq!(replay.outcome(), Outcome::Complete);
}

/// The length of a file that is a recording so far.
fn recorder_copy(path: &PathBuf) -> u64 {
    let recording = Recording::open(path).unwrap();
    assert_eq!(recording.cut(), Some(64));
    fs::metadata(path).unwrap().len()
}

#[test]
fn a_forked_child_leaves_the_recording_alone() {
    let path = path("forked");
    let recorder = Recorder::create(Model::new(), &path).unwrap();
    let handle = recorder.handle();
    let kvm = Kvm::with(recorder).unwrap();
    // SAFETY: the child makes calls to a model, which takes locks that this thread alone uses, and no memory
    // that another thread may be allocating matters to them beyond what the C library sees to at a fork.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let passed_on = kvm.check_extension(kvm_sys::KVM_CAP_NR_MEMSLOTS).is_ok();
        let refused = matches!(handle.finish(), Err(RecordError::Forked));
        // SAFETY: ends the child without running what the parent registered.
        unsafe { libc::_exit(i32::from(!(passed_on && refused))) };
    }
    let mut status = 0;
    // SAFETY: `status` is writable; the child is this test's.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(
        (libc::WIFEXITED(status), libc::WEXITSTATUS(status)),
        (true, 0)
    );
    kvm.check_extension(kvm_sys::KVM_CAP_NR_VCPUS).unwrap();
    drop(kvm);
    let summary = handle.finish().unwrap();
    let recording = Recording::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(recording.summary(), summary);
    let calls = recording.records();
    let calls = calls.filter(|record| matches!(record.content, Content::Call(_)));
    // The version, that `Kvm::with` asks for, may be among them; the child's question is not.
    let names: Vec<_> = calls.map(|record| record.content).collect();
    let asked = |capability: u64| {
        names
            .iter()
            .any(|content| matches!(content, Content::Call(call) if call.value == Some(capability)))
    };
    assert!(asked(u64::from(kvm_sys::KVM_CAP_NR_VCPUS.0)));
    assert!(!asked(u64::from(kvm_sys::KVM_CAP_NR_MEMSLOTS.0)));
}

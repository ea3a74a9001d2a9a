//! What `kvmrec` prints, and how it ends.
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod check;
#[path = "../common/mod.rs"]
mod common;
mod diff;
mod forged;
mod guests;
mod manual;
mod profile;
mod show;
mod silent;
mod stats;
mod timeline;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Shared, Vmm, record};
use kvm_core::kvm_exit::IoIn;
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Kvm, Slot};
use kvm_mock::{Model, RecorderOptions, Step};
use serde_json::Value;

/// How a run of the tool ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// The JSON objects on its lines.
    fn json(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What it printed, of a run without trouble.
    #[track_caller]
    fn good(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""));
        self.out
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kvmrec"));
    command.args(args).stdin(Stdio::null());
    command
}

fn kvmrec(args: &[&str]) -> Ran {
    let output = command(args).output().unwrap();
    Ran {
        code: output.status.code().expect("no signal ends it"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A file of this test's own.
fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Puts bytes into a file of this test's own.
fn file(name: &str, bytes: &[u8]) -> String {
    let path = place(name);
    fs::write(&path, bytes).unwrap();
    path.into_os_string().into_string().unwrap()
}

/// The recording that is kept for ever.
fn golden() -> String {
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/version-1-x86_64.kvmrec"
    )
    .to_owned()
}

/// The recordings of the examples.
fn examples() -> Vec<String> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/recordings/x86_64");
    let files = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// A run with two vCPUs that take turns: each reads a port, writes memory-mapped I/O and halts.
fn two_vcpus(options: RecorderOptions) -> Vec<u8> {
    two_vcpus_answered(options, [0, 1])
}

/// The same, with these answers of the VMM's to each vCPU's read.
fn two_vcpus_answered(options: RecorderOptions, answers: [u8; 2]) -> Vec<u8> {
    let model = Model::new();
    for id in 0..2u8 {
        let text = [b'a' + id, b'\n'];
        let steps = [
            // Takes any answer.
            Step::exit(|page| {
                let (port, size) = (0x60, 1);
                page.encode(&Exit::IoIn(IoIn {
                    port,
                    size,
                    data: &mut [0],
                }))
            }),
            Step::mmio_write(0xd000_0000 + u64::from(id) * 0x1000, text),
            Step::hlt(),
        ];
        model.script(id.into(), steps);
    }
    let file = Shared::default();
    let recorder = options.to_writer(model, file.clone()).unwrap();
    let vm = Kvm::with(recorder).unwrap().create_vm().unwrap();
    let memory = AnonymousMemory::new(0x1000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0), memory).unwrap();
    let mut vcpus = [0, 1].map(|id| vm.create_vcpu(id).unwrap());
    for _ in 0..3 {
        for (vcpu, answer) in vcpus.iter_mut().zip(answers) {
            if let (Exit::IoIn(io), _) = vcpu.run().unwrap() {
                io.data.fill(answer);
            }
        }
    }
    drop((vcpus, vm));
    file.bytes()
}

#[test]
fn what_is_no_recording_is_named_and_refused() {
    let text = file("no-recording", b"#!/bin/sh\n");
    let page = place("no-recording.html");
    let page = page.to_str().unwrap();
    for args in [
        &["show", &text][..],
        &["stats", &text],
        &["diff", &golden(), &text],
        &["timeline", &text, "-o", page],
    ] {
        let ran = kvmrec(args);
        assert_eq!(
            ran.err,
            format!("kvmrec: {text}: not a recording\n"),
            "{args:?}"
        );
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
    }
    let missing = kvmrec(&["show", "/nowhere/to.be"]);
    assert_eq!(missing.code, 2);
    assert!(
        missing
            .err
            .starts_with("kvmrec: /nowhere/to.be: the recording can't be read: ")
    );
    assert_eq!(kvmrec(&["show"]).code, 2);
    assert_eq!(kvmrec(&["shew", &text]).code, 2);
}

#[test]
fn every_flipped_bit_is_refused_with_the_file_and_the_offset() {
    let (_, bytes) = record(Vmm::default(), RecorderOptions::new().memory(true));
    // A bit of each part of each record: the library's tests flip every one.
    for bit in (0..bytes.len() * 8).step_by(61) {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let path = file("damaged.kvmrec", &damaged);
        let ran = kvmrec(&["show", &path]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "bit {bit}");
        let start = format!("kvmrec: {path}: ");
        assert!(ran.err.starts_with(&start), "bit {bit}: {}", ran.err);
    }
}

#[test]
fn whoever_closes_the_pipe_has_seen_enough() {
    use std::io::{BufRead, BufReader};

    let path = file("long.kvmrec", &long());
    for args in [
        &["show", &path][..],
        &["show", "--json", &path],
        &["timeline", &path, "-o", "-"],
    ] {
        let mut child = command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut reader = BufReader::with_capacity(64, child.stdout.take().unwrap());
        reader.read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

/// A recording whose text fits into no pipe.
fn long() -> Vec<u8> {
    const EXITS: usize = 20_000;
    let model = Model::new();
    model.script(
        0,
        (0..EXITS).map(|n| Step::io_out(0x3f8, (n as u32).to_le_bytes())),
    );
    let file = Shared::default();
    let recorder = RecorderOptions::new()
        .to_writer(model, file.clone())
        .unwrap();
    let vm = Kvm::with(recorder).unwrap().create_vm().unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    for _ in 0..EXITS {
        vcpu.run().unwrap();
    }
    drop((vcpu, vm));
    file.bytes()
}

#[test]
fn colours_are_on_a_terminal_only_unless_asked_for() {
    assert!(!kvmrec(&["show", &golden()]).out.contains('\x1b'));
    assert!(
        kvmrec(&["show", "--color", "always", &golden()])
            .out
            .contains("\x1b[36m")
    );
}

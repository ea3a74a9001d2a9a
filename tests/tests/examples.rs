//! The examples on their recordings: as they are, changed, cut, and not followed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, with functions that clippy does not know for one"
)]

mod support;

use kvm_core::Kvm;
use kvm_core::kvm_exit::{Aarch64, GuestArch, Riscv64};
use kvm_mock::{Model, Recorder};
use kvm_tests::{Example, Options};
use support::uart::Uart;
use support::{
    HELLO, Hello, LONG_MODE, LongMode, SINGLE_STEP, Scratch, expected, folder, recording, run,
};

fn assert_replays_as_expected<E: Example>(example: &E) {
    let ran = run(example, &Options::Replay(None));
    let (backend, printed) = ran.printed.split_once('\n').unwrap();
    let name = E::NAME;
    assert_eq!(
        backend,
        format!("backend: replay of tests/recordings/x86_64/{name}.kvmrec")
    );
    assert_eq!(printed, expected(example));
    ran.ended.unwrap();
}

#[test]
fn hello_replays_as_expected() {
    assert_replays_as_expected(&HELLO);
}

#[test]
fn long_mode_replays_as_expected() {
    assert_replays_as_expected(&LONG_MODE);
}

#[test]
fn single_step_replays_as_expected() {
    assert_replays_as_expected(&SINGLE_STEP);
}

/// What a VMM for another architecture did is replayed and decoded here.
fn assert_guest_of_another_architecture_replays<E: Example>(example: &E) {
    let ran = run(example, &Options::Replay(None));
    let arch = E::Guest::ARCH.name();
    let expected = format!(
        "backend: replay of tests/recordings/{arch}/uart.kvmrec\nHello from {arch}, key K\n2 * 21 = 42\n"
    );
    assert_eq!(ran.printed, expected);
    ran.ended.unwrap();
}

#[test]
fn an_aarch64_guest_replays_as_expected() {
    assert_guest_of_another_architecture_replays(&Uart::<Aarch64>::new(b'K'));
}

#[test]
fn a_riscv64_guest_replays_as_expected() {
    assert_guest_of_another_architecture_replays(&Uart::<Riscv64>::new(b'K'));
}

#[test]
fn a_changed_reply_to_an_aarch64_guest_is_told_with_both_values() {
    let error = run(&Uart::<Aarch64>::new(b'X'), &Options::Replay(None)).error();
    for part in [
        "tests/recordings/aarch64/uart.kvmrec",
        "vCPU 0",
        "mmio read",
        "4b",
        "58",
    ] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}

#[test]
fn damage_to_the_recordings_of_other_architectures_is_noticed() {
    assert_damage_is_noticed(&Uart::<Aarch64>::new(b'K'));
    assert_damage_is_noticed(&Uart::<Riscv64>::new(b'K'));
}

#[test]
fn a_changed_reply_is_told_with_both_values() {
    let error = run(&Hello { key: b'X' }, &Options::Replay(None)).error();
    for part in [
        "tests/recordings/x86_64/hello.kvmrec",
        "vCPU 0",
        "io in 0x60",
        "4b",
        "58",
        "offset",
    ] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}

#[test]
fn a_changed_mmio_reply_is_told_with_both_values() {
    let error = run(&LongMode { count: 49 }, &Options::Replay(None)).error();
    for part in ["vCPU 0", "exit 0", "mmio read", "32", "31", "offset"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}

#[test]
fn another_examples_recording_is_left_at_once() {
    let scratch = Scratch::new("other", &recording(&SINGLE_STEP));
    let error = run(&LONG_MODE, &scratch.replay()).error();
    assert!(error.contains("the run left the recording"), "{error}");
}

/// Offsets of a file of this length: all of its start, a step of its middle, and its end.
fn offsets(len: usize) -> impl Iterator<Item = usize> {
    const EACH: usize = 96;
    const STEP: usize = 23;
    let middle = (EACH..len.saturating_sub(EACH)).step_by(STEP);
    (0..EACH.min(len))
        .chain(middle)
        .chain(len.saturating_sub(EACH)..len)
}

/// Checks that the example fails on these bytes, and says where in the file.
fn assert_refused(example: &impl Example, what: &str, bytes: &[u8]) {
    let scratch = Scratch::new(what, bytes);
    let ran = run(example, &scratch.replay());
    let Err(error) = &ran.ended else {
        panic!("{what}: accepted, with {:?}", ran.printed);
    };
    let error = error.to_string();
    let located = error
        .split("offset ")
        .nth(1)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
        .and_then(|number| number.parse::<usize>().ok());
    match located {
        Some(offset) => assert!(offset <= bytes.len(), "{what}: {error}"),
        // A file whose first bytes are another kind's, or another version's, has nothing to locate.
        None => assert!(
            error.contains("not a recording") || error.contains("version"),
            "{what}: {error}"
        ),
    }
}

/// Cuts and flips the recording at many places.
fn assert_damage_is_noticed<E: Example>(example: &E) {
    let bytes = recording(example);
    for offset in offsets(bytes.len()) {
        let cut = bytes.get(..offset).unwrap();
        assert_refused(example, &format!("{}-cut-{offset}", E::NAME), cut);
        for flip in [0x01, 0xff] {
            let mut flipped = bytes.clone();
            flipped[offset] ^= flip;
            let what = format!("{}-flip-{offset}-{flip}", E::NAME);
            assert_refused(example, &what, &flipped);
        }
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_refused(example, &format!("{}-longer", E::NAME), &longer);
}

#[test]
fn damage_to_the_recording_of_hello_is_noticed() {
    assert_damage_is_noticed(&HELLO);
}

#[test]
fn damage_to_the_recording_of_long_mode_is_noticed() {
    assert_damage_is_noticed(&LONG_MODE);
}

#[test]
fn damage_to_the_recording_of_single_step_is_noticed() {
    assert_damage_is_noticed(&SINGLE_STEP);
}

#[test]
fn a_recording_of_another_architecture_is_refused() {
    let scratch = Scratch::new("architecture", &[]);
    let recorder = Recorder::create(Model::<Aarch64>::default(), &scratch.0).unwrap();
    drop(Kvm::with(recorder).unwrap());
    let error = run(&HELLO, &scratch.replay()).error();
    assert!(
        error.contains("aarch64") && error.contains("x86_64"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_no_recording_is_refused() {
    let scratch = Scratch::new(
        "text",
        b"Not a recording, but longer than a header of one would be.",
    );
    let error = run(&HELLO, &scratch.replay()).error();
    assert!(error.ends_with("not a recording"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let file = folder("recordings/none.kvmrec");
    let error = run(&HELLO, &Options::Replay(Some(file.clone()))).error();
    assert!(error.contains(&file.display().to_string()), "{error}");
    assert!(error.contains("can't be read"), "{error}");
}

/// CRC-32C, as the format has it.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 * (crc & 1))
        })
    })
}

#[test]
fn a_recording_of_a_newer_version_is_refused() {
    let mut bytes = recording(&HELLO);
    bytes[8..12].copy_from_slice(&7_u32.to_le_bytes());
    let checksum = crc(&bytes[..60]).to_le_bytes();
    bytes[60..64].copy_from_slice(&checksum);
    let scratch = Scratch::new("version", &bytes);
    let error = run(&HELLO, &scratch.replay()).error();
    assert!(error.contains("version 7"), "{error}");
}

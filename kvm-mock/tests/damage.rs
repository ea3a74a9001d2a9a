//! A recording that was cut or damaged never passes for a whole one.
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Vmm, record};
use kvm_core::{AnonymousMemory, Errno, Exit, GuestAddress, Kvm, Slot};
use kvm_mock::{Mode, Outcome, RecorderOptions, Replay, ReplayError, ReplayOptions};

/// A VMM, what it tells, and the recording of it: without guest memory, with it, and with all there is.
fn recordings() -> [(Vmm, Vec<String>, Vec<u8>); 3] {
    let plain = RecorderOptions::new();
    let all = plain.dirty_log(true).registers(true).times(true);
    [(false, plain), (true, plain.memory(true)), (true, all)].map(|(looks, options)| {
        let vmm = Vmm {
            looks,
            ..Vmm::default()
        };
        let (told, bytes) = record(vmm, options);
        (vmm, told, bytes)
    })
}

#[test]
fn every_prefix_replays_by_exit_too() {
    let (vmm, recorded, bytes) = &recordings()[1];
    let options = ReplayOptions::new().mode(Mode::ByExit);
    for len in (64..bytes.len()).step_by(8) {
        let replay = options.from_bytes(&bytes[..len]).unwrap();
        let mut told = Vec::new();
        let ended = vmm.run(replay.clone(), &mut told);
        assert!(recorded.starts_with(&told), "{len} bytes: {told:?}");
        let Outcome::Cut { reached, .. } = replay.outcome() else {
            panic!("{len} bytes: {}", replay.outcome());
        };
        assert_eq!(ended.is_err(), reached, "{len} bytes");
    }
}

#[test]
fn every_prefix_replays_up_to_its_end_and_says_so() {
    for (vmm, recorded, bytes) in recordings() {
        for len in 0..bytes.len() {
            let replay = match Replay::from_bytes(&bytes[..len]) {
                Ok(replay) => replay,
                Err(ReplayError::NotARecording) if len == 0 => continue,
                Err(ReplayError::HeaderCut { offset }) if len < 64 => {
                    assert_eq!(offset, len as u64);
                    continue;
                }
                Err(error) => panic!("{len} bytes: {error}"),
            };
            let mut told = Vec::new();
            let ended = vmm.run(replay.clone(), &mut told);
            let Outcome::Cut { offset, reached } = replay.outcome() else {
                panic!("{len} bytes: {}", replay.outcome());
            };
            assert!(offset <= len as u64 && offset % 8 == 0, "{offset} of {len}");
            assert!(recorded.starts_with(&told), "{len} bytes: {told:?}");
            match ended {
                // All that is missing is the record that ends it.
                Ok(()) => assert!(!reached && told == recorded, "{len} bytes"),
                Err(error) => {
                    assert_eq!(error.errno(), Errno::DIVERGED);
                    assert!(reached, "{len} bytes");
                }
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_refused_with_an_offset() {
    for (_, _, mut bytes) in recordings() {
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            match Replay::from_bytes(&bytes[..]) {
                Ok(_) => panic!("bit {bit} passed"),
                Err(ReplayError::NotARecording) => assert!(bit < 8 * 8, "bit {bit}"),
                Err(ReplayError::Damaged { offset, .. }) => {
                    // The record or the header that has the bit.
                    assert!(offset * 8 <= bit as u64, "bit {bit}, offset {offset}");
                }
                Err(error) => panic!("bit {bit}: {error}"),
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(Replay::from_bytes(bytes).is_ok());
    }
}

#[test]
fn every_byte_may_be_anything() {
    for (_, _, mut bytes) in recordings() {
        for at in 0..bytes.len() {
            let byte = bytes[at];
            for other in [0, 0xff, !byte, byte.wrapping_add(1)] {
                bytes[at] = other;
                assert_eq!(
                    Replay::from_bytes(&bytes[..]).is_ok(),
                    other == byte,
                    "{other:#x} at {at}"
                );
            }
            bytes[at] = byte;
        }
    }
}

/// Where records begin, and where the last one ends.
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let mut starts = vec![64];
    while let Some(len) = bytes
        .get(starts[starts.len() - 1]..)
        .and_then(<[u8]>::first_chunk)
    {
        starts.push(starts[starts.len() - 1] + u32::from_le_bytes(*len) as usize);
    }
    assert_eq!(starts.last(), Some(&bytes.len()));
    starts
}

/// What a killed process leaves in a file that was made longer ahead of its records.
#[test]
fn a_record_that_was_being_written_is_cut() {
    let (_, bytes) = record(Vmm::default(), RecorderOptions::new());
    for pair in boundaries(&bytes).windows(2) {
        let (start, end) = (pair[0], pair[1]);
        for written in [start + 8, (start + end) / 16 * 8, end] {
            let mut left = bytes[..written].to_vec();
            left[start..start + 8].fill(0);
            left.resize(written + 200, 0);
            let outcome = Replay::from_bytes(left).unwrap().outcome();
            let Outcome::Cut { offset, .. } = outcome else {
                panic!("{outcome}");
            };
            assert_eq!(offset, start as u64);
        }
    }
}

#[test]
fn a_record_that_was_wiped_is_damage_unless_it_is_the_last() {
    let (_, bytes) = record(Vmm::default(), RecorderOptions::new());
    let starts = boundaries(&bytes);
    for pair in starts.windows(2) {
        let mut wiped = bytes.clone();
        wiped[pair[0]..pair[0] + 8].fill(0);
        let result = Replay::from_bytes(wiped);
        if pair[1] == bytes.len() {
            assert!(matches!(result.unwrap().outcome(), Outcome::Cut { .. }));
        } else {
            let error = result.unwrap_err().to_string();
            assert!(error.contains("overwritten by zeros"), "{error}");
        }
    }
}

#[test]
fn a_record_that_is_missing_twice_or_behind_the_end_is_found() {
    let (_, bytes) = record(Vmm::default(), RecorderOptions::new());
    let starts = boundaries(&bytes);
    for pair in starts.windows(2) {
        let (before, record, after) = (
            &bytes[..pair[0]],
            &bytes[pair[0]..pair[1]],
            &bytes[pair[1]..],
        );
        let error = Replay::from_bytes([before, record, record, after].concat()).unwrap_err();
        let expected = if after.is_empty() { "follow" } else { "twice" };
        assert!(error.to_string().contains(expected), "{error}");
        // Without the last record, the recording is one that was cut.
        if !after.is_empty() {
            let error = Replay::from_bytes([before, after].concat()).unwrap_err();
            assert!(error.to_string().contains("missing"), "{error}");
        }
    }
}

/// CRC-32C, bit by bit.
fn crc<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> u32 {
    let shift = |crc: u32, _| (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
    !bytes
        .into_iter()
        .fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), shift))
}

/// Does what it can with a recording that may hold anything.
fn run_anyhow(replay: Replay) -> Result<(), kvm_core::Error> {
    let vm = Kvm::with(replay)?.create_vm()?;
    vm.add_memory(
        Slot(0),
        GuestAddress(0),
        AnonymousMemory::new(common::RAM as usize)?,
    )?;
    let mut vcpu = vm.create_vcpu(0)?;
    for _ in 0..10 {
        // An entry that never returned would wait.
        vcpu.kicker().kick();
        if let (Exit::IoIn(io), _) = vcpu.run()? {
            io.data.fill(0x1c);
        }
    }
    Ok(())
}

#[test]
fn a_forged_recording_panics_nowhere() {
    let (_, _, bytes) = &recordings()[2];
    let mut start = 64;
    while let Some(len) = bytes.get(start..).and_then(<[u8]>::first_chunk) {
        let len = u32::from_le_bytes(*len) as usize;
        // Long arguments are the same all along.
        for at in (8..len.min(120)).filter(|at| !(20..24).contains(at)) {
            for change in [1, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                let record = &mut bytes[start..start + len];
                record[at] ^= change;
                let sum = crc(record[..20].iter().chain(&record[24..]));
                record[20..24].copy_from_slice(&sum.to_le_bytes());
                for mode in [Mode::Strict, Mode::ByExit] {
                    let options = ReplayOptions::new().mode(mode);
                    if let Ok(replay) = options.from_bytes(&bytes[..]) {
                        let _ = run_anyhow(replay.clone());
                        let _ = replay.outcome().to_string();
                    }
                }
            }
        }
        start += len;
    }
}

//! Registers that are recorded at each exit.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Shared, Vmm, record};
use kvm_core::kvm_exit::Aarch64;
use kvm_mock::recording::{Content, Recording};
use kvm_mock::{Mode, Model, Outcome, RecordError, RecorderOptions, Replay, ReplayOptions};
use kvm_sys::kvm_regs;
use zerocopy::FromBytes;

fn options() -> RecorderOptions {
    RecorderOptions::new().registers(true)
}

#[test]
fn each_exit_has_them() {
    let (_, bytes) = record(Vmm::default(), options());
    let recording = Recording::from_bytes(bytes).unwrap();
    let (mut waiting, mut entries, mut rips) = (Vec::new(), 0, Vec::new());
    for record in recording.records() {
        match record.content {
            Content::Registers { name, bytes } => {
                if name == "KVM_GET_REGS" {
                    rips.push(kvm_regs::read_from_bytes(bytes).unwrap().rip);
                }
                waiting.push(name);
            }
            Content::Entry(_) => {
                assert_eq!(waiting, ["KVM_GET_REGS", "KVM_GET_SREGS"]);
                waiting.clear();
                entries += 1;
            }
            _ => {}
        }
    }
    assert_eq!((entries, rips.len()), (6, 6));
    assert!(rips.iter().all(|rip| *rip == 0x100), "{rips:x?}");
}

#[test]
fn a_replay_answers_from_them_by_exit_only() {
    let (recorded, bytes) = record(Vmm::default(), options());
    let asks = Vmm {
        asks: true,
        ..Vmm::default()
    };
    let by_exit = ReplayOptions::new().mode(Mode::ByExit);
    let replay = by_exit.from_bytes(&bytes[..]).unwrap();
    let mut told = Vec::new();
    asks.run(replay.clone(), &mut told).unwrap();
    assert_eq!(replay.outcome(), Outcome::Complete);
    assert!(
        told.iter().any(|line| line.contains("rip: 256")),
        "{told:?}"
    );

    let strict = Replay::from_bytes(&bytes[..]).unwrap();
    assert!(asks.run(strict, &mut Vec::new()).is_err());
    let strict = Replay::from_bytes(&bytes[..]).unwrap();
    let mut told = Vec::new();
    Vmm::default().run(strict.clone(), &mut told).unwrap();
    assert_eq!((told, strict.outcome()), (recorded, Outcome::Complete));

    let (_, without) = record(Vmm::default(), RecorderOptions::new());
    let replay = by_exit.from_bytes(without).unwrap();
    assert!(asks.run(replay, &mut Vec::new()).is_err());
}

#[test]
fn other_guests_are_refused() {
    let recorder = options().to_writer(Model::<Aarch64>::default(), Shared::default());
    assert!(matches!(recorder.err(), Some(RecordError::Registers)));
}

//! Replay by exit: what the VMM asks and sets between exits may change.
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Shared, Vmm, record};
use kvm_core::{Errno, Exit, Kvm, Vcpu};
use kvm_mock::{Mode, Model, Outcome, Recorder, RecorderOptions, Replay, ReplayOptions, Step};
use kvm_sys::{kvm_debugregs, kvm_regs};

fn by_exit(bytes: Vec<u8>) -> Replay {
    let options = ReplayOptions::new().mode(Mode::ByExit);
    options.from_bytes(bytes).unwrap()
}

fn regs(rip: u64) -> kvm_regs {
    kvm_regs {
        rip,
        rflags: 2,
        ..Default::default()
    }
}

#[test]
fn another_set_up_and_fewer_questions_are_no_divergence() {
    let asks = Vmm {
        asks: true,
        ..Vmm::default()
    };
    let (_, bytes) = record(asks, RecorderOptions::new());
    let replay = by_exit(bytes);
    let other = Vmm {
        register: 0x10,
        image: 1,
        ..Vmm::default()
    };
    let mut told = Vec::new();
    other.run(replay.clone(), &mut told).unwrap();
    assert_eq!(told.len(), 6);
    assert_eq!(replay.outcome(), Outcome::Complete);
}

#[test]
fn another_reply_diverges() {
    let (_, bytes) = record(Vmm::default(), RecorderOptions::new());
    let replay = by_exit(bytes);
    let other = Vmm {
        reply: 3,
        ..Vmm::default()
    };
    let error = other.run(replay.clone(), &mut Vec::new()).unwrap_err();
    assert_eq!(error.errno(), Errno::DIVERGED);
    let Outcome::Diverged(divergence) = replay.outcome() else {
        panic!("{}", replay.outcome());
    };
    assert_eq!((divergence.recorded(), divergence.given()), ("1c", "1f"));
}

/// Two exits; between them the registers are asked for and set, and asked for again.
fn recording() -> Vec<u8> {
    let model = Model::new();
    model.script(0, [Step::io_out(1, [1]), Step::io_out(2, [2]), Step::hlt()]);
    let file = Shared::default();
    let recorder = Recorder::to_writer(model, file.clone()).unwrap();
    let mut vcpu = Kvm::with(recorder)
        .unwrap()
        .create_vm()
        .unwrap()
        .create_vcpu(0)
        .unwrap();
    vcpu.set_regs(&regs(0x100)).unwrap();
    vcpu.run().unwrap();
    vcpu.run().unwrap();
    vcpu.get_regs().unwrap();
    vcpu.set_regs(&regs(0x200)).unwrap();
    vcpu.get_regs().unwrap();
    vcpu.run().unwrap();
    drop(vcpu);
    file.bytes()
}

fn vcpu(replay: &Replay) -> Vcpu<Replay> {
    let kvm = Kvm::with(replay.clone()).unwrap();
    kvm.create_vm().unwrap().create_vcpu(0).unwrap()
}

#[test]
fn a_question_is_answered_by_what_was_recorded_or_set_since_the_last_entry() {
    let replay = by_exit(recording());
    let mut vcpu = vcpu(&replay);
    // Never asked in the recording, but set here.
    vcpu.set_regs(&regs(0x123)).unwrap();
    assert_eq!(vcpu.get_regs().unwrap(), regs(0x123));
    vcpu.run().unwrap();
    vcpu.run().unwrap();
    // As recorded, in turn; the last one as often as wanted.
    let rips: Vec<u64> = (0..3).map(|_| vcpu.get_regs().unwrap().rip).collect();
    assert_eq!(rips, [0x100, 0x200, 0x200]);
    // What was set here, and not in the recording, is newer.
    vcpu.set_regs(&regs(0x300)).unwrap();
    assert_eq!(vcpu.get_regs().unwrap().rip, 0x300);
    vcpu.set_debug_regs(&kvm_debugregs::default()).unwrap();
    vcpu.get_debug_regs().unwrap();
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
    assert_eq!(replay.outcome(), Outcome::Complete);
}

#[test]
fn a_question_whose_answer_an_entry_made_stale_diverges() {
    let replay = by_exit(recording());
    let mut vcpu = vcpu(&replay);
    vcpu.set_regs(&regs(0x123)).unwrap();
    vcpu.run().unwrap();
    let error = vcpu.get_regs().unwrap_err();
    assert_eq!(error.errno(), Errno::DIVERGED);
    let Outcome::Diverged(divergence) = replay.outcome() else {
        panic!("{}", replay.outcome());
    };
    assert_eq!(divergence.exit(), Some(0));
    assert_eq!(divergence.recorded(), "no answer");
    assert_eq!(divergence.given(), "KVM_GET_REGS into 144 bytes");
    vcpu.run().unwrap_err();
}

#[test]
fn exits_that_were_not_asked_for_are_unread() {
    let replay = by_exit(recording());
    let mut vcpu = vcpu(&replay);
    vcpu.run().unwrap();
    let Outcome::Unread { records, first } = replay.outcome() else {
        panic!("{}", replay.outcome());
    };
    assert_eq!(records, 2);
    assert!(first.starts_with("KVM_RUN of vCPU 0, record "), "{first}");
}

//! Dirty rings in recordings.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::fmt::Debug;

use common::Shared;
use kvm_core::kvm_exit::X86_64;
use kvm_core::{
    AnonymousMemory, DirtyRing, Errno, Error, GuestAddress, Hypervisor, Kvm, Slot, Vcpu, Vm,
};
use kvm_mock::recording::{Content, Recording};
use kvm_mock::{Mode, Model, Outcome, Recorder, RecorderOptions, Replay, ReplayOptions, Step};
use kvm_sys::{KVM_MEM_LOG_DIRTY_PAGES, MemFlags};

/// The smallest ring: of 256 entries, 64 of which are KVM's reserve.
const RING: u32 = 0x1000;
const LOGGED: Slot = Slot(1);
const START: u64 = 0x10_0000;
const PAGES: u64 = 0x200;

/// A step that writes to these pages of the slot that is logged.
fn writes(pages: impl IntoIterator<Item = u64>) -> Step {
    let step = Step::io_out(1, [1]);
    let write = |step: Step, page| step.writes_memory(START + page * 0x1000, [7]);
    pages.into_iter().fold(step, write)
}

fn add_memory<H: Hypervisor>(vm: &Vm<H>, slot: Slot, start: u64, flags: MemFlags) {
    let ram = AnonymousMemory::new(PAGES as usize * 0x1000).unwrap();
    vm.add_memory_with(slot, GuestAddress(start), ram, flags)
        .unwrap();
}

fn set_up<H: Hypervisor<Guest = X86_64>>(system: H) -> Vm<H> {
    let vm = Kvm::with(system).unwrap().create_vm().unwrap();
    vm.enable_dirty_ring(RING).unwrap();
    add_memory(&vm, LOGGED, START, KVM_MEM_LOG_DIRTY_PAGES);
    vm
}

fn vcpu<H: Hypervisor<Guest = X86_64>>(vm: &Vm<H>, id: u64) -> (Vcpu<H>, DirtyRing<H>) {
    let vcpu = vm.create_vcpu(id).unwrap();
    let ring = vcpu.take_dirty_ring().unwrap();
    (vcpu, ring)
}

fn harvest<'a, H: Hypervisor + 'a>(
    vm: &Vm<H>,
    rings: impl IntoIterator<Item = &'a mut DirtyRing<H>>,
) -> Result<Vec<u64>, Error> {
    let pages = vm.harvest_dirty_rings(rings)?;
    Ok(pages.iter().map(|page| page.page).collect())
}

/// Two vCPUs; the VMM harvests after some exits.
fn two<H: Hypervisor<Guest = X86_64>>(system: H) -> Vec<Vec<u64>> {
    let vm = set_up(system);
    let [(mut one, mut first), (mut other, mut second)] = [0, 1].map(|id| vcpu(&vm, id));
    let mut told = Vec::new();
    for _ in 0..2 {
        one.run().unwrap();
        other.run().unwrap();
        told.push(harvest(&vm, [&mut second]).unwrap());
        one.run().unwrap();
        told.push(harvest(&vm, [&mut first, &mut second]).unwrap());
    }
    told
}

fn two_model() -> Model {
    let model = Model::new();
    // More than once round the ring.
    model.script(0, (0..4).map(|n| writes(n * 80..n * 80 + 80)));
    model.script(1, [writes([403, 401, 403]), writes([])]);
    model
}

/// Replays in both modes, and records each replay again: that is the same.
fn replays<R: PartialEq + Debug>(bytes: &[u8], expected: &R, run: impl Fn(Recorder<Replay>) -> R) {
    for mode in [Mode::Strict, Mode::ByExit] {
        let replay = ReplayOptions::new().mode(mode).from_bytes(bytes).unwrap();
        let copy = Shared::default();
        let recorder = Recorder::to_writer(replay.clone(), copy.clone()).unwrap();
        assert_eq!(run(recorder), *expected);
        assert_eq!(replay.outcome(), Outcome::Complete);
        assert_eq!(copy.bytes(), bytes);
    }
}

#[test]
fn rings_of_a_replay_tell_what_they_told() {
    let file = Shared::default();
    let told = two(Recorder::to_writer(two_model(), file.clone()).unwrap());
    assert_eq!(told, two(two_model()));
    assert_eq!(told[0], [403, 401]);
    assert!(told[1].iter().copied().eq(0..160));
    replays(&file.bytes(), &told, two);

    let recording = Recording::from_bytes(file.bytes()).unwrap();
    let mut pages = Vec::new();
    let mut maps = Vec::new();
    for record in recording.records() {
        match record.content {
            Content::DirtyRing(ring) => {
                assert!(ring.iter().all(|page| Slot::from(page) == LOGGED));
                pages.push((record.stream, ring.iter().len()));
            }
            Content::Map { len, private, .. } => maps.push((len, private)),
            _ => {}
        }
    }
    let (one, other) = (Some(2), Some(3));
    let expected = [(one, 80), (other, 2), (one, 80), (one, 80), (one, 80)];
    assert_eq!(pages, expected);
    assert_eq!(maps[..2], [(maps[0].0, maps[0].1), (RING.into(), 0)]);
    assert_eq!(maps.len(), 4);
}

#[test]
fn a_vmm_that_leaves_the_ring_full_diverges() {
    fn run<H: Hypervisor<Guest = X86_64>>(system: H, takes: bool) -> Result<(), Error> {
        let vm = set_up(system);
        let (mut vcpu, mut ring) = vcpu(&vm, 0);
        for pages in [0..150, 150..300] {
            vcpu.run()?;
            if takes {
                assert!(harvest(&vm, [&mut ring])?.into_iter().eq(pages));
            }
        }
        Ok(())
    }
    let model = Model::new();
    model.script(0, [writes(0..150), writes(150..300)]);
    let file = Shared::default();
    run(Recorder::to_writer(model, file.clone()).unwrap(), true).unwrap();
    for mode in [Mode::Strict, Mode::ByExit] {
        let replay = |takes| {
            let options = ReplayOptions::new().mode(mode);
            let replay = options.from_bytes(file.bytes()).unwrap();
            (run(replay.clone(), takes), replay.outcome())
        };
        assert_eq!(replay(true), (Ok(()), Outcome::Complete));
        let (ended, outcome) = replay(false);
        assert_eq!(ended.unwrap_err().errno(), Errno::DIVERGED);
        let text = outcome.to_string();
        assert!(text.contains("the dirty ring is full"), "{text}");
        assert!(text.contains("150 pages in the dirty ring"), "{text}");
    }
}

#[test]
fn a_ring_that_was_not_there_is_refused_as_it_was() {
    fn run<H: Hypervisor<Guest = X86_64>>(system: H, enables: bool) -> Result<(), Error> {
        let vm = Kvm::with(system)?.create_vm()?;
        if enables {
            vm.enable_dirty_ring(RING)?;
        }
        vm.create_vcpu(0)?.take_dirty_ring().map(|_| ())
    }
    let file = Shared::default();
    run(
        Recorder::to_writer(Model::new(), file.clone()).unwrap(),
        true,
    )
    .unwrap();
    let replay = Replay::from_bytes(file.bytes()).unwrap();
    assert_eq!(run(replay.clone(), true), Ok(()));
    assert_eq!(replay.outcome(), Outcome::Complete);
    let replay = Replay::from_bytes(file.bytes()).unwrap();
    assert!(run(replay.clone(), false).is_err());
    assert!(matches!(replay.outcome(), Outcome::Diverged(_)));
}

/// The recorder has slots logged to find what changed in them: no ring tells of those.
#[test]
fn rings_tell_of_the_slots_that_the_vmm_has_logged() {
    fn run<H: Hypervisor<Guest = X86_64>>(system: H, slots_first: bool) -> (Vec<u64>, u8) {
        let vm = Kvm::with(system).unwrap().create_vm().unwrap();
        if !slots_first {
            vm.enable_dirty_ring(RING).unwrap();
        }
        add_memory(&vm, Slot(0), 0x100_0000, MemFlags::empty());
        add_memory(&vm, LOGGED, START, KVM_MEM_LOG_DIRTY_PAGES);
        if slots_first {
            vm.enable_dirty_ring(RING).unwrap();
        }
        let (mut vcpu, mut ring) = vcpu(&vm, 0);
        vcpu.run().unwrap();
        let mut byte = [0];
        vm.read_memory(GuestAddress(0x100_2000), &mut byte).unwrap();
        (harvest(&vm, [&mut ring]).unwrap(), byte[0])
    }
    for slots_first in [false, true] {
        let model = Model::new();
        model.script(0, [writes([5]).writes_memory(0x100_2000, [9])]);
        let file = Shared::default();
        let options = RecorderOptions::new().dirty_log(true);
        let recorded = run(options.to_writer(model, file.clone()).unwrap(), slots_first);
        assert_eq!(recorded, (vec![5], 9), "slots first: {slots_first}");
        let replay = Replay::from_bytes(file.bytes()).unwrap();
        assert_eq!(run(replay.clone(), slots_first), recorded);
        assert_eq!(replay.outcome(), Outcome::Complete);
    }
}

//! Recordings of replays: they are what was replayed, byte for byte, with all that a recorder finds out for itself.
#![cfg(target_os = "linux")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
#![expect(unsafe_code, reason = "makes an eventfd")]

mod common;

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};

use common::Shared;
use kvm_core::kvm_exit::X86_64;
use kvm_core::{
    AnonymousMemory, Errno, Exit, GuestAddress, Hypervisor, IoEvent, IoEventAddress, Kvm, Slot,
};
use kvm_mock::recording::{Content, Recording};
use kvm_mock::{
    FaultPlan, Log, Mode, Model, Outcome, PendingIo, RecorderOptions, Replay, ReplayOptions, Step,
};
use kvm_sys::{KVM_MEM_LOG_DIRTY_PAGES, MemFlags};

const LOGGED: Slot = Slot(0);
const OTHER: u64 = 0x10_0000;
const ZONE: u64 = 0xd000_0000;
const BELL: u64 = 0xe000_0000;

fn model() -> Model {
    let model = Model::new();
    model.pending_io(PendingIo::Readable); // for a recorder that asks for registers
    let steps = [
        Step::mmio_write(ZONE, [1]),
        Step::mmio_write(BELL, [1]).writes_memory(0x2000, [9]),
        Step::mmio_write(ZONE, [2]).writes_memory(OTHER, [7; 100]),
        Step::io_out(0x10, [1]).writes_memory(0x3000, [9]),
        Step::io_in(0x60, [0x1c]),
        Step::errno(Errno::EINTR),
        Step::mmio_write(BELL, [2]),
        Step::hlt().writes_memory(0x2000, [8]),
    ];
    model.script(0, steps);
    model.script(1, (0..3).map(|_| Step::hlt().writes_memory(0x4000, [1])));
    model
}

fn eventfd() -> File {
    // SAFETY: takes no address.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    assert!(fd >= 0);
    // SAFETY: the descriptor was just made, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd) }.into()
}

/// What is seen after each exit: the exit, whether an eventfd was signalled, bytes of memory, and the dirty log.
fn run<H: Hypervisor<Guest = X86_64>>(system: H) -> Vec<String> {
    let vm = Kvm::with(system).unwrap().create_vm().unwrap();
    for (slot, start, flags) in [
        (LOGGED, 0, KVM_MEM_LOG_DIRTY_PAGES),
        (Slot(1), OTHER, MemFlags::empty()),
    ] {
        let ram = AnonymousMemory::new(0x8000).unwrap();
        vm.add_memory_with(slot, GuestAddress(start), ram, flags)
            .unwrap();
    }
    let mut vcpu = vm.create_vcpu(0).unwrap();
    vm.register_coalesced_mmio(IoEventAddress::Mmio(ZONE), 0x1000)
        .unwrap();
    let mut bell = eventfd();
    vm.register_ioevent(&bell, IoEvent::mmio(BELL)).unwrap();
    let mut other = None;
    let mut told = Vec::new();
    loop {
        let (exit, _) = vcpu.run().unwrap();
        let text = exit.to_string();
        if let Exit::IoIn(io) = exit {
            io.data.fill(0x1c);
        }
        let mut count = [0; 8];
        let _ = bell.read(&mut count);
        let bytes = [0x2000, 0x3000, OTHER + 99].map(|address| {
            let mut byte = [0];
            vm.read_memory(GuestAddress(address), &mut byte).unwrap();
            byte[0]
        });
        let log: Vec<_> = vm.get_dirty_log(LOGGED).unwrap().iter().collect();
        told.push(format!("{text}: {count:?} {bytes:?} {log:?}"));
        if text == "hlt" {
            return told;
        }
        // Another vCPU, which comes late.
        other
            .get_or_insert_with(|| vm.create_vcpu(1).unwrap())
            .run()
            .unwrap();
    }
}

/// All ways to record.
fn options() -> Vec<RecorderOptions> {
    let memory = [
        RecorderOptions::new(),
        RecorderOptions::new().memory(true),
        RecorderOptions::new().dirty_log(true),
    ];
    let mut all = Vec::new();
    for options in memory {
        for registers in [false, true] {
            for eventfds in [false, true] {
                all.push(options.registers(registers).eventfds(eventfds));
            }
        }
    }
    all
}

fn record<H: Hypervisor<Guest = X86_64>>(
    options: RecorderOptions,
    system: H,
) -> (Vec<String>, Vec<u8>) {
    let file = Shared::default();
    let told = run(options.to_writer(system, file.clone()).unwrap());
    (told, file.bytes())
}

#[test]
fn the_recording_of_a_replay_is_what_was_replayed() {
    for options in options() {
        let (_, bytes) = record(options, model());
        for mode in [Mode::Strict, Mode::ByExit] {
            let replay = ReplayOptions::new()
                .mode(mode)
                .from_bytes(&bytes[..])
                .unwrap();
            let (_, again) = record(options, Log::new(replay.clone()));
            assert_eq!(replay.outcome(), Outcome::Complete, "{options:?}");
            let [bytes, again] =
                [&bytes, &again].map(|bytes| Recording::from_bytes(&bytes[..]).unwrap());
            assert!(again.records().eq(bytes.records()), "{options:?}, {mode:?}");
        }
    }
}

#[test]
fn all_that_was_asked_for_is_seen_on_a_replay_of_a_replay() {
    let all = RecorderOptions::new()
        .dirty_log(true)
        .registers(true)
        .eventfds(true);
    let (told, bytes) = record(all, model());
    assert!(told[0].starts_with("io out 0x10 <- 01: [1, 0,"), "{told:?}");
    assert!(told[0].ends_with("[9, 9, 7] [2, 3]"), "{told:?}");
    let (_, again) = record(all, Replay::from_bytes(bytes).unwrap());
    assert_eq!(run(Replay::from_bytes(again).unwrap()), told);
}

#[test]
fn what_is_not_asked_for_is_left_out() {
    let all = RecorderOptions::new()
        .dirty_log(true)
        .registers(true)
        .eventfds(true);
    let (_, bytes) = record(all, model());
    let (_, again) = record(RecorderOptions::new(), Replay::from_bytes(bytes).unwrap());
    let recording = Recording::from_bytes(again).unwrap();
    assert!(!recording.has_memory());
    let mut coalesced = 0;
    for record in recording.records() {
        coalesced += usize::from(matches!(record.content, Content::Coalesced(_)));
        assert!(!matches!(
            record.content,
            Content::Memory { .. }
                | Content::Pages { .. }
                | Content::Registers { .. }
                | Content::Doorbell { .. }
        ));
    }
    assert_eq!(coalesced, 2);
}

#[test]
fn an_entry_that_never_reached_the_replay_has_nothing() {
    /// Goes on when it is interrupted. Gives how often it was.
    fn run<H: Hypervisor<Guest = X86_64>>(system: H) -> u32 {
        let vm = Kvm::with(system).unwrap().create_vm().unwrap();
        let ram = AnonymousMemory::new(0x4000).unwrap();
        vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
        let mut vcpu = vm.create_vcpu(0).unwrap();
        let mut interrupted = 0;
        loop {
            match vcpu.run().unwrap().0 {
                Exit::Hlt => return interrupted,
                Exit::Interrupted => interrupted += 1,
                _ => {}
            }
        }
    }
    let count = |bytes: Vec<u8>| {
        let recording = Recording::from_bytes(bytes).unwrap();
        let of_exits = recording.records().filter(|record| {
            matches!(
                record.content,
                Content::Memory { .. } | Content::Registers { .. }
            )
        });
        (of_exits.count(), recording.summary().exits)
    };
    let options = RecorderOptions::new().registers(true).memory(true);
    let model = Model::new();
    model.script(
        0,
        [Step::io_out(1, [1]).writes_memory(0x1000, [1]), Step::hlt()],
    );
    let file = Shared::default();
    assert_eq!(run(options.to_writer(model, file.clone()).unwrap()), 0);
    assert_eq!(count(file.bytes()), (5, 2));

    let plan = FaultPlan::new();
    plan.add("KVM_RUN=EINTR,nth=2".parse().unwrap());
    let replay = Replay::from_bytes(file.bytes()).unwrap();
    let again = Shared::default();
    let recorder = options
        .to_writer(plan.wrap(replay.clone()), again.clone())
        .unwrap();
    assert_eq!(run(recorder), 1);
    assert_eq!(replay.outcome(), Outcome::Complete);
    assert_eq!(count(again.bytes()), (5, 3));
}

//! Writes that signal eventfds, in recordings.
#![cfg(target_os = "linux")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
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
use kvm_core::{AnonymousMemory, GuestAddress, Hypervisor, IoEvent, Kvm, Slot};
use kvm_mock::recording::{Content, Recording};
use kvm_mock::{Mode, Model, Outcome, RecorderOptions, Replay, ReplayOptions, Step};

fn eventfd() -> File {
    // SAFETY: takes no address.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    assert!(fd >= 0);
    // SAFETY: the descriptor was just made, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd) }.into()
}

/// How often it was signalled since the last look.
fn signals(mut eventfd: &File) -> u64 {
    let mut count = [0; 8];
    eventfd
        .read_exact(&mut count)
        .map_or(0, |()| u64::from_ne_bytes(count))
}

const BELL: u64 = 0xd000_0000;

/// What is seen after each exit: how often each eventfd was signalled, and a byte of memory.
fn run<H: Hypervisor<Guest = X86_64>>(system: H) -> Vec<(String, [u64; 2], u8)> {
    let vm = Kvm::with(system).unwrap().create_vm().unwrap();
    let ram = AnonymousMemory::new(0x4000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    let (any, port) = (eventfd(), eventfd());
    vm.register_ioevent(&any, IoEvent::mmio(BELL)).unwrap();
    vm.register_ioevent(&port, IoEvent::pio(0x50).len(1).datamatch(7))
        .unwrap();
    let mut seen = Vec::new();
    loop {
        let exit = vcpu.run().unwrap().0.to_string();
        let mut byte = [0];
        vm.read_memory(GuestAddress(0x2000), &mut byte).unwrap();
        let done = exit == "hlt";
        seen.push((exit, [signals(&any), signals(&port)], byte[0]));
        if done {
            return seen;
        }
    }
}

fn model() -> Model {
    let model = Model::new();
    model.script(
        0,
        [
            Step::mmio_write(BELL, [1, 2, 3, 4]).writes_memory(0x2000, [9]),
            Step::mmio_write(BELL, [1]),
            Step::io_out(0x50, [7]),
            Step::io_out(0x50, [8]),
            Step::mmio_write(BELL + 1, [1]),
            Step::mmio_write(BELL, [1]),
            Step::hlt(),
        ],
    );
    model
}

#[test]
fn a_replay_signals_what_the_guest_signalled() {
    let on_model = run(model());
    let expected = [
        ("io out 0x50 <- 08", [2, 1], 9),
        ("mmio write 0xd0000001 <- 01", [0, 0], 9),
        ("hlt", [1, 0], 9),
    ];
    let expected = expected.map(|(exit, signals, byte)| (exit.to_owned(), signals, byte));
    assert_eq!(on_model, expected);

    for options in [
        RecorderOptions::new().eventfds(true).memory(true),
        RecorderOptions::new().eventfds(true).dirty_log(true),
    ] {
        let file = Shared::default();
        assert_eq!(
            run(options.to_writer(model(), file.clone()).unwrap()),
            expected
        );
        for mode in [Mode::Strict, Mode::ByExit] {
            let replay = ReplayOptions::new()
                .mode(mode)
                .from_bytes(file.bytes())
                .unwrap();
            assert_eq!(run(replay.clone()), expected);
            assert_eq!(replay.outcome(), Outcome::Complete);
        }
        let recording = Recording::from_bytes(file.bytes()).unwrap();
        let bells: Vec<_> = recording
            .records()
            .filter_map(|record| match record.content {
                Content::Doorbell {
                    pio,
                    address,
                    len,
                    value,
                } => Some((pio, address, len, value)),
                _ => None,
            })
            .collect();
        let long = (false, BELL, 4, 0x0403_0201);
        let short = (false, BELL, 1, 1);
        assert_eq!(bells, [long, short, (true, 0x50, 1, 7), short]);
    }
}

#[test]
fn without_the_option_no_eventfd_is_signalled_in_a_replay() {
    let file = Shared::default();
    let recorded = run(RecorderOptions::new()
        .to_writer(model(), file.clone())
        .unwrap());
    let replay = Replay::from_bytes(file.bytes()).unwrap();
    let replayed = run(replay.clone());
    assert_eq!(replay.outcome(), Outcome::Complete);
    assert_eq!(recorded[2].1, [1, 0]);
    assert!(replayed.iter().all(|(_, signals, _)| *signals == [0, 0]));
}

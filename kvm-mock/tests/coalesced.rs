//! Coalesced writes in recordings.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::Shared;
use kvm_core::kvm_exit::{CoalescedWrite, X86_64};
use kvm_core::{Hypervisor, IoEventAddress, Kvm};
use kvm_mock::recording::{Content, Recording};
use kvm_mock::{Mode, Model, Outcome, Recorder, Replay, ReplayOptions, Step};

const ZONE: u64 = 0xd000_0000;

/// Two vCPUs that share a ring; the VMM takes what is there after some exits.
fn run<H: Hypervisor<Guest = X86_64>>(system: H, takes: [bool; 3]) -> Vec<Vec<u8>> {
    let vm = Kvm::with(system).unwrap().create_vm().unwrap();
    let mut vcpus = [0, 1].map(|id| vm.create_vcpu(id).unwrap());
    vm.register_coalesced_mmio(IoEventAddress::Mmio(ZONE), 0x1000)
        .unwrap();
    let mut taken = Vec::new();
    for (vcpu, take) in [0, 1, 0].into_iter().zip(takes) {
        vcpus[vcpu].run().unwrap();
        if take {
            let writes = vm.drain_coalesced().unwrap();
            taken.push(writes.iter().map(|write| write.data()[0]).collect());
        }
    }
    taken
}

fn model() -> Model {
    let model = Model::new();
    let write = |byte: u8| Step::mmio_write(ZONE + u64::from(byte), [byte]);
    model.script(
        0,
        [
            write(1),
            write(2),
            Step::io_out(1, [0]),
            write(4),
            write(5),
            Step::hlt(),
        ],
    );
    model.script(1, [write(3), Step::hlt()]);
    model
}

#[test]
fn writes_wait_in_the_ring_of_a_replay_as_they_did() {
    for (takes, expected) in [
        ([true, true, true], vec![vec![1, 2], vec![3], vec![4, 5]]),
        ([false, false, true], vec![vec![1, 2, 3, 4, 5]]),
        ([false, true, false], vec![vec![1, 2, 3]]),
    ] {
        let file = Shared::default();
        let recorded = run(Recorder::to_writer(model(), file.clone()).unwrap(), takes);
        assert_eq!(recorded, expected);
        for mode in [Mode::Strict, Mode::ByExit] {
            let options = ReplayOptions::new().mode(mode);
            let replay: Replay = options.from_bytes(file.bytes()).unwrap();
            let copy = Shared::default();
            let recorder = Recorder::to_writer(replay.clone(), copy.clone()).unwrap();
            assert_eq!(run(recorder, takes), expected);
            assert_eq!(replay.outcome(), Outcome::Complete);
            assert_eq!(copy.bytes(), file.bytes());
        }
    }
}

#[test]
fn tools_see_the_writes() {
    let file = Shared::default();
    run(
        Recorder::to_writer(model(), file.clone()).unwrap(),
        [false; 3],
    );
    let recording = Recording::from_bytes(file.bytes()).unwrap();
    let mut addresses = Vec::new();
    for record in recording.records() {
        if let Content::Coalesced(writes) = record.content {
            let writes = writes
                .iter()
                .map(|write| CoalescedWrite::decode(*write).unwrap());
            addresses.push((
                record.stream,
                writes.map(|write| write.data()[0]).collect::<Vec<_>>(),
            ));
        }
    }
    let expected = [
        (Some(2), vec![1, 2]),
        (Some(3), vec![3]),
        (Some(2), vec![4, 5]),
    ];
    assert_eq!(addresses, expected);
}

#[test]
fn a_vmm_that_leaves_the_ring_full_diverges() {
    let model = Model::new();
    // More than there is room for, in two parts that have room each.
    for _ in 0..2 {
        model.script(0, (0..100).map(|byte| Step::mmio_write(ZONE, [byte])));
        model.script(0, [Step::io_out(1, [0])]);
    }
    fn run<H: Hypervisor<Guest = X86_64>>(system: H, take: bool) -> Result<(), kvm_core::Error> {
        let vm = Kvm::with(system)?.create_vm()?;
        let mut vcpu = vm.create_vcpu(0)?;
        vm.register_coalesced_mmio(IoEventAddress::Mmio(ZONE), 0x1000)?;
        for _ in 0..2 {
            vcpu.run()?;
            if take {
                assert_eq!(vm.drain_coalesced()?.len(), 100);
            }
        }
        Ok(())
    }
    let file = Shared::default();
    run(Recorder::to_writer(model, file.clone()).unwrap(), true).unwrap();
    let replay = Replay::from_bytes(file.bytes()).unwrap();
    run(replay.clone(), true).unwrap();
    assert_eq!(replay.outcome(), Outcome::Complete);
    let replay = Replay::from_bytes(file.bytes()).unwrap();
    assert!(run(replay.clone(), false).is_err());
    let text = replay.outcome().to_string();
    assert!(
        text.contains("the ring of coalesced writes is full"),
        "{text}"
    );
}

//! Exits of several vCPUs in the order in which they were recorded.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::thread;
use std::time::Duration;

use common::Shared;
use kvm_core::kvm_exit::X86_64;
use kvm_core::{Error, Exit, Hypervisor, Kvm, Vcpu};
use kvm_mock::{Mode, Model, Outcome, Recorder, ReplayOptions, Step};

const VCPUS: u64 = 6;

/// Which vCPU exits when: no two rounds are alike.
fn turns() -> Vec<u64> {
    (0..10)
        .flat_map(|round| (0..VCPUS).map(move |n| (n * (round % 5 + 1) + round) % VCPUS))
        .collect()
}

fn vcpus<H: Hypervisor<Guest = X86_64>>(system: H) -> Vec<Vcpu<H>> {
    let vm = Kvm::with(system).unwrap().create_vm().unwrap();
    (0..VCPUS).map(|id| vm.create_vcpu(id).unwrap()).collect()
}

fn recording() -> Vec<u8> {
    let model = Model::new();
    for turn in turns() {
        model.script(turn, [Step::io_out(1, [0])]);
    }
    let file = Shared::default();
    let mut vcpus = vcpus(Recorder::to_writer(model, file.clone()).unwrap());
    for turn in turns() {
        vcpus[usize::try_from(turn).unwrap()].run().unwrap();
    }
    drop(vcpus);
    file.bytes()
}

#[test]
fn each_thread_gets_its_turns() {
    let bytes = recording();
    for mode in [Mode::Strict, Mode::ByExit] {
        let options = ReplayOptions::new().mode(mode).ordered(true);
        let replay = options.from_bytes(&bytes[..]).unwrap();
        let threads: Vec<_> = (0..)
            .zip(vcpus(replay.clone()))
            .map(|(id, mut vcpu)| {
                thread::spawn(move || {
                    for _ in turns().iter().filter(|turn| **turn == id) {
                        assert!(matches!(vcpu.run().unwrap().0, Exit::IoOut(_)));
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(replay.outcome(), Outcome::Complete);
    }
}

#[test]
fn a_vcpu_waits_for_its_turn_until_it_is_kicked() -> Result<(), Error> {
    let bytes = recording();
    let options = ReplayOptions::new().ordered(true);
    let replay = options.from_bytes(&bytes[..]).unwrap();
    let mut vcpus = vcpus(replay);
    let first = usize::try_from(turns()[0]).unwrap();
    let second = usize::try_from(turns()[1]).unwrap();
    assert_ne!(first, second);
    let kicker = vcpus[second].kicker();
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(50));
            kicker.kick();
        });
        // It does not exit before the first one has.
        let interrupted = matches!(vcpus[second].run()?.0, Exit::Interrupted);
        assert!(interrupted);
        vcpus[first].run()?;
        assert!(matches!(vcpus[second].run()?.0, Exit::IoOut(_)));
        Ok(())
    })
}

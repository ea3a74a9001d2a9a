//! Threads that share a VM in a replay.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::thread;

use common::Shared;
use kvm_core::kvm_exit::X86_64;
use kvm_core::{Exit, Hypervisor, Kvm, Vm};
use kvm_mock::{Model, Outcome, Recorder, Replay, Step};

const VCPUS: u32 = 8;
const EXITS: u8 = 20;

fn model() -> Model {
    let model = Model::new();
    for id in 0..VCPUS {
        model.script(id.into(), (0..EXITS).map(|byte| Step::io_out(1, [byte])));
        model.script(id.into(), [Step::hlt()]);
    }
    model
}

/// Each vCPU on its own thread; all call the VM after each exit. More threads than most machines have cores.
fn run<H: Hypervisor<Guest = X86_64> + 'static>(system: H) -> Vec<usize> {
    let vm = Kvm::with(system).unwrap().create_vm().unwrap();
    vm.create_irq_chip().unwrap();
    let vcpus: Vec<_> = (0..VCPUS)
        .map(|id| (id, vm.create_vcpu(id.into()).unwrap()))
        .collect();
    let threads = vcpus.into_iter().map(|(id, mut vcpu)| {
        let vm = vm.clone();
        thread::spawn(move || {
            let mut exits = 0;
            while vcpu.run().unwrap().0 != Exit::Hlt {
                exits += 1;
                vm.set_irq_line(id, exits % 2 == 1).unwrap();
            }
            exits
        })
    });
    let threads: Vec<_> = threads.collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect()
}

#[test]
fn calls_of_a_shared_vm_match_in_any_order() {
    let file = Shared::default();
    let recorded = run(Recorder::to_writer(model(), file.clone()).unwrap());
    assert_eq!(recorded, [usize::from(EXITS); VCPUS as usize]);
    for _ in 0..5 {
        let replay = Replay::from_bytes(file.bytes()).unwrap();
        assert_eq!(run(replay.clone()), recorded);
        assert_eq!(replay.outcome(), Outcome::Complete);
    }
}

fn lines<H: Hypervisor<Guest = X86_64>>(
    system: H,
    before: [u32; 2],
    after: [u32; 2],
) -> Result<(), kvm_core::Error> {
    let vm: Vm<H> = Kvm::with(system)?.create_vm()?;
    vm.create_irq_chip()?;
    let mut vcpu = vm.create_vcpu(0)?;
    for line in before {
        vm.set_irq_line(line, true)?;
    }
    vcpu.run()?;
    for line in after {
        vm.set_irq_line(line, true)?;
    }
    Ok(())
}

#[test]
fn before_a_vcpu_runs_order_counts_and_what_was_not_recorded_never_matches() {
    let model = Model::new();
    model.script(0, [Step::hlt()]);
    let file = Shared::default();
    lines(
        Recorder::to_writer(model, file.clone()).unwrap(),
        [1, 2],
        [3, 4],
    )
    .unwrap();
    for (before, after, same) in [
        ([1, 2], [3, 4], true),
        ([1, 2], [4, 3], true),
        ([2, 1], [3, 4], false),
        ([1, 2], [3, 3], false),
        ([1, 2], [3, 5], false),
    ] {
        let replay = Replay::from_bytes(file.bytes()).unwrap();
        assert_eq!(lines(replay.clone(), before, after).is_ok(), same);
        assert_eq!(replay.outcome().is_complete(), same, "{before:?} {after:?}");
    }
}

//! Guest memory in recordings.
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
use kvm_core::kvm_exit::X86_64;
use kvm_core::{AnonymousMemory, Errno, GuestAddress, Hypervisor, Kvm, Slot, Vcpu, Vm};
use kvm_mock::{Mode, Model, Outcome, RecorderOptions, Replay, ReplayOptions, Step};

fn options() -> RecorderOptions {
    RecorderOptions::new().memory(true)
}

const VMM: Vmm = Vmm {
    reply: 0,
    register: 0,
    image: 0,
    asks: false,
    looks: true,
};

#[test]
fn what_the_guest_wrote_is_there_before_its_exit_is_handled() {
    let (recorded, bytes) = record(VMM, options());
    assert_eq!(recorded.last().unwrap(), "[0, 9, 8, 7, 6, 0]");
    for mode in [Mode::Strict, Mode::ByExit] {
        let replay = ReplayOptions::new()
            .mode(mode)
            .from_bytes(&bytes[..])
            .unwrap();
        let mut told = Vec::new();
        VMM.run(replay.clone(), &mut told).unwrap();
        assert_eq!(told, recorded);
        assert_eq!(replay.outcome(), Outcome::Complete);
    }
}

#[test]
fn another_guest_image_diverges_at_the_first_entry() {
    let (_, bytes) = record(VMM, options());
    let replay = Replay::from_bytes(bytes).unwrap();
    let other = Vmm { image: 1, ..VMM };
    let error = other.run(replay.clone(), &mut Vec::new()).unwrap_err();
    assert_eq!(error.errno(), Errno::DIVERGED);
    let Outcome::Diverged(divergence) = replay.outcome() else {
        panic!("{}", replay.outcome());
    };
    assert_eq!(divergence.exit(), None);
    let text = divergence.to_string();
    assert!(
        text.contains("what the VMM wrote to guest memory differs"),
        "{text}"
    );
}

fn set_up<H: Hypervisor<Guest = X86_64>>(system: H) -> (Vm<H>, Vcpu<H>) {
    let vm = Kvm::with(system).unwrap().create_vm().unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    let ram = AnonymousMemory::new(0x4000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
    (vm, vcpu)
}

#[test]
fn what_the_vmm_writes_between_exits_has_to_be_the_same() {
    let write = |vm: &Vm<_>, byte| vm.write_memory(GuestAddress(0x3000), &[byte]).unwrap();
    let model = Model::new();
    model.script(0, [Step::io_out(1, [1]), Step::hlt()]);
    let file = Shared::default();
    let (vm, mut vcpu) = set_up(options().to_writer(model, file.clone()).unwrap());
    vcpu.run().unwrap();
    vm.write_memory(GuestAddress(0x3000), &[5]).unwrap();
    vcpu.run().unwrap();
    drop((vm, vcpu));

    for (byte, same) in [(5, true), (6, false)] {
        let replay = Replay::from_bytes(file.bytes()).unwrap();
        let (vm, mut vcpu) = set_up(replay.clone());
        vcpu.run().unwrap();
        write(&vm, byte);
        assert_eq!(vcpu.run().is_ok(), same);
        assert_eq!(replay.outcome().is_complete(), same);
    }
}

#[test]
fn memory_that_moves_keeps_what_is_known_of_it() {
    fn run<H: Hypervisor<Guest = X86_64>>(system: H) -> Vec<u8> {
        let (vm, mut vcpu) = set_up(system);
        vcpu.run().unwrap();
        let ram = vm.remove_memory(Slot(0)).unwrap();
        vm.add_memory(Slot(1), GuestAddress(0x1_0000), ram).unwrap();
        vcpu.run().unwrap();
        let mut bytes = vec![0; 0x4000];
        vm.read_memory(GuestAddress(0x1_0000), &mut bytes).unwrap();
        bytes
    }
    let model = Model::new();
    model.script(
        0,
        [
            Step::io_out(1, [1]).writes_memory(0x10, [1; 100]),
            Step::hlt().writes_memory(0x1_0800, [2; 9]),
        ],
    );
    let file = Shared::default();
    let recorded = run(options().to_writer(model, file.clone()).unwrap());
    let replay = Replay::from_bytes(file.bytes()).unwrap();
    assert_eq!(run(replay.clone()), recorded);
    assert_eq!(replay.outcome(), Outcome::Complete);
    assert_eq!(recorded.iter().filter(|byte| **byte != 0).count(), 109);
}

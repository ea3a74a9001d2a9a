//! Guest memory in recordings, found by dirty logs.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Shared, Vmm, record};
use kvm_core::kvm_exit::X86_64;
use kvm_core::{AnonymousMemory, Errno, GuestAddress, Hypervisor, Kvm, Slot, Vcpu, Vm};
use kvm_mock::recording::{Content, Recording};
use kvm_mock::{Mode, Model, Outcome, RecorderOptions, Replay, ReplayOptions, Step};
use kvm_sys::{
    DirtyLogProtectFlags, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, KVM_MEM_LOG_DIRTY_PAGES, MemFlags,
};

fn options() -> RecorderOptions {
    RecorderOptions::new().dirty_log(true)
}

#[test]
fn what_the_guest_wrote_is_there_before_its_exit_is_handled() {
    let vmm = Vmm {
        looks: true,
        ..Vmm::default()
    };
    let (recorded, bytes) = record(vmm, options());
    assert_eq!(recorded.last().unwrap(), "[0, 9, 8, 7, 6, 0]");
    for mode in [Mode::Strict, Mode::ByExit] {
        let replay = ReplayOptions::new()
            .mode(mode)
            .from_bytes(&bytes[..])
            .unwrap();
        let mut told = Vec::new();
        vmm.run(replay.clone(), &mut told).unwrap();
        assert_eq!(told, recorded);
        assert_eq!(replay.outcome(), Outcome::Complete);
    }
}

fn set_up<H: Hypervisor<Guest = X86_64>>(system: H, flags: MemFlags) -> (Vm<H>, Vcpu<H>) {
    let vm = Kvm::with(system).unwrap().create_vm().unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    let ram = AnonymousMemory::new(0x8000).unwrap();
    vm.add_memory_with(Slot(0), GuestAddress(0), ram, flags)
        .unwrap();
    (vm, vcpu)
}

fn byte<H: Hypervisor>(vm: &Vm<H>, address: u64) -> u8 {
    let mut byte = [0];
    vm.read_memory(GuestAddress(address), &mut byte).unwrap();
    byte[0]
}

/// Records what `run` does on a model, and gives what it said twice: then, and in a replay.
fn twice<R: PartialEq + std::fmt::Debug>(
    model: Model,
    on_recorder: impl FnOnce(kvm_mock::Recorder<Model>) -> R,
    on_replay: impl FnOnce(Replay) -> R,
) -> (R, Vec<u8>) {
    let file = Shared::default();
    let recorded = on_recorder(options().to_writer(model, file.clone()).unwrap());
    let replay = Replay::from_bytes(file.bytes()).unwrap();
    assert_eq!(on_replay(replay.clone()), recorded);
    assert_eq!(replay.outcome(), Outcome::Complete);
    (recorded, file.bytes())
}

/// A flag that one side sets and the other takes back: the recorder sees the same byte at both exits.
#[test]
fn what_the_guest_writes_back_is_written_back() {
    fn run<H: Hypervisor<Guest = X86_64>>(system: H) -> Vec<u8> {
        let (vm, mut vcpu) = set_up(system, MemFlags::empty());
        let mut seen = Vec::new();
        for _ in 0..3 {
            vcpu.run().unwrap();
            seen.push(byte(&vm, 0x3000));
            vm.write_memory(GuestAddress(0x3000), &[5]).unwrap();
        }
        seen
    }
    let model = Model::new();
    let flag = |step: Step, byte| step.writes_memory(0x3000, [byte]);
    let steps = [Step::io_out(1, [1]), Step::io_out(1, [2]), Step::hlt()];
    model.script(
        0,
        steps
            .into_iter()
            .zip([1, 1, 0])
            .map(|(step, byte)| flag(step, byte)),
    );
    let (seen, _) = twice(model, run, run);
    assert_eq!(seen, [1, 1, 0]);
}

fn writes(pages: impl IntoIterator<Item = u64>) -> Step {
    let step = Step::io_out(1, [1]);
    pages.into_iter().fold(step, |step, page| {
        step.writes_memory(page * 0x1000 + 8, [7])
    })
}

#[test]
fn the_vmm_sees_the_log_that_it_asked_for() {
    fn run<H: Hypervisor<Guest = X86_64>>(system: H) -> Vec<Vec<u64>> {
        let (vm, mut vcpu) = set_up(system, KVM_MEM_LOG_DIRTY_PAGES);
        let log = || vm.get_dirty_log(Slot(0)).unwrap().iter().collect();
        let mut logs = Vec::new();
        vcpu.run().unwrap();
        vcpu.run().unwrap();
        logs.push(log());
        logs.push(log());
        vcpu.run().unwrap();
        logs.push(log());
        logs
    }
    let model = Model::new();
    model.script(0, [writes([1, 2]), writes([2, 5]), writes([7])]);
    let (logs, bytes) = twice(model, run, run);
    assert_eq!(logs, [vec![1, 2, 5], vec![], vec![7]]);

    let recording = Recording::from_bytes(bytes).unwrap();
    let pages: Vec<Vec<u64>> = recording
        .records()
        .filter_map(|record| match record.content {
            Content::Pages { slot: 0, pages } => {
                Some(pages.iter().map(|page| page.offset()).collect())
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        pages,
        [vec![0x1000, 0x2000], vec![0x2000, 0x5000], vec![0x7000]]
    );
}

#[test]
fn a_log_that_the_vmm_did_not_ask_for_is_not_there() {
    fn run<H: Hypervisor<Guest = X86_64>>(system: H) -> Vec<Result<Vec<u64>, Errno>> {
        let (vm, mut vcpu) = set_up(system, MemFlags::empty());
        let log = || match vm.get_dirty_log(Slot(0)) {
            Ok(log) => Ok(log.iter().collect()),
            Err(error) => Err(error.errno()),
        };
        let mut logs = Vec::new();
        vcpu.run().unwrap();
        logs.push(log());
        vm.set_memory_flags(Slot(0), KVM_MEM_LOG_DIRTY_PAGES)
            .unwrap();
        logs.push(log());
        vcpu.run().unwrap();
        logs.push(log());
        vm.set_memory_flags(Slot(0), MemFlags::empty()).unwrap();
        logs.push(log());
        logs
    }
    let model = Model::new();
    model.script(0, [writes([1]), writes([3])]);
    let (logs, _) = twice(model, run, run);
    let none = Err(Errno::ENOENT);
    assert_eq!(logs, [none.clone(), Ok(vec![]), Ok(vec![3]), none]);
}

#[test]
fn a_log_that_is_cleared_by_hand_stays_until_then() {
    fn run<H: Hypervisor<Guest = X86_64>>(system: H) -> Vec<Vec<u64>> {
        let vm = Kvm::with(system).unwrap().create_vm().unwrap();
        let enabled: DirtyLogProtectFlags = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
        vm.enable_manual_dirty_log_protect(enabled).unwrap();
        let mut vcpu = vm.create_vcpu(0).unwrap();
        let ram = AnonymousMemory::new(0x8000).unwrap();
        vm.add_memory_with(Slot(0), GuestAddress(0), ram, KVM_MEM_LOG_DIRTY_PAGES)
            .unwrap();
        let get = || vm.get_dirty_log(Slot(0)).unwrap();
        let mut logs = Vec::new();
        let mut note = || logs.push(get().iter().collect());
        vcpu.run().unwrap();
        note();
        note();
        vm.clear_dirty_log(&get(), 0..8).unwrap();
        note();
        vcpu.run().unwrap();
        note();
        logs
    }
    let model = Model::new();
    model.script(0, [writes([1, 2]), writes([2])]);
    let (logs, _) = twice(model, run, run);
    assert_eq!(logs, [vec![1, 2], vec![1, 2], vec![], vec![2]]);
}

#[test]
fn memory_that_moves_keeps_what_is_known_of_it() {
    fn run<H: Hypervisor<Guest = X86_64>>(system: H) -> Vec<u8> {
        let (vm, mut vcpu) = set_up(system, MemFlags::empty());
        vcpu.run().unwrap();
        let ram = vm.remove_memory(Slot(0)).unwrap();
        vm.add_memory(Slot(1), GuestAddress(0x1_0000), ram).unwrap();
        vcpu.run().unwrap();
        let mut bytes = vec![0; 0x8000];
        vm.read_memory(GuestAddress(0x1_0000), &mut bytes).unwrap();
        bytes
    }
    let model = Model::new();
    let steps = [(0x10, 1), (0x1_0800, 2)];
    model.script(
        0,
        steps.map(|(at, byte)| Step::io_out(1, [1]).writes_memory(at, [byte; 100])),
    );
    let (bytes, _) = twice(model, run, run);
    assert_eq!(bytes.iter().filter(|byte| **byte != 0).count(), 200);
}

/// A VMM may reserve much more than there is: the recorder, too, only keeps what the guest uses.
#[test]
fn a_slot_may_be_larger_than_all_memory() {
    const SIZE: u64 = 1 << 40;
    fn run<H: Hypervisor<Guest = X86_64>>(system: H) -> Vec<u8> {
        let vm = Kvm::with(system).unwrap().create_vm().unwrap();
        let mut vcpu = vm.create_vcpu(0).unwrap();
        let ram = AnonymousMemory::new(SIZE as usize).unwrap();
        vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
        vcpu.run().unwrap();
        [0x1008, 0x1_0000_0000, SIZE - 0xff8]
            .map(|at| byte(&vm, at))
            .to_vec()
    }
    let model = Model::new();
    model.script(0, [writes([1, (SIZE >> 12) - 1])]);
    let (seen, bytes) = twice(model, run, run);
    assert_eq!(seen, [7, 0, 7]);
    assert!(bytes.len() < 0x1000, "{}", bytes.len());
}

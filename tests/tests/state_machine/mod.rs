//! The machine that is paused, and what is seen of it at its end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test without libtest, which is what clippy looks for"
)]

#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
mod arch;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use kvm_core::device::Device;
use kvm_core::kvm_sys::{KVM_GET_DEVICE_ATTR, KVM_GET_ONE_REG};
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Kvm, SavedState, Slot, Vcpu, Vm};
use kvm_tests::checks::{self, NotRun};

const MEMORY: usize = 0x1_0000;
/// Where the code begins in it.
const CODE: u64 = 0x1000;

/// The VMM's part: what the guest's devices answer, and what it asked of them.
#[derive(Clone, Debug, Default, PartialEq)]
struct Devices {
    answers: u32,
    log: Vec<String>,
}

impl Devices {
    /// Gives whether the guest goes on.
    fn handle(&mut self, exit: Exit<'_>, vm: &Vm) -> bool {
        match exit {
            Exit::MmioRead(read) => {
                self.answers = self.answers.wrapping_mul(1_664_525).wrapping_add(12_345);
                let answer = u64::from(self.answers).to_le_bytes();
                let len = read.data.len();
                read.data.copy_from_slice(answer.get(..len).unwrap());
                self.log
                    .push(format!("{:#x} -> {:x?}", read.addr, read.data));
            }
            Exit::MmioWrite(write) => {
                self.log
                    .push(format!("{:#x} <- {:x?}", write.addr, write.data));
                match write.addr - arch::MMIO {
                    8 => {
                        vm.set_irq_line(arch::INTERRUPT, true).unwrap();
                        vm.set_irq_line(arch::INTERRUPT, false).unwrap();
                    }
                    0xffc => return false,
                    _ => {}
                }
            }
            other => panic!("{other}"),
        }
        true
    }
}

struct Machine {
    // The vCPU last: it is what the others belong to.
    controller: Device,
    vm: Vm,
    vcpu: Vcpu,
    devices: Devices,
}

/// All that can be seen of a machine at its end.
#[derive(Debug, PartialEq)]
struct Seen {
    devices: Devices,
    memory: Vec<u8>,
    /// Registers and attributes, but for those that count the time.
    pieces: Vec<Vec<u8>>,
}

/// A machine as it is stored: vCPU, interrupt controller and memory.
struct Stored {
    vcpu: Vec<u8>,
    controller: Vec<u8>,
    memory: Vec<u8>,
    devices: Devices,
}

fn with_memory(kvm: &Kvm) -> (Vm, Vcpu) {
    let vm = kvm.create_vm().unwrap();
    let ram = AnonymousMemory::new(MEMORY).unwrap();
    vm.add_memory(Slot(0), GuestAddress(arch::RAM), ram)
        .unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    (vm, vcpu)
}

impl Machine {
    /// About to run the guest.
    fn new(kvm: &Kvm) -> Self {
        let (vm, vcpu) = with_memory(kvm);
        let code = GuestAddress(arch::RAM + CODE);
        vm.write_memory(code, arch::GUEST).unwrap();
        arch::start(&vm, &vcpu, code.0);
        Self {
            controller: arch::controller(&vm),
            vm,
            vcpu,
            devices: Devices::default(),
        }
    }

    /// Runs to the next exit, or kick, and gives whether the guest goes on.
    fn step(&mut self) -> bool {
        match self.vcpu.run().unwrap().0 {
            Exit::Interrupted => true,
            exit => self.devices.handle(exit, &self.vm),
        }
    }

    fn store(mut self) -> Stored {
        let (devices, vm) = (&mut self.devices, &self.vm);
        self.vcpu
            .complete_with(|exit, _| assert!(devices.handle(exit, vm)))
            .unwrap();
        let vcpu = self.vcpu.save().unwrap().into_bytes();
        let controller = self.controller.save().unwrap().into_bytes();
        Stored {
            vcpu,
            controller,
            memory: self.memory(),
            devices: self.devices,
        }
    }

    fn restore(kvm: &Kvm, stored: Stored) -> Self {
        let (vm, mut vcpu) = with_memory(kvm);
        vm.write_memory(GuestAddress(arch::RAM), &stored.memory)
            .unwrap();
        let state = SavedState::from_bytes(stored.vcpu).unwrap();
        vcpu.restore(&state).unwrap();
        let controller = arch::controller(&vm);
        let state = SavedState::from_bytes(stored.controller).unwrap();
        controller.restore(&state).unwrap();
        let mut machine = Self {
            controller,
            vm,
            vcpu,
            devices: stored.devices,
        };
        // What was restored is what was saved.
        assert_eq!(pieces(&machine.controller.save().unwrap()), pieces(&state));
        machine.vcpu.save().unwrap();
        machine
    }

    fn memory(&self) -> Vec<u8> {
        let mut memory = vec![0; MEMORY];
        let start = GuestAddress(arch::RAM);
        self.vm.read_memory(start, &mut memory).unwrap();
        memory
    }

    /// Runs to the end, and gives what there is to see then.
    fn finish(mut self) -> Seen {
        while self.step() {}
        self.look()
    }

    fn look(self) -> Seen {
        let stored = self.store();
        let mut all = Vec::new();
        for bytes in [stored.vcpu, stored.controller] {
            all.extend(pieces(&SavedState::from_bytes(bytes).unwrap()));
        }
        Seen {
            devices: stored.devices,
            memory: stored.memory,
            pieces: all,
        }
    }
}

/// The pieces of a state that do not count the time.
fn pieces(state: &SavedState) -> Vec<Vec<u8>> {
    let timeless = |piece: &kvm_core::Piece<'_>| {
        let id = piece.bytes().and_then(|bytes| bytes.first_chunk().copied());
        piece.op() != Some(&KVM_GET_ONE_REG)
            || id.is_some_and(|id| !arch::CLOCKS.contains(&u64::from_ne_bytes(id)))
    };
    state
        .pieces()
        .filter(timeless)
        .map(|piece| piece.bytes().unwrap_or_default().to_vec())
        .collect()
}

fn same(seen: &Seen, reference: &Seen, paused: &str) {
    assert_eq!(seen.devices.log, reference.devices.log, "exits, {paused}");
    assert!(seen.memory == reference.memory, "memory, {paused}");
    for (ours, theirs) in seen.pieces.iter().zip(&reference.pieces) {
        assert_eq!(ours, theirs, "{paused}");
    }
    assert_eq!(seen, reference, "{paused}");
}

pub(crate) fn paused_at_exits() -> Result<(), NotRun> {
    let kvm = checks::kvm()?;
    arch::has_controller(&kvm)?;
    let reference = Machine::new(&kvm).finish();
    let exits = reference.devices.log.len();
    let taken = |line: &&String| line.starts_with(&format!("{:#x}", arch::MMIO + 0xc));
    assert!(reference.devices.log.iter().filter(taken).count() >= 12);
    assert!(exits > 90, "{exits}");
    let mut pending = 0;
    for pause in 0..exits {
        let mut machine = Machine::new(&kvm);
        while machine.devices.log.len() < pause {
            assert!(machine.step());
        }
        let stored = machine.store();
        let state = SavedState::from_bytes(stored.controller.clone()).unwrap();
        pending += usize::from(has_pending(&state));
        let seen = Machine::restore(&kvm, stored).finish();
        same(&seen, &reference, &format!("paused at exit {pause}"));
    }
    println!("paused at {exits} exits, {pending} times with an interrupt pending");
    assert!(pending > 10, "{pending}");
    Ok(())
}

fn has_pending(state: &SavedState) -> bool {
    let mut attributes = state
        .pieces()
        .filter(|piece| piece.op() == Some(&KVM_GET_DEVICE_ATTR))
        .filter_map(|piece| piece.bytes());
    attributes.any(arch::is_pending)
}

/// Kicks come anywhere: between instructions that exit, and while an exit is handled.
pub(crate) fn paused_by_kicks() -> Result<(), NotRun> {
    /// How many runs are kicked.
    const RUNS: u32 = 100;

    let kvm = checks::kvm()?;
    arch::has_controller(&kvm)?;
    let begun = Instant::now();
    let reference = Machine::new(&kvm).finish();
    let takes = begun.elapsed();
    let mut places = BTreeSet::new();
    for run in 0..RUNS {
        let mut machine = Machine::new(&kvm);
        let kicker = machine.vcpu.kicker();
        let wait = takes / RUNS * run;
        let kick = thread::spawn(move || {
            thread::sleep(wait.max(Duration::from_micros(1)));
            kicker.kick();
        });
        let seen = loop {
            match machine.vcpu.run().unwrap().0 {
                Exit::Interrupted => {
                    places.insert(arch::place(&machine.vcpu));
                    let stored = machine.store();
                    break Machine::restore(&kvm, stored).finish();
                }
                exit => {
                    if !machine.devices.handle(exit, &machine.vm) {
                        break machine.look();
                    }
                }
            }
        };
        kick.join().unwrap();
        same(&seen, &reference, &format!("kicked in run {run}"));
    }
    println!("paused at {} places of the code", places.len());
    assert!(places.len() > 4, "{places:x?}");
    Ok(())
}

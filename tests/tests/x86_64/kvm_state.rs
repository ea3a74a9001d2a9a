//! A guest that looks at no clock goes on bit for bit in another VM, wherever it was paused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test without libtest, which is what clippy looks for"
)]

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use kvm_core::kvm_sys::op::Op;
use kvm_core::kvm_sys::{
    KVM_GET_CLOCK, KVM_GET_MSRS, KVM_GET_PIT2, kvm_cpuid_entry2, kvm_msr_entry, kvm_regs, kvm_sregs,
};
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Kvm, SavedState, Slot, Vcpu, Vm};
use kvm_tests::checks::{self, NotRun};
use kvm_tests::long_mode::{HIGH_MMIO, TABLES, long_mode};
use zerocopy::FromBytes;

const GUEST: &[u8] = include_bytes!("../../guests/x86_64/state.bin");
const RAM: usize = 0x1_0000;
const CODE: u64 = 0x1000;
/// The port that the guest writes last.
const END: u16 = 0x81;

/// MSRs that count time.
const CLOCKS: [u32; 5] = [
    0x10,        // IA32_TIME_STAMP_COUNTER
    0xe7,        // IA32_MPERF
    0xe8,        // IA32_APERF
    0x4000_0010, // HV_X64_MSR_VP_RUNTIME
    0x4000_0020, // HV_X64_MSR_TIME_REF_COUNT
];

/// What else goes on while the guest does not.
const TIMERS: [&Op; 2] = [&KVM_GET_CLOCK, &KVM_GET_PIT2];

/// Long mode as other guests have it, with caches, and SSE.
fn with_sse(sregs: kvm_sregs) -> kvm_sregs {
    const NW_CD: u64 = 1 << 29 | 1 << 30;
    const MP: u64 = 1 << 1;
    const OSFXSR_OSXMMEXCPT: u64 = 1 << 9 | 1 << 10;

    let sregs = long_mode(sregs);
    kvm_sregs {
        cr0: sregs.cr0 & !NW_CD | MP,
        cr4: sregs.cr4 | OSFXSR_OSXMMEXCPT,
        ..sregs
    }
}

/// The VMM's part: what the guest's devices answer, and what it asked of them.
#[derive(Clone, Debug, Default, PartialEq)]
struct Devices {
    answers: u32,
    log: Vec<String>,
}

impl Devices {
    fn next(&mut self) -> u32 {
        self.answers = self
            .answers
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        self.answers
    }

    /// Gives whether the guest goes on.
    fn handle(&mut self, exit: Exit<'_>) -> bool {
        let answer = self.next().to_le_bytes();
        match exit {
            Exit::IoIn(io) => {
                io.data.fill(answer[3]);
                self.log.push(format!("in {:#x} {:x?}", io.port, io.data));
            }
            Exit::IoOut(io) => {
                self.log.push(format!("out {:#x} {:x?}", io.port, io.data));
                return io.port != END;
            }
            Exit::MmioRead(mmio) => {
                mmio.data
                    .copy_from_slice(answer.get(..mmio.data.len()).unwrap());
                self.log
                    .push(format!("read {:#x} {:x?}", mmio.addr, mmio.data));
            }
            Exit::MmioWrite(mmio) => {
                self.log
                    .push(format!("write {:#x} {:x?}", mmio.addr, mmio.data));
            }
            other => panic!("{other}"),
        }
        true
    }
}

struct Host {
    kvm: Kvm,
    /// Asked for once: the number of the processor that answers is in it.
    cpuid: Vec<kvm_cpuid_entry2>,
    with_irqchip: bool,
}

impl Host {
    fn new(with_irqchip: bool) -> Result<Self, NotRun> {
        let kvm = checks::kvm()?;
        let cpuid = kvm.get_supported_cpuid().unwrap();
        Ok(Self {
            kvm,
            cpuid,
            with_irqchip,
        })
    }
}

struct Machine {
    vm: Vm,
    vcpu: Vcpu,
    devices: Devices,
}

/// All that can be seen of a machine at its end.
#[derive(Debug, PartialEq)]
struct Seen {
    devices: Devices,
    memory: Vec<u8>,
    pieces: Vec<(&'static str, Vec<u8>)>,
    msrs: Vec<(u32, u64)>,
}

impl Machine {
    /// Without anything in its memory or registers.
    fn empty(host: &Host) -> Self {
        let vm = host.kvm.create_vm().unwrap();
        vm.set_tss_address(0xfffb_d000).unwrap();
        if host.with_irqchip {
            vm.create_irq_chip().unwrap();
        }
        let ram = AnonymousMemory::new(RAM).unwrap();
        vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
        let vcpu = vm.create_vcpu(0).unwrap();
        Self {
            vm,
            vcpu,
            devices: Devices::default(),
        }
    }

    /// About to run the guest.
    fn new(host: &Host) -> Self {
        let machine = Self::empty(host);
        machine.vm.write_memory(GuestAddress(CODE), GUEST).unwrap();
        let vcpu = &machine.vcpu;
        vcpu.set_cpuid2(&host.cpuid).unwrap();
        for (table, entry) in TABLES {
            let entry: u64 = entry;
            machine
                .vm
                .write_memory(GuestAddress(table), &entry.to_le_bytes())
                .unwrap();
        }
        vcpu.set_sregs(&with_sse(vcpu.get_sregs().unwrap()))
            .unwrap();
        let regs = kvm_regs {
            rip: CODE,
            rsp: 0x8000,
            rdi: HIGH_MMIO,
            rflags: 2,
            ..Default::default()
        };
        vcpu.set_regs(&regs).unwrap();
        machine
    }

    /// Runs to the next exit, or kick, and gives whether the guest goes on.
    fn step(&mut self) -> bool {
        match self.vcpu.run().unwrap().0 {
            Exit::Interrupted => true,
            exit => self.devices.handle(exit),
        }
    }

    fn memory(&self) -> Vec<u8> {
        let mut memory = vec![0; RAM];
        self.vm.read_memory(GuestAddress(0), &mut memory).unwrap();
        memory
    }

    /// Ends here, and goes on in another VM.
    fn migrate(mut self, host: &Host) -> Self {
        let devices = &mut self.devices;
        self.vcpu
            .complete_with(|exit, _| assert!(devices.handle(exit)))
            .unwrap();
        let vcpu_state = self.vcpu.save().unwrap().into_bytes();
        let vm_state = self.vm.save().unwrap().into_bytes();
        let memory = self.memory();
        let devices = self.devices.clone();
        drop(self);

        let mut other = Self::empty(host);
        other.devices = devices;
        other.vm.write_memory(GuestAddress(0), &memory).unwrap();
        let state = SavedState::from_bytes(vcpu_state).unwrap();
        other.vcpu.restore(&state).unwrap();
        other
            .vm
            .restore(&SavedState::from_bytes(vm_state).unwrap())
            .unwrap();
        other
    }

    /// Runs to the end, and gives what there is to see then.
    fn finish(mut self) -> Seen {
        while self.step() {}
        self.look()
    }

    fn look(mut self) -> Seen {
        let vcpu = self.vcpu.save().unwrap();
        let vm = self.vm.save().unwrap();
        let mut pieces = Vec::new();
        let mut msrs = Vec::new();
        for piece in vcpu.pieces().chain(vm.pieces()) {
            let (op, bytes) = (piece.op().unwrap(), piece.bytes().unwrap_or_default());
            if op == &KVM_GET_MSRS {
                let entries = <[kvm_msr_entry]>::ref_from_bytes(bytes).unwrap();
                let timeless = entries.iter().filter(|msr| !CLOCKS.contains(&msr.index));
                msrs.extend(timeless.map(|msr| (msr.index, msr.data)));
            } else if !TIMERS.contains(&op) {
                pieces.push((op.name, bytes.to_vec()));
            }
        }
        Seen {
            memory: self.memory(),
            devices: self.devices,
            pieces,
            msrs,
        }
    }
}

fn same(seen: &Seen, reference: &Seen, paused: &str) {
    assert_eq!(seen.devices.log, reference.devices.log, "exits, {paused}");
    assert!(seen.memory == reference.memory, "memory, {paused}");
    assert_eq!(seen.msrs, reference.msrs, "MSRs, {paused}");
    for (ours, theirs) in seen.pieces.iter().zip(&reference.pieces) {
        assert_eq!(ours, theirs, "{paused}");
    }
    assert_eq!(seen, reference, "{paused}");
}

fn paused_at_each_exit(with_irqchip: bool) -> Result<(), NotRun> {
    let host = Host::new(with_irqchip)?;
    let reference = Machine::new(&host).finish();
    let exits = reference.devices.log.len();
    assert!(exits > 70, "{exits}");
    for pause in 0..exits {
        let mut machine = Machine::new(&host);
        for _ in 0..pause {
            assert!(machine.step());
            if machine.devices.log.len() > pause {
                break;
            }
        }
        let seen = machine.migrate(&host).finish();
        same(&seen, &reference, &format!("paused at exit {pause}"));
    }
    let mut machine = Machine::new(&host);
    while machine.step() && machine.devices.log.len() < exits - 2 {
        machine = machine.migrate(&host);
    }
    same(&machine.finish(), &reference, "paused at every exit");
    Ok(())
}

fn paused_at_exits() -> Result<(), NotRun> {
    paused_at_each_exit(false)
}

fn paused_at_exits_with_irqchip() -> Result<(), NotRun> {
    paused_at_each_exit(true)
}

/// Kicks come anywhere: between instructions that exit, and while an exit is handled.
fn paused_by_kicks() -> Result<(), NotRun> {
    /// How many runs are kicked.
    const RUNS: u32 = 200;

    let host = Host::new(false)?;
    let reference = Machine::new(&host).finish();
    let mut places = BTreeSet::new();
    for run in 0..RUNS {
        let mut machine = Machine::new(&host);
        let kicker = machine.vcpu.kicker();
        let wait = Duration::from_micros(u64::from(run) * 17);
        let kick = thread::spawn(move || {
            let begun = Instant::now();
            while begun.elapsed() < wait {
                std::hint::spin_loop();
            }
            kicker.kick();
        });
        let seen = loop {
            match machine.vcpu.run().unwrap().0 {
                Exit::Interrupted => {
                    places.insert(machine.vcpu.get_regs().unwrap().rip);
                    break machine.migrate(&host).finish();
                }
                exit => {
                    if !machine.devices.handle(exit) {
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

pub(crate) fn main() {
    checks::main(&[
        ("paused_at_exits", paused_at_exits),
        ("paused_at_exits_with_irqchip", paused_at_exits_with_irqchip),
        ("paused_by_kicks", paused_by_kicks),
    ]);
}

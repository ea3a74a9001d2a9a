//! Running: halts, single steps, kicks, shutdown, memory in common; section 4.10.

use std::sync::mpsc;
use std::thread;

use kvm_core::kvm_exit::X86_64;
use kvm_core::{Exit, GuestAddress, Hypervisor, Kvm};

use super::guest::{self, CODE, Guest, INPUT, OUTPUT, regs};
use super::{Model, Outcome, Step, unexpected};

/// Two halts.
const HALT_TWICE: &[u8] = &[0xf4, 0xf4];

pub(crate) fn halt_script(model: &Model) {
    model.script(
        0,
        [
            Step::hlt().with_regs(regs(CODE + 1)),
            Step::hlt().with_regs(regs(CODE + 2)),
        ],
    );
}

/// A halt exits with the instruction done; the next entry goes on behind it.
pub(crate) fn halt<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, HALT_TWICE)?;
    for rip in [CODE + 1, CODE + 2] {
        let (exit, regs) = guest.vcpu.run()?;
        assert_eq!((exit, regs.get_regs()?.rip), (Exit::Hlt, rip));
    }
    Ok(())
}

/// Instructions of several lengths.
#[rustfmt::skip]
const STEPS: &[u8] = &[
    0x90,             // nop
    0xb8, 0x01, 0x00, // mov ax, 1
    0x83, 0xc0, 0x02, // add ax, 2
    0x90,             // nop
    0xf4,             // hlt
];

const RIPS: [u64; 4] = [CODE + 1, CODE + 4, CODE + 7, CODE + 8];

pub(crate) fn single_step_script(model: &Model) {
    model.script(0, RIPS.map(|rip| Step::stepped(rip).with_regs(regs(rip))));
    let mut done = regs(CODE + 9);
    done.rax = 3;
    model.script(0, [Step::hlt().with_regs(done)]);
}

/// Section 4.87: with `KVM_GUESTDBG_SINGLESTEP`, each instruction is an exit, and `pc` is where the next one
/// is. Without it the guest runs on.
pub(crate) fn single_step<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, STEPS)?;
    guest.vcpu.set_single_step(true)?;
    for rip in RIPS {
        match guest.vcpu.run()? {
            (Exit::Debug(event), regs) => {
                assert_eq!((event.exception, event.pc), (1, rip));
                assert_eq!(regs.get_regs()?.rip, rip);
            }
            (other, _) => return unexpected("a single step", other),
        }
    }
    guest.vcpu.set_single_step(false)?;
    guest.halts()?;
    assert_eq!(guest.vcpu.get_regs()?.rax, 3);
    Ok(())
}

/// Runs for ever.
const SPIN: &[u8] = &[0xeb, 0xfe]; // jmp $

const KICKS: usize = 50;

pub(crate) fn kicked_while_running_script(model: &Model) {
    model.script(0, (0..KICKS).map(|_| Step::block()));
}

/// A kick from another thread ends the run of a guest that never exits by itself, time after time.
pub(crate) fn kicked_while_running<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, SPIN)?;
    let kicker = guest.vcpu.kicker();
    let (go, begun) = mpsc::channel();
    let kicks = thread::spawn(move || begun.into_iter().for_each(|()| kicker.kick()));
    for _ in 0..KICKS {
        go.send(())?;
        assert_eq!(guest.vcpu.run()?.0, Exit::Interrupted);
    }
    drop(go);
    assert!(kicks.join().is_ok());
    assert_eq!(guest.vcpu.get_regs()?.rip, CODE);
    Ok(())
}

pub(crate) fn kicked_before_run_script(model: &Model) {
    model.script(0, [Step::hlt()]);
}

/// A kick that comes before the run ends it before the guest does anything, and no run after it.
pub(crate) fn kicked_before_run<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, HALT_TWICE)?;
    let kicker = guest.vcpu.kicker();
    kicker.kick();
    kicker.kick();
    assert_eq!(guest.vcpu.run()?.0, Exit::Interrupted);
    assert_eq!(guest.vcpu.get_regs()?.rip, CODE);
    guest.halts()
}

/// Writes memory, reads memory, and writes what it read to a port.
#[rustfmt::skip]
const MEMORY: &[u8] = &[
    0xc7, 0x06, 0x00, 0x30, 0x34, 0x12, // mov word [0x3000], 0x1234
    0xa0, 0x00, 0x20,                   // mov al, [0x2000]
    0xba, 0x80, 0x00,                   // mov dx, 0x80
    0xee,                               // out dx, al
    0xf4,                               // hlt
];

pub(crate) fn shared_memory_script(model: &Model) {
    model.script(
        0,
        [
            Step::io_out(0x80, [0x42])
                .finds_memory(INPUT, [0x42])
                .writes_memory(OUTPUT, [0x34, 0x12]),
            Step::hlt(),
        ],
    );
}

/// The guest sees what the VMM wrote, and the VMM what the guest wrote, by the time of the exit.
pub(crate) fn shared_memory<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, MEMORY)?;
    guest.vm.write_memory(GuestAddress(INPUT), &[0x42])?;
    match guest.vcpu.run()?.0 {
        Exit::IoOut(io) => assert_eq!(io.data, [0x42]),
        other => return unexpected("a write to the port", other),
    }
    assert_eq!(guest.output()?, [0x34, 0x12]);
    guest.halts()
}

/// An instruction that is none.
const UNDEFINED: &[u8] = &[0x0f, 0x0b]; // ud2

pub(crate) fn triple_fault_script(model: &Model) {
    model.script(0, [Step::shutdown()]);
}

/// Section 5, `KVM_EXIT_SHUTDOWN`: an exception that can't be delivered, because the table of handlers is
/// empty, ends in a shutdown.
pub(crate) fn triple_fault<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::in_long_mode(system, UNDEFINED)?;
    assert_eq!(guest.vcpu.run()?.0, Exit::Shutdown);
    Ok(())
}

/// Writes its number, which it has in al.
#[rustfmt::skip]
const WHO: &[u8] = &[
    0xe6, 0x80, // out 0x80, al
    0xf4,       // hlt
];

const VCPUS: [u8; 3] = [0, 1, 2];

pub(crate) fn several_threads_script(model: &Model) {
    for id in VCPUS {
        model.script(id.into(), [Step::io_out(0x80, [id]), Step::hlt()]);
    }
}

/// Several vCPUs run at once, each on a thread of its own.
pub(crate) fn several_threads<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = guest::vm_with(&Kvm::with(system)?, WHO)?;
    let mut vcpus = Vec::new();
    for id in VCPUS {
        let vcpu = guest::vcpu(&vm, id.into())?;
        let mut regs = regs(CODE);
        regs.rax = id.into();
        vcpu.set_regs(&regs)?;
        vcpus.push((id, vcpu));
    }
    thread::scope(|scope| {
        for (id, vcpu) in &mut vcpus {
            scope.spawn(move || {
                let written = vcpu.run_with(|exit, _| match exit {
                    Exit::IoOut(io) => io.data.to_vec(),
                    _ => Vec::new(),
                });
                assert_eq!(written, Ok(vec![*id]));
                let halted = vcpu.run_with(|exit, _| exit == Exit::Hlt);
                assert_eq!(halted, Ok(true));
            });
        }
    });
    Ok(())
}

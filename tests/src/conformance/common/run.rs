//! Running: kicks, memory in common, several vCPUs; section 4.10.

use std::sync::mpsc;
use std::thread;

use kvm_core::kvm_exit::MmioWrite;
use kvm_core::{Exit, GuestAddress, Hypervisor, Kvm};
use kvm_mock::{Model, Step};

use super::Outcome;
use super::machine::{self, CODE, Guest, INPUT, MMIO, Machine, OUTPUT};
use super::program::{Op, play};

const KICKS: usize = 50;

pub(crate) fn kicked_while_running_script<G: Machine>(model: &Model<G>) {
    model.script(0, (0..KICKS).map(|_| Step::block()));
}

/// A kick from another thread ends the run of a guest that never exits by itself, time after time.
pub(crate) fn kicked_while_running<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, &[Op::Spin])?;
    let kicker = guest.vcpu.kicker();
    let (go, begun) = mpsc::channel();
    let kicks = thread::spawn(move || begun.into_iter().for_each(|()| kicker.kick()));
    for _ in 0..KICKS {
        go.send(())?;
        assert_eq!(guest.vcpu.run()?.0, Exit::Interrupted);
    }
    drop(go);
    assert!(kicks.join().is_ok());
    assert_eq!(H::Guest::pc(&guest.vcpu)?, CODE);
    Ok(())
}

pub(crate) fn kicked_before_run_script<G: Machine>(model: &Model<G>) {
    play(model, &[]);
}

/// A kick that comes before the run ends it before the guest does anything, and no run after it.
pub(crate) fn kicked_before_run<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, &[])?;
    let kicker = guest.vcpu.kicker();
    kicker.kick();
    kicker.kick();
    assert_eq!(guest.vcpu.run()?.0, Exit::Interrupted);
    assert_eq!(H::Guest::pc(&guest.vcpu)?, CODE);
    guest.ends()
}

/// Writes memory, reads memory, and tells what it read.
const MEMORY: &[Op] = &[
    Op::Poke(OUTPUT, &[0x34, 0x12]),
    Op::Peek(INPUT, &[0x42]),
    Op::Tell(MMIO),
];

pub(crate) fn shared_memory_script<G: Machine>(model: &Model<G>) {
    play(model, MEMORY);
}

/// The guest sees what the VMM wrote, and the VMM what the guest wrote, by the time of the exit.
pub(crate) fn shared_memory<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, MEMORY)?;
    guest.vm.write_memory(GuestAddress(INPUT), &[0x42])?;
    guest.writes(MMIO, &[0x42])?;
    assert_eq!(guest.output()?, [0x34, 0x12]);
    guest.ends()
}

/// Writes a number that the VMM has said.
const WHO: &[Op] = &[Op::Read(MMIO, &[0]), Op::Tell(MMIO)];

const VCPUS: [u8; 3] = [0, 1, 2];

pub(crate) fn several_threads_script<G: Machine>(model: &Model<G>) {
    for id in VCPUS {
        let script = [Step::mmio_read(MMIO, [id]), Step::mmio_write(MMIO, [id])];
        model.script(id.into(), script);
    }
}

/// Several vCPUs run at once, each on a thread of its own.
pub(crate) fn several_threads<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let vm = machine::vm_with(&Kvm::with(system)?, WHO)?;
    let mut vcpus = Vec::new();
    for id in VCPUS {
        vcpus.push((id, H::Guest::vcpu(&vm, id.into())?));
    }
    thread::scope(|scope| {
        for (id, vcpu) in &mut vcpus {
            scope.spawn(move || {
                let asked = vcpu.run_with(|exit, _| match exit {
                    Exit::MmioRead(read) => {
                        read.data.fill(*id);
                        true
                    }
                    _ => false,
                });
                assert_eq!(asked, Ok(true));
                let (addr, data) = (MMIO, &[*id][..]);
                let expected = Exit::MmioWrite(MmioWrite { addr, data });
                assert_eq!(vcpu.run_with(|exit, _| exit == expected), Ok(true));
            });
        }
    });
    Ok(())
}

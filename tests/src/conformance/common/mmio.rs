//! Accesses to addresses without memory, section 5, `KVM_EXIT_MMIO`.

use kvm_core::kvm_sys::KVM_MEM_READONLY;
use kvm_core::{AnonymousMemory, GuestAddress, Hypervisor, Slot};
use kvm_mock::Model;

use super::Outcome;
use super::machine::{Guest, MMIO, Machine, OUTPUT, RAM};
use super::program::{Op, play};

/// Writes of each width.
const WRITE: &[Op] = &[
    Op::Write(MMIO, b"A"),
    Op::Write(MMIO + 2, b"AB"),
    Op::Write(MMIO + 4, b"ABCD"),
    Op::Write(MMIO + 8, b"ABCDEFGH"),
];

pub(crate) fn write_script<G: Machine>(model: &Model<G>) {
    play(model, WRITE);
}

/// A write of each width is one exit with as many bytes.
pub(crate) fn write<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, WRITE)?;
    guest.writes(MMIO, b"A")?;
    guest.writes(MMIO + 2, b"AB")?;
    guest.writes(MMIO + 4, b"ABCD")?;
    guest.writes(MMIO + 8, b"ABCDEFGH")?;
    guest.ends()
}

/// Reads of each width, each stored.
const READ: &[Op] = &[
    Op::Read(MMIO, &[0x11]),
    Op::Keep(OUTPUT),
    Op::Read(MMIO + 2, &[0x22, 0x33]),
    Op::Keep(OUTPUT + 2),
    Op::Read(MMIO + 4, &[0x44, 0x55, 0x66, 0x77]),
    Op::Keep(OUTPUT + 4),
    Op::Read(MMIO + 8, &WORD),
    Op::Keep(OUTPUT + 8),
];

const WORD: [u8; 8] = [0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe];

pub(crate) fn read_script<G: Machine>(model: &Model<G>) {
    play(model, READ);
}

/// A read of each width is one exit with room for as many bytes, and the guest gets what was written there.
pub(crate) fn read<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, READ)?;
    guest.reads(MMIO, &[0x11])?;
    guest.reads(MMIO + 2, &[0x22, 0x33])?;
    guest.reads(MMIO + 4, &[0x44, 0x55, 0x66, 0x77])?;
    guest.reads(MMIO + 8, &WORD)?;
    guest.ends()?;
    let stored = [0x11, 0, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77];
    assert_eq!(guest.output()?, stored);
    let [_, _, _, _, _, _, _, _, wide @ ..]: [u8; 16] = guest.output()?;
    assert_eq!(wide, WORD);
    Ok(())
}

/// A read, of which nothing follows.
const READ_ONCE: &[Op] = &[Op::Read(MMIO, &[0x55]), Op::Keep(OUTPUT)];

pub(crate) fn complete_script<G: Machine>(model: &Model<G>) {
    play(model, READ_ONCE);
}

/// Section 5, `immediate_exit`: entering with it set completes the pending access and does not run the guest.
pub(crate) fn complete<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, READ_ONCE)?;
    guest.reads(MMIO, &[0x55])?;
    assert_eq!(guest.vcpu.complete()?, None);
    assert_eq!(guest.vcpu.complete()?, None, "nothing is pending any more");
    assert_eq!(guest.output()?, [0], "the guest did not run");
    guest.ends()?;
    assert_eq!(guest.output()?, [0x55]);
    Ok(())
}

/// A write and a read behind the memory, the value read stored.
const WRITE_THEN_READ: &[Op] = &[
    Op::Write(RAM, &[0x5a]),
    Op::Peek(RAM, &[0x77]),
    Op::Keep(OUTPUT),
];

pub(crate) fn read_only_script<G: Machine>(model: &Model<G>) {
    play(model, WRITE_THEN_READ);
}

/// Section 4.35, `KVM_MEM_READONLY`: "writes to this memory will be posted to userspace as KVM_EXIT_MMIO
/// exits"; reads find the memory.
pub(crate) fn read_only<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, WRITE_THEN_READ)?;
    let mut rom = AnonymousMemory::new(0x1_0000)?;
    rom.as_mut_slice().fill(0x77);
    let rom = guest
        .vm
        .add_memory_with(Slot(1), GuestAddress(RAM), rom, KVM_MEM_READONLY)?;
    guest.writes(RAM, &[0x5a])?;
    guest.ends()?;
    assert_eq!(guest.output()?, [0x77]);
    assert_eq!(rom.read_obj(0), Some(0x77_u8), "the write changed nothing");
    Ok(())
}

/// Two reads behind the memory, each told.
const READ_TWICE: &[Op] = &[
    Op::Peek(RAM, &[0x77]),
    Op::Tell(MMIO),
    Op::Read(RAM, &[0x11]),
    Op::Tell(MMIO),
];

pub(crate) fn removed_memory_script<G: Machine>(model: &Model<G>) {
    play(model, READ_TWICE);
}

/// Memory that was taken back is gone for a guest that has used it.
pub(crate) fn removed_memory<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, READ_TWICE)?;
    let mut more = AnonymousMemory::new(0x1_0000)?;
    more.as_mut_slice().fill(0x77);
    guest.vm.add_memory(Slot(1), GuestAddress(RAM), more)?;
    guest.writes(MMIO, &[0x77])?;
    guest.vm.remove_memory(Slot(1))?;
    guest.reads(RAM, &[0x11])?;
    guest.writes(MMIO, &[0x11])?;
    guest.ends()
}

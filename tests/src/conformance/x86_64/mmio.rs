//! Accesses to addresses without memory, section 5, `KVM_EXIT_MMIO`.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_exit::{MmioRead, MmioWrite};
use kvm_core::kvm_sys::x86_64::KVM_MEM_READONLY;
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Hypervisor, Slot, Vcpu};

use super::guest::{Guest, HIGH_MMIO, MMIO, OUTPUT, RAM};
use super::{Model, Outcome, Step, unexpected};

/// Runs the guest up to a read of as many bytes as `reply` has, and answers it.
fn answer<H: Hypervisor<Guest = X86_64>>(
    vcpu: &mut Vcpu<H>,
    address: u64,
    reply: &[u8],
) -> Outcome {
    match vcpu.run()?.0 {
        Exit::MmioRead(MmioRead { addr, data }) => {
            assert_eq!((addr, data.len()), (address, reply.len()));
            data.copy_from_slice(reply);
            Ok(())
        }
        other => unexpected("a read of MMIO", other),
    }
}

/// Writes of each width that real mode has.
#[rustfmt::skip]
const WRITE: &[u8] = &[
    0xb8, 0x00, 0x20,                   // mov ax, 0x2000
    0x8e, 0xd8,                         // mov ds, ax
    0x66, 0xb8, 0x41, 0x42, 0x43, 0x44, // mov eax, 0x44434241
    0xa2, 0x00, 0x00,                   // mov [0], al
    0xa3, 0x02, 0x00,                   // mov [2], ax
    0x66, 0xa3, 0x04, 0x00,             // mov [4], eax
    0xf4,                               // hlt
];

pub(crate) fn write_script(model: &Model) {
    model.script(
        0,
        [
            Step::mmio_write(MMIO, *b"A"),
            Step::mmio_write(MMIO + 2, *b"AB"),
            Step::mmio_write(MMIO + 4, *b"ABCD"),
            Step::hlt(),
        ],
    );
}

/// A write of each width is one exit with as many bytes.
pub(crate) fn write<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, WRITE)?;
    for (offset, data) in [(0, &b"A"[..]), (2, b"AB"), (4, b"ABCD")] {
        let addr = MMIO + offset;
        assert_eq!(
            guest.vcpu.run()?.0,
            Exit::MmioWrite(MmioWrite { addr, data })
        );
    }
    guest.halts()
}

/// Reads of each width that real mode has, stored one after the other.
#[rustfmt::skip]
const READ: &[u8] = &[
    0xb8, 0x00, 0x20,             // mov ax, 0x2000
    0x8e, 0xd8,                   // mov ds, ax
    0xa0, 0x00, 0x00,             // mov al, [0]
    0x26, 0xa2, 0x00, 0x30,       // mov es:[0x3000], al
    0xa1, 0x02, 0x00,             // mov ax, [2]
    0x26, 0xa3, 0x02, 0x30,       // mov es:[0x3002], ax
    0x66, 0xa1, 0x04, 0x00,       // mov eax, [4]
    0x26, 0x66, 0xa3, 0x04, 0x30, // mov es:[0x3004], eax
    0xf4,                         // hlt
];

pub(crate) fn read_script(model: &Model) {
    model.script(
        0,
        [
            Step::mmio_read(MMIO, [0x11]),
            Step::mmio_read(MMIO + 2, [0x22, 0x33]),
            Step::mmio_read(MMIO + 4, [0x44, 0x55, 0x66, 0x77]),
            Step::hlt().writes_memory(OUTPUT, [0x11, 0, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77]),
        ],
    );
}

/// A read of each width is one exit with room for as many bytes, and the guest gets what was written there.
pub(crate) fn read<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, READ)?;
    answer(&mut guest.vcpu, MMIO, &[0x11])?;
    answer(&mut guest.vcpu, MMIO + 2, &[0x22, 0x33])?;
    answer(&mut guest.vcpu, MMIO + 4, &[0x44, 0x55, 0x66, 0x77])?;
    guest.halts()?;
    let stored = [0x11, 0, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77];
    assert_eq!(guest.output()?, stored);
    Ok(())
}

/// A read of 8 bytes, stored, and a write of their complement.
#[rustfmt::skip]
const WIDE: &[u8] = &[
    0x48, 0x8b, 0x07,                               // mov rax, [rdi]
    0x48, 0x89, 0x04, 0x25, 0x00, 0x30, 0x00, 0x00, // mov [0x3000], rax
    0x48, 0xf7, 0xd0,                               // not rax
    0x48, 0x89, 0x47, 0x08,                         // mov [rdi + 8], rax
    0xf4,                                           // hlt
];

const WORD: [u8; 8] = [0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe];

pub(crate) fn wide_script(model: &Model) {
    model.script(
        0,
        [
            Step::mmio_read(HIGH_MMIO, WORD),
            Step::mmio_write(HIGH_MMIO + 8, WORD.map(|byte| !byte)).writes_memory(OUTPUT, WORD),
            Step::hlt(),
        ],
    );
}

/// Eight bytes are one exit too.
pub(crate) fn wide<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::in_long_mode(system, WIDE)?;
    answer(&mut guest.vcpu, HIGH_MMIO, &WORD)?;
    let (addr, data) = (HIGH_MMIO + 8, &WORD.map(|byte| !byte));
    assert_eq!(
        guest.vcpu.run()?.0,
        Exit::MmioWrite(MmioWrite { addr, data })
    );
    assert_eq!(guest.output()?, WORD);
    guest.halts()
}

/// A write and a read behind the memory, the value read stored.
#[rustfmt::skip]
const WRITE_THEN_READ: &[u8] = &[
    0xb8, 0x00, 0x10,             // mov ax, 0x1000
    0x8e, 0xd8,                   // mov ds, ax
    0xc6, 0x06, 0x00, 0x00, 0x5a, // mov byte [0], 0x5a
    0xa0, 0x00, 0x00,             // mov al, [0]
    0x26, 0xa2, 0x00, 0x30,       // mov es:[0x3000], al
    0xf4,                         // hlt
];

pub(crate) fn read_only_script(model: &Model) {
    model.script(
        0,
        [
            Step::mmio_write(RAM, [0x5a]),
            Step::hlt()
                .finds_memory(RAM, [0x77])
                .writes_memory(OUTPUT, [0x77]),
        ],
    );
}

/// Section 4.35, `KVM_MEM_READONLY`: "writes to this memory will be posted to userspace as KVM_EXIT_MMIO
/// exits"; reads find the memory.
pub(crate) fn read_only<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, WRITE_THEN_READ)?;
    let mut rom = AnonymousMemory::new(0x1_0000)?;
    rom.as_mut_slice().fill(0x77);
    let rom = guest
        .vm
        .add_memory_with(Slot(1), GuestAddress(RAM), rom, KVM_MEM_READONLY)?;
    let (addr, data) = (RAM, &[0x5a]);
    assert_eq!(
        guest.vcpu.run()?.0,
        Exit::MmioWrite(MmioWrite { addr, data })
    );
    guest.halts()?;
    assert_eq!(guest.output()?, [0x77]);
    assert_eq!(rom.read_obj(0), Some(0x77_u8), "the write changed nothing");
    Ok(())
}

/// Two reads behind the memory, each written to a port.
#[rustfmt::skip]
const READ_TWICE: &[u8] = &[
    0xb8, 0x00, 0x10, // mov ax, 0x1000
    0x8e, 0xd8,       // mov ds, ax
    0xa0, 0x00, 0x00, // mov al, [0]
    0xe6, 0x80,       // out 0x80, al
    0xa0, 0x00, 0x00, // mov al, [0]
    0xe6, 0x80,       // out 0x80, al
    0xf4,             // hlt
];

pub(crate) fn removed_memory_script(model: &Model) {
    model.script(
        0,
        [
            Step::io_out(0x80, [0x77]).finds_memory(RAM, [0x77]),
            Step::mmio_read(RAM, [0x11]),
            Step::io_out(0x80, [0x11]),
            Step::hlt(),
        ],
    );
}

/// Memory that was taken back is gone for a guest that has used it.
pub(crate) fn removed_memory<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, READ_TWICE)?;
    let mut more = AnonymousMemory::new(0x1_0000)?;
    more.as_mut_slice().fill(0x77);
    guest.vm.add_memory(Slot(1), GuestAddress(RAM), more)?;
    written(&mut guest.vcpu, 0x77)?;
    guest.vm.remove_memory(Slot(1))?;
    answer(&mut guest.vcpu, RAM, &[0x11])?;
    written(&mut guest.vcpu, 0x11)?;
    guest.halts()
}

fn written<H: Hypervisor<Guest = X86_64>>(vcpu: &mut Vcpu<H>, byte: u8) -> Outcome {
    match vcpu.run()?.0 {
        Exit::IoOut(io) => assert_eq!((io.port, io.data), (0x80, &[byte][..])),
        other => return unexpected("a write to the port", other),
    }
    Ok(())
}

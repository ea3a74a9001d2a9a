//! Port I/O, section 5, `KVM_EXIT_IO`.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_exit::{IoIn, IoOut};
use kvm_core::{Exit, GuestAddress, Hypervisor};

use super::guest::{Guest, INPUT, OUTPUT, regs};
use super::{Model, Outcome, Step, unexpected};

const SERIAL: u16 = 0x3f8;
const KEYBOARD: u16 = 0x60;

/// Writes of each width.
#[rustfmt::skip]
const OUT: &[u8] = &[
    0xba, 0xf8, 0x03,                   // mov dx, 0x3f8
    0x66, 0xb8, 0x41, 0x42, 0x43, 0x44, // mov eax, 0x44434241
    0xee,                               // out dx, al
    0xef,                               // out dx, ax
    0x66, 0xef,                         // out dx, eax
    0xf4,                               // hlt
];

pub(crate) fn out_script(model: &Model) {
    model.script(
        0,
        [
            Step::io_out(SERIAL, *b"A"),
            Step::io_out(SERIAL, *b"AB"),
            Step::io_out(SERIAL, *b"ABCD"),
            Step::hlt(),
        ],
    );
}

/// A write of each width is one exit with as many bytes.
pub(crate) fn out<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, OUT)?;
    for (size, data) in [(1, &b"A"[..]), (2, b"AB"), (4, b"ABCD")] {
        let port = SERIAL;
        assert_eq!(guest.vcpu.run()?.0, Exit::IoOut(IoOut { port, size, data }));
    }
    guest.halts()
}

/// Reads of each width, stored one after the other.
#[rustfmt::skip]
const IN: &[u8] = &[
    0xba, 0x60, 0x00,             // mov dx, 0x60
    0xec,                         // in al, dx
    0xa2, 0x00, 0x30,             // mov [0x3000], al
    0xed,                         // in ax, dx
    0xa3, 0x02, 0x30,             // mov [0x3002], ax
    0x66, 0xed,                   // in eax, dx
    0x66, 0xa3, 0x04, 0x30,       // mov [0x3004], eax
    0xf4,                         // hlt
];

pub(crate) fn in_script(model: &Model) {
    model.script(
        0,
        [
            Step::io_in(KEYBOARD, [0x11]),
            Step::io_in(KEYBOARD, [0x22, 0x33]),
            Step::io_in(KEYBOARD, [0x44, 0x55, 0x66, 0x77]),
            Step::hlt().writes_memory(OUTPUT, [0x11, 0, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77]),
        ],
    );
}

/// A read of each width is one exit with room for as many bytes, and the guest gets what was written there.
pub(crate) fn in_<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, IN)?;
    for reply in [&[0x11][..], &[0x22, 0x33], &[0x44, 0x55, 0x66, 0x77]] {
        match guest.vcpu.run()?.0 {
            Exit::IoIn(IoIn { port, size, data }) => {
                assert_eq!((port, usize::from(size)), (KEYBOARD, reply.len()));
                assert_eq!(data.len(), reply.len());
                data.copy_from_slice(reply);
            }
            other => return unexpected("a read of the port", other),
        }
    }
    guest.halts()?;
    let stored = [0x11, 0, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77];
    assert_eq!(guest.output()?, stored);
    Ok(())
}

/// Writes a string byte by byte.
#[rustfmt::skip]
const OUTS: &[u8] = &[
    0xba, 0xf8, 0x03, // mov dx, 0x3f8
    0xbe, 0x00, 0x20, // mov si, 0x2000
    0xb9, 0x0e, 0x00, // mov cx, 14
    0xfc,             // cld
    0xf3, 0x6e,       // rep outsb
    0xf4,             // hlt
];

const GREETING: &[u8; 14] = b"Hello, world!\n";

pub(crate) fn string_out_script(model: &Model) {
    model.script(
        0,
        [
            Step::io_out(SERIAL, *GREETING).finds_memory(INPUT, *GREETING),
            Step::hlt(),
        ],
    );
}

/// A string comes in exits of as many accesses as KVM likes, in order.
pub(crate) fn string_out<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, OUTS)?;
    guest.vm.write_memory(GuestAddress(INPUT), GREETING)?;
    let mut written = Vec::new();
    loop {
        match guest.vcpu.run()?.0 {
            Exit::IoOut(io) => {
                assert_eq!((io.port, io.size, io.count()), (SERIAL, 1, io.data.len()));
                written.extend_from_slice(io.data);
            }
            Exit::Hlt => break,
            other => return unexpected("a write to the port", other),
        }
    }
    assert_eq!(written, GREETING);
    Ok(())
}

/// Reads a string byte by byte.
#[rustfmt::skip]
const INS: &[u8] = &[
    0xba, 0x60, 0x00, // mov dx, 0x60
    0xbf, 0x00, 0x30, // mov di, 0x3000
    0xb9, 0x08, 0x00, // mov cx, 8
    0xfc,             // cld
    0xf3, 0x6c,       // rep insb
    0xf4,             // hlt
];

const TYPED: [u8; 8] = *b"typed in";

pub(crate) fn string_in_script(model: &Model) {
    model.script(
        0,
        [
            Step::io_in(KEYBOARD, TYPED),
            Step::hlt().writes_memory(OUTPUT, TYPED),
        ],
    );
}

/// The guest gets the replies to a string read in order, however it is split into exits.
pub(crate) fn string_in<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, INS)?;
    let mut left = TYPED.iter();
    loop {
        match guest.vcpu.run()?.0 {
            Exit::IoIn(io) => {
                assert_eq!((io.port, io.size, io.count()), (KEYBOARD, 1, io.data.len()));
                for byte in io.data {
                    *byte = *left.next().ok_or("more reads than the guest makes")?;
                }
            }
            Exit::Hlt => break,
            other => return unexpected("a read of the port", other),
        }
    }
    assert_eq!(guest.output()?, TYPED);
    Ok(())
}

/// Reads a port, and no more.
#[rustfmt::skip]
const ONE_IN: &[u8] = &[
    0xe4, 0x20, // in al, 0x20
    0xf4,       // hlt
];

pub(crate) fn complete_script(model: &Model) {
    let mut done = regs(super::guest::CODE + 2);
    done.rax = 0x55;
    model.script(0, [Step::io_in(0x20, [0x55]).regs_then(done), Step::hlt()]);
}

/// Section 5, `immediate_exit`: entering with it set completes the pending access and does not run the
/// guest. Then registers are what the guest sees.
pub(crate) fn complete<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, ONE_IN)?;
    match guest.vcpu.run()?.0 {
        Exit::IoIn(io) => io.data.fill(0x55),
        other => return unexpected("a read of the port", other),
    }
    assert_eq!(guest.vcpu.complete()?, None);
    let regs = guest.vcpu.get_regs()?;
    assert_eq!((regs.rax & 0xff, regs.rip), (0x55, super::guest::CODE + 2));
    assert_eq!(guest.vcpu.complete()?, None, "nothing is pending any more");
    guest.halts()
}

//! Registers in the run page: section 5, `kvm_valid_regs` and `kvm_dirty_regs`.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::SyncRegs;
use kvm_core::{Cause, Exit, Hypervisor};

use super::guest::{CODE, Guest, INPUT, OUTPUT, regs};
use super::{Model, Outcome, Step, unexpected};

const REGS: SyncRegs = SyncRegs::KVM_SYNC_X86_REGS;
const SREGS: SyncRegs = SyncRegs::KVM_SYNC_X86_SREGS;

/// Writes a port, then stores a register.
#[rustfmt::skip]
const OUT_THEN_STORE: &[u8] = &[
    0xb9, 0x34, 0x12,             // mov cx, 0x1234
    0xe6, 0x80,                   // out 0x80, al
    0x89, 0x1e, 0x00, 0x30,       // mov [0x3000], bx
    0xf4,                         // hlt
];

pub(crate) fn general_script(model: &Model) {
    let mut at_out = regs(CODE + 5);
    at_out.rcx = 0x1234;
    model.script(
        0,
        [
            Step::io_out(0x80, [0]).with_regs(at_out),
            Step::hlt().writes_memory(OUTPUT, [0xcd, 0xab]),
        ],
    );
}

/// The registers that an exit finds in the page are those that a call gives, and what it writes there the
/// guest has when it goes on.
pub(crate) fn general<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, OUT_THEN_STORE)?;
    guest.vcpu.enable_sync_regs(REGS)?;
    match guest.vcpu.run_synced()? {
        (Exit::IoOut(io), mut synced) => {
            assert_eq!(io.port, 0x80);
            assert_eq!(synced.regs()?.rcx, 0x1234);
            assert_eq!(*synced.regs()?, synced.registers().get_regs()?);
            synced.regs_mut()?.rbx = 0xabcd;
        }
        (other, _) => return unexpected("a write to the port", other),
    }
    assert_eq!(guest.vcpu.run_synced()?.0, Exit::Hlt);
    assert_eq!(guest.output()?, [0xcd, 0xab]);
    assert!(guest.vcpu.run_page().dirty_regs().is_empty());
    assert_eq!(guest.vcpu.get_regs()?.rbx, 0xabcd);
    Ok(())
}

/// Reads memory through a segment.
#[rustfmt::skip]
const THROUGH_ES: &[u8] = &[
    0x26, 0xa0, 0x00, 0x00, // mov al, es:[0]
    0xe6, 0x80,             // out 0x80, al
    0xf4,                   // hlt
];

pub(crate) fn special_script(model: &Model) {
    model.script(
        0,
        [
            Step::io_out(0x80, [7]).finds_memory(INPUT, [7]),
            Step::hlt(),
        ],
    );
}

/// What is written before the first run counts too.
pub(crate) fn special<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, THROUGH_ES)?;
    guest.vm.write_memory(kvm_core::GuestAddress(INPUT), &[7])?;
    guest.vcpu.enable_sync_regs(REGS | SREGS)?;
    let mut synced = guest.vcpu.sync_regs();
    assert_eq!(synced.regs()?.rip, CODE);
    let es = &mut synced.sregs_mut()?.es;
    (es.base, es.selector) = (INPUT, 0x200);
    match guest.vcpu.run_synced()? {
        (Exit::IoOut(io), synced) => {
            assert_eq!(io.data, [7]);
            assert_eq!(synced.sregs()?.es.base, INPUT);
        }
        (other, _) => return unexpected("a write to the port", other),
    }
    guest.halts()
}

pub(crate) fn interrupted_script(model: &Model) {
    model.script(0, [Step::hlt().with_regs(regs(CODE + 1))]);
}

/// A run that was interrupted leaves the registers too.
pub(crate) fn interrupted<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, &[0xf4])?;
    guest.vcpu.enable_sync_regs(REGS)?;
    guest.vcpu.sync_regs().regs_mut()?.rbx = 3;
    guest.vcpu.kicker().kick();
    let (exit, synced) = guest.vcpu.run_synced()?;
    assert_eq!((exit, synced.regs()?.rbx), (Exit::Interrupted, 3));
    assert_eq!(synced.registers().get_regs()?.rbx, 3);
    let (exit, synced) = guest.vcpu.run_synced()?;
    assert_eq!((exit, synced.regs()?.rip), (Exit::Hlt, CODE + 1));
    Ok(())
}

/// A set that the kernel does not know can't be enabled, and one that is not enabled can't be read.
pub(crate) fn refused<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, &[0xf4])?;
    let error = guest
        .vcpu
        .enable_sync_regs(SyncRegs::from_bits_retain(1 << 40) | REGS);
    assert_eq!(
        error.err().map(|error| error.cause()),
        Some(Cause::NotSynced)
    );
    assert!(guest.vcpu.run_page().valid_regs().is_empty());

    guest.vcpu.enable_sync_regs(SREGS)?;
    let mut synced = guest.vcpu.sync_regs();
    let causes = [
        synced.regs().err(),
        synced.regs_mut().err(),
        synced.vcpu_events().err(),
    ];
    assert_eq!(
        causes.map(|error| error.map(|error| error.cause())),
        [Some(Cause::NotSynced); 3]
    );
    assert!(guest.vcpu.run_page().dirty_regs().is_empty());
    Ok(())
}

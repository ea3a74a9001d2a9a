//! Interrupts without a controller in the kernel: section 5, `request_interrupt_window`.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::SyncRegs;
use kvm_core::{Exit, GuestAddress, Hypervisor};

use super::guest::{CODE, Guest, regs};
use super::{Model, Outcome, Step, unexpected};

/// Has interrupts off, then on, then waits for one to end.
#[rustfmt::skip]
const ON: &[u8] = &[
    0xe6, 0x80, // out 0x80, al
    0xfb,       // sti
    0x90,       // nop
    0x90,       // nop
    0xeb, 0xfc, // jmp to the first nop
];

const VECTOR: u8 = 0x40;
const HANDLER: u16 = 0x1800;

/// Says which interrupt it was.
#[rustfmt::skip]
const HANDLE: &[u8] = &[
    0xb0, VECTOR, // mov al, VECTOR
    0xe6, 0x81,   // out 0x81, al
    0xf4,         // hlt
];

pub(crate) fn opens_script(model: &Model) {
    let mut interruptible = regs(CODE + 4);
    interruptible.rflags |= 1 << 9;
    model.script(
        0,
        [
            Step::io_out(0x80, [0]).with_regs(regs(CODE + 2)),
            Step::exit(|page| page.encode(&Exit::IrqWindowOpen)).with_regs(interruptible),
            Step::io_out(0x81, [VECTOR]),
            Step::hlt(),
        ],
    );
}

/// A guest that has interrupts off is not ready for one. One that was asked to exits as soon as it is, and takes
/// the interrupt that is injected then.
pub(crate) fn opens<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, ON)?;
    let handler = HANDLER.into();
    guest.vm.write_memory(GuestAddress(handler), HANDLE)?;
    let entry = GuestAddress(u64::from(VECTOR) * 4);
    guest.vm.write_memory(entry, &HANDLER.to_le_bytes())?;
    guest.vcpu.enable_sync_regs(SyncRegs::KVM_SYNC_X86_EVENTS)?;

    match guest.vcpu.run()?.0 {
        Exit::IoOut(io) => assert_eq!(io.port, 0x80),
        other => return unexpected("a write to the port", other),
    }
    let page = guest.vcpu.run_page();
    assert!(!page.if_flag() && !page.ready_for_interrupt_injection());

    guest.vcpu.request_interrupt_window(true);
    match guest.vcpu.run_synced()? {
        (Exit::IrqWindowOpen, mut synced) => {
            let interrupt = &mut synced.vcpu_events_mut()?.interrupt;
            (interrupt.injected, interrupt.nr) = (1, VECTOR);
        }
        (other, _) => return unexpected("an open window", other),
    }
    let page = guest.vcpu.run_page();
    assert!(page.if_flag() && page.ready_for_interrupt_injection());

    guest.vcpu.request_interrupt_window(false);
    match guest.vcpu.run()?.0 {
        Exit::IoOut(io) => assert_eq!((io.port, io.data), (0x81, &[VECTOR][..])),
        other => return unexpected("the handler", other),
    }
    guest.halts()
}

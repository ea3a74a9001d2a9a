//! A guest that waits for interrupts.

use kvm_core::kvm_exit::IoOut;
use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{KVM_IRQCHIP_PIC_MASTER, kvm_irqchip};
use kvm_core::{Error, Exit, GuestAddress, Hypervisor, Kvm};

use super::guest::{CODE, Guest, vcpu, vm_with};
use super::{Outcome, Step, unexpected};

/// The interrupt line of the guests here, and where the PIC puts it.
pub(crate) const LINE: u32 = 5;
const VECTOR: u64 = 0x25;

/// Waits for interrupts; the handler writes to a port, ends the interrupt, and writes to the port again.
#[rustfmt::skip]
const WAIT: &[u8] = &[
    0xfb,       // sti
    0xf4,       // hlt
    0xeb, 0xfd, // jmp to the hlt
    // the handler
    0xb0, 0x69, // mov al, 'i'
    0xe6, 0x80, // out 0x80, al
    0xb0, 0x20, // mov al, 0x20
    0xe6, 0x20, // out 0x20, al
    0xe6, 0x80, // out 0x80, al
    0xcf,       // iret
];
const HANDLER: u32 = 0x1004;
const _: () = assert!(HANDLER as u64 == CODE + 4);

/// A guest with interrupt controllers in the kernel that waits for [`LINE`], triggered by level if `level`.
pub(crate) fn waiting<H: Hypervisor<Guest = X86_64>>(
    system: H,
    level: bool,
) -> Result<Guest<H>, Error> {
    let vm = vm_with(&Kvm::with(system)?, WAIT)?;
    // The table of handlers: offset and segment each.
    vm.write_memory(GuestAddress(4 * VECTOR), &HANDLER.to_le_bytes())?;
    vm.create_irq_chip()?;
    let mut chip = kvm_irqchip {
        chip_id: KVM_IRQCHIP_PIC_MASTER,
        ..Default::default()
    };
    vm.get_irqchip(&mut chip)?;
    let pic = chip.chip.as_pic_mut();
    pic.irq_base = 0x20;
    pic.elcr_mask = 0xf8;
    pic.elcr = u8::from(level) << LINE;
    vm.set_irqchip(&chip)?;
    let vcpu = vcpu(&vm, 0)?;
    Ok(Guest { vm, vcpu })
}

/// The guest takes an interrupt and ends it.
pub(crate) fn interrupted<H: Hypervisor<Guest = X86_64>>(guest: &mut Guest<H>) -> Outcome {
    writes(guest, b'i')?;
    writes(guest, 0x20)
}

/// The handler's next write to the port.
pub(crate) fn writes<H: Hypervisor<Guest = X86_64>>(guest: &mut Guest<H>, byte: u8) -> Outcome {
    match guest.vcpu.run()?.0 {
        Exit::IoOut(IoOut {
            port: 0x80, data, ..
        }) if data == [byte] => Ok(()),
        other => unexpected("the handler's write", other),
    }
}

/// What [`interrupted`] sees, as a script.
pub(crate) fn steps() -> [Step; 2] {
    [Step::io_out(0x80, *b"i"), Step::io_out(0x80, [0x20])]
}

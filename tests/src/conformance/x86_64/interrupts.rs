//! Interrupt lines, messages, and where they lead: sections 4.25, 4.52 and 4.71.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{
    KVM_IRQCHIP_IOAPIC, KVM_IRQCHIP_PIC_MASTER, kvm_irq_routing_s390_adapter, kvm_msi,
};
use kvm_core::{Errno, Error, Hypervisor, IrqStatus, Kvm, Route, RoutingEntry, Vm};

use super::waiting::{LINE, interrupted, steps, waiting};
use super::{Model, Outcome};

fn errno<T>(refused: Result<T, Error>) -> Option<Errno> {
    refused.err().map(|error| error.errno())
}

/// A request that waits swallows the next one; a line that leads nowhere, or only to a masked pin, is
/// ignored.
pub(crate) fn line_status<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    assert_eq!(errno(vm.set_irq_line_status(4, true)), Some(Errno::ENXIO));
    vm.create_irq_chip()?;
    assert_eq!(vm.set_irq_line_status(4, true)?, IrqStatus::Delivered(1));
    vm.set_irq_line_status(4, false)?;
    assert_eq!(vm.set_irq_line_status(4, true)?, IrqStatus::Coalesced);
    assert_eq!(vm.set_irq_line_status(20, true)?, IrqStatus::Ignored);
    assert_eq!(vm.set_irq_line_status(30, true)?, IrqStatus::Ignored);
    Ok(())
}

fn set<H: Hypervisor<Guest = X86_64>>(vm: &Vm<H>, routes: &[(u32, Route)]) -> Option<Errno> {
    let entries: Vec<_> = routes
        .iter()
        .map(|&(gsi, route)| RoutingEntry { gsi, route })
        .collect();
    errno(vm.set_gsi_routing(&entries))
}

const fn pin(irqchip: u32, pin: u32) -> Route {
    Route::Irqchip { irqchip, pin }
}

const MSI: Route = Route::Msi {
    address: 0xfee0_0000,
    data: 0x41,
    devid: None,
};

/// What can be routed where.
pub(crate) fn routes<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let refused = Some(Errno::EINVAL);
    assert_eq!(set(&vm, &[]), refused, "no interrupt controller");
    vm.create_irq_chip()?;
    assert_eq!(set(&vm, &[]), None);
    assert_eq!(set(&vm, &[(24, MSI), (4095, MSI)]), None);
    assert_eq!(set(&vm, &[(5, pin(KVM_IRQCHIP_IOAPIC, 23))]), None);
    let both = [
        (5, pin(KVM_IRQCHIP_IOAPIC, 5)),
        (5, pin(KVM_IRQCHIP_PIC_MASTER, 5)),
    ];
    assert_eq!(set(&vm, &both), None);

    assert_eq!(set(&vm, &[(4096, MSI)]), refused, "a GSI too high");
    assert_eq!(set(&vm, &[(5, pin(KVM_IRQCHIP_IOAPIC, 24))]), refused);
    assert_eq!(set(&vm, &[(5, pin(KVM_IRQCHIP_PIC_MASTER, 8))]), refused);
    assert_eq!(set(&vm, &[(5, pin(3, 0))]), refused, "no such controller");
    assert_eq!(set(&vm, &[(5, MSI), (5, MSI)]), refused);
    assert_eq!(set(&vm, &[(5, pin(0, 5)), (5, MSI)]), refused);
    assert_eq!(set(&vm, &[(5, pin(0, 5)), (5, pin(0, 6))]), refused);
    let adapter = Route::S390Adapter(kvm_irq_routing_s390_adapter::default());
    assert_eq!(set(&vm, &[(5, adapter)]), refused, "of another machine");
    assert_eq!(set(&vm, &vec![(5, MSI); 4097]), refused, "too many");
    Ok(())
}

pub(crate) fn routed_script(model: &Model) {
    model.script(0, steps());
}

/// An interrupt goes where its GSI was routed to.
pub(crate) fn routed<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = waiting(system, false)?;
    assert_eq!(guest.vm.set_irq_line_status(24, true)?, IrqStatus::Ignored);
    let to_line = (24, pin(KVM_IRQCHIP_PIC_MASTER, LINE));
    assert_eq!(set(&guest.vm, &[to_line]), None);
    assert_eq!(
        guest.vm.set_irq_line_status(24, true)?,
        IrqStatus::Delivered(1)
    );
    interrupted(&mut guest)
}

/// Messages need a controller that takes them, and a vCPU.
pub(crate) fn msi<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let msi = kvm_msi {
        address_lo: 0xfee0_0000,
        data: 0x41,
        ..Default::default()
    };
    assert_eq!(errno(vm.signal_msi(&msi)), Some(Errno::EINVAL));
    vm.create_irq_chip()?;
    assert_eq!(errno(vm.signal_msi(&msi)), Some(Errno::EPERM));
    let unknown = kvm_msi {
        flags: kvm_core::kvm_sys::x86_64::MsiFlags::from_bits_retain(2),
        ..msi
    };
    assert_eq!(errno(vm.signal_msi(&unknown)), Some(Errno::EINVAL));
    Ok(())
}

//! In-kernel interrupt controllers: sections 4.24 to 4.27.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{
    KVM_IRQCHIP_IOAPIC, KVM_IRQCHIP_PIC_MASTER, KVM_NR_IRQCHIPS, kvm_irqchip,
};
use kvm_core::{Errno, Error, Hypervisor, Kvm};

use super::Outcome;

fn errno(refused: Result<(), Error>) -> Option<Errno> {
    refused.err().map(|error| error.errno())
}

fn chip(chip_id: u32) -> kvm_irqchip {
    kvm_irqchip {
        chip_id,
        ..Default::default()
    }
}

/// They are created once, and before the first vCPU.
pub(crate) fn order<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    vm.create_irq_chip()?;
    assert_eq!(errno(vm.create_irq_chip()), Some(Errno::EEXIST));
    let _vcpu = vm.create_vcpu(0)?;
    assert_eq!(errno(vm.create_irq_chip()), Some(Errno::EEXIST));

    let late = kvm.create_vm()?;
    let _vcpu = late.create_vcpu(0)?;
    assert_eq!(errno(late.create_irq_chip()), Some(Errno::EINVAL));
    Ok(())
}

/// Without them, their calls give `ENXIO`.
pub(crate) fn presence<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let absent = Some(Errno::ENXIO);
    let mut ioapic = chip(KVM_IRQCHIP_IOAPIC);
    assert_eq!(errno(vm.get_irqchip(&mut ioapic)), absent);
    assert_eq!(errno(vm.set_irqchip(&ioapic)), absent);
    assert_eq!(errno(vm.set_irq_line(4, true)), absent);
    vm.create_irq_chip()?;
    assert_eq!(errno(vm.get_irqchip(&mut ioapic)), None);
    assert_eq!(errno(vm.set_irqchip(&ioapic)), None);
    assert_eq!(errno(vm.set_irq_line(4, true)), None);
    assert_eq!(errno(vm.set_irq_line(4, false)), None);
    let unknown = Some(Errno::EINVAL);
    assert_eq!(errno(vm.get_irqchip(&mut chip(KVM_NR_IRQCHIPS))), unknown);
    assert_eq!(errno(vm.set_irqchip(&chip(KVM_NR_IRQCHIPS))), unknown);
    Ok(())
}

/// What is set is got back, from the chip that it was set on.
pub(crate) fn state<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    vm.create_irq_chip()?;
    let mut pic = chip(KVM_IRQCHIP_PIC_MASTER);
    vm.get_irqchip(&mut pic)?;
    let before = pic.chip.as_pic().imr;
    pic.chip.as_pic_mut().imr = !before;
    vm.set_irqchip(&pic)?;
    let mut again = chip(KVM_IRQCHIP_PIC_MASTER);
    vm.get_irqchip(&mut again)?;
    assert_eq!(again.chip.as_pic().imr, !before);

    let mut ioapic = chip(KVM_IRQCHIP_IOAPIC);
    vm.get_irqchip(&mut ioapic)?;
    assert_eq!(ioapic.chip.as_ioapic().base_address, 0xfec0_0000);
    Ok(())
}

/// What the error of a line of nothing tells people.
pub(crate) fn message<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let error = vm.set_irq_line(0, true).err().ok_or("a line of nothing")?;
    let text = error.to_string();
    assert!(text.starts_with("KVM_IRQ_LINE: ENXIO"), "{text}");
    assert!(text.contains("no interrupt controller"), "{text}");
    Ok(())
}

//! Interrupt lines and the calls of older programs, for the in-kernel interrupt controller.

use kvm_core::kvm_sys::aarch64::{
    KVM_ARM_DEVICE_VGIC_V2, KVM_ARM_IRQ_TYPE_CPU, KVM_ARM_IRQ_TYPE_MASK, KVM_ARM_IRQ_TYPE_PPI,
    KVM_ARM_IRQ_TYPE_SHIFT, KVM_ARM_IRQ_TYPE_SPI, KVM_ARM_IRQ_VCPU_MASK, KVM_ARM_IRQ_VCPU_SHIFT,
    KVM_ARM_IRQ_VCPU2_MASK, KVM_ARM_IRQ_VCPU2_SHIFT, KVM_DEV_TYPE_ARM_VGIC_V2,
    KVM_IRQ_ROUTING_IRQCHIP, KVM_IRQ_ROUTING_MSI, KVM_MSI_VALID_DEVID, KVM_VGIC_V2_ADDR_TYPE_CPU,
    KVM_VGIC_V2_ADDR_TYPE_DIST, kvm_arm_device_addr, kvm_irq_level, kvm_irq_routing_entry,
};
use kvm_core::{Arg, Errno};

use super::gic::{self, Gic};
use super::gic_files::PRIVATE;
use crate::model::vm::{self, Vm};
use crate::model::{args, lock};

/// Interrupts of software's own, below those of devices.
pub(super) const SGIS: u32 = 16;

/// Pins are the shared interrupts of the only controller: 1020 in all, without the private ones.
const PINS: u32 = 1020 - PRIVATE;

/// Section 4.52; KVM looks for no controller here.
pub(super) fn takes_routes(_: &vm::State, entries: &[kvm_irq_routing_entry]) -> bool {
    entries.iter().all(|entry| match entry.type_ {
        KVM_IRQ_ROUTING_IRQCHIP => {
            let pin = entry.u.as_irqchip();
            entry.flags == 0 && pin.irqchip == 0 && pin.pin < PINS
        }
        KVM_IRQ_ROUTING_MSI => entry.flags & !KVM_MSI_VALID_DEVID.bits() == 0,
        _ => false,
    })
}

/// Section 4.75 leaves it out: the errno before the controller is initialised is KVM's.
pub(super) fn takes_irqfd(vm: &vm::State, _: bool) -> Result<(), Errno> {
    if vm.arm.has_interrupts() {
        Ok(())
    } else {
        Err(Errno::EAGAIN)
    }
}

impl Vm {
    /// Section 4.24: "On ARM a GICv2 is created." Where the host has none, the errno is KVM's.
    pub(super) fn arm_create_irqchip(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        let host = self.system().profile();
        if !host.devices.contains(&KVM_DEV_TYPE_ARM_VGIC_V2) {
            return Err(Errno::ENODEV);
        }
        gic::create_gic(self, false)?;
        Ok(0)
    }

    /// Section 4.85: "ENODEV The device id is unknown", and those of the device's attributes.
    pub(super) fn arm_set_device_addr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_arm_device_addr { id, addr } = args::read(arg)?;
        let (device, part) = (id >> 16 & 0xffff, id & 0xffff);
        let known = [KVM_VGIC_V2_ADDR_TYPE_DIST, KVM_VGIC_V2_ADDR_TYPE_CPU].contains(&part);
        let state = &mut *lock(&self.state);
        let gic = state.arm.gic.as_mut().filter(|gic| !gic.is_v3());
        if device != u64::from(KVM_ARM_DEVICE_VGIC_V2) {
            return Err(Errno::ENODEV);
        }
        let gic = gic.ok_or(Errno::ENXIO)?;
        if !known {
            return Err(Errno::ENODEV);
        }
        gic.set_address(self, part, addr, 0)?;
        Ok(0)
    }

    /// Section 4.25: "irq_type[0]: out-of-kernel GIC"; [1] shared and [2] private interrupts of the in-kernel one. The
    /// errnos are KVM's, and that it takes the vCPU's id for its index.
    pub(super) fn arm_irq_line(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_irq_level { irq, level, .. } = args::read(arg)?;
        let kind = irq >> KVM_ARM_IRQ_TYPE_SHIFT & KVM_ARM_IRQ_TYPE_MASK;
        let high = irq >> KVM_ARM_IRQ_VCPU2_SHIFT & KVM_ARM_IRQ_VCPU2_MASK;
        let low = irq >> KVM_ARM_IRQ_VCPU_SHIFT & KVM_ARM_IRQ_VCPU_MASK;
        let vcpu = high * (KVM_ARM_IRQ_VCPU_MASK + 1) + low;
        let number = irq & 0xffff;
        let state = &mut *lock(&self.state);
        let id = Some(u64::from(vcpu)).filter(|id| state.vcpus.contains(id));
        let fits = match kind {
            KVM_ARM_IRQ_TYPE_CPU if state.arm.gic.is_some() => return Err(Errno::ENXIO),
            KVM_ARM_IRQ_TYPE_CPU => id.is_some() && number <= 1,
            KVM_ARM_IRQ_TYPE_PPI | KVM_ARM_IRQ_TYPE_SPI if state.arm.gic.is_none() => {
                return Err(Errno::ENXIO);
            }
            KVM_ARM_IRQ_TYPE_PPI => id.is_some() && (SGIS..PRIVATE).contains(&number),
            KVM_ARM_IRQ_TYPE_SPI => number >= PRIVATE,
            _ => false,
        };
        if !fits {
            return Err(Errno::EINVAL);
        }
        if kind == KVM_ARM_IRQ_TYPE_CPU {
            return Ok(0);
        }
        // A GICv2 is initialised by the first that needs it.
        if state.arm.gic.as_ref().is_some_and(|gic| !gic.is_v3()) {
            Gic::init(state)?;
        }
        let live = state.arm.gic.as_mut().and_then(Gic::live_mut);
        let any = state.vcpus.first().copied();
        let id = if kind == KVM_ARM_IRQ_TYPE_PPI {
            id
        } else {
            any
        };
        let live = live.ok_or(Errno::EBUSY)?;
        live.line(id.ok_or(Errno::EINVAL)?, number, level != 0)?;
        Ok(0)
    }
}

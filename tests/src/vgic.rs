//! [`vgic_v3`]: the interrupt controller of most Arm guests here.

use kvm_core::device::aarch64::vgic_v3;
use kvm_core::device::{Device, DeviceAttributes};
use kvm_core::kvm_sys::KVM_DEV_TYPE_ARM_VGIC_V3;
use kvm_core::{Error, Vm};

/// A vGIC of version 3 for the vCPUs that there are, with 32 shared interrupts, the distributor at 0x8000000 and the
/// redistributors from 0x80a0000 on.
///
/// # Errors
///
/// What the calls answer.
pub fn vgic_v3(vm: &Vm) -> Result<Device, Error> {
    let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3)?;
    gic.set_device_attr(&vgic_v3::NR_IRQS, &64)?;
    gic.set_device_attr(&vgic_v3::ADDR_DIST, &0x800_0000)?;
    gic.set_device_attr(&vgic_v3::ADDR_REDIST, &0x80a_0000)?;
    gic.set_device_attr(&vgic_v3::INIT, &())?;
    Ok(gic)
}

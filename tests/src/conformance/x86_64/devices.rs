//! Devices and attributes: sections 4.79 to 4.81.
#![expect(unsafe_code, reason = "an attribute that no table knows")]

use kvm_core::device::x86_64::{system, vcpu};
use kvm_core::device::{Attr, DeviceAttributes, On};
use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::Arch;
use kvm_core::kvm_sys::x86_64::{DeviceType, KVM_DEV_TYPE_ARM_VGIC_V3, KVM_DEV_TYPE_VFIO};
use kvm_core::{Cause, Errno, Error, Hypervisor, Kvm};

use super::Outcome;

fn errno<T>(refused: Result<T, Error>) -> Option<Errno> {
    refused.err().map(|error| error.errno())
}

/// What there is can be asked, and asking makes none.
pub(crate) fn kinds<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    assert!(vm.has_device(KVM_DEV_TYPE_VFIO)?);
    assert!(!vm.has_device(DeviceType(0x00ff_ffff))?);
    assert!(!vm.has_device(KVM_DEV_TYPE_ARM_VGIC_V3)?);
    let absent = Some(Errno::ENODEV);
    assert_eq!(errno(vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3)), absent);
    let device = vm.create_device(KVM_DEV_TYPE_VFIO)?;
    assert_eq!(device.kind(), KVM_DEV_TYPE_VFIO);
    let again = errno(vm.create_device(KVM_DEV_TYPE_VFIO));
    assert_eq!(again, Some(Errno::EBUSY));
    Ok(())
}

/// Those of the vCPU: what is set is got back, where the kernel can (the offset is the hypervisor's to
/// refuse).
pub(crate) fn of_vcpus<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let vcpu = vm.create_vcpu(0)?;
    assert!(vcpu.has_device_attr(&vcpu::TSC_OFFSET)?);
    vcpu.get_device_attr(&vcpu::TSC_OFFSET)?;
    vcpu.set_device_attr(&vcpu::TSC_OFFSET, &0x1000)?;
    // SAFETY: the kernel has no such attribute, so there is no value.
    let unknown: Attr<()> = unsafe { Attr::new(On::Vcpu(Arch::X86_64), 0x4000, 0) };
    assert!(!vcpu.has_device_attr(&unknown)?);
    let absent = Some(Errno::ENXIO);
    assert_eq!(errno(vcpu.get_device_attr(&unknown)), absent);
    assert_eq!(errno(vcpu.set_device_attr(&unknown, &())), absent);
    Ok(())
}

/// Those of the system can be got, not set.
pub(crate) fn of_the_system<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    assert!(kvm.has_device_attr(&system::XCOMP_GUEST_SUPP)?);
    let components = kvm.get_device_attr(&system::XCOMP_GUEST_SUPP)?;
    assert_eq!(components & 1, 1, "the x87 unit is always there");
    let set = kvm.set_device_attr(&system::XCOMP_GUEST_SUPP, &components);
    assert_eq!(errno(set), Some(Errno::EINVAL));
    Ok(())
}

/// The same numbers are another value, of another length, on another object.
pub(crate) fn of_another_object<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    let device = vm.create_device(KVM_DEV_TYPE_VFIO)?;
    let refused = [
        kvm.get_device_attr(&vcpu::TSC_OFFSET).err(),
        vm.get_device_attr(&vcpu::TSC_OFFSET).err(),
        vm.has_device_attr(&vcpu::TSC_OFFSET).err(),
        device.set_device_attr(&vcpu::TSC_OFFSET, &0).err(),
        vm.create_vcpu(0)?
            .get_device_attr(&system::XCOMP_GUEST_SUPP)
            .err(),
    ];
    for error in refused {
        assert_eq!(error.map(|error| error.cause()), Some(Cause::Attribute));
    }
    Ok(())
}

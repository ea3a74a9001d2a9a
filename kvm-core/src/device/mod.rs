//! Devices in the kernel, and attributes: of devices, vCPUs, VMs and the system.

#[cfg(any(
    feature = "aarch64",
    all(target_arch = "aarch64", target_endian = "little")
))]
pub mod aarch64;
mod attr;
mod call;
#[cfg(any(feature = "riscv64", target_arch = "riscv64"))]
pub mod riscv64;
mod state;
mod vfio;
#[cfg(any(
    feature = "x86_64",
    not(any(
        all(target_arch = "aarch64", target_endian = "little"),
        target_arch = "riscv64",
        target_arch = "s390x",
        all(target_arch = "powerpc64", target_endian = "little"),
        target_arch = "loongarch64",
        all(target_arch = "mips64", target_endian = "little"),
    ))
))]
pub mod x86_64;

use alloc::sync::Arc;

use kvm_sys::{DeviceType, KVM_CREATE_DEVICE_TEST, kvm_create_device};

use crate::typed::Create;
use crate::{DevKvm, Errno, Error, Hypervisor, Vm, vm};
pub use attr::{Attr, On};
pub use call::DeviceAttributes;
use call::Target;
#[doc(hidden)]
pub use state::Plan;

const CREATE_DEVICE: Create<kvm_create_device> = Create::new(&kvm_sys::KVM_CREATE_DEVICE);

/// A device in the kernel: an interrupt controller of aarch64 or riscv64, or the one that tells KVM of VFIO
/// devices.
///
/// It is set up through [attributes](DeviceAttributes). Dropping it closes its descriptor; what it is part
/// of the VM for stays until the VM goes.
///
/// Only [`Vm::create_device`] makes one, so its descriptor is always one that the kernel has just opened:
///
/// ```compile_fail,E0451
/// # fn forge(backend: kvm_mock::Model) -> kvm_core::device::Device<kvm_mock::Model> {
/// kvm_core::device::Device { object: backend, kind: kvm_sys::KVM_DEV_TYPE_VFIO }
/// # }
/// ```
#[derive(Debug)]
pub struct Device<H: Hypervisor = DevKvm> {
    // Closed before the VM and its memory may go.
    object: H,
    kind: DeviceType,
    vm: Arc<vm::Inner<H>>,
}

impl<H: Hypervisor> Device<H> {
    /// What it is.
    pub fn kind(&self) -> DeviceType {
        self.kind
    }
}

impl<H: Hypervisor> call::Sealed for Device<H> {
    type Hypervisor = H;

    fn target(&self) -> Target<'_, H> {
        Target {
            object: &self.object,
            is: On::Device(self.kind),
        }
    }
}

impl<H: Hypervisor> DeviceAttributes for Device<H> {}

impl<H: Hypervisor> Vm<H> {
    /// Creates a device. Section 4.79; needs `KVM_CAP_DEVICE_CTRL`.
    ///
    /// ```
    /// use kvm_core::device::DeviceAttributes;
    /// use kvm_sys::{KVM_DEV_TYPE_ARM_VGIC_V3, KVM_DEV_TYPE_VFIO};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let vfio = vm.create_device(KVM_DEV_TYPE_VFIO)?;
    /// assert_eq!(vfio.kind(), KVM_DEV_TYPE_VFIO);
    /// assert!(vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3).is_err()); // not on x86_64
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ENODEV` when the kernel has no such device, `EEXIST` or `EBUSY` when the VM has one and there can't
    /// be two, and what the device answers.
    pub fn create_device(&self, kind: DeviceType) -> Result<Device<H>, Error> {
        let mut device = kvm_create_device {
            type_: kind,
            ..Default::default()
        };
        Ok(Device {
            object: CREATE_DEVICE.create(self.backend(), &mut device)?,
            kind,
            vm: Arc::clone(self.inner()),
        })
    }

    /// Whether the kernel has such a device. Creates none. Section 4.79; needs `KVM_CAP_DEVICE_CTRL`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// assert!(vm.has_device(kvm_sys::KVM_DEV_TYPE_VFIO)?);
    /// assert!(!vm.has_device(kvm_sys::KVM_DEV_TYPE_ARM_VGIC_V3)?);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers, but for `ENODEV`.
    pub fn has_device(&self, kind: DeviceType) -> Result<bool, Error> {
        let mut device = kvm_create_device {
            type_: kind,
            flags: KVM_CREATE_DEVICE_TEST,
            ..Default::default()
        };
        // So that no number that the caller gave can be taken for a descriptor of the kernel's, nothing is
        // made of the answer.
        match CREATE_DEVICE.test(self.backend(), &mut device) {
            Ok(()) => Ok(true),
            Err(error) if error.errno() == Errno::ENODEV => Ok(false),
            Err(error) => Err(error),
        }
    }
}

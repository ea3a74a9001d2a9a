//! The device that tells KVM of VFIO devices: `Documentation/virt/kvm/devices/vfio.rst`.
#![expect(unsafe_code, reason = "an attribute whose value is a descriptor")]

use kvm_sys::{
    KVM_DEV_TYPE_VFIO, KVM_DEV_VFIO_FILE, KVM_DEV_VFIO_FILE_ADD, KVM_DEV_VFIO_FILE_DEL,
    KVM_SET_DEVICE_ATTR,
};
use zerocopy::IntoBytes;

use super::call::Sealed;
use super::{Device, On};
use crate::error::Cause;
use crate::{Descriptor, Errno, Error, Hypervisor, PartBytes};

impl<H: Hypervisor> Device<H> {
    /// Tells KVM of a VFIO group or device that the guest has, on a [device](crate::Vm::create_device) of
    /// `KVM_DEV_TYPE_VFIO`. The kernel keeps a reference of its own to the file.
    ///
    /// ```
    /// use kvm_core::kvm_sys::KVM_DEV_TYPE_VFIO;
    /// use rustix::event::{EventfdFlags, eventfd};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let vfio = vm.create_device(KVM_DEV_TYPE_VFIO)?;
    /// let other = eventfd(0, EventfdFlags::CLOEXEC)?;
    /// assert!(vfio.add_vfio_file(&other).is_err(), "no file of VFIO");
    /// assert!(vfio.remove_vfio_file(&other).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the file is none of VFIO, `EEXIST` when it was added, `ENXIO` when this is another
    /// kind of device.
    pub fn add_vfio_file<'fd>(&self, file: impl Into<Descriptor<'fd>>) -> Result<(), Error> {
        self.vfio(KVM_DEV_VFIO_FILE_ADD, file.into())
    }

    /// KVM forgets the VFIO group or device.
    ///
    /// # Errors
    ///
    /// `ENOENT` when it was not added, `ENXIO` when this is another kind of device.
    pub fn remove_vfio_file<'fd>(&self, file: impl Into<Descriptor<'fd>>) -> Result<(), Error> {
        self.vfio(KVM_DEV_VFIO_FILE_DEL, file.into())
    }

    fn vfio(&self, attr: u64, file: Descriptor<'_>) -> Result<(), Error> {
        let target = self.target();
        if target.is != On::Device(KVM_DEV_TYPE_VFIO) {
            let (errno, cause) = (Errno::ENXIO, Cause::Attribute);
            return Err(Error::with(
                &KVM_SET_DEVICE_ATTR,
                errno,
                cause,
                KVM_DEV_VFIO_FILE,
            ));
        }
        let number = file.number();
        let bytes = PartBytes::Opaque(number.as_bytes());
        // SAFETY: on such a device the attribute is a descriptor, of 4 bytes; it is open as long as it is
        // borrowed.
        unsafe { target.call(&KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_FILE, attr, bytes) }
    }
}

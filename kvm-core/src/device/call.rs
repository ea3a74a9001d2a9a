//! The calls on attributes.
#![expect(unsafe_code, reason = "lengths that no table knows")]

use kvm_exit::GuestArch;
use kvm_sys::op::Op;
use kvm_sys::{KVM_GET_DEVICE_ATTR, KVM_HAS_DEVICE_ATTR, KVM_SET_DEVICE_ATTR, kvm_device_attr};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::attr::{Attr, On};
use crate::error::Cause;
use crate::typed::SetWith;
use crate::{Arg, Errno, Error, Hypervisor, Kvm, Part, PartBytes, Registers, Vm};

const HAS: SetWith<kvm_device_attr> = SetWith::new(&KVM_HAS_DEVICE_ATTR);

/// Where the pointer is.
const ADDR: usize = core::mem::offset_of!(kvm_device_attr, addr);

/// An object that has attributes.
#[derive(Debug)]
pub struct Target<'a, H> {
    pub(super) object: &'a H,
    pub(super) is: On,
}

#[doc(hidden)]
pub trait Sealed {
    type Hypervisor: Hypervisor;

    fn target(&self) -> Target<'_, Self::Hypervisor>;
}

/// Attributes: of a [`Device`](super::Device), a vCPU ([`Registers`]), a [`Vm`] or the system ([`Kvm`]).
/// Sections 4.80 and 4.81.
///
/// ```
/// use kvm_core::device::{DeviceAttributes, x86_64};
///
/// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
/// assert!(vcpu.has_device_attr(&x86_64::vcpu::TSC_OFFSET)?);
/// vcpu.set_device_attr(&x86_64::vcpu::TSC_OFFSET, &0x1000)?;
/// assert_eq!(vcpu.get_device_attr(&x86_64::vcpu::TSC_OFFSET)?, 0x1000);
/// # Ok::<(), kvm_core::Error>(())
/// ```
///
/// The value has the attribute's type:
///
/// ```compile_fail,E0308
/// use kvm_core::device::{DeviceAttributes, x86_64};
///
/// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
/// vcpu.set_device_attr(&x86_64::vcpu::TSC_OFFSET, &0x1000_u32)?; // it has 8 bytes
/// # Ok::<(), kvm_core::Error>(())
/// ```
pub trait DeviceAttributes: Sealed {
    /// Whether the object has the attribute; not whether a value would be accepted. Section 4.81.
    ///
    /// # Errors
    ///
    /// [`Cause::Attribute`] when it is one of another object; what else the backend answers, but for `ENXIO`.
    fn has_device_attr<T>(&self, attr: &Attr<T>) -> Result<bool, Error> {
        let target = self.target();
        target.check(attr, &KVM_HAS_DEVICE_ATTR)?;
        match HAS.call(target.object, &head(attr.group, attr.attr), &[]) {
            Ok(_) => Ok(true),
            Err(error) if error.errno() == Errno::ENXIO => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The attribute's value. Section 4.80.
    ///
    /// # Errors
    ///
    /// [`Cause::Attribute`] when it is one of another object, `ENXIO` when this one does not have it, `EPERM` when it
    /// can't be read, and what the object answers.
    fn get_device_attr<T: FromBytes + IntoBytes>(&self, attr: &Attr<T>) -> Result<T, Error> {
        self.get_device_attr_with(attr, T::new_zeroed())
    }

    /// As [`get_device_attr`](Self::get_device_attr), for an attribute whose value also says what is asked
    /// for, such as the index of a redistributor region.
    ///
    /// ```
    /// use kvm_core::device::{DeviceAttributes, aarch64::vgic_v3};
    /// use kvm_core::{Kvm, kvm_exit::Aarch64, kvm_sys::KVM_DEV_TYPE_ARM_VGIC_V3};
    /// use kvm_mock::Model;
    ///
    /// let vm = Kvm::with(Model::<Aarch64>::default())?.create_vm()?;
    /// let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3)?;
    /// // Room for one vCPU.
    /// let region = 1 << 52 | 0x80a_0000;
    /// gic.set_device_attr(&vgic_v3::ADDR_REDIST_REGION, &region)?;
    /// let index = 0;
    /// assert_eq!(gic.get_device_attr_with(&vgic_v3::ADDR_REDIST_REGION, index)?, region);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get_device_attr`](Self::get_device_attr).
    fn get_device_attr_with<T: FromBytes + IntoBytes>(
        &self,
        attr: &Attr<T>,
        mut value: T,
    ) -> Result<T, Error> {
        let target = self.target();
        target.check(attr, &KVM_GET_DEVICE_ATTR)?;
        let bytes = PartBytes::Mut(value.as_mut_bytes());
        // SAFETY: the attribute is one of this object, as just checked, and has no more bytes than `T`,
        // says who made it.
        unsafe { target.call(&KVM_GET_DEVICE_ATTR, attr.group, attr.attr, bytes) }?;
        Ok(value)
    }

    /// Sets the attribute, or does what it stands for. Section 4.80.
    ///
    /// # Errors
    ///
    /// As [`get_device_attr`](Self::get_device_attr).
    fn set_device_attr<T: IntoBytes + Immutable>(
        &self,
        attr: &Attr<T>,
        value: &T,
    ) -> Result<(), Error> {
        let target = self.target();
        target.check(attr, &KVM_SET_DEVICE_ATTR)?;
        let bytes = PartBytes::In(value.as_bytes());
        // SAFETY: as in `get_device_attr_with`.
        unsafe { target.call(&KVM_SET_DEVICE_ATTR, attr.group, attr.attr, bytes) }
    }

    /// The value of an attribute that no [`Attr`] is known for.
    ///
    /// ```
    /// use kvm_core::device::DeviceAttributes;
    /// use kvm_core::{Kvm, kvm_exit::Aarch64, kvm_sys::KVM_DEV_TYPE_ARM_VGIC_V3};
    /// use kvm_mock::Model;
    ///
    /// let vm = Kvm::with(Model::<Aarch64>::default())?.create_vm()?;
    /// let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3)?;
    /// let (group, distributor) = (0, 2);
    /// // SAFETY: the address of the distributor has 8 bytes, and is one of the guest's.
    /// unsafe { gic.set_device_attr_raw(group, distributor, &0x800_0000_u64.to_ne_bytes())? };
    /// let mut address = [0; 8];
    /// // SAFETY: as before.
    /// unsafe { gic.get_device_attr_raw(group, distributor, &mut address)? };
    /// assert_eq!(u64::from_ne_bytes(address), 0x800_0000);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Safety
    ///
    /// The kernel reads and writes no more bytes for it than there are.
    ///
    /// # Errors
    ///
    /// What the object answers.
    unsafe fn get_device_attr_raw(
        &self,
        group: u32,
        attr: u64,
        value: &mut [u8],
    ) -> Result<(), Error> {
        let bytes = PartBytes::Mut(value);
        // SAFETY: the caller's promise.
        unsafe { self.target().call(&KVM_GET_DEVICE_ATTR, group, attr, bytes) }
    }

    /// Sets an attribute that no [`Attr`] is known for.
    ///
    /// # Safety
    ///
    /// The kernel reads no more bytes for it than there are. Addresses in them are what it documents, and
    /// stay so as long as it uses them; descriptors are open.
    ///
    /// # Errors
    ///
    /// What the object answers.
    unsafe fn set_device_attr_raw(&self, group: u32, attr: u64, value: &[u8]) -> Result<(), Error> {
        let bytes = PartBytes::In(value);
        // SAFETY: the caller's promise.
        unsafe { self.target().call(&KVM_SET_DEVICE_ATTR, group, attr, bytes) }
    }
}

impl<H: Hypervisor> Target<'_, H> {
    /// Refuses an attribute of another object, where its numbers may be those of a longer value.
    fn check<T>(&self, attr: &Attr<T>, op: &'static Op) -> Result<(), Error> {
        if attr.on == self.is {
            Ok(())
        } else {
            Err(Error::with(op, Errno::ENXIO, Cause::Attribute, attr.group))
        }
    }

    /// # Safety
    ///
    /// For this attribute, the kernel reads or writes no more than `bytes`; what it takes in them for
    /// addresses and descriptors is that.
    pub(super) unsafe fn call(
        &self,
        op: &'static Op,
        group: u32,
        attr: u64,
        bytes: PartBytes<'_>,
    ) -> Result<(), Error> {
        let mut head = head(group, attr);
        let mut arg = Arg::Parts {
            head: head.as_mut_bytes(),
            parts: &mut [Part {
                offset: ADDR,
                bytes,
            }],
        };
        // SAFETY: the rows of both calls take this structure, with one pointer in it, to as many bytes as
        // the caller promises.
        unsafe { self.object.ioctl(op, &mut arg) }
            .map(|_| ())
            .map_err(|errno| Error::new(op, errno))
    }
}

fn head(group: u32, attr: u64) -> kvm_device_attr {
    kvm_device_attr {
        group,
        attr,
        ..Default::default()
    }
}

impl<H: Hypervisor> Sealed for Kvm<H> {
    type Hypervisor = H;

    fn target(&self) -> Target<'_, H> {
        Target {
            object: self.system(),
            is: On::System(H::Guest::ARCH),
        }
    }
}

impl<H: Hypervisor> Sealed for Vm<H> {
    type Hypervisor = H;

    fn target(&self) -> Target<'_, H> {
        Target {
            object: self.backend(),
            is: On::Vm(H::Guest::ARCH),
        }
    }
}

impl<H: Hypervisor> Sealed for Registers<H> {
    type Hypervisor = H;

    fn target(&self) -> Target<'_, H> {
        Target {
            object: self.backend(),
            is: On::Vcpu(H::Guest::ARCH),
        }
    }
}

impl<H: Hypervisor> DeviceAttributes for Kvm<H> {}
impl<H: Hypervisor> DeviceAttributes for Vm<H> {}
impl<H: Hypervisor> DeviceAttributes for Registers<H> {}

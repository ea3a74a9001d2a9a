//! [`Device`]: what `KVM_CREATE_DEVICE` makes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use kvm_core::kvm_sys::op::{Fds, Op};
use kvm_core::kvm_sys::{
    DeviceType, KVM_CREATE_DEVICE_TEST, KVM_DEV_TYPE_VFIO, KVM_DEV_VFIO_FILE,
    KVM_DEV_VFIO_FILE_ADD, KVM_DEV_VFIO_FILE_DEL, KVM_GET_DEVICE_ATTR, KVM_HAS_DEVICE_ATTR,
    KVM_SET_DEVICE_ATTR, kvm_create_device, kvm_device_attr,
};
use kvm_core::{Arg, Errno};

use super::args;
use super::calls::{self, Call};
use super::lock;
use super::vm::Vm;
use crate::file;

static CALLS: &[Call<Device>] = &[
    Call(&KVM_HAS_DEVICE_ATTR, Device::has_attr),
    Call(&KVM_GET_DEVICE_ATTR, Device::get_attr),
    Call(&KVM_SET_DEVICE_ATTR, Device::set_attr),
];

/// The device that tells KVM of VFIO devices: the only kind here.
#[derive(Debug)]
pub(super) struct Device {
    vm: Arc<Vm>,
    number: i32,
    /// The paths of the files that were added.
    files: Mutex<BTreeSet<String>>,
}

impl Vm {
    /// Section 4.79: "ENODEV: the device type is unknown or unsupported"; with the test flag that is all.
    /// The kernel looks at no other flag.
    pub(super) fn test_device(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let args: kvm_create_device = args::read(arg)?;
        self.known(args.type_)?;
        if args.flags.contains(KVM_CREATE_DEVICE_TEST) {
            Ok(0)
        } else {
            // The call returns an object, so it came to the wrong place.
            Err(Errno::EINVAL)
        }
    }

    /// Section 4.79: "EEXIST: Device already created, and this type of device may not be instantiated
    /// multiple times"; for VFIO, KVM answers `EBUSY`.
    pub(super) fn create_device(self: &Arc<Self>, arg: &mut Arg<'_>) -> Result<Device, Errno> {
        let mut args: kvm_create_device = args::read(arg)?;
        self.known(args.type_)?;
        if !lock(&self.state).devices.insert(args.type_.0) {
            return Err(Errno::EBUSY);
        }
        let number = self.system().next_number();
        args.fd = u32::try_from(number).map_err(|_| Errno::EMFILE)?;
        args::write(arg, &args)?;
        Ok(Device {
            vm: Arc::clone(self),
            number,
            files: Mutex::default(),
        })
    }

    fn known(&self, kind: DeviceType) -> Result<(), Errno> {
        if kind == KVM_DEV_TYPE_VFIO && self.system().profile().devices.contains(&kind) {
            Ok(())
        } else {
            Err(Errno::ENODEV)
        }
    }
}

impl Device {
    pub(super) fn vm(&self) -> &Vm {
        &self.vm
    }

    pub(super) fn number(&self) -> i32 {
        self.number
    }

    pub(super) fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let platform = self.vm.system().platform();
        let cap = |cap| self.vm.cap(cap);
        match calls::find([CALLS, &[]], op, platform, Fds::DEVICE, cap)? {
            Some(Call(_, call)) => call(self, arg),
            None => Err(calls::unknown(platform, Fds::DEVICE)),
        }
    }

    /// Section 4.81: "ENXIO: The attribute is unknown".
    fn has_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let attr: kvm_device_attr = args::read(arg)?;
        match (attr.group, attr.attr) {
            (KVM_DEV_VFIO_FILE, KVM_DEV_VFIO_FILE_ADD | KVM_DEV_VFIO_FILE_DEL) => Ok(0),
            _ => Err(Errno::ENXIO),
        }
    }

    /// Section 4.80: "EPERM: The attribute cannot (currently) be accessed this way"; none here can be read.
    fn get_attr(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        Err(Errno::EPERM)
    }

    /// `Documentation/virt/kvm/devices/vfio.rst`. That the file has to be one of VFIO, and the errnos, are
    /// KVM's.
    fn set_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let attr: kvm_device_attr = args::head(arg)?;
        self.has_attr(&mut Arg::In(zerocopy::IntoBytes::as_bytes(&attr)))?;
        let number: i32 = args::attribute(arg)?;
        let path = file::path(number)?;
        let files = &mut lock(&self.files);
        if attr.attr == KVM_DEV_VFIO_FILE_DEL {
            return if files.remove(&path) {
                Ok(0)
            } else {
                Err(Errno::ENOENT)
            };
        }
        if !path.starts_with("/dev/vfio/") {
            return Err(Errno::EINVAL);
        }
        if files.insert(path) {
            Ok(0)
        } else {
            Err(Errno::EEXIST)
        }
    }
}

//! [`Device`]: what `KVM_CREATE_DEVICE` makes.

mod vfio;

use std::fmt;
use std::sync::Arc;

use kvm_core::kvm_sys::op::{Fds, Op};
use kvm_core::kvm_sys::{
    DeviceType, KVM_CREATE_DEVICE_TEST, KVM_DEV_TYPE_VFIO, KVM_GET_DEVICE_ATTR,
    KVM_HAS_DEVICE_ATTR, KVM_SET_DEVICE_ATTR, kvm_create_device, kvm_device_attr,
};
use kvm_core::{Arg, Errno};
use vfio::Vfio;

use super::args;
use super::calls::{self, Call};
use super::vm::Vm;

static CALLS: &[Call<Device>] = &[
    Call(&KVM_HAS_DEVICE_ATTR, Device::has_attr),
    Call(&KVM_GET_DEVICE_ATTR, Device::get_attr),
    Call(&KVM_SET_DEVICE_ATTR, Device::set_attr),
];

/// What a device of one kind does with its attributes.
pub(super) trait Kind: fmt::Debug + Send + Sync {
    /// Section 4.81: "ENXIO: The attribute is unknown".
    fn has(&self, vm: &Vm, attr: &kvm_device_attr) -> Result<(), Errno>;

    /// Reads the attribute, or is asked for it: some take what the caller presets.
    fn get(&self, vm: &Vm, attr: &kvm_device_attr, arg: &mut Arg<'_>) -> Result<(), Errno>;

    /// Writes the attribute, or does what it stands for.
    fn set(&self, vm: &Vm, attr: &kvm_device_attr, arg: &mut Arg<'_>) -> Result<(), Errno>;
}

/// A device.
#[derive(Debug)]
pub(super) struct Device {
    vm: Arc<Vm>,
    number: i32,
    kind: Box<dyn Kind>,
}

impl Vm {
    /// Section 4.79: "ENODEV: the device type is unknown or unsupported"; with the test flag that is all.
    /// The kernel looks at no other flag.
    pub(super) fn test_device(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let args: kvm_create_device = args::read(arg)?;
        self.knows_device(args.type_)?;
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
        self.knows_device(args.type_)?;
        let kind = match args.type_ {
            KVM_DEV_TYPE_VFIO => Box::new(Vfio::create(self)?),
            other => (self.system().platform().create_device)(self, other)?,
        };
        let number = self.system().next_number();
        args.fd = u32::try_from(number).map_err(|_| Errno::EMFILE)?;
        args::write(arg, &args)?;
        Ok(Device {
            vm: Arc::clone(self),
            number,
            kind,
        })
    }

    fn knows_device(&self, kind: DeviceType) -> Result<(), Errno> {
        let system = self.system();
        let known = kind == KVM_DEV_TYPE_VFIO || system.platform().devices.contains(&kind);
        if known && system.profile().devices.contains(&kind) {
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

    fn has_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        self.kind.has(&self.vm, &args::read(arg)?)?;
        Ok(0)
    }

    fn get_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let attr = args::head(arg)?;
        self.kind.get(&self.vm, &attr, arg)?;
        Ok(0)
    }

    fn set_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let attr = args::head(arg)?;
        self.kind.set(&self.vm, &attr, arg)?;
        Ok(0)
    }
}

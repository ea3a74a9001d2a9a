//! The device that tells KVM of VFIO devices: `Documentation/virt/kvm/devices/vfio.rst`.

use std::collections::BTreeSet;
use std::sync::Mutex;

use kvm_core::kvm_sys::{
    KVM_DEV_TYPE_VFIO, KVM_DEV_VFIO_FILE, KVM_DEV_VFIO_FILE_ADD, KVM_DEV_VFIO_FILE_DEL,
    kvm_device_attr,
};
use kvm_core::{Arg, Errno};

use super::Kind;
use crate::file;
use crate::model::vm::Vm;
use crate::model::{args, lock};

/// The paths of the files that were added.
#[derive(Debug, Default)]
pub(super) struct Vfio(Mutex<BTreeSet<String>>);

impl Vfio {
    pub(super) fn create(vm: &Vm) -> Result<Self, Errno> {
        if lock(&vm.state).devices.insert(KVM_DEV_TYPE_VFIO.0) {
            Ok(Self::default())
        } else {
            Err(Errno::EBUSY)
        }
    }
}

impl Kind for Vfio {
    fn has(&self, _: &Vm, attr: &kvm_device_attr) -> Result<(), Errno> {
        match (attr.group, attr.attr) {
            (KVM_DEV_VFIO_FILE, KVM_DEV_VFIO_FILE_ADD | KVM_DEV_VFIO_FILE_DEL) => Ok(()),
            _ => Err(Errno::ENXIO),
        }
    }

    /// Section 4.80: "EPERM: The attribute cannot (currently) be accessed this way"; none here can be read.
    fn get(&self, _: &Vm, _: &kvm_device_attr, _: &mut Arg<'_>) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// That the file has to be one of VFIO, and the errnos, are KVM's.
    fn set(&self, vm: &Vm, attr: &kvm_device_attr, arg: &mut Arg<'_>) -> Result<(), Errno> {
        self.has(vm, attr)?;
        let number: i32 = args::attribute(arg)?;
        let path = file::path(number)?;
        let files = &mut lock(&self.0);
        if attr.attr == KVM_DEV_VFIO_FILE_DEL {
            return if files.remove(&path) {
                Ok(())
            } else {
                Err(Errno::ENOENT)
            };
        }
        if !path.starts_with("/dev/vfio/") {
            return Err(Errno::EINVAL);
        }
        if files.insert(path) {
            Ok(())
        } else {
            Err(Errno::EEXIST)
        }
    }
}

//! Attributes of vCPUs and of the system.

use kvm_core::kvm_sys::kvm_device_attr;
use kvm_core::kvm_sys::x86_64::{
    KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, KVM_X86_GRP_SYSTEM, KVM_X86_XCOMP_GUEST_SUPP,
};
use kvm_core::{Arg, Errno};

use crate::model::args;
use crate::model::lock;
use crate::model::system::System;
use crate::model::vcpu::Vcpu;

/// `Documentation/virt/kvm/devices/vcpu.rst`, 4.1: the only attribute here. Others give `ENXIO`.
fn tsc_offset(attr: kvm_device_attr) -> Result<(), Errno> {
    match (attr.group, attr.attr) {
        (KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET) => Ok(()),
        _ => Err(Errno::ENXIO),
    }
}

impl Vcpu {
    pub(super) fn has_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        tsc_offset(args::read(arg)?)?;
        Ok(0)
    }

    pub(super) fn get_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        tsc_offset(args::head(arg)?)?;
        args::set_attribute(arg, &lock(&self.state).x86.tsc_offset)?;
        Ok(0)
    }

    pub(super) fn set_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        tsc_offset(args::head(arg)?)?;
        lock(&self.state).x86.tsc_offset = args::attribute(arg)?;
        Ok(0)
    }
}

/// Section 4.80 has the system's attributes; the errno for one that is unknown is KVM's.
fn xcomp(attr: kvm_device_attr) -> Result<(), Errno> {
    match (attr.group, attr.attr) {
        (KVM_X86_GRP_SYSTEM, KVM_X86_XCOMP_GUEST_SUPP) => Ok(()),
        _ => Err(Errno::ENXIO),
    }
}

impl System {
    pub(super) fn has_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        xcomp(args::read(arg)?)?;
        Ok(0)
    }

    /// "the supported XCR0 and IA32_XSS bits": those of leaf 0xd, or of a CPU that has no more than the x87
    /// unit.
    pub(super) fn get_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        xcomp(args::head(arg)?)?;
        let leaves = &self.profile().cpuid;
        let leaf = leaves
            .iter()
            .find(|leaf| (leaf.function, leaf.index) == (0xd, 0));
        let components = leaf.map_or(1, |leaf| u64::from(leaf.edx) << 32 | u64::from(leaf.eax));
        args::set_attribute(arg, &components)?;
        Ok(0)
    }
}

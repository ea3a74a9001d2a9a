//! The filter of a VM's SMCCC calls: `Documentation/virt/kvm/devices/vm.rst`, 5. What comes of a call, scripts say.

use std::ops::RangeInclusive;

use kvm_core::kvm_sys::aarch64::{
    KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER, SmcccFilterAction, kvm_smccc_filter,
};
use kvm_core::kvm_sys::kvm_device_attr;
use kvm_core::{Arg, Errno};

use crate::model::vm::Vm;
use crate::model::{args, lock};

/// "the Arm Architecture Calls range": no filter can have these.
const RESERVED: [RangeInclusive<u32>; 2] = [0x8000_0000..=0x8000_ffff, 0xc000_0000..=0xc000_ffff];

fn check(attr: kvm_device_attr) -> Result<(), Errno> {
    match (attr.group, attr.attr) {
        (KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER) => Ok(()),
        _ => Err(Errno::ENXIO),
    }
}

impl Vm {
    pub(super) fn arm_has_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        check(args::read(arg)?)?;
        Ok(0)
    }

    /// "EEXIST Range intersects with a previously inserted or reserved range; EBUSY A vCPU in the VM has already
    /// run; EINVAL Invalid filter configuration".
    pub(super) fn arm_set_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        check(args::head(arg)?)?;
        let filter: kvm_smccc_filter = args::attribute(arg)?;
        let first = filter.base;
        let more = filter.nr_functions.checked_sub(1);
        let last = more.and_then(|more| first.checked_add(more));
        let mut known = SmcccFilterAction::NAMES.iter();
        let is_known = known.any(|(action, _)| action.0 == filter.action);
        let last = last.filter(|_| is_known && filter.pad == [0; 15]);
        let last = last.ok_or(Errno::EINVAL)?;
        let mut state = lock(&self.state);
        if state.has_run {
            return Err(Errno::EBUSY);
        }
        let filtered = &mut state.arm.filtered;
        let mut taken = RESERVED.iter().chain(filtered.iter());
        if taken.any(|other| first <= *other.end() && *other.start() <= last) {
            return Err(Errno::EEXIST);
        }
        filtered.push(first..=last);
        Ok(0)
    }
}

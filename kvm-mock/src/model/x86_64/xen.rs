//! Xen's services: sections 4.28, 4.126 to 4.129 and 4.135.

use std::collections::BTreeMap;

use kvm_core::kvm_sys::x86_64::{
    KVM_CAP_XEN_HVM, KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL,
    KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG, KVM_XEN_ATTR_TYPE_SHARED_INFO_HVA,
    KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO_HVA, kvm_irq_routing_xen_evtchn, kvm_xen_hvm_attr,
    kvm_xen_hvm_config, kvm_xen_vcpu_attr,
};
use kvm_core::{Arg, Errno};

use crate::model::vcpu::Vcpu;
use crate::model::vm::Vm;
use crate::model::{args, lock};

/// The attributes of a VM, by type, as they were set.
pub(super) type VmAttributes = BTreeMap<u16, kvm_xen_hvm_attr>;
/// The attributes of a vCPU, by type, as they were set.
pub(super) type VcpuAttributes = BTreeMap<u16, kvm_xen_vcpu_attr>;

impl Vm {
    /// The capability's value is the flags that there are.
    pub(super) fn xen_hvm_config(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let config: kvm_xen_hvm_config = args::read(arg)?;
        if config.flags.bits() & !self.cap(KVM_CAP_XEN_HVM) != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(0)
    }

    pub(super) fn xen_hvm_get_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let attr: kvm_xen_hvm_attr = args::read(arg)?;
        if attr.type_ > KVM_XEN_ATTR_TYPE_SHARED_INFO_HVA {
            return Err(Errno::EINVAL);
        }
        let state = lock(&self.state);
        let kept = state.x86.xen.get(&attr.type_).copied();
        args::write(arg, &kept.unwrap_or(with_type(attr.type_)))?;
        Ok(0)
    }

    pub(super) fn xen_hvm_set_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let attr: kvm_xen_hvm_attr = args::read(arg)?;
        if attr.type_ > KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG {
            return Err(Errno::EINVAL);
        }
        lock(&self.state).x86.xen.insert(attr.type_, attr);
        Ok(0)
    }

    /// Only channels of two levels, of vCPUs that there are.
    pub(super) fn xen_hvm_evtchn_send(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let channel: kvm_irq_routing_xen_evtchn = args::read(arg)?;
        let vcpu = u64::from(channel.vcpu);
        if channel.priority != KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL
            || !lock(&self.state).vcpus.contains(&vcpu)
        {
            return Err(Errno::EINVAL);
        }
        Ok(0)
    }
}

fn with_type(type_: u16) -> kvm_xen_hvm_attr {
    kvm_xen_hvm_attr {
        type_,
        ..Default::default()
    }
}

impl Vcpu {
    pub(super) fn xen_vcpu_get_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let attr: kvm_xen_vcpu_attr = args::read(arg)?;
        if attr.type_ > KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO_HVA {
            return Err(Errno::EINVAL);
        }
        let state = lock(&self.state);
        let kept = state.x86.xen.get(&attr.type_).copied();
        let unset = kvm_xen_vcpu_attr {
            type_: attr.type_,
            ..Default::default()
        };
        args::write(arg, &kept.unwrap_or(unset))?;
        Ok(0)
    }

    pub(super) fn xen_vcpu_set_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let attr: kvm_xen_vcpu_attr = args::read(arg)?;
        if attr.type_ >= KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO_HVA {
            return Err(Errno::EINVAL);
        }
        lock(&self.state).x86.xen.insert(attr.type_, attr);
        Ok(0)
    }
}

//! How long the value of a device attribute is, which the ioctl table does not know.

use kvm_sys::DeviceType;
use kvm_sys::common as kvm;

use crate::object::Kind;

/// Bytes of the value of an attribute on an object of this kind, by `Documentation/virt/kvm/devices`. Of one that is not
/// known: 8, which no value that an architecture of this library has exceeds but those that are.
pub(crate) fn len(on: Kind, group: u32, attr: u64) -> usize {
    match on {
        Kind::Device(device) => of_device(device, group, attr),
        Kind::Vm => native::of_vm(group, attr),
        Kind::Vcpu => native::of_vcpu(group, attr),
        _ => 8,
    }
}

/// Whether the value is a descriptor, which means something in one process only.
pub(crate) fn is_descriptor(on: Kind) -> bool {
    on == Kind::Device(kvm::KVM_DEV_TYPE_VFIO)
}

fn of_device(device: DeviceType, group: u32, attr: u64) -> usize {
    match device {
        // Descriptors of files and groups.
        kvm::KVM_DEV_TYPE_VFIO if attr != kvm::KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE => 4,
        _ => native::of_device(device, group, attr),
    }
}

#[cfg(target_arch = "aarch64")]
mod native {
    use kvm_sys::aarch64::*;
    use kvm_sys::common::{
        KVM_DEV_TYPE_ARM_VGIC_ITS, KVM_DEV_TYPE_ARM_VGIC_V2, KVM_DEV_TYPE_ARM_VGIC_V3,
    };

    use super::DeviceType;

    pub(super) fn of_device(device: DeviceType, group: u32, _: u64) -> usize {
        let known = [
            KVM_DEV_TYPE_ARM_VGIC_V2,
            KVM_DEV_TYPE_ARM_VGIC_V3,
            KVM_DEV_TYPE_ARM_VGIC_ITS,
        ];
        match group {
            _ if !known.contains(&device) => 8,
            KVM_DEV_ARM_VGIC_GRP_CTRL => 0,
            KVM_DEV_ARM_VGIC_GRP_NR_IRQS
            | KVM_DEV_ARM_VGIC_GRP_DIST_REGS
            | KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
            | KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO
            | KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ => 4,
            KVM_DEV_ARM_VGIC_GRP_CPU_REGS if device == KVM_DEV_TYPE_ARM_VGIC_V2 => 4,
            _ => 8,
        }
    }

    pub(super) fn of_vm(group: u32, _: u64) -> usize {
        match group {
            KVM_ARM_VM_SMCCC_CTRL => size_of::<kvm_smccc_filter>(),
            _ => 8,
        }
    }

    pub(super) fn of_vcpu(group: u32, attr: u64) -> usize {
        match (group, attr) {
            (KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT) => 0,
            (KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_FILTER) => 8,
            (KVM_ARM_VCPU_PMU_V3_CTRL | KVM_ARM_VCPU_TIMER_CTRL, _) => 4,
            _ => 8,
        }
    }
}

#[cfg(target_arch = "riscv64")]
mod native {
    use kvm_sys::common::KVM_DEV_TYPE_RISCV_AIA;
    use kvm_sys::riscv64::*;

    use super::DeviceType;

    pub(super) fn of_device(device: DeviceType, group: u32, _: u64) -> usize {
        match group {
            _ if device != KVM_DEV_TYPE_RISCV_AIA => 8,
            KVM_DEV_RISCV_AIA_GRP_CTRL => 0,
            KVM_DEV_RISCV_AIA_GRP_CONFIG | KVM_DEV_RISCV_AIA_GRP_APLIC => 4,
            _ => 8,
        }
    }

    pub(super) fn of_vm(_: u32, _: u64) -> usize {
        8
    }

    pub(super) fn of_vcpu(_: u32, _: u64) -> usize {
        8
    }
}

#[cfg(not(any(target_arch = "aarch64", target_arch = "riscv64")))]
mod native {
    use super::DeviceType;

    pub(super) fn of_device(_: DeviceType, _: u32, _: u64) -> usize {
        8
    }

    pub(super) fn of_vm(_: u32, _: u64) -> usize {
        8
    }

    pub(super) fn of_vcpu(_: u32, _: u64) -> usize {
        8
    }
}

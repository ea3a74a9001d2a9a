//! Takes from a host what only aarch64 has.

use kvm_core::kvm_sys::aarch64::{
    ARM64_SYS_REG, KVM_ARM_VCPU_PSCI_0_2, KVM_ARM_VCPU_SVE, KVM_CAP_ARM_PSCI_0_2,
    KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES, KVM_CAP_ARM_SVE, KVM_REG_ARM64_SVE_VLS, kvm_vcpu_init,
};
use kvm_core::{Error, Hypervisor, Kvm};
use kvm_exit::Aarch64;

use crate::model::guest::Rules;
use crate::model::host::Host;
use crate::model::profile::Twins;

pub(super) fn capture<H: Hypervisor<Guest = Aarch64>>(
    kvm: &Kvm<H>,
    host: &mut Host,
) -> Result<(), Error> {
    let caps = host.caps.clone();
    let feature = |feature: u32, cap| u32::from(caps.contains_key(&cap)) << feature;
    let vm = kvm.create_vm()?;
    host.target = vm.get_preferred_target()?;
    let with = |low| {
        let mut features = [0; 7];
        features[0] = low;
        kvm_vcpu_init {
            features,
            ..host.target
        }
    };
    let plain = with(feature(KVM_ARM_VCPU_PSCI_0_2, KVM_CAP_ARM_PSCI_0_2));
    let twins = Twins::new(kvm, |vm| {
        let vcpu = vm.create_vcpu(0)?;
        vcpu.vcpu_init(&plain)?;
        Ok(vcpu)
    })?;
    host.registers = twins.registers(host)?;
    host.resets = twins.banks(Aarch64::platform())?;
    if caps.contains_key(&KVM_CAP_ARM_SVE) {
        let vcpu = vm.create_vcpu(0)?;
        vcpu.vcpu_init(&with(1 << KVM_ARM_VCPU_SVE))?;
        let lengths: [u64; 8] = vcpu.get_reg(KVM_REG_ARM64_SVE_VLS)?;
        host.registers.put(KVM_REG_ARM64_SVE_VLS, &lengths);
    }
    if caps.contains_key(&KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES) {
        let masks = vm.get_reg_writable_masks()?;
        for (op1, crm, op2) in feature_registers() {
            let mask = masks.of(3, op1, 0, crm, op2);
            if mask != 0 {
                host.writable
                    .insert(ARM64_SYS_REG(3, op1, 0, crm, op2), mask);
            }
        }
    }
    Ok(())
}

/// Section 4.139: the fields of the registers that masks are of; op0 is 3, and crn 0.
pub(super) fn feature_registers() -> impl Iterator<Item = (u64, u64, u64)> {
    [0, 1, 3]
        .into_iter()
        .flat_map(|op1| (0..8).flat_map(move |crm| (0..8).map(move |op2| (op1, crm, op2))))
}

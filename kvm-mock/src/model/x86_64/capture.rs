//! Takes from a host what only x86_64 has.

use std::collections::BTreeMap;

use kvm_core::kvm_sys::x86_64::{
    KVM_CAP_EXT_CPUID, KVM_CAP_EXT_EMUL_CPUID, KVM_CAP_GET_MSR_FEATURES, KVM_CAP_GET_TSC_KHZ,
    KVM_CAP_HYPERV_CPUID, KVM_CAP_IRQCHIP, KVM_CAP_MCE, KVM_CAP_SYS_HYPERV_CPUID, kvm_cpuid_entry2,
    kvm_msr_entry,
};
use kvm_core::{Cause, Error, Hypervisor, Kvm};
use kvm_exit::X86_64;

use super::msrs;
use crate::model::guest::Rules;
use crate::model::host::Host;
use crate::model::profile::Twins;

pub(super) fn capture<H: Hypervisor<Guest = X86_64>>(
    kvm: &Kvm<H>,
    host: &mut Host,
) -> Result<(), Error> {
    let caps = host.caps.clone();
    let has = |cap| caps.contains_key(&cap);
    let twins = Twins::new(kvm, |vm| {
        if has(KVM_CAP_IRQCHIP) {
            vm.create_irq_chip()?;
        }
        vm.create_vcpu(0)
    })?;
    if has(KVM_CAP_EXT_CPUID) {
        host.cpuid = kvm.get_supported_cpuid()?;
        host.cpuid.iter_mut().for_each(forget_processor);
    }
    if has(KVM_CAP_EXT_EMUL_CPUID) {
        host.emulated_cpuid = kvm.get_emulated_cpuid()?;
    }
    if has(KVM_CAP_SYS_HYPERV_CPUID) {
        host.hv_cpuid = kvm.get_supported_hv_cpuid()?;
    } else if has(KVM_CAP_HYPERV_CPUID) {
        host.hv_cpuid = twins.first().get_supported_hv_cpuid()?;
    }
    if has(KVM_CAP_MCE) {
        host.mce_cap = kvm.get_mce_cap_supported()?;
    }
    if has(KVM_CAP_GET_TSC_KHZ) {
        host.tsc_khz = twins.first().get_tsc_khz()?;
    }
    if has(KVM_CAP_GET_MSR_FEATURES) {
        let indices = kvm.get_msr_feature_index_list()?;
        host.feature_msrs = values(indices, |index| read(index, |msr| kvm.get_msrs(msr)))?;
    }
    host.msrs = values(kvm.get_msr_index_list()?, |index| {
        twins.number(|vcpu| read(index, |msr| vcpu.get_msrs(msr)))
    })?;
    let unlisted = msrs::unlisted().filter(|index| !host.msrs.contains_key(index));
    for index in unlisted.collect::<Vec<_>>() {
        match twins.number(|vcpu| read(index, |msr| vcpu.get_msrs(msr))) {
            Ok(value) => {
                host.unlisted_msrs.insert(index, value);
            }
            // There is none.
            Err(error) if error.cause() == Cause::Msr => {}
            Err(error) => return Err(error),
        }
    }
    host.resets = twins.banks(X86_64::platform())?;
    Ok(())
}

/// Leaves out which processor answered: leaf 1 has its APIC's id in the upper byte of ebx, those of topology have it
/// in edx, and AMD's in eax.
fn forget_processor(leaf: &mut kvm_cpuid_entry2) {
    match leaf.function {
        1 => leaf.ebx &= 0x00ff_ffff,
        0xb | 0x1f => leaf.edx = 0,
        0x8000_001e => leaf.eax = 0,
        _ => {}
    }
}

fn values(
    indices: Vec<u32>,
    read: impl Fn(u32) -> Result<u64, Error>,
) -> Result<BTreeMap<u32, u64>, Error> {
    let values = indices.into_iter().map(|index| Ok((index, read(index)?)));
    values.collect()
}

fn read(
    index: u32,
    get: impl FnOnce(&mut [kvm_msr_entry]) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut msr = kvm_msr_entry {
        index,
        ..Default::default()
    };
    get(std::slice::from_mut(&mut msr))?;
    Ok(msr.data)
}

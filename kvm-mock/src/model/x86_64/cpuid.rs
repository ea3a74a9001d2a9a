//! CPUID in the form without subleaves, and the leaves that KVM emulates or shows for Hyper-V.

use kvm_core::kvm_sys::{kvm_cpuid, kvm_cpuid_entry, kvm_cpuid_entry2, kvm_cpuid2};
use kvm_core::{Arg, Errno};

use crate::model::args::List;
use crate::model::system::{MOST_CPUID_ENTRIES, System};
use crate::model::vcpu::Vcpu;

impl System {
    pub(super) fn get_emulated_cpuid(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        list(&self.profile().emulated_cpuid, arg)
    }

    pub(super) fn get_supported_hv_cpuid(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        list(&self.profile().hv_cpuid, arg)
    }
}

impl Vcpu {
    pub(super) fn get_supported_hv_cpuid(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        list(&self.vm().system().profile().hv_cpuid, arg)
    }

    /// Section 4.20, with the rules of its successor.
    pub(super) fn set_cpuid(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        const LIST: List = List::behind::<kvm_cpuid>();
        let count = LIST.count(arg)?;
        if count > MOST_CPUID_ENTRIES {
            return Err(Errno::E2BIG);
        }
        let entries: Vec<kvm_cpuid_entry> = LIST.elements(arg, count)?;
        self.keep_cpuid(entries.iter().map(with_index).collect())
    }
}

fn with_index(leaf: &kvm_cpuid_entry) -> kvm_cpuid_entry2 {
    kvm_cpuid_entry2 {
        function: leaf.function,
        eax: leaf.eax,
        ebx: leaf.ebx,
        ecx: leaf.ecx,
        edx: leaf.edx,
        ..Default::default()
    }
}

/// Sections 4.88 and 4.118: `E2BIG` when there is no room for all entries; if there is too much, the count
/// is adjusted.
fn list(entries: &[kvm_cpuid_entry2], arg: &mut Arg<'_>) -> Result<u32, Errno> {
    const LIST: List = List::behind::<kvm_cpuid2>();
    if LIST.count(arg)? < entries.len() {
        return Err(Errno::E2BIG);
    }
    LIST.set_elements(arg, entries)?;
    LIST.set_count(arg, entries.len())?;
    Ok(0)
}

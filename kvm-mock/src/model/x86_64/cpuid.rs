//! CPUID.

use kvm_core::kvm_sys::x86_64::{kvm_cpuid, kvm_cpuid_entry, kvm_cpuid_entry2, kvm_cpuid2};
use kvm_core::{Arg, Errno};

use crate::model::args::List;
use crate::model::lock;
use crate::model::system::System;
use crate::model::vcpu::Vcpu;

/// The kernel takes no more leaves of CPUID than this.
const MOST_CPUID_ENTRIES: usize = 256;

const CPUID: List = List::behind::<kvm_cpuid2>();

impl System {
    /// Section 4.46: `E2BIG` when there is no room for all entries; if there is too much, the count is
    /// adjusted.
    pub(super) fn get_supported_cpuid(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let entries = &self.profile().cpuid;
        if CPUID.count(arg)? < entries.len().max(1) {
            return Err(Errno::E2BIG);
        }
        CPUID.set_elements(arg, entries)?;
        CPUID.set_count(arg, entries.len())?;
        Ok(0)
    }

    /// Section 4.88. Of this call alone, the kernel wants the padding to be zero.
    pub(super) fn get_emulated_cpuid(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let count = CPUID.count(arg)?.min(MOST_CPUID_ENTRIES);
        let given: Vec<kvm_cpuid_entry2> = CPUID.elements(arg, count)?;
        if given.iter().any(|entry| entry.padding != [0; 3]) {
            return Err(Errno::EINVAL);
        }
        list(&self.profile().emulated_cpuid, arg)
    }

    pub(super) fn get_supported_hv_cpuid(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        list(&self.profile().hv_cpuid, arg)
    }
}

impl Vcpu {
    /// As `KVM_GET_SUPPORTED_CPUID`, section 4.46.
    pub(super) fn get_cpuid2(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let state = lock(&self.state);
        if CPUID.count(arg)? < state.cpuid.len() {
            return Err(Errno::E2BIG);
        }
        CPUID.set_elements(arg, &state.cpuid)?;
        CPUID.set_count(arg, state.cpuid.len())?;
        Ok(0)
    }

    /// Section 4.20 warns of changing the leaves after `KVM_RUN`; kernels since 5.16 refuse it.
    pub(super) fn set_cpuid2(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let count = CPUID.count(arg)?;
        if count > MOST_CPUID_ENTRIES {
            return Err(Errno::E2BIG);
        }
        self.keep_cpuid(CPUID.elements(arg, count)?)
    }

    fn keep_cpuid(&self, entries: Vec<kvm_cpuid_entry2>) -> Result<u32, Errno> {
        let mut state = lock(&self.state);
        if state.has_run && state.cpuid != entries {
            return Err(Errno::EINVAL);
        }
        state.cpuid = entries;
        Ok(0)
    }

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
    if CPUID.count(arg)? < entries.len() {
        return Err(Errno::E2BIG);
    }
    CPUID.set_elements(arg, entries)?;
    CPUID.set_count(arg, entries.len())?;
    Ok(0)
}

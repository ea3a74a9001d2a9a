//! CPUID.

use kvm_core::kvm_sys::x86_64::kvm_cpuid2;
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
        let entries = CPUID.elements(arg, count)?;
        let mut state = lock(&self.state);
        if state.has_run && state.cpuid != entries {
            return Err(Errno::EINVAL);
        }
        state.cpuid = entries;
        Ok(0)
    }
}

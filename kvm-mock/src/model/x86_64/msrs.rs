//! Model-specific registers.

use std::collections::BTreeMap;

use kvm_core::kvm_sys::x86_64::{kvm_msr_entry, kvm_msr_list, kvm_msrs};
use kvm_core::{Arg, Errno};

use crate::model::args::List;
use crate::model::lock;
use crate::model::system::System;
use crate::model::vcpu::Vcpu;

/// The kernel takes fewer MSRs than this in one call.
const TOO_MANY_MSRS: usize = 256;

impl System {
    pub(super) fn get_msr_index_list(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        index_list(&self.profile().msrs, arg)
    }

    pub(super) fn get_msr_feature_index_list(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        index_list(&self.profile().feature_msrs, arg)
    }

    pub(super) fn get_msrs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        get_msrs(&self.profile().feature_msrs, arg)
    }
}

impl Vcpu {
    pub(super) fn get_vcpu_msrs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        get_msrs(&lock(&self.state).msrs, arg)
    }

    /// Section 4.19: "number of msrs successfully set"; the first that is refused ends the call.
    pub(super) fn set_msrs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let entries = msr_entries(arg)?;
        let mut state = lock(&self.state);
        let mut done = 0;
        for entry in entries {
            let Some(value) = state.msrs.get_mut(&entry.index) else {
                break;
            };
            *value = entry.data;
            done += 1;
        }
        Ok(done)
    }
}

/// Section 4.3: the header gets the number of MSRs in any case; `E2BIG` when there was no room.
fn index_list(msrs: &BTreeMap<u32, u64>, arg: &mut Arg<'_>) -> Result<u32, Errno> {
    const LIST: List = List::behind::<kvm_msr_list>();
    let room = LIST.count(arg)?;
    LIST.set_count(arg, msrs.len())?;
    if room < msrs.len() {
        return Err(Errno::E2BIG);
    }
    let indices: Vec<u32> = msrs.keys().copied().collect();
    LIST.set_elements(arg, &indices)?;
    Ok(0)
}

/// Section 4.18: "number of msrs successfully returned"; the first one that can't be read ends the call.
fn get_msrs(msrs: &BTreeMap<u32, u64>, arg: &mut Arg<'_>) -> Result<u32, Errno> {
    let mut entries = msr_entries(arg)?;
    let mut done = 0;
    for entry in &mut entries {
        let Some(value) = msrs.get(&entry.index) else {
            break;
        };
        entry.data = *value;
        done += 1;
    }
    MSR_LIST.set_elements(arg, &entries)?;
    Ok(done)
}

const MSR_LIST: List = List::behind::<kvm_msrs>();

/// The entries of `KVM_GET_MSRS` and `KVM_SET_MSRS`.
fn msr_entries(arg: &Arg<'_>) -> Result<Vec<kvm_msr_entry>, Errno> {
    let count = MSR_LIST.count(arg)?;
    if count >= TOO_MANY_MSRS {
        return Err(Errno::E2BIG);
    }
    MSR_LIST.elements(arg, count)
}

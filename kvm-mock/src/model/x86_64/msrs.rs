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
            let (Some(to), Some(value)) = (state.msrs.get_mut(&entry.index), kept(&entry)) else {
                break;
            };
            *to = value;
            done += 1;
        }
        Ok(done)
    }
}

const MSR_IA32_SYSENTER_ESP: u32 = 0x175;
const MSR_IA32_SYSENTER_EIP: u32 = 0x176;
const MSR_IA32_CR_PAT: u32 = 0x277;
const MSR_LSTAR: u32 = 0xc000_0082;
const MSR_CSTAR: u32 = 0xc000_0083;
const MSR_FS_BASE: u32 = 0xc000_0100;
const MSR_KERNEL_GS_BASE: u32 = 0xc000_0102;

/// What an MSR keeps of a value, nothing when it refuses it: of addresses those that are canonical, of types of memory
/// those that there are.
fn kept(entry: &kvm_msr_entry) -> Option<u64> {
    let value = entry.data;
    // Bits 48 to 63 are those of bit 47.
    let upper = u64::MAX << 48;
    let canonical = if value & 1 << 47 == 0 {
        value & !upper
    } else {
        value | upper
    };
    match entry.index {
        // The kernel makes these canonical.
        MSR_IA32_SYSENTER_ESP | MSR_IA32_SYSENTER_EIP => Some(canonical),
        MSR_LSTAR | MSR_CSTAR | MSR_FS_BASE..=MSR_KERNEL_GS_BASE => {
            (canonical == value).then_some(value)
        }
        MSR_IA32_CR_PAT => {
            let types = value.to_le_bytes();
            let known = types.iter().all(|kind| matches!(kind, 0 | 1 | 4..=7));
            known.then_some(value)
        }
        _ => Some(value),
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

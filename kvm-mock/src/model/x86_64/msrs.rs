//! Model-specific registers.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

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
        get_msrs(arg, |index| {
            self.profile().feature_msrs.get(&index).copied()
        })
    }
}

impl Vcpu {
    pub(super) fn get_vcpu_msrs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let shared = lock(&self.vm().state).x86.msrs.clone();
        let state = lock(&self.state);
        get_msrs(arg, |index| {
            let own = state.msrs.get(&index);
            shared.get(&index).or(own).copied()
        })
    }

    /// Section 4.19: "number of msrs successfully set"; the first that is refused ends the call.
    pub(super) fn set_msrs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let entries = msr_entries(arg)?;
        let mut state = lock(&self.state);
        let mut done = 0;
        let mut shared = Vec::new();
        for entry in entries {
            let (Some(to), Some(value)) = (state.msrs.get_mut(&entry.index), kept(&entry)) else {
                break;
            };
            *to = value;
            if OF_VM.contains(&entry.index) {
                shared.push((entry.index, value));
            }
            done += 1;
        }
        drop(state);
        lock(&self.vm().state).x86.msrs.extend(shared);
        Ok(done)
    }
}

/// Types of memory by physical address: the variable ranges, the fixed ones, and the rest.
const VARIABLE_MTRRS: RangeInclusive<u32> = 0x200..=0x20f;
const FIXED_MTRRS: [RangeInclusive<u32>; 3] = [0x250..=0x250, 0x258..=0x259, 0x268..=0x26f];
const MTRR_DEF_TYPE: u32 = 0x2ff;
/// How many banks of machine checks there are; and the registers of all that can be, four each.
pub(super) const MCG_CAP: u32 = 0x179;
pub(super) const MCE_BANKS: Range<u32> = 0x400..0x480;

/// MSRs that kernels have and may leave out of their list.
pub(super) fn unlisted() -> impl Iterator<Item = u32> {
    let mtrrs = VARIABLE_MTRRS.chain(FIXED_MTRRS.into_iter().flatten());
    mtrrs.chain([MTRR_DEF_TYPE, MCG_CAP]).chain(MCE_BANKS)
}

/// Whether these are types of memory, one in each byte, as the manuals of both makers have them.
fn memory_types(types: &[u8]) -> bool {
    types.iter().all(|kind| matches!(kind, 0 | 1 | 4..=6))
}

const HV_X64_MSR_SYNDBG_OPTIONS: u32 = 0x4000_00ff;
/// What all vCPUs of a VM have one of.
const OF_VM: [u32; 1] = [HV_X64_MSR_SYNDBG_OPTIONS];

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
        index if VARIABLE_MTRRS.contains(&index) => {
            // Base and type, or mask and whether it counts.
            let [low, ..] = value.to_le_bytes();
            let fits = match index % 2 {
                0 => memory_types(&[low]) && value & 0xf00 == 0,
                _ => value & 0x7ff == 0,
            };
            fits.then_some(value)
        }
        MTRR_DEF_TYPE => {
            let [low, ..] = value.to_le_bytes();
            (memory_types(&[low]) && value & !0xcff == 0).then_some(value)
        }
        index if FIXED_MTRRS.iter().any(|range| range.contains(&index)) => {
            memory_types(&value.to_le_bytes()).then_some(value)
        }
        // `KVM_X86_SETUP_MCE` sets it.
        MCG_CAP => None,
        // The control of a bank: all or nothing. Linux leaves out bit 10 of some, or bit 0.
        index if MCE_BANKS.contains(&index) && index % 4 == 0 => {
            (value == 0 || value | 1 << 10 | 1 == u64::MAX).then_some(value)
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
fn get_msrs(arg: &mut Arg<'_>, value: impl Fn(u32) -> Option<u64>) -> Result<u32, Errno> {
    let mut entries = msr_entries(arg)?;
    let mut done = 0;
    for entry in &mut entries {
        let Some(value) = value(entry.index) else {
            break;
        };
        entry.data = value;
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

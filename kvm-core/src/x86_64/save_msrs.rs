//! The MSRs of a saved vCPU: which, and in which order.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::kvm_msr_entry;

use crate::error::Cause;
use crate::typed::UpdateList;
use crate::{Error, Hypervisor, Registers};

const GET_MSR_INDEX_LIST: UpdateList<u32> = UpdateList::new(&x86_64::KVM_GET_MSR_INDEX_LIST);

/// `IA32_FEATURE_CONTROL`: whether VMX is on.
const FEATURE_CONTROL: u32 = 0x3a;
/// `IA32_VMX_BASIC` and those behind it: what VMX can do, against which nested state is checked.
const VMX: RangeInclusive<u32> = 0x480..=0x493;
/// `IA32_TSC_DEADLINE`: counts from the TSC, and takes effect by the mode of the local APIC's timer.
const TSC_DEADLINE: u32 = 0x6e0;
/// `IA32_MCG_CAP`: how many banks of machine checks there are.
const MCG_CAP: u32 = 0x179;
/// The first of the four registers of bank 0.
const MCE_BANKS: u32 = 0x400;

/// State that not all kernels list: memory types by physical address, the MTRRs.
const MTRRS: [RangeInclusive<u32>; 5] = [
    0x200..=0x20f,
    0x250..=0x250,
    0x258..=0x259,
    0x268..=0x26f,
    0x2ff..=0x2ff,
];

/// So many at once; the kernel takes less than 256.
const CHUNK: usize = 128;

/// Which MSRs are written together.
pub(super) type Turn = fn(u32) -> bool;

pub(super) const FIRST: Turn = |index| index == FEATURE_CONTROL || VMX.contains(&index);
pub(super) const MIDDLE: Turn = |index| !FIRST(index) && !LAST(index);
pub(super) const LAST: Turn = |index| index == TSC_DEADLINE;

/// All MSRs that can be read. The kernel lists some that this vCPU, by its CPUID, does not have.
pub(super) fn read<H: Hypervisor<Guest = X86_64>>(
    vcpu: &Registers<H>,
) -> Result<Vec<kvm_msr_entry>, Error> {
    let mut indices = GET_MSR_INDEX_LIST.get(&vcpu.vm().system.system)?;
    let mcg_cap = readable(vcpu, [MCG_CAP])?;
    let banks = mcg_cap.first().map_or(0, |msr| msr.data & 0xff);
    let banks = (MCE_BANKS..).take(4 * usize::try_from(banks).unwrap_or_default());
    for index in MTRRS.into_iter().flatten().chain(banks) {
        if !indices.contains(&index) {
            indices.push(index);
        }
    }
    readable(vcpu, indices)
}

/// Those of the MSRs that can be read.
fn readable<H: Hypervisor<Guest = X86_64>>(
    vcpu: &Registers<H>,
    indices: impl IntoIterator<Item = u32>,
) -> Result<Vec<kvm_msr_entry>, Error> {
    let entry = |index| kvm_msr_entry {
        index,
        ..Default::default()
    };
    let mut wanted: Vec<kvm_msr_entry> = indices.into_iter().map(entry).collect();
    let mut found = Vec::new();
    let mut next = 0;
    while let Some(left @ [_, ..]) = wanted.get_mut(next..) {
        let (chunk, _) = left.split_at_mut(left.len().min(CHUNK));
        let refused = match vcpu.get_msrs(chunk) {
            Ok(()) => None,
            Err(error) if error.cause() == Cause::Msr => position(chunk, error),
            Err(error) => return Err(error),
        };
        let good = refused.unwrap_or(chunk.len());
        found.extend(chunk.iter().take(good).copied());
        next += good + usize::from(refused.is_some());
    }
    Ok(found)
}

/// Writes the MSRs whose turn it is. One that can't be written, but has the value, is none the worse: some are
/// read-only, or fixed by the CPUID.
pub(super) fn write<H: Hypervisor<Guest = X86_64>>(
    vcpu: &Registers<H>,
    msrs: &[kvm_msr_entry],
    turn: Turn,
) -> Result<(), Error> {
    let msrs: Vec<_> = msrs.iter().filter(|msr| turn(msr.index)).copied().collect();
    let mut next = 0;
    while let Some(left @ [_, ..]) = msrs.get(next..) {
        let chunk = left.get(..CHUNK).unwrap_or(left);
        let Err(error) = vcpu.set_msrs(chunk) else {
            next += chunk.len();
            continue;
        };
        let refused = position(chunk, error).filter(|_| error.cause() == Cause::Msr);
        let Some((at, msr)) = refused.and_then(|at| Some((at, chunk.get(at)?))) else {
            return Err(error);
        };
        let there = readable(vcpu, [msr.index])?;
        if there.first().map(|there| there.data) != Some(msr.data) {
            return Err(error);
        }
        next += at + 1;
    }
    Ok(())
}

/// Where the MSR is that the error names.
fn position(msrs: &[kvm_msr_entry], error: Error) -> Option<usize> {
    msrs.iter().position(|msr| msr.index == error.detail())
}

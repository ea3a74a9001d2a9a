//! The system: what `/dev/kvm` answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use kvm_core::kvm_sys::op::{Fds, Op};
use kvm_core::kvm_sys::{
    Cap, KVM_CHECK_EXTENSION, KVM_GET_API_VERSION, KVM_GET_MSR_FEATURE_INDEX_LIST,
    KVM_GET_MSR_INDEX_LIST, KVM_GET_MSRS, KVM_GET_SUPPORTED_CPUID, KVM_GET_VCPU_MMAP_SIZE,
    kvm_cpuid2, kvm_msr_entry, kvm_msr_list, kvm_msrs,
};
use kvm_core::{Arg, Errno, ops};

use super::args::{self, List};
use super::calls::{self, Call};
use super::lock;
use super::profile::Profile;
use super::x86_64;
use crate::model::script::{Failure, Script};

static CALLS: &[Call<System>] = &[
    Call(&KVM_GET_API_VERSION, System::get_api_version),
    Call(&KVM_CHECK_EXTENSION, System::check_extension),
    Call(&KVM_GET_VCPU_MMAP_SIZE, System::get_vcpu_mmap_size),
    Call(&KVM_GET_SUPPORTED_CPUID, System::get_supported_cpuid),
    Call(&KVM_GET_MSR_INDEX_LIST, System::get_msr_index_list),
    Call(
        &KVM_GET_MSR_FEATURE_INDEX_LIST,
        System::get_msr_feature_index_list,
    ),
    Call(&KVM_GET_MSRS, System::get_msrs),
    Call(&ops::PAGE_SIZE, System::page_size),
];

/// The kernel takes no more leaves of CPUID than this.
pub(super) const MOST_CPUID_ENTRIES: usize = 256;
/// The kernel takes fewer MSRs than this in one call.
const TOO_MANY_MSRS: usize = 256;

#[derive(Debug)]
pub(super) struct System {
    profile: Profile,
    scripts: Mutex<BTreeMap<u64, Arc<Script>>>,
    /// The ids whose script a vCPU has.
    claimed: Mutex<BTreeSet<u64>>,
    failure: Mutex<Option<Failure>>,
    numbers: AtomicI32,
}

impl System {
    pub(super) fn new(profile: Profile) -> Self {
        Self {
            profile,
            scripts: Mutex::default(),
            claimed: Mutex::default(),
            failure: Mutex::default(),
            numbers: AtomicI32::new(Self::NUMBER + 1),
        }
    }

    /// The first descriptor that a process opens after its standard streams.
    const NUMBER: i32 = 3;

    pub(super) fn number(&self) -> i32 {
        Self::NUMBER
    }

    pub(super) fn next_number(&self) -> i32 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The script for a vCPU id.
    pub(super) fn script(&self, vcpu: u64) -> Arc<Script> {
        Arc::clone(lock(&self.scripts).entry(vcpu).or_default())
    }

    /// The script for a new vCPU: the one for its id, or an empty one if another vCPU has that.
    pub(super) fn claim(&self, vcpu: u64) -> Arc<Script> {
        if lock(&self.claimed).insert(vcpu) {
            self.script(vcpu)
        } else {
            Arc::default()
        }
    }

    pub(super) fn outcome(&self) -> Result<(), Failure> {
        lock(&self.failure).clone().map_or(Ok(()), Err)
    }

    pub(super) fn verify(&self) -> Result<(), Failure> {
        self.outcome()?;
        let scripts = lock(&self.scripts);
        scripts
            .iter()
            .try_for_each(|(vcpu, script)| script.left(*vcpu))
    }

    /// Notes the first failure. Gives the errno of the entry that found it.
    pub(super) fn fail(&self, failure: Failure) -> Errno {
        lock(&self.failure).get_or_insert(failure);
        Errno::DIVERGED
    }

    pub(super) fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let cap = |cap| self.profile.system_cap(cap);
        match calls::find([CALLS, x86_64::SYSTEM], op, Fds::SYSTEM, cap)? {
            Some(Call(_, call)) => call(self, arg),
            None => Err(calls::unknown(Fds::SYSTEM)),
        }
    }

    fn get_api_version(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        nothing(arg)?;
        Ok(self.profile.api_version)
    }

    fn get_vcpu_mmap_size(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        nothing(arg)?;
        Ok(self.profile.vcpu_mmap_size)
    }

    fn page_size(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        Ok(self.profile.page_size)
    }

    /// Section 4.4: "Generally 0 means no and 1 means yes", and unknown ones are 0.
    fn check_extension(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        Ok(cap(arg)?.map_or(0, |cap| self.profile.system_cap(cap)))
    }

    /// Section 4.46: `E2BIG` when there is no room for all entries; if there is too much, the count is
    /// adjusted.
    fn get_supported_cpuid(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        const LIST: List = List::behind::<kvm_cpuid2>();
        let entries = &self.profile.cpuid;
        if LIST.count(arg)? < entries.len().max(1) {
            return Err(Errno::E2BIG);
        }
        LIST.set_elements(arg, entries)?;
        LIST.set_count(arg, entries.len())?;
        Ok(0)
    }

    fn get_msr_index_list(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        index_list(&self.profile.msrs, arg)
    }

    fn get_msr_feature_index_list(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        index_list(&self.profile.feature_msrs, arg)
    }

    fn get_msrs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        get_msrs(&self.profile.feature_msrs, arg)
    }
}

/// Sections 4.1 and 4.5: "Parameters: none"; the kernel wants a 0.
fn nothing(arg: &Arg<'_>) -> Result<(), Errno> {
    match args::value(arg)? {
        0 => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

/// The capability that `KVM_CHECK_EXTENSION` asks for, if it can be one.
pub(super) fn cap(arg: &Arg<'_>) -> Result<Option<Cap>, Errno> {
    Ok(u32::try_from(args::value(arg)?).ok().map(Cap))
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
pub(super) fn get_msrs(msrs: &BTreeMap<u32, u64>, arg: &mut Arg<'_>) -> Result<u32, Errno> {
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
pub(super) fn msr_entries(arg: &Arg<'_>) -> Result<Vec<kvm_msr_entry>, Errno> {
    let count = MSR_LIST.count(arg)?;
    if count >= TOO_MANY_MSRS {
        return Err(Errno::E2BIG);
    }
    MSR_LIST.elements(arg, count)
}

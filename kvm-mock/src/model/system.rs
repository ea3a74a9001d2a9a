//! The system: what `/dev/kvm` answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use kvm_core::kvm_sys::op::{Fds, Op};
use kvm_core::kvm_sys::{Cap, KVM_CHECK_EXTENSION, KVM_GET_API_VERSION, KVM_GET_VCPU_MMAP_SIZE};
use kvm_core::{Arg, Errno, ops};

use super::args;
use super::calls::{self, Call};
use super::guest::Platform;
use super::host::Host;
use super::lock;
use super::verdict::Verdict;
use crate::model::script::{Failure, Script};

/// The calls that all architectures have.
static CALLS: &[Call<System>] = &[
    Call(&KVM_GET_API_VERSION, System::get_api_version),
    Call(&KVM_CHECK_EXTENSION, System::check_extension),
    Call(&KVM_GET_VCPU_MMAP_SIZE, System::get_vcpu_mmap_size),
    Call(&ops::PAGE_SIZE, System::page_size),
];

#[derive(Debug)]
pub(super) struct System {
    platform: &'static Platform,
    profile: Host,
    scripts: Mutex<BTreeMap<u64, Arc<Script>>>,
    /// The ids whose script a vCPU has.
    claimed: Mutex<BTreeSet<u64>>,
    pub(super) verdict: Verdict,
    numbers: AtomicI32,
}

impl System {
    pub(super) fn new(platform: &'static Platform, profile: Host) -> Self {
        Self {
            platform,
            profile,
            scripts: Mutex::default(),
            claimed: Mutex::default(),
            verdict: Verdict::default(),
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

    pub(super) fn platform(&self) -> &'static Platform {
        self.platform
    }

    pub(super) fn profile(&self) -> &Host {
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

    /// What is wrong with the run, or not done of the scripts.
    pub(super) fn verify(&self) -> Result<(), Failure> {
        self.verdict.noted()?;
        self.verdict.tell(self.left())
    }

    /// The first thing that is left of the scripts.
    fn left(&self) -> Option<Failure> {
        let scripts = lock(&self.scripts);
        let mut left = scripts.iter().map(|(vcpu, script)| script.left(*vcpu));
        left.find_map(Result::err)
    }

    pub(super) fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let cap = |cap| self.profile.system_cap(cap);
        let platform = self.platform;
        match calls::find([CALLS, platform.system], op, platform, Fds::SYSTEM, cap)? {
            Some(Call(_, call)) => call(self, arg),
            None => Err(calls::unknown(platform, Fds::SYSTEM)),
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
}

/// A test that does not ask how the run went fails all the same, at the place where the model goes. One that is
/// failing already is left alone.
impl Drop for System {
    #[expect(clippy::panic, reason = "fails the test that the model is for")]
    fn drop(&mut self) {
        if self.verdict.is_told() {
            return;
        }
        if thread::panicking() {
            // Most likely because a call failed, and its error can't say why.
            if let Err(failure) = self.verdict.noted() {
                eprintln!("{failure}");
            }
            return;
        }
        let left = || match self.verdict.unread_is_fine() {
            true => None,
            false => self.left(),
        };
        let noted = self.verdict.noted().err();
        if let Some(failure) = noted.or_else(left) {
            panic!("{failure}");
        }
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

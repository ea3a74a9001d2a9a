//! [`Fault`]: which calls fail, and how.

use kvm_core::Errno;
use kvm_sys::KVM_RUN;
use kvm_sys::op::Op;
use kvm_sys::x86_64::{KVM_GET_MSRS, KVM_SET_MSRS};

/// Which calls fail, and how: all that fit, unless a method says which of them. Calls are counted from 1, and
/// from when the fault was added.
///
/// Opening, mapping, entering and reading are calls as others are: [`ops::OPEN`](kvm_core::ops::OPEN),
/// [`ops::MMAP`](kvm_core::ops::MMAP), `KVM_RUN` and [`ops::READ`](kvm_core::ops::READ).
///
/// ```
/// use kvm_core::{Errno, ops};
/// use kvm_mock::Fault;
///
/// // The second vCPU's third entry.
/// let entry = Fault::errno(&kvm_sys::KVM_RUN, Errno::EFAULT).vcpu(1).nth(3);
/// // A signal at every other entry, of all vCPUs.
/// let storm = Fault::interruption().every(2);
/// // No more mappings after the first two.
/// let mappings = Fault::errno(&ops::MMAP, Errno::ENOMEM).from(3);
/// # let plan = kvm_mock::FaultPlan::new();
/// # for fault in [entry, storm, mappings] { plan.add(fault); }
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    op: Option<&'static Op>,
    vcpu: Option<u64>,
    when: When,
    effect: Effect,
}

/// Which of the calls that fit.
#[derive(Clone, Copy, Debug)]
enum When {
    Always,
    Nth(u64),
    First(u64),
    From(u64),
    Every(u64),
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Errno(Errno),
    /// It works on so many elements of its list, and says so.
    Short(u32),
}

impl Fault {
    /// Calls of `op` fail with `errno`.
    pub fn errno(op: &'static Op, errno: Errno) -> Self {
        Self::new(Some(op), Effect::Errno(errno))
    }

    /// Calls of any kind fail with `errno`.
    pub fn any(errno: Errno) -> Self {
        Self::new(None, Effect::Errno(errno))
    }

    /// Entries are interrupted, as by a signal: `KVM_RUN` fails with `EINTR`.
    pub fn interruption() -> Self {
        Self::errno(&KVM_RUN, Errno::EINTR)
    }

    /// `KVM_GET_MSRS` reads the first `count` MSRs of its list, and returns their number, as it does when the next one
    /// can't be read (API, 4.18).
    pub fn short_get_msrs(count: u32) -> Self {
        Self::new(Some(&KVM_GET_MSRS), Effect::Short(count))
    }

    /// `KVM_SET_MSRS` writes the first `count` MSRs of its list, and returns their number, as it does when the next
    /// one can't be written (API, 4.19).
    pub fn short_set_msrs(count: u32) -> Self {
        Self::new(Some(&KVM_SET_MSRS), Effect::Short(count))
    }

    fn new(op: Option<&'static Op>, effect: Effect) -> Self {
        Self {
            op,
            vcpu: None,
            when: When::Always,
            effect,
        }
    }

    /// Only calls on the vCPU with this id, its entries among them.
    pub fn vcpu(mut self, id: u64) -> Self {
        self.vcpu = Some(id);
        self
    }

    /// Only the `n`th call.
    pub fn nth(self, n: u64) -> Self {
        self.when(When::Nth(n))
    }

    /// Only the first `n` calls.
    pub fn first(self, n: u64) -> Self {
        self.when(When::First(n))
    }

    /// The `n`th call and all behind it.
    pub fn from(self, n: u64) -> Self {
        self.when(When::From(n))
    }

    /// Every `k`th call: of 2, the second, the fourth, and so on. Of 0, none.
    pub fn every(self, k: u64) -> Self {
        self.when(When::Every(k))
    }

    fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Whether a call is one of those that count.
    pub(super) fn fits(&self, op: &Op, vcpu: Option<u64>) -> bool {
        self.op.is_none_or(|of| of == op) && self.vcpu.is_none_or(|of| Some(of) == vcpu)
    }

    /// What happens to the `n`th call that fits.
    pub(super) fn at(&self, n: u64) -> Option<Effect> {
        let hit = match self.when {
            When::Always => true,
            When::Nth(nth) => n == nth,
            When::First(first) => n <= first,
            When::From(from) => n >= from,
            When::Every(k) => n.checked_rem(k) == Some(0),
        };
        hit.then_some(self.effect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(fault: &Fault) -> Vec<u64> {
        (1..=6).filter(|n| fault.at(*n).is_some()).collect()
    }

    #[test]
    fn each_form_hits_its_calls() {
        let fault = || Fault::any(Errno::EIO);
        assert_eq!(hit(&fault()), [1, 2, 3, 4, 5, 6]);
        assert_eq!(hit(&fault().nth(3)), [3]);
        assert_eq!(hit(&fault().first(2)), [1, 2]);
        assert_eq!(hit(&fault().from(5)), [5, 6]);
        assert_eq!(hit(&fault().every(2)), [2, 4, 6]);
        assert_eq!(hit(&fault().every(0)), []);
    }

    #[test]
    fn a_fault_of_a_vcpu_fits_that_vcpu_only() {
        let fault = Fault::interruption().vcpu(1);
        assert!(fault.fits(&KVM_RUN, Some(1)));
        assert!(!fault.fits(&KVM_RUN, Some(0)));
        assert!(!fault.fits(&KVM_RUN, None));
        assert!(!fault.fits(&KVM_GET_MSRS, Some(1)));
    }
}

//! [`Host`]: what a profile says, whatever its architecture.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use kvm_core::kvm_sys::aarch64::kvm_vcpu_init;
use kvm_core::kvm_sys::op::Op;
use kvm_core::kvm_sys::x86_64::kvm_cpuid_entry2;
use kvm_core::kvm_sys::{
    Cap, DeviceType, KVM_ARM_VCPU_FINALIZE, KVM_ENABLE_CAP, KVM_IRQ_LINE, KVM_IRQ_LINE_STATUS,
    KVM_SET_TSC_KHZ, KVM_SMI, common,
};
use zerocopy::{Immutable, IntoBytes};

use super::one_reg::OneRegs;

/// What a profile says, whatever its architecture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Host {
    pub(super) name: Cow<'static, str>,
    pub(super) synthetic: bool,
    pub(super) api_version: u32,
    pub(super) page_size: u32,
    pub(super) vcpu_mmap_size: u32,
    pub(super) caps: BTreeMap<Cap, u32>,
    /// Where a VM's answer differs from the system's.
    pub(super) vm_caps: BTreeMap<Cap, u32>,
    /// What `KVM_CREATE_DEVICE` knows.
    pub(super) devices: BTreeSet<DeviceType>,
    pub(super) tsc_khz: u32,
    /// What `KVM_X86_GET_MCE_CAP_SUPPORTED` says.
    pub(super) mce_cap: u64,
    pub(super) cpuid: Vec<kvm_cpuid_entry2>,
    pub(super) emulated_cpuid: Vec<kvm_cpuid_entry2>,
    pub(super) hv_cpuid: Vec<kvm_cpuid_entry2>,
    pub(super) msrs: BTreeMap<u32, u64>,
    /// MSRs that vCPUs have although no list says so.
    pub(super) unlisted_msrs: BTreeMap<u32, u64>,
    pub(super) feature_msrs: BTreeMap<u32, u64>,
    /// By the name of the bank in the ioctl table.
    pub(super) resets: BTreeMap<&'static str, Vec<u8>>,
    /// What `KVM_ARM_PREFERRED_TARGET` says.
    pub(super) target: kvm_vcpu_init,
    /// The registers that are had one by one, as a vCPU has them that was made with no features beside PSCI; on
    /// aarch64 with the lengths of vectors that SVE would have.
    pub(super) registers: OneRegs,
    /// The bits of registers that tell features, by the register's id, that may be changed.
    pub(super) writable: BTreeMap<u64, u64>,
}

impl Host {
    /// A host that no machine was asked about, with nothing but its name.
    pub(super) fn synthetic(name: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            synthetic: true,
            ..Self::unnamed()
        }
    }

    /// A host that offers nothing.
    pub(super) fn unnamed() -> Self {
        Self {
            name: Cow::Borrowed(""),
            synthetic: false,
            api_version: common::KVM_API_VERSION,
            page_size: 0x1000,
            // The run page, the page of port I/O and the page of coalesced writes.
            vcpu_mmap_size: 0x3000,
            caps: BTreeMap::new(),
            vm_caps: BTreeMap::new(),
            devices: BTreeSet::new(),
            tsc_khz: 0,
            mce_cap: 0,
            cpuid: Vec::new(),
            emulated_cpuid: Vec::new(),
            hv_cpuid: Vec::new(),
            msrs: BTreeMap::new(),
            unlisted_msrs: BTreeMap::new(),
            feature_msrs: BTreeMap::new(),
            resets: BTreeMap::new(),
            target: kvm_vcpu_init::default(),
            registers: OneRegs::default(),
            writable: BTreeMap::new(),
        }
    }

    /// The state that the GET call `op` gives before any SET.
    pub(super) fn reset<T: IntoBytes + Immutable>(mut self, op: &'static Op, state: &T) -> Self {
        if let Some(bank) = op.bank {
            self.resets.insert(bank, state.as_bytes().to_vec());
        }
        self
    }

    /// The MSRs of a new vCPU.
    pub(super) fn all_msrs(&self) -> BTreeMap<u32, u64> {
        let msrs = self.msrs.iter().chain(&self.unlisted_msrs);
        msrs.map(|(index, value)| (*index, *value)).collect()
    }

    /// What the system says to `KVM_CHECK_EXTENSION`.
    pub(super) fn system_cap(&self, cap: Cap) -> u32 {
        self.caps.get(&cap).copied().unwrap_or(0)
    }

    /// What a VM says to `KVM_CHECK_EXTENSION`.
    pub(super) fn cap_of_vm(&self, cap: Cap) -> u32 {
        let differs = self.vm_caps.get(&cap).copied();
        differs.unwrap_or_else(|| self.system_cap(cap))
    }
}

/// The capability that the call needs, if it needs one that this crate knows.
pub(super) fn needed(op: &Op) -> Option<Cap> {
    static BY_NAME: LazyLock<HashMap<&str, Cap>> =
        LazyLock::new(|| Cap::NAMES.iter().map(|(cap, name)| (*name, *cap)).collect());
    // These are answered in any case: the first one's capability tells of scaling, the second has an errno of its
    // own, the third looks at each capability by itself, lines are missed as what they lead to is, and the last looks
    // first whether there is a processor.
    if op == &KVM_SET_TSC_KHZ
        || op == &KVM_SMI
        || op == &KVM_ENABLE_CAP
        || op == &KVM_IRQ_LINE
        || op == &KVM_IRQ_LINE_STATUS
        || op == &KVM_ARM_VCPU_FINALIZE
    {
        return None;
    }
    BY_NAME.get(op.capability?).copied()
}

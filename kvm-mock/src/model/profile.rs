//! [`Profile`]: the host that a model claims to be.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use kvm_core::kvm_sys::op::Op;
use kvm_core::kvm_sys::{Cap, kvm_cpuid_entry2};
use zerocopy::{Immutable, IntoBytes};

use super::synthetic;

/// The host that a [`Model`](crate::Model) claims to be: what it offers, its limits, and the state in
/// which its vCPUs start.
///
/// ```
/// use kvm_core::{Kvm, kvm_sys::{KVM_CAP_IRQCHIP, KVM_CAP_MAX_VCPUS}};
/// use kvm_mock::{Model, Profile};
///
/// let small = Profile::synthetic().cap(KVM_CAP_IRQCHIP, 0).cap(KVM_CAP_MAX_VCPUS, 2);
/// let vm = Kvm::with(Model::with_profile(small))?.create_vm()?;
/// assert_eq!(vm.create_irq_chip().unwrap_err().errno(), kvm_core::Errno::ENOTTY);
/// # Ok::<(), kvm_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Profile {
    pub(super) name: Cow<'static, str>,
    pub(super) synthetic: bool,
    pub(super) api_version: u32,
    pub(super) page_size: u32,
    pub(super) vcpu_mmap_size: u32,
    pub(super) caps: BTreeMap<Cap, u32>,
    /// Where a VM's answer differs from the system's.
    pub(super) vm_caps: BTreeMap<Cap, u32>,
    pub(super) tsc_khz: u32,
    pub(super) cpuid: Vec<kvm_cpuid_entry2>,
    pub(super) emulated_cpuid: Vec<kvm_cpuid_entry2>,
    pub(super) hv_cpuid: Vec<kvm_cpuid_entry2>,
    pub(super) msrs: BTreeMap<u32, u64>,
    pub(super) feature_msrs: BTreeMap<u32, u64>,
    /// By the name of the bank in the ioctl table.
    pub(super) resets: BTreeMap<&'static str, Vec<u8>>,
}

impl Profile {
    /// A small x86_64 host that no machine was asked about: what the kernel and the architecture
    /// promise everywhere, and no more.
    pub fn synthetic() -> Self {
        synthetic::profile()
    }

    /// What the profile is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it was made up, not taken from a machine.
    pub fn is_synthetic(&self) -> bool {
        self.synthetic
    }

    /// The answer to `KVM_GET_API_VERSION`.
    #[must_use]
    pub fn api_version(self, api_version: u32) -> Self {
        Self {
            api_version,
            ..self
        }
    }

    /// The host's page size in bytes, a power of two.
    ///
    /// The data of port I/O lie on the second page of a vCPU's mapping, and coalesced writes on the page
    /// that `KVM_CAP_COALESCED_MMIO` gives; so the mapping has to grow with it.
    #[must_use]
    pub fn page_size(self, page_size: u32) -> Self {
        Self { page_size, ..self }
    }

    /// The answer to `KVM_GET_VCPU_MMAP_SIZE`, in bytes.
    #[must_use]
    pub fn vcpu_mmap_size(self, vcpu_mmap_size: u32) -> Self {
        Self {
            vcpu_mmap_size,
            ..self
        }
    }

    /// The answer to `KVM_CHECK_EXTENSION`, of the system and of its VMs. Calls that the ioctl table says
    /// need a capability that is 0 are refused as unknown.
    #[must_use]
    pub fn cap(mut self, cap: Cap, value: u32) -> Self {
        self.vm_caps.remove(&cap);
        self.caps.insert(cap, value);
        self
    }

    /// The answer to `KVM_CHECK_EXTENSION` of VMs only.
    #[must_use]
    pub fn vm_cap(mut self, cap: Cap, value: u32) -> Self {
        self.vm_caps.insert(cap, value);
        self
    }

    /// The frequency of the time stamp counter in kHz.
    #[must_use]
    pub fn tsc_khz(self, tsc_khz: u32) -> Self {
        Self { tsc_khz, ..self }
    }

    /// The leaves that `KVM_GET_SUPPORTED_CPUID` gives.
    #[must_use]
    pub fn cpuid(self, cpuid: impl Into<Vec<kvm_cpuid_entry2>>) -> Self {
        Self {
            cpuid: cpuid.into(),
            ..self
        }
    }

    /// The leaves that `KVM_GET_EMULATED_CPUID` gives.
    #[must_use]
    pub fn emulated_cpuid(self, cpuid: impl Into<Vec<kvm_cpuid_entry2>>) -> Self {
        Self {
            emulated_cpuid: cpuid.into(),
            ..self
        }
    }

    /// The leaves that `KVM_GET_SUPPORTED_HV_CPUID` gives.
    #[must_use]
    pub fn hv_cpuid(self, cpuid: impl Into<Vec<kvm_cpuid_entry2>>) -> Self {
        Self {
            hv_cpuid: cpuid.into(),
            ..self
        }
    }

    /// Adds an MSR that vCPUs have, with its value at reset.
    #[must_use]
    pub fn msr(mut self, index: u32, reset: u64) -> Self {
        self.msrs.insert(index, reset);
        self
    }

    /// Takes an MSR away from vCPUs.
    #[must_use]
    pub fn without_msr(mut self, index: u32) -> Self {
        self.msrs.remove(&index);
        self
    }

    /// Adds an MSR that `KVM_GET_MSRS` of the system reads.
    #[must_use]
    pub fn feature_msr(mut self, index: u32, value: u64) -> Self {
        self.feature_msrs.insert(index, value);
        self
    }

    /// The state that the GET call `op` gives before any SET. Without effect when the ioctl table has no
    /// pair for `op`.
    ///
    /// ```
    /// use kvm_core::{Kvm, kvm_sys::{KVM_GET_REGS, kvm_regs}};
    /// use kvm_mock::{Model, Profile};
    ///
    /// let regs = kvm_regs { rip: 0x1000, rflags: 2, ..Default::default() };
    /// let profile = Profile::synthetic().reset(&KVM_GET_REGS, &regs);
    /// let vcpu = Kvm::with(Model::with_profile(profile))?.create_vm()?.create_vcpu(0)?;
    /// assert_eq!(vcpu.get_regs()?, regs);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    #[must_use]
    pub fn reset<T: IntoBytes + Immutable>(mut self, op: &'static Op, state: &T) -> Self {
        if let Some(bank) = op.bank {
            self.resets.insert(bank, state.as_bytes().to_vec());
        }
        self
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

impl Default for Profile {
    fn default() -> Self {
        Self::synthetic()
    }
}

/// The capability that the call needs, if it needs one that this crate knows.
pub(super) fn needed(op: &Op) -> Option<Cap> {
    static BY_NAME: LazyLock<HashMap<&str, Cap>> =
        LazyLock::new(|| Cap::NAMES.iter().map(|(cap, name)| (*name, *cap)).collect());
    BY_NAME.get(op.capability?).copied()
}

//! [`Profile`]: the host that a model claims to be.

mod capture;
mod display;
mod error;
mod parse;
mod shipped;

use std::fmt;
use std::marker::PhantomData;

use kvm_core::kvm_sys::op::Op;
use kvm_core::kvm_sys::x86_64::kvm_cpuid_entry2;
use kvm_core::kvm_sys::{Cap, DeviceType};
use kvm_core::{Error, Hypervisor, Kvm};
use kvm_exit::X86_64;
use zerocopy::{Immutable, IntoBytes};

use super::guest::{ModelGuest, NativeModel};
use super::host::Host;
pub(crate) use capture::Twins;
pub(crate) use display::Number;
pub use error::ProfileError;

/// The version of the text.
const VERSION: &str = "1";

/// The longest register: a vector of 2048 bits.
const MOST_REGISTER_BYTES: usize = 256;

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
///
/// # As text
///
/// A profile is [taken](Self::capture) from a host, written as text, and [read](Self::parse) again. The text is
/// made to be read and edited: a line for each answer, in the words of the kernel's headers.
///
/// ```
/// use kvm_core::kvm_sys::KVM_CAP_IRQCHIP;
/// use kvm_mock::Profile;
///
/// let text = Profile::synthetic().cap(KVM_CAP_IRQCHIP, 0).to_string();
/// assert!(text.starts_with("kvm-profile 1\n"));
/// let more = text + "cap KVM_CAP_SGX_ATTRIBUTE 1 # this line was added by hand\n";
/// let profile: Profile = Profile::parse(&more)?;
/// # let _ = profile;
/// # Ok::<(), kvm_mock::ProfileError>(())
/// ```
///
/// * The first line is `kvm-profile 1`. Words are separated by blanks; `#` starts a comment. Numbers are decimal, or
///   hexadecimal with `0x`.
/// * There have to be `arch`, `name`, `api-version`, `page-size` and `vcpu-mmap-size`. `synthetic` marks what was not
///   taken from a machine.
/// * `cap` and `vm-cap` have a capability and the answer to `KVM_CHECK_EXTENSION`; types of VM and limits are among
///   them. `device` has a type of device.
/// * On x86_64: `tsc-khz`, `mce-cap`, `cpuid`, `emulated-cpuid`, `hv-cpuid`, `msr`, `unlisted-msr`,
///   `feature-msr`.
/// * On aarch64: `target` and `writable`. There and on riscv64: `reg`, the id of a register and its value, in the
///   length that the id says.
/// * `bank` names a call that gets state of vCPUs. Lines with an offset and bytes, `+0x010 ffff`, follow it.
///
/// No line says which machine it was. Those that come with this crate are functions here, such as
/// [`amd_pvm`](Profile::amd_pvm).
#[derive(Clone, PartialEq)]
pub struct Profile<G = NativeModel> {
    pub(super) host: Host,
    guest: PhantomData<fn() -> G>,
}

impl Profile {
    /// A small host of this one's architecture that no machine was asked about: what the kernel and the
    /// architecture promise everywhere, and no more. Of another architecture, that is
    /// `Profile::<Aarch64>::default()`.
    pub fn synthetic() -> Self {
        Self::default()
    }
}

impl<G: ModelGuest> Profile<G> {
    /// Reads the [text](Self#as-text) of a profile.
    ///
    /// ```
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_mock::Profile;
    ///
    /// let arm = Profile::<Aarch64>::default();
    /// assert_eq!(Profile::parse(&arm.to_string()), Ok(arm));
    ///
    /// let error = Profile::<Aarch64>::parse("kvm-profile 1\narch x86_64").unwrap_err();
    /// assert_eq!(error.line(), 2);
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with the text, and in which line. A profile is of one architecture; those with state in `bank`s
    /// are read on little-endian hosts only.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let host = parse::parse(text, G::platform())?;
        Ok(Self::of(host))
    }

    /// Asks a host what it is: makes VMs and vCPUs, runs none, and leaves nothing behind.
    ///
    /// State that differs between two new vCPUs, such as the time stamp counter, is left 0, and so are the ids
    /// in CPUID of the processor that happened to answer.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_mock::{Model, Profile};
    ///
    /// let kvm = Kvm::with(Model::new())?; // or Kvm::open()
    /// let profile = Profile::capture(&kvm)?.named("a model");
    /// assert_eq!(profile.name(), "a model");
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn capture<H: Hypervisor<Guest = G>>(kvm: &Kvm<H>) -> Result<Self, Error> {
        capture::capture(kvm).map(Self::of)
    }

    fn of(host: Host) -> Self {
        Self {
            host,
            guest: PhantomData,
        }
    }

    /// Calls the profile something else.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        // The text has it on one line, where `#` starts a comment.
        let name = name.into().replace(['#', '\n', '\r'], " ");
        self.host.name = name.trim().to_owned().into();
        self
    }

    /// What the profile is called.
    pub fn name(&self) -> &str {
        &self.host.name
    }

    /// Whether it was made up, not taken from a machine.
    pub fn is_synthetic(&self) -> bool {
        self.host.synthetic
    }

    /// The answer to `KVM_GET_API_VERSION`.
    #[must_use]
    pub fn api_version(mut self, api_version: u32) -> Self {
        self.host.api_version = api_version;
        self
    }

    /// The host's page size in bytes, a power of two.
    ///
    /// The data of port I/O lie on the second page of a vCPU's mapping, and coalesced writes on the page
    /// that `KVM_CAP_COALESCED_MMIO` gives; so the mapping has to grow with it.
    #[must_use]
    pub fn page_size(mut self, page_size: u32) -> Self {
        self.host.page_size = page_size;
        self
    }

    /// The answer to `KVM_GET_VCPU_MMAP_SIZE`, in bytes.
    #[must_use]
    pub fn vcpu_mmap_size(mut self, vcpu_mmap_size: u32) -> Self {
        self.host.vcpu_mmap_size = vcpu_mmap_size;
        self
    }

    /// The answer to `KVM_CHECK_EXTENSION`, of the system and of its VMs. Calls that the ioctl table says
    /// need a capability that is 0 are refused as unknown.
    #[must_use]
    pub fn cap(mut self, cap: Cap, value: u32) -> Self {
        self.host.vm_caps.remove(&cap);
        self.host.caps.insert(cap, value);
        self
    }

    /// The answer to `KVM_CHECK_EXTENSION` of VMs only.
    #[must_use]
    pub fn vm_cap(mut self, cap: Cap, value: u32) -> Self {
        self.host.vm_caps.insert(cap, value);
        self
    }

    /// Adds a type of device. One that no model knows is not made all the same.
    #[must_use]
    pub fn device(mut self, kind: DeviceType) -> Self {
        self.host.devices.insert(kind);
        self
    }

    /// Takes a type of device away.
    #[must_use]
    pub fn without_device(mut self, kind: DeviceType) -> Self {
        self.host.devices.remove(&kind);
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
        self.host = self.host.reset(op, state);
        self
    }
}

impl Profile<X86_64> {
    /// The frequency of the time stamp counter in kHz.
    #[must_use]
    pub fn tsc_khz(mut self, tsc_khz: u32) -> Self {
        self.host.tsc_khz = tsc_khz;
        self
    }

    /// The leaves that `KVM_GET_SUPPORTED_CPUID` gives.
    #[must_use]
    pub fn cpuid(mut self, cpuid: impl Into<Vec<kvm_cpuid_entry2>>) -> Self {
        self.host.cpuid = cpuid.into();
        self
    }

    /// The leaves that `KVM_GET_EMULATED_CPUID` gives.
    #[must_use]
    pub fn emulated_cpuid(mut self, cpuid: impl Into<Vec<kvm_cpuid_entry2>>) -> Self {
        self.host.emulated_cpuid = cpuid.into();
        self
    }

    /// The leaves that `KVM_GET_SUPPORTED_HV_CPUID` gives.
    #[must_use]
    pub fn hv_cpuid(mut self, cpuid: impl Into<Vec<kvm_cpuid_entry2>>) -> Self {
        self.host.hv_cpuid = cpuid.into();
        self
    }

    /// Adds an MSR that vCPUs have, with its value at reset.
    #[must_use]
    pub fn msr(mut self, index: u32, reset: u64) -> Self {
        self.host.msrs.insert(index, reset);
        self
    }

    /// Adds an MSR that vCPUs have although `KVM_GET_MSR_INDEX_LIST` does not say so, with its value at reset.
    #[must_use]
    pub fn unlisted_msr(mut self, index: u32, reset: u64) -> Self {
        self.host.unlisted_msrs.insert(index, reset);
        self
    }

    /// Takes an MSR away from vCPUs.
    #[must_use]
    pub fn without_msr(mut self, index: u32) -> Self {
        self.host.msrs.remove(&index);
        self.host.unlisted_msrs.remove(&index);
        self
    }

    /// Adds an MSR that `KVM_GET_MSRS` of the system reads.
    #[must_use]
    pub fn feature_msr(mut self, index: u32, value: u64) -> Self {
        self.host.feature_msrs.insert(index, value);
        self
    }
}

/// The synthetic host.
impl<G: ModelGuest> Default for Profile<G> {
    fn default() -> Self {
        Self::of((G::platform().host)())
    }
}

impl<G> fmt::Debug for Profile<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Profile").field(&self.host).finish()
    }
}

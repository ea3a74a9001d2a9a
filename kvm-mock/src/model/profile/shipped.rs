//! Profiles that come with this crate.

use kvm_exit::{Aarch64, Riscv64, X86_64};

use super::{Profile, ProfileError};

impl Profile<X86_64> {
    /// A KVM without hardware virtualization, on a host with AMD processors: its guests run by page tables alone
    /// (`kvm_pvm`), so there is no nested virtualization, no Hyper-V and few MSRs. Taken from a machine.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_mock::{Model, Profile};
    ///
    /// let kvm = Kvm::with(Model::with_profile(Profile::amd_pvm()?))?;
    /// assert_eq!(kvm.create_vm()?.get_tsc_khz()?, 2_445_404);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse): only on big-endian hosts.
    pub fn amd_pvm() -> Result<Self, ProfileError> {
        Self::parse(include_str!("../../../profiles/x86_64-amd-pvm.profile"))
    }

    /// A KVM by AMD's SVM, of Linux 6.12 on an emulated machine (QEMU's `EPYC`): with nested virtualization, system
    /// management mode, Hyper-V and Xen. Taken from a machine.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::X86_64;
    /// use kvm_core::kvm_sys::KVM_CAP_NESTED_STATE;
    /// use kvm_mock::{Model, Profile};
    ///
    /// let profile = Profile::<X86_64>::qemu_epyc()?;
    /// assert!(!profile.is_synthetic());
    /// let kvm = Kvm::with(Model::with_profile(profile))?;
    /// assert_eq!(kvm.check_extension(KVM_CAP_NESTED_STATE)?, 4224);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse): only on big-endian hosts.
    pub fn qemu_epyc() -> Result<Self, ProfileError> {
        Self::parse(include_str!("../../../profiles/x86_64-qemu.profile"))
    }
}

impl Profile<Riscv64> {
    /// A KVM by the hypervisor extension, of Linux 6.12 on an emulated machine (QEMU's `rv64`). Taken from a machine.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_mock::{Model, Profile};
    /// use kvm_core::kvm_exit::Riscv64;
    ///
    /// let profile = Profile::<Riscv64>::qemu_riscv64()?;
    /// assert!(!profile.is_synthetic());
    /// let vcpu = Kvm::with(Model::with_profile(profile))?.create_vm()?.create_vcpu(0)?;
    /// assert!(vcpu.get_reg_list()?.len() > 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse): only on big-endian hosts.
    pub fn qemu_riscv64() -> Result<Self, ProfileError> {
        Self::parse(include_str!("../../../profiles/riscv64-qemu.profile"))
    }
}

impl Profile<Aarch64> {
    /// A KVM at EL2, of Linux 6.12 on an emulated machine (QEMU's `neoverse-n1`, with a GICv3). Taken from a machine.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_mock::{Model, Profile};
    ///
    /// let profile = Profile::<Aarch64>::qemu_neoverse_n1()?;
    /// assert!(!profile.is_synthetic());
    /// let vm = Kvm::with(Model::with_profile(profile))?.create_vm()?;
    /// let vcpu = vm.create_vcpu(0)?;
    /// vcpu.vcpu_init(&vm.get_preferred_target()?)?;
    /// assert!(vcpu.get_reg_list()?.len() > 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse): only on big-endian hosts.
    pub fn qemu_neoverse_n1() -> Result<Self, ProfileError> {
        Self::parse(include_str!("../../../profiles/aarch64-qemu.profile"))
    }
}

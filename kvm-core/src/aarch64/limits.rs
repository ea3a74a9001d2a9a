//! What a host has for guests.

use kvm_exit::Aarch64;
use kvm_sys::aarch64::{
    KVM_CAP_ARM_VM_IPA_SIZE, KVM_CAP_GUEST_DEBUG_HW_BPS, KVM_CAP_GUEST_DEBUG_HW_WPS,
};

use crate::{Error, Hypervisor, Kvm};

impl<H: Hypervisor<Guest = Aarch64>> Kvm<H> {
    /// The most bits that a guest-physical address can have, for
    /// [`create_vm_with_type`](Self::create_vm_with_type); 0 where the host knows 40 only. Section 4.2;
    /// `KVM_CAP_ARM_VM_IPA_SIZE`.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Aarch64;
    ///
    /// let kvm = Kvm::with(kvm_mock::Model::<Aarch64>::default())?;
    /// // As many bits as the host can have, and no more.
    /// let bits = kvm.get_host_ipa_limit()?;
    /// assert!(kvm.create_vm_with_type(bits.into()).is_ok());
    /// assert!(kvm.create_vm_with_type(u64::from(bits) + 1).is_err());
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_host_ipa_limit(&self) -> Result<u32, Error> {
        self.check_extension(KVM_CAP_ARM_VM_IPA_SIZE)
    }

    /// The number of hardware breakpoints that debugging of a guest can use. Section 4.87;
    /// `KVM_CAP_GUEST_DEBUG_HW_BPS`.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_mock::Model;
    ///
    /// let kvm = Kvm::with(Model::<Aarch64>::default())?;
    /// let (breakpoints, watchpoints) = (kvm.get_guest_debug_hw_bps()?, kvm.get_guest_debug_hw_wps()?);
    /// // The architecture allows 16 of each, and the model's host has what its profile says.
    /// assert!(breakpoints <= 16 && watchpoints <= 16);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_guest_debug_hw_bps(&self) -> Result<u32, Error> {
        self.check_extension(KVM_CAP_GUEST_DEBUG_HW_BPS)
    }

    /// The number of hardware watchpoints that debugging of a guest can use. Section 4.87;
    /// `KVM_CAP_GUEST_DEBUG_HW_WPS`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_guest_debug_hw_wps(&self) -> Result<u32, Error> {
        self.check_extension(KVM_CAP_GUEST_DEBUG_HW_WPS)
    }
}

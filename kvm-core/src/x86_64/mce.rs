//! Machine checks.

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::kvm_x86_mce;

use crate::typed::{Get, Set};
use crate::{Error, Hypervisor, Kvm, Registers};

const X86_GET_MCE_CAP_SUPPORTED: Get<u64> = Get::new(&x86_64::KVM_X86_GET_MCE_CAP_SUPPORTED);
const X86_SETUP_MCE: Set<u64> = Set::new(&x86_64::KVM_X86_SETUP_MCE);
const X86_SET_MCE: Set<kvm_x86_mce> = Set::new(&x86_64::KVM_X86_SET_MCE);

impl<H: Hypervisor<Guest = X86_64>> Kvm<H> {
    /// The bits of `IA32_MCG_CAP` that [`setup_mce`](Registers::setup_mce) accepts. `KVM_CAP_MCE` is the
    /// greatest number of banks. Section 4.104; needs `KVM_CAP_MCE`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_mce_cap_supported(&self) -> Result<u64, Error> {
        X86_GET_MCE_CAP_SUPPORTED.call(self.system())
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// Sets what the guest sees of machine checks: `mcg_cap` is `IA32_MCG_CAP`, the number of banks and some
    /// of the [supported](Kvm::get_mce_cap_supported) bits. Section 4.105; needs `KVM_CAP_MCE`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::kvm_x86_mce;
    ///
    /// const BANKS: u64 = 10;
    /// const VALID_AND_UNCORRECTED: u64 = 0b101 << 61;
    ///
    /// let kvm = kvm_core::Kvm::with(kvm_mock::Model::new())?;
    /// let vcpu = kvm.create_vm()?.create_vcpu(0)?;
    /// vcpu.setup_mce(kvm.get_mce_cap_supported()? | BANKS)?;
    /// let check = kvm_x86_mce { bank: 9, status: VALID_AND_UNCORRECTED, ..Default::default() };
    /// vcpu.set_mce(&check)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for bits that are not supported, no bank, or too many.
    pub fn setup_mce(&self, mcg_cap: u64) -> Result<(), Error> {
        X86_SETUP_MCE.call(self.backend(), &mcg_cap).map(|_| ())
    }

    /// Makes a machine check happen in a bank. Section 4.106; needs `KVM_CAP_MCE`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the bank does not exist or the status is not valid.
    pub fn set_mce(&self, check: &kvm_x86_mce) -> Result<(), Error> {
        X86_SET_MCE.call(self.backend(), check).map(|_| ())
    }
}

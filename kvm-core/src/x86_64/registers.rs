//! The registers of a vCPU.

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::{kvm_debugregs, kvm_regs, kvm_sregs, kvm_sregs2, kvm_translation};

use crate::debug::debug_guest;
use crate::typed::{Get, Set, Update};
use crate::{Error, Hypervisor, Registers};

const GET_REGS: Get<kvm_regs> = Get::new(&x86_64::KVM_GET_REGS);
const SET_REGS: Set<kvm_regs> = Set::new(&x86_64::KVM_SET_REGS);
const GET_SREGS: Get<kvm_sregs> = Get::new(&x86_64::KVM_GET_SREGS);
const SET_SREGS: Set<kvm_sregs> = Set::new(&x86_64::KVM_SET_SREGS);
const GET_SREGS2: Get<kvm_sregs2> = Get::new(&x86_64::KVM_GET_SREGS2);
const SET_SREGS2: Set<kvm_sregs2> = Set::new(&x86_64::KVM_SET_SREGS2);
const TRANSLATE: Update<kvm_translation> = Update::new(&x86_64::KVM_TRANSLATE);
const GET_DEBUGREGS: Get<kvm_debugregs> = Get::new(&x86_64::KVM_GET_DEBUGREGS);
const SET_DEBUGREGS: Set<kvm_debugregs> = Set::new(&x86_64::KVM_SET_DEBUGREGS);

debug_guest!(X86_64, x86_64);

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// The general registers, instruction pointer and flags. Section 4.11.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_regs(&self) -> Result<kvm_regs, Error> {
        GET_REGS.call(self.backend())
    }

    /// Sets the general registers, instruction pointer and flags. Section 4.12.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let regs = kvm_sys::kvm_regs { rip: 0x1000, rflags: 2, ..Default::default() };
    /// vcpu.set_regs(&regs)?;
    /// assert_eq!(vcpu.get_regs()?, regs);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn set_regs(&self, regs: &kvm_regs) -> Result<(), Error> {
        SET_REGS.call(self.backend(), regs).map(|_| ())
    }

    /// The segment, descriptor table and control registers, and pending interrupts. Section 4.13.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_sregs(&self) -> Result<kvm_sregs, Error> {
        GET_SREGS.call(self.backend())
    }

    /// Sets the segment, descriptor table and control registers, and pending interrupts. Section 4.14.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let mut sregs = vcpu.get_sregs()?;
    /// sregs.cs.base = 0;
    /// sregs.cs.selector = 0;
    /// vcpu.set_sregs(&sregs)?;
    /// assert_eq!(vcpu.get_sregs()?.cs.base, 0);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the registers contradict each other, or CPUID lacks what they use.
    pub fn set_sregs(&self, sregs: &kvm_sregs) -> Result<(), Error> {
        SET_SREGS.call(self.backend(), sregs).map(|_| ())
    }

    /// As [`get_sregs`](Self::get_sregs), with the page directory pointers of PAE paging and without the pending
    /// interrupt, which [`get_vcpu_events`](Self::get_vcpu_events) has. Section 4.131; needs `KVM_CAP_SREGS2`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_sregs2(&self) -> Result<kvm_sregs2, Error> {
        GET_SREGS2.call(self.backend())
    }

    /// As [`set_sregs`](Self::set_sregs), with the page directory pointers of PAE paging, if `flags` says that they
    /// are valid: KVM then does not load them from guest memory. Section 4.132; needs
    /// `KVM_CAP_SREGS2`.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let mut sregs = vcpu.get_sregs2()?;
    /// sregs.cr3 = 0x1000;
    /// vcpu.set_sregs2(&sregs)?;
    /// assert_eq!(vcpu.get_sregs()?.cr3, 0x1000);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set_sregs`](Self::set_sregs).
    pub fn set_sregs2(&self, sregs: &kvm_sregs2) -> Result<(), Error> {
        SET_SREGS2.call(self.backend(), sregs).map(|_| ())
    }

    /// Translates a linear address as the vCPU's paging does at present. `valid` says whether it is mapped;
    /// the page's protection is not looked at. Section 4.15.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// // At reset, paging is off.
    /// let translation = vcpu.translate_gva(0xfff0)?;
    /// assert_eq!((translation.valid, translation.physical_address), (1, 0xfff0));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn translate_gva(&self, linear_address: u64) -> Result<kvm_translation, Error> {
        let mut translation = kvm_translation {
            linear_address,
            ..Default::default()
        };
        TRANSLATE.call(self.backend(), &mut translation)?;
        Ok(translation)
    }

    /// The debug registers. Section 4.33; needs `KVM_CAP_DEBUGREGS`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_debug_regs(&self) -> Result<kvm_debugregs, Error> {
        GET_DEBUGREGS.call(self.backend())
    }

    /// Sets the debug registers. Section 4.34; needs `KVM_CAP_DEBUGREGS`.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let mut regs = vcpu.get_debug_regs()?;
    /// regs.db[0] = 0x1000;
    /// vcpu.set_debug_regs(&regs)?;
    /// assert_eq!(vcpu.get_debug_regs()?.db[0], 0x1000);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for flags, or bits of DR6 and DR7 above 31.
    pub fn set_debug_regs(&self, regs: &kvm_debugregs) -> Result<(), Error> {
        SET_DEBUGREGS.call(self.backend(), regs).map(|_| ())
    }
}

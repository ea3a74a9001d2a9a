//! Floating point and extended processor state.

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::{kvm_fpu, kvm_xcrs, kvm_xsave};

use crate::typed::{Get, Set};
use crate::{Error, Hypervisor, Registers};

const GET_FPU: Get<kvm_fpu> = Get::new(&x86_64::KVM_GET_FPU);
const SET_FPU: Set<kvm_fpu> = Set::new(&x86_64::KVM_SET_FPU);
const GET_XCRS: Get<kvm_xcrs> = Get::new(&x86_64::KVM_GET_XCRS);
const SET_XCRS: Set<kvm_xcrs> = Set::new(&x86_64::KVM_SET_XCRS);
const GET_XSAVE: Get<kvm_xsave> = Get::new(&x86_64::KVM_GET_XSAVE);

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// The registers of the x87 unit and SSE, but for MXCSR: KVM leaves it 0, and only [`get_xsave2`](Self::get_xsave2)
    /// has it. Section 4.22.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_fpu(&self) -> Result<kvm_fpu, Error> {
        GET_FPU.call(self.backend())
    }

    /// Sets the registers of the x87 unit and SSE, but for MXCSR, which stays as it is. Section 4.23.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let mut fpu = vcpu.get_fpu()?;
    /// fpu.xmm[15] = *b"sixteen bytes ok";
    /// vcpu.set_fpu(&fpu)?;
    /// assert_eq!(vcpu.get_fpu()?.xmm, fpu.xmm);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn set_fpu(&self, fpu: &kvm_fpu) -> Result<(), Error> {
        SET_FPU.call(self.backend(), fpu).map(|_| ())
    }

    /// The extended control registers: XCR0. Section 4.44; needs `KVM_CAP_XCRS`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the CPU has no XSAVE.
    pub fn get_xcrs(&self) -> Result<kvm_xcrs, Error> {
        GET_XCRS.call(self.backend())
    }

    /// Sets the extended control registers: XCR0. Section 4.45; needs `KVM_CAP_XCRS`.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let xcrs = vcpu.get_xcrs()?;
    /// vcpu.set_xcrs(&xcrs)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the CPU has no XSAVE, or the vCPU's CPUID lacks a bit that XCR0 would have.
    pub fn set_xcrs(&self, xcrs: &kvm_xcrs) -> Result<(), Error> {
        SET_XCRS.call(self.backend(), xcrs).map(|_| ())
    }

    /// The first 4096 bytes of the extended state, in the layout of `XSAVE`.
    /// [`get_xsave2`](Self::get_xsave2) gives all of it. Section 4.42; needs `KVM_CAP_XSAVE`.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let mut xsave = vcpu.get_xsave()?;
    /// xsave.region[0] = 0x37f; // the control word of the x87 unit
    /// vcpu.set_xsave(&xsave)?;
    /// assert_eq!(vcpu.get_xsave()?.region[0], 0x37f);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the vCPU has more state than this.
    pub fn get_xsave(&self) -> Result<kvm_xsave, Error> {
        GET_XSAVE.call(self.backend())
    }

    /// Sets the extended state to these 4096 bytes and nothing behind them: as
    /// [`set_xsave2`](Self::set_xsave2).
    ///
    /// # Errors
    ///
    /// As [`set_xsave2`](Self::set_xsave2).
    pub fn set_xsave(&self, xsave: &kvm_xsave) -> Result<(), Error> {
        self.set_xsave2(&xsave.into())
    }
}

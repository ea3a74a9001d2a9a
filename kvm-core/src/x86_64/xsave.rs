//! [`Xsave`]: extended processor state of any size.
#![expect(unsafe_code, reason = "the size of the argument is in no table")]

use alloc::vec::Vec;
use core::fmt;

use kvm_exit::X86_64;
use kvm_sys::x86_64::{
    KVM_CAP_XSAVE2, KVM_CHECK_EXTENSION, KVM_GET_XSAVE2, KVM_SET_XSAVE, kvm_xsave,
};
use zerocopy::IntoBytes;

use crate::typed::Call;
use crate::{Arg, Error, Hypervisor, Registers};

const CHECK_EXTENSION: Call = Call::new(&KVM_CHECK_EXTENSION);

const LEAST: usize = size_of::<kvm_xsave>();

/// The extended state of a vCPU, in the layout of `XSAVE`: 4096 bytes, or more where the guest may
/// use AMX.
#[derive(Clone, PartialEq, Eq)]
pub struct Xsave(Vec<u8>);

impl Xsave {
    /// State from bytes that [`as_bytes`](Self::as_bytes) gave. What is missing is 0, which `XSAVE` takes for
    /// components at reset.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// All bytes of the state.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// // The header is behind the legacy area, and says which components are there.
    /// let xsave = vcpu.get_xsave2()?;
    /// assert!(xsave.as_bytes().len() >= 576);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// All bytes of the state, to be changed.
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl From<&kvm_xsave> for Xsave {
    fn from(xsave: &kvm_xsave) -> Self {
        Self(xsave.as_bytes().into())
    }
}

impl fmt::Debug for Xsave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Xsave")
            .field("len", &self.0.len())
            .finish_non_exhaustive()
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// How many bytes of extended state the kernel writes and reads; nothing where it is older than the
    /// question. What the process asks for may change it, but not once there is a vCPU.
    fn xsave2_len(&self) -> Result<Option<usize>, Error> {
        let len = CHECK_EXTENSION.with(&self.vm().vm, KVM_CAP_XSAVE2.0.into())?;
        Ok((len != 0).then_some((len as usize).max(LEAST)))
    }

    /// All of the extended state. Section 4.134, and where the kernel lacks `KVM_CAP_XSAVE2`, 4.42; needs
    /// `KVM_CAP_XSAVE`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_xsave2(&self) -> Result<Xsave, Error> {
        let Some(len) = self.xsave2_len()? else {
            return self.get_xsave().map(|xsave| Xsave::from(&xsave));
        };
        let mut bytes = alloc::vec![0; len];
        // SAFETY: the row has as many bytes as the VM says for the capability, and no fewer than its
        // fixed part: `xsave2_len` gives that many.
        unsafe {
            self.backend()
                .ioctl(&KVM_GET_XSAVE2, &mut Arg::Mut(&mut bytes))
        }
        .map_err(|errno| Error::new(&KVM_GET_XSAVE2, errno))?;
        Ok(Xsave(bytes))
    }

    /// Sets the extended state. Section 4.43; needs `KVM_CAP_XSAVE`.
    ///
    /// The kernel reads as many bytes as [`get_xsave2`](Self::get_xsave2) gives, whatever the size of its
    /// structure says; state that is shorter is filled up with zeros.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let mut state = vcpu.get_xsave2()?;
    /// let bytes = state.as_mut_bytes();
    /// bytes[24..28].copy_from_slice(&0x1fa0_u32.to_le_bytes()); // MXCSR
    /// bytes[512] |= 2; // of SSE, which is in use
    /// vcpu.set_xsave2(&state)?;
    /// assert_eq!(vcpu.get_xsave2()?, state);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for components that the host lacks, a malformed header, or reserved bits of MXCSR.
    pub fn set_xsave2(&self, xsave: &Xsave) -> Result<(), Error> {
        let mut bytes = xsave.0.clone();
        bytes.resize(bytes.len().max(self.xsave2_len()?.unwrap_or(LEAST)), 0);
        // SAFETY: the row has as many bytes as the VM says for the capability, and no fewer than its
        // fixed part: `xsave2_len` gives that many.
        unsafe { self.backend().ioctl(&KVM_SET_XSAVE, &mut Arg::In(&bytes)) }
            .map(|_| ())
            .map_err(|errno| Error::new(&KVM_SET_XSAVE, errno))
    }
}

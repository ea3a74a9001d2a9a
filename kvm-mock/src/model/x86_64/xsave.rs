//! Extended processor state: sections 4.42, 4.43 and 4.134.

use kvm_core::kvm_sys::x86_64::{KVM_CAP_XSAVE2, kvm_xsave};
use kvm_core::{Arg, Errno};

use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

const BANK: &str = "xsave";

/// Where the header says which components there are, and those that every processor has: x87 and SSE.
const COMPONENTS: usize = 512;
const KNOWN_COMPONENTS: u64 = 0b11;
/// Where MXCSR is, and its bits.
const MXCSR: usize = 24;
const KNOWN_MXCSR: u32 = 0xffff;

impl Vcpu {
    fn xsave_len(&self) -> usize {
        (self.vm().cap(KVM_CAP_XSAVE2) as usize).max(size_of::<kvm_xsave>())
    }

    /// As many bytes as the capability says.
    pub(super) fn get_xsave2(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let to = args::bytes_mut(arg)?.get_mut(..self.xsave_len());
        lock(&self.state)
            .banks
            .get_bytes(BANK, to.ok_or(Errno::EFAULT)?);
        Ok(0)
    }

    /// As many bytes as the capability says. What the processor does not have is refused.
    pub(super) fn set_xsave(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let bytes = args::bytes(arg)?.get(..self.xsave_len());
        let bytes = bytes.ok_or(Errno::EFAULT)?;
        let components = bytes.get(COMPONENTS..).and_then(<[u8]>::first_chunk);
        let mxcsr = bytes.get(MXCSR..).and_then(<[u8]>::first_chunk);
        if components.is_none_or(|bits| u64::from_le_bytes(*bits) & !KNOWN_COMPONENTS != 0)
            || mxcsr.is_none_or(|bits| u32::from_le_bytes(*bits) & !KNOWN_MXCSR != 0)
        {
            return Err(Errno::EINVAL);
        }
        lock(&self.state).banks.set_bytes(BANK, bytes);
        Ok(0)
    }
}

//! Model-specific registers: which there are, and their values.

use alloc::vec::Vec;

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::kvm_msr_entry;

use crate::error::Cause;
use crate::typed::{SetList, UpdateList};
use crate::{Errno, Error, Hypervisor, Kvm, Registers};

const GET_MSR_INDEX_LIST: UpdateList<u32> = UpdateList::new(&x86_64::KVM_GET_MSR_INDEX_LIST);
const GET_MSRS: UpdateList<kvm_msr_entry> = UpdateList::new(&x86_64::KVM_GET_MSRS);
const SET_MSRS: SetList<kvm_msr_entry> = SetList::new(&x86_64::KVM_SET_MSRS);

impl<H: Hypervisor<Guest = X86_64>> Kvm<H> {
    /// The MSRs whose values make up a vCPU's state. Section 4.3.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_msr_index_list(&self) -> Result<Vec<u32>, Error> {
        GET_MSR_INDEX_LIST.get(self.system())
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// Reads the MSRs whose `index` each entry names, into its `data`. Section 4.18.
    ///
    /// # Errors
    ///
    /// [`Cause::Msr`] with the index of the first one that can't be read; those before it were.
    pub fn get_msrs(&self, entries: &mut [kvm_msr_entry]) -> Result<(), Error> {
        let done = GET_MSRS.update(self.backend(), entries)?;
        all_done(&x86_64::KVM_GET_MSRS, entries, done)
    }

    /// Writes the MSRs. Section 4.19.
    ///
    /// # Errors
    ///
    /// [`Cause::Msr`] with the index of the first one that was refused; those before it are set.
    pub fn set_msrs(&self, entries: &[kvm_msr_entry]) -> Result<(), Error> {
        let done = SET_MSRS.call(self.backend(), entries)?;
        all_done(&x86_64::KVM_SET_MSRS, entries, done)
    }
}

/// The call stops at the first MSR it can't serve, and returns how many it did.
fn all_done(
    op: &'static kvm_sys::op::Op,
    entries: &[kvm_msr_entry],
    done: u32,
) -> Result<(), Error> {
    match entries.get(done as usize) {
        None => Ok(()),
        Some(refused) => Err(Error::with(op, Errno::EINVAL, Cause::Msr, refused.index)),
    }
}

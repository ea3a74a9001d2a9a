//! Model-specific registers: which there are, and their values.

use alloc::vec::Vec;

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::kvm_msr_entry;

use crate::error::Cause;
use crate::typed::{SetList, UpdateList};
use crate::{Errno, Error, Hypervisor, Kvm, Registers};

const GET_MSR_INDEX_LIST: UpdateList<u32> = UpdateList::new(&x86_64::KVM_GET_MSR_INDEX_LIST);
const GET_MSR_FEATURE_INDEX_LIST: UpdateList<u32> =
    UpdateList::new(&x86_64::KVM_GET_MSR_FEATURE_INDEX_LIST);
const GET_MSRS: UpdateList<kvm_msr_entry> = UpdateList::new(&x86_64::KVM_GET_MSRS);
const SET_MSRS: SetList<kvm_msr_entry> = SetList::new(&x86_64::KVM_SET_MSRS);

/// The kernel takes no more in one call.
const MOST_MSRS: usize = 255;

impl<H: Hypervisor<Guest = X86_64>> Kvm<H> {
    /// The MSRs whose values make up a vCPU's state. Section 4.3.
    ///
    /// ```
    /// let kvm = kvm_core::Kvm::with(kvm_mock::Model::new())?;
    /// assert!(kvm.get_msr_index_list()?.contains(&0x10)); // the time stamp counter
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_msr_index_list(&self) -> Result<Vec<u32>, Error> {
        GET_MSR_INDEX_LIST.get(self.system())
    }

    /// The MSRs that describe features, which [`get_msrs`](Self::get_msrs) of the system reads. Section 4.3; needs
    /// `KVM_CAP_GET_MSR_FEATURES`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_msr_feature_index_list(&self) -> Result<Vec<u32>, Error> {
        GET_MSR_FEATURE_INDEX_LIST.get(self.system())
    }

    /// Reads MSRs that describe features: what a vCPU can be given of them. Section 4.18; needs
    /// `KVM_CAP_GET_MSR_FEATURES`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::kvm_msr_entry;
    ///
    /// let kvm = kvm_core::Kvm::with(kvm_mock::Model::new())?;
    /// let mut features: Vec<kvm_msr_entry> = kvm
    ///     .get_msr_feature_index_list()?
    ///     .into_iter()
    ///     .map(|index| kvm_msr_entry { index, ..Default::default() })
    ///     .collect();
    /// kvm.get_msrs(&mut features)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Registers::get_msrs`].
    pub fn get_msrs(&self, entries: &mut [kvm_msr_entry]) -> Result<(), Error> {
        get_msrs(self.system(), entries)
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// Reads the MSRs whose `index` each entry names, into its `data`. Section 4.18.
    ///
    /// # Errors
    ///
    /// [`Cause::Msr`] with the index of the first one that can't be read; those before it were.
    pub fn get_msrs(&self, entries: &mut [kvm_msr_entry]) -> Result<(), Error> {
        get_msrs(self.backend(), entries)
    }

    /// Writes the MSRs. Section 4.19.
    ///
    /// ```
    /// use kvm_core::Cause;
    /// use kvm_core::kvm_sys::x86_64::kvm_msr_entry;
    ///
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let msr = |index, data| kvm_msr_entry { index, data, ..Default::default() };
    /// vcpu.set_msrs(&[msr(0x174, 8)])?; // IA32_SYSENTER_CS
    /// let refused = vcpu.set_msrs(&[msr(0x174, 0), msr(0x1234_5678, 1)]).unwrap_err();
    /// assert_eq!((refused.cause(), refused.detail()), (Cause::Msr, 0x1234_5678));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Cause::Msr`] with the index of the first one that was refused; those before it are set.
    pub fn set_msrs(&self, entries: &[kvm_msr_entry]) -> Result<(), Error> {
        for entries in entries.chunks(MOST_MSRS) {
            let done = SET_MSRS.call(self.backend(), entries)?;
            all_done(&x86_64::KVM_SET_MSRS, entries, done)?;
        }
        Ok(())
    }
}

fn get_msrs<H: Hypervisor<Guest = X86_64>>(
    on: &H,
    entries: &mut [kvm_msr_entry],
) -> Result<(), Error> {
    for entries in entries.chunks_mut(MOST_MSRS) {
        let done = GET_MSRS.update(on, entries)?;
        all_done(&x86_64::KVM_GET_MSRS, entries, done)?;
    }
    Ok(())
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

//! What ranges of guest memory are to be: private or shared, and mapped ahead of use.

use core::ops::Range;

use kvm_sys::{
    KVM_PRE_FAULT_MEMORY, KVM_SET_MEMORY_ATTRIBUTES, MemoryAttributes, kvm_memory_attributes,
    kvm_pre_fault_memory,
};

use super::GuestAddress;
use crate::error::Cause;
use crate::typed::{Set, Update};
use crate::{Errno, Error, Hypervisor, Registers, Vm};

const SET_MEMORY_ATTRIBUTES: Set<kvm_memory_attributes> = Set::new(&KVM_SET_MEMORY_ATTRIBUTES);
const PRE_FAULT_MEMORY: Update<kvm_pre_fault_memory> = Update::new(&KVM_PRE_FAULT_MEMORY);

/// Start and length of a range of whole pages.
fn pages(range: &Range<GuestAddress>, page_size: u64) -> Result<(u64, u64), Cause> {
    let (start, end) = (range.start.0, range.end.0);
    match end.checked_sub(start) {
        None | Some(0) => Err(Cause::Empty),
        Some(_) if (start | end) % page_size != 0 => Err(Cause::Unaligned),
        Some(len) => Ok((start, len)),
    }
}

impl<H: Hypervisor> Vm<H> {
    /// Gives all pages in a range these attributes, and takes others away:
    /// [`KVM_MEMORY_ATTRIBUTE_PRIVATE`](kvm_sys::KVM_MEMORY_ATTRIBUTE_PRIVATE) makes them private. The range
    /// need not be in slots. Section 4.141; needs `KVM_CAP_MEMORY_ATTRIBUTES`, whose value says which
    /// attributes there are.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the range is empty or not of whole pages ([`Error::cause`] tells), or for attributes that
    /// the VM does not know.
    pub fn set_memory_attributes(
        &self,
        range: Range<GuestAddress>,
        attributes: MemoryAttributes,
    ) -> Result<(), Error> {
        let op = &KVM_SET_MEMORY_ATTRIBUTES;
        let (address, size) = pages(&range, self.inner.system.page_size)
            .map_err(|cause| Error::with(op, Errno::EINVAL, cause, 0))?;
        let attributes = kvm_memory_attributes {
            address,
            size,
            attributes,
            ..Default::default()
        };
        SET_MEMORY_ATTRIBUTES
            .call(self.backend(), &attributes)
            .map(|_| ())
    }
}

impl<H: Hypervisor> Registers<H> {
    /// Maps the pages in a range as the vCPU's reading them would, so that it does not have to later. Section
    /// 4.143; needs `KVM_CAP_PRE_FAULT_MEMORY`.
    ///
    /// The kernel may stop early: then this goes on. What is done is taken off the range, so that after an
    /// error the call can be made again with what is left.
    ///
    /// ```
    /// use kvm_core::{AnonymousMemory, Errno, GuestAddress, Kvm, Slot};
    ///
    /// let vm = Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x4000)?)?;
    /// let vcpu = vm.create_vcpu(0)?;
    /// let mut range = GuestAddress(0)..GuestAddress(0x8000);
    /// let stopped = vcpu.pre_fault_memory(&mut range).unwrap_err();
    /// assert_eq!(stopped.errno(), Errno::ENOENT, "no memory is behind the slot");
    /// assert_eq!(range, GuestAddress(0x4000)..GuestAddress(0x8000));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINTR` when a signal arrived, `EAGAIN` when the vCPU's state stands in the way; `ENOENT` where no slot
    /// is, `EINVAL` when the range is empty or not of whole pages ([`Error::cause`] tells), `EFAULT` or
    /// `EHWPOISON` when the memory can't be had, `EOPNOTSUPP` when the vCPU maps memory in another
    /// way.
    pub fn pre_fault_memory(&self, range: &mut Range<GuestAddress>) -> Result<(), Error> {
        let op = &KVM_PRE_FAULT_MEMORY;
        while range.start < range.end {
            let (gpa, size) = pages(range, self.vm().system.page_size)
                .map_err(|cause| Error::with(op, Errno::EINVAL, cause, 0))?;
            let mut left = kvm_pre_fault_memory {
                gpa,
                size,
                ..Default::default()
            };
            PRE_FAULT_MEMORY.call(self.backend(), &mut left)?;
            // At least a page is done when the call succeeds.
            if left.size >= size || left.gpa.checked_add(left.size) != Some(range.end.0) {
                return Err(Error::with(op, Errno::EPROTO, Cause::Count, 0));
            }
            range.start = GuestAddress(left.gpa);
        }
        Ok(())
    }
}

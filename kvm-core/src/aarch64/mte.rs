//! The tags of a guest's memory.

use alloc::vec::Vec;

use kvm_exit::Aarch64;
use kvm_sys::aarch64::{
    KVM_ARM_MTE_COPY_TAGS, KVM_ARM_TAGS_FROM_GUEST, KVM_ARM_TAGS_TO_GUEST, kvm_arm_copy_mte_tags,
};

use crate::pointed::Pointed;
use crate::{Error, GuestAddress, Hypervisor, Vm};

const COPY_TAGS: Pointed<kvm_arm_copy_mte_tags> = Pointed::new(&KVM_ARM_MTE_COPY_TAGS);

/// Bytes of memory that share a tag.
const GRANULE: u64 = 16;

impl<H: Hypervisor<Guest = Aarch64>> Vm<H> {
    /// Copies the tags of the guest's memory from `address` on: one byte for each 16 of memory, in whole pages.
    /// Gives how many were copied. Section 4.130; needs `KVM_CAP_ARM_MTE`, enabled.
    ///
    /// ```
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_core::kvm_sys::{KVM_CAP_ARM_MTE, kvm_enable_cap};
    /// use kvm_core::{AnonymousMemory, GuestAddress, Kvm, Slot};
    ///
    /// let vm = Kvm::with(kvm_mock::Model::<Aarch64>::default())?.create_vm()?;
    /// vm.enable_cap(&kvm_enable_cap { cap: KVM_CAP_ARM_MTE, ..Default::default() })?;
    /// vm.add_memory(Slot(0), GuestAddress(0x4000_0000), AnonymousMemory::new(0x1000)?)?;
    /// // One for each 16 bytes.
    /// vm.set_mte_tags(GuestAddress(0x4000_0000), &[7; 256])?;
    /// let mut tags = [0; 256];
    /// assert_eq!(vm.get_mte_tags(GuestAddress(0x4000_0000), &mut tags)?, 256);
    /// assert_eq!(tags, [7; 256]);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the VM has no tags, or address or length are not of whole pages; `EFAULT` when not even the first
    /// page is memory of the guest.
    pub fn get_mte_tags(&self, address: GuestAddress, tags: &mut [u8]) -> Result<usize, Error> {
        self.copy_tags(address, KVM_ARM_TAGS_FROM_GUEST, tags)
    }

    /// Sets the tags of the guest's memory from `address` on, as [`get_mte_tags`](Self::get_mte_tags) gives them.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_mte_tags(&self, address: GuestAddress, tags: &[u8]) -> Result<usize, Error> {
        // The row does not say that this direction leaves the bytes alone.
        self.copy_tags(address, KVM_ARM_TAGS_TO_GUEST, &mut Vec::from(tags))
    }

    fn copy_tags(
        &self,
        address: GuestAddress,
        direction: u32,
        tags: &mut [u8],
    ) -> Result<usize, Error> {
        let all = tags.len();
        let copy = kvm_arm_copy_mte_tags {
            guest_ipa: address.0,
            length: GRANULE * all as u64,
            flags: direction.into(),
            ..Default::default()
        };
        // A copy that ends early says how many there are; one that does not, 0.
        match COPY_TAGS.get(self.backend(), &copy, tags)? {
            0 => Ok(all),
            copied => Ok(copied as usize),
        }
    }
}

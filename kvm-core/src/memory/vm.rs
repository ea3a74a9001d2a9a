//! The memory of a [`Vm`]: added, changed, moved, copied and taken back.
#![expect(unsafe_code, reason = "registers memory by its host address")]

use kvm_sys::{
    KVM_MEM_READONLY, KVM_SET_USER_MEMORY_REGION, MemFlags, kvm_userspace_memory_region,
};
use zerocopy::IntoBytes;

use super::slots::Region;
use super::{GuestAddress, Memory, Slot};
use crate::error::Cause;
use crate::{Arg, Errno, Error, Hypervisor, Vm};

const REGION: &kvm_sys::op::Op = &KVM_SET_USER_MEMORY_REGION;

impl<H: Hypervisor> Vm<H> {
    /// Gives memory to the guest at a guest-physical address. Section 4.35; needs
    /// `KVM_CAP_USER_MEMORY`.
    ///
    /// The VM keeps the memory alive until [`remove_memory`](Self::remove_memory) takes it back. Until
    /// then its bytes are reached by copies: through the handle that this gives, or by guest address
    /// through [`read_memory`](Self::read_memory) and [`write_memory`](Self::write_memory).
    ///
    /// ```
    /// use kvm_core::{AnonymousMemory, GuestAddress, Kvm, Slot};
    ///
    /// let vm = Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let ram = AnonymousMemory::new(0x4000)?;
    /// vm.add_memory(Slot(0), GuestAddress(0), ram)?;
    /// vm.write_memory(GuestAddress(0x3ffe), &[0xeb, 0xfe])?;
    /// let ram: AnonymousMemory = vm.remove_memory(Slot(0))?.try_into_inner().unwrap();
    /// assert_eq!(ram.as_slice()[0x3ffe..], [0xeb, 0xfe]);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the memory is empty, not aligned to pages, or reaches past the end of the
    /// address space, or the slot's number is not below `KVM_CAP_NR_MEMSLOTS`; `EEXIST` when the slot
    /// holds memory or another one's overlaps. [`Error::cause`] tells them apart.
    pub fn add_memory(
        &self,
        slot: Slot,
        address: GuestAddress,
        memory: impl Into<Memory>,
    ) -> Result<Memory, Error> {
        self.add_memory_with(slot, address, memory, MemFlags::empty())
    }

    /// As [`add_memory`](Self::add_memory), with flags: [`KVM_MEM_READONLY`](kvm_sys::KVM_MEM_READONLY)
    /// makes the guest's writes exit as MMIO (needs `KVM_CAP_READONLY_MEM`),
    /// [`KVM_MEM_LOG_DIRTY_PAGES`](kvm_sys::KVM_MEM_LOG_DIRTY_PAGES) logs them.
    ///
    /// # Errors
    ///
    /// As [`add_memory`](Self::add_memory), and `EINVAL` for flags that the kernel does not know.
    pub fn add_memory_with(
        &self,
        slot: Slot,
        address: GuestAddress,
        memory: impl Into<Memory>,
        flags: MemFlags,
    ) -> Result<Memory, Error> {
        let memory = memory.into();
        let mut slots = self.inner.slots.lock();
        let page_size = self.inner.system.page_size;
        slots.check(REGION, slot, address, &memory, page_size)?;
        let region = Region {
            address,
            memory: memory.clone(),
            flags,
            private: None,
        };
        self.set_region(slot, &region)?;
        slots.insert(slot, region);
        Ok(memory)
    }

    /// Changes the flags of a slot: turns dirty logging on or off. Section 4.35.
    ///
    /// ```
    /// use kvm_core::{AnonymousMemory, GuestAddress, Kvm, Slot};
    /// use kvm_core::kvm_sys::{KVM_MEM_LOG_DIRTY_PAGES, MemFlags};
    ///
    /// let vm = Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x4000)?)?;
    /// vm.set_memory_flags(Slot(0), KVM_MEM_LOG_DIRTY_PAGES)?;
    /// assert_eq!(vm.get_dirty_log(Slot(0))?.iter().next(), None);
    /// vm.set_memory_flags(Slot(0), MemFlags::empty())?;
    /// assert!(vm.get_dirty_log(Slot(0)).is_err());
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the slot holds no memory, has a guest_memfd, or would become read-only or cease to
    /// be so. [`Error::cause`] tells them apart.
    pub fn set_memory_flags(&self, slot: Slot, flags: MemFlags) -> Result<(), Error> {
        let mut slots = self.inner.slots.lock();
        let old = slots.get(REGION, slot)?;
        Self::changeable(slot, old)?;
        if (old.flags ^ flags).contains(KVM_MEM_READONLY) {
            return Err(Error::with(REGION, Errno::EINVAL, Cause::ReadOnly, slot.0));
        }
        let new = Region {
            address: old.address,
            memory: old.memory.clone(),
            flags,
            private: None,
        };
        self.set_region(slot, &new)?;
        slots.insert(slot, new);
        Ok(())
    }

    /// Moves the memory in a slot to another guest-physical address. Section 4.35.
    ///
    /// The bytes stay what they are, and so does the slot's dirty log.
    ///
    /// ```
    /// use kvm_core::{AnonymousMemory, GuestAddress, Kvm, Slot};
    ///
    /// let vm = Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x4000)?)?;
    /// vm.write_memory(GuestAddress(0x10), b"here")?;
    /// vm.move_memory(Slot(0), GuestAddress(0x8000))?;
    /// let mut bytes = [0; 4];
    /// vm.read_memory(GuestAddress(0x8010), &mut bytes)?;
    /// assert_eq!(&bytes, b"here");
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the slot holds no memory or has a guest_memfd, or the address is not aligned to pages
    /// or too high; `EEXIST` when another slot's memory is there. [`Error::cause`] tells them apart.
    pub fn move_memory(&self, slot: Slot, address: GuestAddress) -> Result<(), Error> {
        let mut slots = self.inner.slots.lock();
        let old = slots.get(REGION, slot)?;
        Self::changeable(slot, old)?;
        let page_size = self.inner.system.page_size;
        slots.check_place(REGION, slot, address, old.len(), page_size)?;
        let new = Region {
            address,
            memory: old.memory.clone(),
            flags: old.flags,
            private: None,
        };
        self.set_region(slot, &new)?;
        slots.insert(slot, new);
        Ok(())
    }

    /// Takes memory back from the guest. Section 4.35.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the slot holds none.
    pub fn remove_memory(&self, slot: Slot) -> Result<Memory, Error> {
        let mut slots = self.inner.slots.lock();
        slots.get(REGION, slot)?;
        self.call_region(&kvm_userspace_memory_region {
            slot: slot.0,
            ..Default::default()
        })?;
        let removed = slots.remove(slot).map(|region| region.memory);
        removed.ok_or(Error::with(REGION, Errno::EINVAL, Cause::SlotEmpty, slot.0))
    }

    /// Copies the guest's memory from `address` on, across slots if need be.
    ///
    /// # Errors
    ///
    /// [`Cause::NotMemory`] when not all of it is in slots; then nothing is copied.
    pub fn read_memory(&self, address: GuestAddress, to: &mut [u8]) -> Result<(), Error> {
        let slots = self.inner.slots.lock();
        let found = slots.walk(address, to.len(), |memory, offset, range| {
            if let Some(to) = to.get_mut(range) {
                // `walk` gives ranges inside the memory.
                let _ = memory.read(offset, to);
            }
        });
        Self::found(found)
    }

    /// Copies bytes into the guest's memory from `address` on, across slots if need be.
    ///
    /// # Errors
    ///
    /// [`Cause::NotMemory`] when not all of it is in slots; then nothing is copied.
    pub fn write_memory(&self, address: GuestAddress, from: &[u8]) -> Result<(), Error> {
        let slots = self.inner.slots.lock();
        let found = slots.walk(address, from.len(), |memory, offset, range| {
            if let Some(from) = from.get(range) {
                // `walk` gives ranges inside the memory.
                let _ = memory.write(offset, from);
            }
        });
        Self::found(found)
    }

    fn found(found: bool) -> Result<(), Error> {
        let refused = Error::with(
            &crate::ops::GUEST_MEMORY,
            Errno::EFAULT,
            Cause::NotMemory,
            0,
        );
        if found { Ok(()) } else { Err(refused) }
    }

    /// Slots with private memory can only be removed.
    fn changeable<F>(slot: Slot, region: &Region<F>) -> Result<(), Error> {
        match region.private {
            Some(_) => Err(Error::with(REGION, Errno::EINVAL, Cause::Private, slot.0)),
            None => Ok(()),
        }
    }

    /// With the lock on the slots held, and before they change: the slot is not in them, or with the same
    /// memory.
    fn set_region<F>(&self, slot: Slot, region: &Region<F>) -> Result<(), Error> {
        self.call_region(&kvm_userspace_memory_region {
            slot: slot.0,
            flags: region.flags,
            guest_phys_addr: region.address.0,
            memory_size: region.len(),
            userspace_addr: region.memory.host_address(),
        })
    }

    /// As `set_region`, or with a size of 0, which takes the slot's memory back.
    fn call_region(&self, region: &kvm_userspace_memory_region) -> Result<(), Error> {
        let mut arg = Arg::In(region.as_bytes());
        // SAFETY: the argument is the row's structure. Its host address is that of a `Memory`, whose
        // bytes no reference covers, and which `slots` holds until the call that takes it back
        // succeeded, or until the last handle of the VM is gone.
        unsafe { self.backend().ioctl(REGION, &mut arg) }
            .map(|_| ())
            .map_err(|errno| Error::new(REGION, errno))
    }
}

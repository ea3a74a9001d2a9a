//! [`GuestMemfd`]: private memory, in a file that only its VM can use.
#![expect(unsafe_code, reason = "registers memory by its host address")]

use alloc::sync::{Arc, Weak};
use core::ptr::NonNull;

use kvm_sys::{
    GUEST_MEMFD_FLAG_INIT_SHARED, GUEST_MEMFD_FLAG_MMAP, GuestMemfdFlags, KVM_CREATE_GUEST_MEMFD,
    KVM_MEM_GUEST_MEMFD, KVM_SET_USER_MEMORY_REGION2, kvm_create_guest_memfd,
    kvm_userspace_memory_region2,
};
use zerocopy::IntoBytes;

use super::{Backing, GuestAddress, Memory, Slot, slots};
use crate::error::Cause;
use crate::typed::CreateWith;
use crate::{Arg, DevKvm, Errno, Error, Hypervisor, Mapping, Region, Vm, ops, vm};

const CREATE_GUEST_MEMFD: CreateWith<kvm_create_guest_memfd> =
    CreateWith::new(&KVM_CREATE_GUEST_MEMFD);

/// A file of memory that belongs to one VM and that its guests may have to themselves.
///
/// It is closed, and its memory given back, when it is dropped and no slot has it any more.
///
/// ```
/// use kvm_core::kvm_sys::{GuestMemfdFlags, KVM_MEMORY_ATTRIBUTE_PRIVATE};
/// use kvm_core::{AnonymousMemory, GuestAddress, Kvm, Slot};
///
/// let vm = Kvm::with(kvm_mock::Model::new())?.create_vm()?;
/// let file = vm.create_guest_memfd(0x8000, GuestMemfdFlags::empty())?;
/// let shared = AnonymousMemory::new(0x4000)?;
/// vm.add_private_memory(Slot(0), GuestAddress(0), shared, &file, 0x4000)?;
/// vm.set_memory_attributes(GuestAddress(0)..GuestAddress(0x2000), KVM_MEMORY_ATTRIBUTE_PRIVATE)?;
/// # Ok::<(), kvm_core::Error>(())
/// ```
#[derive(Debug)]
pub struct GuestMemfd<H: Hypervisor = DevKvm> {
    file: Arc<H>,
    size: u64,
    flags: GuestMemfdFlags,
    vm: Weak<vm::Inner<H>>,
}

impl<H: Hypervisor> GuestMemfd<H> {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.size
    }

    /// Whether there is no byte in it, which KVM does not allow.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// All of the file as memory that the VMM can read and write too, to be given to the guest as any other, with
    /// the file beside it or without. It was made with `GUEST_MEMFD_FLAG_MMAP`, and with
    /// `GUEST_MEMFD_FLAG_INIT_SHARED`: else the kernel ends a process that touches it.
    ///
    /// ```
    /// use kvm_core::kvm_sys::{GUEST_MEMFD_FLAG_INIT_SHARED, GUEST_MEMFD_FLAG_MMAP};
    /// use kvm_core::{GuestAddress, Kvm, Slot};
    ///
    /// let vm = Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let flags = GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED;
    /// let file = vm.create_guest_memfd(0x4000, flags)?;
    /// let memory = vm.add_private_memory(Slot(0), GuestAddress(0), file.map()?, &file, 0)?;
    /// assert!(memory.write(0, b"boot"));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Cause::NotShared`] (`ENODEV`) when it was made without one of these flags; what `mmap` answers.
    pub fn map(&self) -> Result<Memory, Error> {
        let op = &ops::MMAP;
        if !self
            .flags
            .contains(GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)
        {
            return Err(Error::with(op, Errno::ENODEV, Cause::NotShared, 0));
        }
        let len = usize::try_from(self.size).map_err(|_| Error::new(op, Errno::ENOMEM))?;
        let mapping = self.file.map(Region::GuestMemfd { len });
        let mapping = mapping.map_err(|errno| Error::new(op, errno))?;
        Ok(Memory::from(Mapped(mapping)))
    }
}

/// A guest_memfd that is mapped.
struct Mapped(Mapping);

// SAFETY: the mapping's contract: as long as it lives, which is as long as the value does, its bytes are
// initialised, readable and writable, where and as many as they are, and everybody in the process accesses them as
// spans do. (The file has all of them: its size never changes.)
unsafe impl Backing for Mapped {
    fn start(&self) -> NonNull<u8> {
        self.0.start()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<H: Hypervisor> Vm<H> {
    /// Makes a file of memory for this VM. Section 4.142; needs `KVM_CAP_GUEST_MEMFD`, and flags
    /// `KVM_CAP_GUEST_MEMFD_FLAGS`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when `size` is 0 or not a multiple of the page size ([`Error::cause`] tells), or for flags
    /// that the VM does not know; `EMFILE`.
    pub fn create_guest_memfd(
        &self,
        size: u64,
        flags: GuestMemfdFlags,
    ) -> Result<GuestMemfd<H>, Error> {
        let refuse = |cause| {
            Err(Error::with(
                &KVM_CREATE_GUEST_MEMFD,
                Errno::EINVAL,
                cause,
                0,
            ))
        };
        if size == 0 {
            return refuse(Cause::Empty);
        }
        if size % self.inner.system.page_size != 0 {
            return refuse(Cause::Unaligned);
        }
        let create = kvm_create_guest_memfd {
            size,
            flags,
            ..Default::default()
        };
        Ok(GuestMemfd {
            file: Arc::new(CREATE_GUEST_MEMFD.call(self.backend(), &create)?),
            size,
            flags,
            vm: Arc::downgrade(&self.inner),
        })
    }

    /// As [`add_memory`](Self::add_memory), with private memory beside it: that of `file`, from `offset` on,
    /// and as long. Section 4.140; needs `KVM_CAP_USER_MEMORY2` and `KVM_CAP_GUEST_MEMFD`.
    ///
    /// Which pages are private is told by [`set_memory_attributes`](Self::set_memory_attributes). The others are
    /// those of `memory`, which are all that the VMM reads and writes. The slot is neither read-only nor
    /// logged, and can only be removed. It keeps the file open.
    ///
    /// # Errors
    ///
    /// As [`add_memory`](Self::add_memory); [`Cause::OtherVm`] (`EINVAL`) when the file is another VM's,
    /// [`Cause::OutOfBounds`] (`EINVAL`) when it ends too early; `EINVAL` also when another slot has a part of
    /// that range.
    pub fn add_private_memory(
        &self,
        slot: Slot,
        address: GuestAddress,
        memory: impl Into<Memory>,
        file: &GuestMemfd<H>,
        offset: u64,
    ) -> Result<Memory, Error> {
        let op = &KVM_SET_USER_MEMORY_REGION2;
        let refuse = |cause| Err(Error::with(op, Errno::EINVAL, cause, 0));
        let memory = memory.into();
        if !core::ptr::eq(file.vm.as_ptr(), Arc::as_ptr(&self.inner)) {
            return refuse(Cause::OtherVm);
        }
        let page_size = self.inner.system.page_size;
        if offset % page_size != 0 {
            return refuse(Cause::Unaligned);
        }
        let len = memory.len() as u64;
        if offset.checked_add(len).is_none_or(|end| end > file.size) {
            return refuse(Cause::OutOfBounds);
        }
        let mut slots = self.inner.slots.lock();
        slots.check(op, slot, address, &memory, page_size)?;
        let region = kvm_userspace_memory_region2 {
            slot: slot.0,
            flags: KVM_MEM_GUEST_MEMFD,
            guest_phys_addr: address.0,
            memory_size: len,
            userspace_addr: memory.host_address(),
            guest_memfd_offset: offset,
            // Descriptors are not negative.
            guest_memfd: file.file.number().unsigned_abs(),
            ..Default::default()
        };
        // SAFETY: the argument is the row's structure. Its host address is that of a `Memory`, whose
        // bytes no reference covers, and which `slots`, locked since before the call, holds until the
        // call that takes it back succeeded, or until the last handle of the VM is gone. The
        // descriptor is open as long as `file` is borrowed, and then as long as the slot exists.
        unsafe { self.backend().ioctl(op, &mut Arg::In(region.as_bytes())) }
            .map_err(|errno| Error::new(op, errno))?;
        slots.insert(
            slot,
            slots::Region {
                address,
                memory: memory.clone(),
                flags: KVM_MEM_GUEST_MEMFD,
                private: Some(Arc::clone(&file.file)),
            },
        );
        Ok(memory)
    }
}

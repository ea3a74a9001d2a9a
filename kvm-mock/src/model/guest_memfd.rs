//! Private memory: sections 4.140 to 4.143. The rules that these leave open are the kernel's.

use std::sync::{Arc, OnceLock, Weak};

use kvm_core::kvm_sys::{
    GUEST_MEMFD_FLAG_MMAP, GuestMemfdFlags, KVM_CAP_GUEST_MEMFD_FLAGS, KVM_CAP_MEMORY_ATTRIBUTES,
    KVM_MEM_GUEST_MEMFD, MemoryAttributes, kvm_create_guest_memfd, kvm_memory_attributes,
    kvm_pre_fault_memory, kvm_userspace_memory_region, kvm_userspace_memory_region2,
};
use kvm_core::{Arg, Errno, Mapping};

use super::vcpu::Vcpu;
use super::vm::Vm;
use super::{args, lock};
use crate::lent::Lent;

/// A file of private memory. A scripted guest touches what the slot has by its host address, so there is
/// memory in the file only when it is mapped.
#[derive(Debug)]
pub(super) struct GuestMemfd {
    vm: Arc<Vm>,
    number: i32,
    size: u64,
    flags: GuestMemfdFlags,
    /// Once it is mapped.
    memory: OnceLock<Arc<Lent>>,
}

/// Where in a file a slot's private memory is.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    file: Weak<GuestMemfd>,
    offset: u64,
}

impl GuestMemfd {
    pub(super) fn vm(&self) -> &Vm {
        &self.vm
    }

    pub(super) fn number(&self) -> i32 {
        self.number
    }

    /// Section 4.142: "GUEST_MEMFD_FLAG_MMAP: Enable mmap() on the guest_memfd". The errno without it is KVM's.
    pub(super) fn map(&self, len: usize) -> Result<Mapping, Errno> {
        if !self.flags.contains(GUEST_MEMFD_FLAG_MMAP) {
            return Err(Errno::ENODEV);
        }
        if len as u64 != self.size {
            return Err(Errno::EINVAL);
        }
        let memory = Lent::new(len)?;
        Ok(self.memory.get_or_init(|| memory).mapping())
    }
}

/// The files of a VM.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<Weak<GuestMemfd>>);

impl Vm {
    /// Section 4.142.
    pub(super) fn create_guest_memfd(
        self: &Arc<Self>,
        arg: &Arg<'_>,
    ) -> Result<Arc<GuestMemfd>, Errno> {
        let kvm_create_guest_memfd {
            size,
            flags,
            reserved,
        } = args::read(arg)?;
        let known = GuestMemfdFlags(self.cap(KVM_CAP_GUEST_MEMFD_FLAGS).into());
        if known.complement().intersects(flags)
            || reserved != [0; 6]
            || size == 0
            || size % self.page_size() != 0
        {
            return Err(Errno::EINVAL);
        }
        let file = Arc::new(GuestMemfd {
            vm: Arc::clone(self),
            number: self.system().next_number(),
            size,
            flags,
            memory: OnceLock::new(),
        });
        let mut state = lock(&self.state);
        state.files.0.retain(|file| file.strong_count() > 0);
        state.files.0.push(Arc::downgrade(&file));
        Ok(file)
    }

    /// Section 4.140: as `KVM_SET_USER_MEMORY_REGION`; with `KVM_MEM_GUEST_MEMFD`, the file has to be of this VM,
    /// and that range of it in no other slot.
    pub(super) fn set_user_memory_region2(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let region: kvm_userspace_memory_region2 = args::read(arg)?;
        let mut state = lock(&self.state);
        let private = region.flags.contains(KVM_MEM_GUEST_MEMFD) && region.memory_size != 0;
        let mut binding = None;
        if private {
            // Such a slot is neither read-only nor logged.
            if region.flags != KVM_MEM_GUEST_MEMFD {
                return Err(Errno::EINVAL);
            }
            let number = i32::try_from(region.guest_memfd).map_err(|_| Errno::EBADF)?;
            let mut files = state.files.0.iter().filter_map(Weak::upgrade);
            // Descriptors of anything else, too: the model knows them not.
            let file = files
                .find(|file| file.number == number)
                .ok_or(Errno::EINVAL)?;
            let offset = region.guest_memfd_offset;
            let end = offset
                .checked_add(region.memory_size)
                .ok_or(Errno::EINVAL)?;
            let bound = |other: &Binding, len: u64| {
                std::ptr::eq(other.file.as_ptr(), Arc::as_ptr(&file))
                    && other.offset < end
                    && offset < other.offset + len
            };
            // It never changes.
            if offset % self.page_size() != 0
                || end > file.size
                || state.slots.region(region.slot).is_some()
                || state.slots.bindings().any(|(other, len)| bound(other, len))
            {
                return Err(Errno::EINVAL);
            }
            let file = Arc::downgrade(&file);
            binding = Some(Binding { file, offset });
        }
        let slot = kvm_userspace_memory_region {
            slot: region.slot,
            flags: region.flags & !KVM_MEM_GUEST_MEMFD,
            guest_phys_addr: region.guest_phys_addr,
            memory_size: region.memory_size,
            userspace_addr: region.userspace_addr,
        };
        state.slots.set(&slot, self.system().profile())?;
        if let Some(region) = state.slots.region(slot.slot) {
            region.private = binding;
        }
        Ok(0)
    }

    /// Section 4.141: ranges are of whole pages, attributes those of `KVM_CAP_MEMORY_ATTRIBUTES`, flags 0. Nothing
    /// gets them, and a script says what its guest touches.
    pub(super) fn set_memory_attributes(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_memory_attributes {
            address,
            size,
            attributes,
            flags,
        } = args::read(arg)?;
        let known = MemoryAttributes(self.cap(KVM_CAP_MEMORY_ATTRIBUTES).into());
        if flags != 0
            || known.complement().intersects(attributes)
            || size == 0
            || (address | size) % self.page_size() != 0
            || address.checked_add(size).is_none()
        {
            return Err(Errno::EINVAL);
        }
        Ok(0)
    }
}

impl Vcpu {
    /// Section 4.143: `EINVAL` for a range that is empty, too high or not of whole pages, `ENOENT` where no slot
    /// is. The call may stop early: here it does so after a few pages, so that a VMM that does not go on is
    /// found out.
    pub(super) fn pre_fault_memory(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        const MOST: u64 = 4;
        let mut left: kvm_pre_fault_memory = args::read(arg)?;
        let page = self.vm().page_size();
        if left.flags != 0
            || left.size == 0
            || (left.gpa | left.size) % page != 0
            || left.gpa.checked_add(left.size).is_none()
        {
            return Err(Errno::EINVAL);
        }
        let state = lock(&self.vm().state);
        let mut done = 0;
        while left.size != 0 && done < MOST && state.slots.read(left.gpa, &mut [0]) {
            left.gpa += page;
            left.size -= page;
            done += 1;
        }
        if done == 0 {
            return Err(Errno::ENOENT);
        }
        args::write(arg, &left)?;
        Ok(0)
    }
}

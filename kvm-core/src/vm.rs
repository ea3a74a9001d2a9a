//! [`Vm`]: a virtual machine and its memory.
#![expect(unsafe_code, reason = "registers memory by its host address")]

use alloc::sync::Arc;

use kvm_sys::{Cap, KVM_SET_USER_MEMORY_REGION, MemFlags, kvm_userspace_memory_region};
use zerocopy::IntoBytes;

use crate::error::Cause;
use crate::kvm::Shared;
use crate::memory::Slots;
use crate::sync::Mutex;
use crate::typed::Call;
use crate::{Arg, DevKvm, Errno, Error, GuestAddress, Hypervisor, Memory, Slot, Vcpu};

const CHECK_EXTENSION: Call = Call::new(&kvm_sys::KVM_CHECK_EXTENSION);
const CREATE_VCPU: Call = Call::new(&kvm_sys::KVM_CREATE_VCPU);

/// A virtual machine.
///
/// Clones are handles on the same VM. Its vCPUs keep it, and all memory in its slots, alive.
#[derive(Debug)]
pub struct Vm<H: Hypervisor = DevKvm> {
    inner: Arc<Inner<H>>,
}

/// What every handle of a VM keeps alive. The descriptor comes first, so that it is closed before the
/// memory goes.
#[derive(Debug)]
pub(crate) struct Inner<H> {
    pub(crate) vm: H,
    slots: Mutex<Slots>,
    pub(crate) system: Arc<Shared<H>>,
}

impl<H: Hypervisor> Vm<H> {
    pub(crate) fn new(vm: H, system: Arc<Shared<H>>) -> Self {
        Self {
            inner: Arc::new(Inner {
                vm,
                slots: Mutex::default(),
                system,
            }),
        }
    }

    /// The backend's VM object.
    pub(crate) fn backend(&self) -> &H {
        &self.inner.vm
    }

    /// What the VM needs of the system.
    pub(crate) fn system(&self) -> &Shared<H> {
        &self.inner.system
    }

    /// Whether, or how far, this VM has a capability. It may differ from the system's answer. Section
    /// 4.4; needs `KVM_CAP_CHECK_EXTENSION_VM`.
    ///
    /// # Errors
    ///
    /// What the backend answers; the kernel answers 0 to what it does not know.
    pub fn check_extension(&self, cap: Cap) -> Result<u32, Error> {
        CHECK_EXTENSION.with(&self.inner.vm, cap.0.into())
    }

    /// Creates a vCPU. Section 4.7.
    ///
    /// The id is also the vCPU's APIC id on x86_64; ids need not be dense.
    ///
    /// # Errors
    ///
    /// `EEXIST` when the VM has a vCPU with this id, `EINVAL` when the id is not below
    /// `KVM_CAP_MAX_VCPU_ID` or the VM has `KVM_CAP_MAX_VCPUS`.
    pub fn create_vcpu(&self, id: u64) -> Result<Vcpu<H>, Error> {
        let vcpu = CREATE_VCPU.create(&self.inner.vm, id)?;
        Vcpu::new(vcpu, Arc::clone(&self.inner))
    }

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
    /// makes the guest's writes exit as MMIO, [`KVM_MEM_LOG_DIRTY_PAGES`](kvm_sys::KVM_MEM_LOG_DIRTY_PAGES)
    /// logs them.
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
        slots.check(
            &KVM_SET_USER_MEMORY_REGION,
            slot,
            address,
            &memory,
            page_size,
        )?;
        self.set_region(&kvm_userspace_memory_region {
            slot: slot.0,
            flags,
            guest_phys_addr: address.0,
            memory_size: memory.len() as u64,
            userspace_addr: memory.host_address(),
        })?;
        slots.insert(slot, address, memory.clone());
        Ok(memory)
    }

    /// Takes memory back from the guest. Section 4.35.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the slot holds none.
    pub fn remove_memory(&self, slot: Slot) -> Result<Memory, Error> {
        let mut slots = self.inner.slots.lock();
        let empty = Error::with(
            &KVM_SET_USER_MEMORY_REGION,
            Errno::EINVAL,
            Cause::SlotEmpty,
            slot.0,
        );
        if !slots.contains(slot) {
            return Err(empty);
        }
        self.set_region(&kvm_userspace_memory_region {
            slot: slot.0,
            ..Default::default()
        })?;
        slots.remove(slot).ok_or(empty)
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

    /// With the lock on the slots held, and before they change.
    fn set_region(&self, region: &kvm_userspace_memory_region) -> Result<(), Error> {
        let op = &KVM_SET_USER_MEMORY_REGION;
        // SAFETY: the argument is the row's structure. Its host address is that of a `Memory`, whose
        // bytes no reference covers, and which `slots` holds until the call that takes it back
        // succeeded, or until the last handle of the VM is gone. (A size of 0 takes one back.)
        unsafe { self.inner.vm.ioctl(op, &mut Arg::In(region.as_bytes())) }
            .map(|_| ())
            .map_err(|errno| Error::new(op, errno))
    }
}

/// A handle on the same VM.
impl<H: Hypervisor> Clone for Vm<H> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

//! [`DirtyRing`]: the pages that a vCPU wrote to, told while it runs.
#![expect(
    unsafe_code,
    reason = "a ring is shared with the kernel by its address"
)]

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::Ordering;

use kvm_exit::{DirtyPage, DirtyRing as Shape};
use kvm_sys::{
    KVM_CAP_DIRTY_LOG_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP,
    KVM_ENABLE_CAP, KVM_RESET_DIRTY_RINGS, kvm_dirty_gfn,
};
use zerocopy::IntoBytes;

use super::{Slot, Span};
use crate::error::Cause;
use crate::typed::Call;
use crate::{DevKvm, Errno, Error, Hypervisor, Mapping, Region, Registers, Vm, capability, ops};

const RESET_DIRTY_RINGS: Call = Call::new(&KVM_RESET_DIRTY_RINGS);

/// A vCPU's dirty ring, with its only consumer: the kernel adds the pages that the vCPU writes to, and
/// [`Vm::harvest_dirty_rings`] takes them, from any thread and while the vCPU runs.
///
/// ```
/// use kvm_core::{AnonymousMemory, Exit, GuestAddress, Kvm, Slot};
/// use kvm_core::kvm_sys::KVM_MEM_LOG_DIRTY_PAGES;
/// use kvm_mock::{Model, Step};
///
/// let model = Model::new();
/// model.script(0, [Step::hlt().writes_memory(0x3000, [1]).writes_memory(0x1000, [1])]);
/// let vm = Kvm::with(model)?.create_vm()?;
/// vm.enable_dirty_ring(0x1_0000)?;
/// let ram = AnonymousMemory::new(0x8000)?;
/// vm.add_memory_with(Slot(0), GuestAddress(0), ram, KVM_MEM_LOG_DIRTY_PAGES)?;
/// let mut vcpu = vm.create_vcpu(0)?;
/// let mut ring = vcpu.take_dirty_ring()?;
///
/// let guest = std::thread::spawn(move || vcpu.run().map(|(exit, _)| exit == Exit::Hlt));
/// let mut pages = Vec::new();
/// while !guest.is_finished() {
///     pages.extend(vm.harvest_dirty_rings([&mut ring])?);
/// }
/// // Now that it is out of the guest, it has told all.
/// pages.extend(vm.harvest_dirty_rings([&mut ring])?);
/// assert!(pages.iter().map(|page| page.page).eq([3, 1]));
/// # Ok::<(), kvm_core::Error>(())
/// ```
pub struct DirtyRing<H: Hypervisor = DevKvm> {
    registers: Registers<H>,
    /// Keeps the bytes of `entries`.
    _mapping: Mapping,
    entries: Span,
    shape: Shape,
    next: u32,
    /// Taken out of the ring, but not given to anybody: the kernel does not watch them yet.
    taken: Vec<DirtyPage>,
}

impl<H: Hypervisor> DirtyRing<H> {
    /// How many pages it holds. KVM makes the vCPU exit with
    /// [`Exit::DirtyRingFull`](crate::Exit::DirtyRingFull) somewhat earlier.
    ///
    /// ```
    /// use kvm_core::Kvm;
    ///
    /// let vm = Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.enable_dirty_ring(0x1_0000)?;
    /// let vcpu = vm.create_vcpu(0)?;
    /// assert_eq!(vcpu.take_dirty_ring()?.capacity(), 0x1000);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn capacity(&self) -> u32 {
        self.shape.capacity()
    }

    /// Takes what the ring holds.
    fn take(&mut self) {
        // Entries that were taken are not filled again before the reset, so one round is all.
        for _ in 0..self.shape.capacity() {
            let offset = self.shape.offset(self.next);
            // The flags are in the first word: nothing behind it is read before them.
            let (Some(first), Some(second)) = (
                self.entries.load_acquire(offset),
                self.entries.load_acquire(offset + size_of::<u64>()),
            ) else {
                return;
            };
            let mut entry = [0; Shape::ENTRY_LEN];
            for (to, from) in entry.iter_mut().zip([first, second].as_bytes()) {
                *to = *from;
            }
            let Some(page) = DirtyPage::decode(entry) else {
                return;
            };
            self.taken.push(page);
            let harvested = kvm_dirty_gfn {
                flags: Shape::HARVESTED,
                slot: Slot::from(page).0,
                offset: page.page,
            };
            // Inside: the load was. From here on the entry is the kernel's.
            let [first, _] = zerocopy::transmute!(harvested);
            let _ = self.entries.store_release(offset, first);
            self.next = self.next.wrapping_add(1);
        }
    }
}

impl<H: Hypervisor> Vm<H> {
    /// Gives each vCPU a ring of so many bytes that tells the pages it writes to, in slots with
    /// [`KVM_MEM_LOG_DIRTY_PAGES`](kvm_sys::KVM_MEM_LOG_DIRTY_PAGES). To be called before the first vCPU is
    /// created, and once. Section 8.29; needs `KVM_CAP_DIRTY_LOG_RING_ACQ_REL` or `KVM_CAP_DIRTY_LOG_RING`,
    /// whose value is the most bytes there may be.
    ///
    /// An entry takes 16 bytes, and some are KVM's reserve: a vCPU exits before the ring is full.
    ///
    /// # Errors
    ///
    /// [`Cause::RingSize`] (`EINVAL`) when `bytes` is no power of two of entries, [`Cause::HasVcpus`]
    /// (`EINVAL`) after the first vCPU; `EINVAL` also when there are less than a page and KVM's reserve, or the
    /// VM has rings; `E2BIG` when there are too many.
    pub fn enable_dirty_ring(&self, bytes: u32) -> Result<(), Error> {
        let refuse = |cause| Err(Error::with(&KVM_ENABLE_CAP, Errno::EINVAL, cause, bytes));
        if Shape::new(bytes as usize).is_none() {
            return refuse(Cause::RingSize);
        }
        if !self.inner.vcpus.lock().is_empty() {
            return refuse(Cause::HasVcpus);
        }
        // The first one promises the order of accesses that the second has on x86_64 only.
        let cap = match self.check_extension(KVM_CAP_DIRTY_LOG_RING_ACQ_REL)? {
            0 => KVM_CAP_DIRTY_LOG_RING,
            _ => KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
        };
        capability::enable(self.backend(), cap, 0, [bytes.into(), 0, 0, 0])?;
        self.inner.ring_len.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Keeps a bitmap beside the rings, for pages that no vCPU writes (the tables of an ITS, say):
    /// [`get_dirty_log`](Self::get_dirty_log) gives it. To be called after
    /// [`enable_dirty_ring`](Self::enable_dirty_ring) and before memory is added. Section 8.29; needs
    /// `KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.enable_dirty_ring(0x1_0000)?;
    /// // Where KVM itself writes to guest memory with no vCPU to tell it of: on aarch64.
    /// if vm.check_extension(kvm_sys::KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP)? != 0 {
    ///     vm.enable_dirty_ring_bitmap()?;
    /// }
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` without rings, or when a slot holds memory.
    pub fn enable_dirty_ring_bitmap(&self) -> Result<(), Error> {
        let cap = KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP;
        capability::enable(self.backend(), cap, 0, [0; 4]).map(|_| ())
    }

    /// Takes the pages out of these rings, and gives them once KVM watches them again. Section 8.29; needs
    /// the capability of [`enable_dirty_ring`](Self::enable_dirty_ring).
    ///
    /// What is written to a page after this returns is told again: so its bytes are to be read then, and are at
    /// least as new as the write that is told. A page may be told several times. The vCPUs may run
    /// meanwhile.
    ///
    /// Processors that log writes themselves hand their log over when the vCPU exits: before the last
    /// harvest, make the vCPUs leave the guest, by [`Kicker::kick`](crate::Kicker::kick), and stay out.
    ///
    /// Pages may be told of slots that are gone.
    ///
    /// # Errors
    ///
    /// [`Cause::OtherVm`] (`EINVAL`) when a ring is of another VM's vCPU; what `KVM_RESET_DIRTY_RINGS` answers.
    /// The pages are then given by the next harvest.
    pub fn harvest_dirty_rings<'a>(
        &self,
        rings: impl IntoIterator<Item = &'a mut DirtyRing<H>>,
    ) -> Result<Vec<DirtyPage>, Error>
    where
        H: 'a,
    {
        let mut rings: Vec<_> = rings.into_iter().collect();
        for ring in &rings {
            if !Arc::ptr_eq(ring.registers.vm(), &self.inner) {
                let op = &KVM_RESET_DIRTY_RINGS;
                return Err(Error::with(op, Errno::EINVAL, Cause::OtherVm, 0));
            }
        }
        rings.iter_mut().for_each(|ring| ring.take());
        RESET_DIRTY_RINGS.call(self.backend())?;
        let pages = rings.iter_mut().flat_map(|ring| ring.taken.drain(..));
        Ok(pages.collect())
    }
}

impl<H: Hypervisor> Registers<H> {
    /// Takes the vCPU's dirty ring, to harvest it: there is one consumer, so it can be taken once.
    ///
    /// # Errors
    ///
    /// [`Cause::NoRing`] (`ENXIO`) when the VM was given none by
    /// [`enable_dirty_ring`](Vm::enable_dirty_ring), [`Cause::RingTaken`] (`EBUSY`) when it was taken;
    /// what `mmap` answers.
    pub fn take_dirty_ring(&self) -> Result<DirtyRing<H>, Error> {
        let refuse = |errno, cause| Err(Error::with(&ops::MMAP, errno, cause, 0));
        let len = self.vm().ring_len.load(Ordering::Relaxed) as usize;
        let Some(shape) = Shape::new(len) else {
            return refuse(Errno::ENXIO, Cause::NoRing);
        };
        if self.ring_taken().swap(true, Ordering::Relaxed) {
            return refuse(Errno::EBUSY, Cause::RingTaken);
        }
        let mapping = self.backend().map(Region::DirtyRing { len });
        let mapping = mapping.inspect_err(|_| self.ring_taken().store(false, Ordering::Relaxed));
        let mapping = mapping.map_err(|errno| Error::new(&ops::MMAP, errno))?;
        // SAFETY: the mapping's contract: its bytes live while it does, which is as long as the span is
        // used, and everybody in the process accesses them as atomic words only.
        let entries = unsafe { Span::new(mapping.start(), mapping.len()) };
        Ok(DirtyRing {
            registers: self.clone(),
            _mapping: mapping,
            entries: entries.unwrap_or(Span::EMPTY),
            shape,
            next: 0,
            taken: Vec::new(),
        })
    }
}

impl From<DirtyPage> for Slot {
    fn from(page: DirtyPage) -> Self {
        Self::in_address_space(page.address_space, page.slot)
    }
}

impl<H: Hypervisor> fmt::Debug for DirtyRing<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirtyRing")
            .field("capacity", &self.capacity())
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

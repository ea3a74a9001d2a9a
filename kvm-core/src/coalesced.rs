//! Writes of the guest's that wait in a ring in place of exits.
#![expect(
    unsafe_code,
    reason = "a ring is shared with the kernel by its address"
)]

use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use kvm_exit::{CoalescedRing, CoalescedWrite};
use kvm_sys::{KVM_RUN, kvm_coalesced_mmio_zone};

use crate::error::Cause;
use crate::typed::Set;
use crate::{Errno, Error, Hypervisor, IoEventAddress, Mapping, Span, Vm};

const REGISTER: Set<kvm_coalesced_mmio_zone> = Set::new(&kvm_sys::KVM_REGISTER_COALESCED_MMIO);
const UNREGISTER: Set<kvm_coalesced_mmio_zone> = Set::new(&kvm_sys::KVM_UNREGISTER_COALESCED_MMIO);

/// The page of a vCPU's mapping that is its VM's ring of coalesced writes. For backends: a program drains
/// it by
/// [`Vm::drain_coalesced`].
///
/// All accesses are atomic, and inside the page whatever its indices say.
pub struct CoalescedPage {
    /// Keeps the bytes.
    mapping: Mapping,
    /// What follows the indices.
    entries: Span,
    shape: CoalescedRing,
}

/// Length of the two indices in bytes.
const INDICES: usize = CoalescedRing::LAST + size_of::<u32>();

impl CoalescedPage {
    /// The page of `len` bytes that follows the private bytes of a vCPU's mapping; nothing when there is
    /// none, or no room in it.
    pub fn of(mapping: &Mapping, len: usize) -> Option<Self> {
        let shape = CoalescedRing::new(len)?;
        let offset = mapping.private();
        if offset == 0 || mapping.len().checked_sub(offset)? < len {
            return None;
        }
        let entries = mapping.start().as_ptr().wrapping_add(offset + INDICES);
        // SAFETY: the page is inside the mapping, as just found, which the value keeps, and a
        // `CoalescedRing` has room for more than its indices. It is not private, so that this type alone,
        // here and in backends, accesses it: this part of it through spans only.
        let entries = unsafe { Span::new(NonNull::new(entries)?, len - INDICES) }?;
        Some(Self {
            mapping: mapping.clone(),
            entries,
            shape,
        })
    }

    /// The index of the first entry, which the VMM moves, or that behind the last, which KVM moves.
    fn index(&self, at: usize) -> &AtomicU32 {
        let offset = self.mapping.private() + at;
        let index = self.mapping.start().as_ptr().wrapping_add(offset);
        // SAFETY: `of` found the page inside the mapping, which is kept as long as `self` is borrowed, and
        // `at` is in its first 8 bytes, a multiple of 4 behind what `Span::new` found aligned to 8. They
        // are reached by this method only.
        unsafe { AtomicU32::from_ptr(index.cast()) }
    }

    fn offset(&self, index: u32) -> usize {
        self.shape.offset(index).saturating_sub(INDICES)
    }

    /// Adds a write, as KVM does. Says whether there was room.
    pub fn push(&self, entry: [u8; CoalescedRing::ENTRY_LEN]) -> bool {
        let (first, last) = (
            self.index(CoalescedRing::FIRST),
            self.index(CoalescedRing::LAST),
        );
        let at = last.load(Ordering::Relaxed);
        let next = self.shape.next(at);
        if next == first.load(Ordering::Acquire) {
            return false;
        }
        let written = self.entries.write(self.offset(at), &entry);
        last.store(next, Ordering::Release);
        written
    }

    /// The writes from index `from` on, whether the VMM has taken them or not, and the index behind the last: what
    /// was added since it was `from`, if that was less than the ring has room for.
    pub fn since(&self, from: u32) -> (Vec<[u8; CoalescedRing::ENTRY_LEN]>, u32) {
        // The entries are read after the index that says they are there.
        let last = self.index(CoalescedRing::LAST).load(Ordering::Acquire);
        let from = from % self.shape.capacity().max(1);
        let mut at = from;
        let entries = (0..self.shape.len(from, last)).map(|_| {
            let mut entry = [0; CoalescedRing::ENTRY_LEN];
            let read = self.entries.read(self.offset(at), &mut entry);
            at = self.shape.next(at);
            (read, entry)
        });
        let read = entries.filter(|(read, _)| *read);
        (read.map(|(_, entry)| entry).collect(), last)
    }

    /// Takes the oldest write. One thread at a time does so.
    fn pop(&self) -> Option<[u8; CoalescedRing::ENTRY_LEN]> {
        let (first, last) = (
            self.index(CoalescedRing::FIRST),
            self.index(CoalescedRing::LAST),
        );
        let at = first.load(Ordering::Relaxed);
        // The entry is read after the index that says it is there.
        if self.shape.len(at, last.load(Ordering::Acquire)) == 0 {
            return None;
        }
        let mut entry = [0; CoalescedRing::ENTRY_LEN];
        let read = self.entries.read(self.offset(at), &mut entry);
        first.store(self.shape.next(at), Ordering::Release);
        read.then_some(entry)
    }
}

impl fmt::Debug for CoalescedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalescedPage")
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl<H: Hypervisor> Vm<H> {
    /// From now on, writes of the guest's that are wholly in this range of `size` bytes wait in a ring of
    /// the VM, as long as it has room, and cause no exit. Section 4.116; needs `KVM_CAP_COALESCED_MMIO`,
    /// for ports `KVM_CAP_COALESCED_PIO`.
    ///
    /// For devices where a write does nothing before another access, such as a frame buffer. Ranges may be
    /// registered before there is a vCPU.
    ///
    /// **Drain the ring before each exit is handled**, so that the device sees accesses in the guest's order:
    ///
    /// ```
    /// use kvm_core::{Exit, IoEventAddress, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [
    ///     Step::mmio_write(0xd000_0000, [1]).in_kernel(),
    ///     Step::mmio_write(0xd000_0004, [2]).in_kernel(),
    ///     Step::io_out(0x80, [3]),
    /// ]);
    /// let vm = Kvm::with(model)?.create_vm()?;
    /// vm.register_coalesced_mmio(IoEventAddress::Mmio(0xd000_0000), 0x1000)?;
    /// let mut vcpu = vm.create_vcpu(0)?;
    ///
    /// let mut seen = Vec::new();
    /// let (exit, _) = vcpu.run()?;
    /// for write in vm.drain_coalesced()? {
    ///     seen.push((write.addr, write.data().to_vec()));
    /// }
    /// if let Exit::IoOut(io) = exit {
    ///     seen.push((io.port.into(), io.data.to_vec()));
    /// }
    /// assert_eq!(seen, [(0xd000_0000, vec![1]), (0xd000_0004, vec![2]), (0x80, vec![3])]);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ENOSPC` when the VM has too many ranges and devices.
    pub fn register_coalesced_mmio(&self, start: IoEventAddress, size: u32) -> Result<(), Error> {
        REGISTER
            .call(self.backend(), &zone(start, size))
            .map(|_| ())
    }

    /// Writes to this range exit again, as do those to all that was registered around it. What waits in the
    /// ring stays there. Section 4.116.
    ///
    /// ```
    /// use kvm_core::IoEventAddress;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.register_coalesced_mmio(IoEventAddress::Mmio(0xd000_0000), 0x1000)?;
    /// vm.unregister_coalesced_mmio(IoEventAddress::Mmio(0xd000_0000), 0x1000)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers. That nothing was registered is no error.
    pub fn unregister_coalesced_mmio(&self, start: IoEventAddress, size: u32) -> Result<(), Error> {
        UNREGISTER
            .call(self.backend(), &zone(start, size))
            .map(|_| ())
    }

    /// Takes the writes that wait, oldest first, those of all vCPUs; none before the VM has a vCPU. While
    /// vCPUs run, more come.
    ///
    /// The VM has one ring, whichever vCPU's mapping it is seen through. One thread at a time takes from
    /// it, so each write is given once: who drains from several threads sees to it that they are handled in
    /// order.
    ///
    /// # Errors
    ///
    /// [`Cause::Malformed`] when an entry is none that KVM writes; it is gone, and those behind it wait still.
    pub fn drain_coalesced(&self) -> Result<Vec<CoalescedWrite>, Error> {
        let page = self.inner().coalesced.lock();
        let Some(page) = &*page else {
            return Ok(Vec::new());
        };
        // A guest that writes all the time can't keep this thread here: one round is all.
        let most = page.shape.capacity() as usize;
        let entries = core::iter::from_fn(|| page.pop()).take(most);
        entries
            .map(|entry| {
                CoalescedWrite::decode(entry).map_err(|malformed| {
                    let cause = Cause::Malformed(malformed.field);
                    Error::with(&KVM_RUN, Errno::EPROTO, cause, 0)
                })
            })
            .collect()
    }
}

fn zone(start: IoEventAddress, size: u32) -> kvm_coalesced_mmio_zone {
    let (addr, pio) = match start {
        IoEventAddress::Pio(port) => (port, 1),
        IoEventAddress::Mmio(address) => (address, 0),
    };
    kvm_coalesced_mmio_zone { addr, size, pio }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{AnonymousMemory, Backing, Guard};

    const PAGE: usize = 0x1000;

    #[derive(Debug)]
    struct Keep(AnonymousMemory);

    impl Guard for Keep {
        fn wake(&self) {}
    }

    fn mapping(len: usize, private: usize) -> Mapping {
        let keep = Arc::new(Keep(AnonymousMemory::new(len).unwrap()));
        let start = keep.0.start();
        // SAFETY: the guard owns the bytes, aligned to pages, and nothing else here refers to them.
        unsafe { Mapping::new(start, len, private, keep) }
    }

    fn write(byte: u8) -> [u8; CoalescedRing::ENTRY_LEN] {
        let mut entry = [0; CoalescedRing::ENTRY_LEN];
        entry[8] = 1;
        entry[16] = byte;
        entry
    }

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let page = CoalescedPage::of(&mapping(2 * PAGE, PAGE), PAGE).unwrap();
        for round in 0..5 {
            let taken = (0..=u8::MAX).take_while(|byte| page.push(write(*byte)));
            assert_eq!(
                taken.count(),
                169,
                "round {round}: one entry is always free"
            );
            for byte in 0..169 {
                assert_eq!(page.pop(), Some(write(byte)));
            }
            assert_eq!(page.pop(), None);
        }
    }

    #[test]
    fn wild_indices_stay_inside_the_page() {
        let page = CoalescedPage::of(&mapping(2 * PAGE, PAGE), PAGE).unwrap();
        for (first, last) in [(u32::MAX, 5), (5, u32::MAX), (170, 171), (1 << 31, 1 << 30)] {
            page.index(CoalescedRing::FIRST)
                .store(first, Ordering::Relaxed);
            page.index(CoalescedRing::LAST)
                .store(last, Ordering::Relaxed);
            let taken = core::iter::from_fn(|| page.pop()).count();
            assert!(taken < 170, "{taken}");
            let _ = page.push(write(1));
        }
    }

    #[test]
    fn a_mapping_without_the_page_has_no_ring() {
        assert!(CoalescedPage::of(&mapping(2 * PAGE, 2 * PAGE), PAGE).is_none());
        assert!(CoalescedPage::of(&mapping(PAGE, 0), PAGE).is_none());
        assert!(CoalescedPage::of(&mapping(2 * PAGE, PAGE), 8).is_none());
    }
}

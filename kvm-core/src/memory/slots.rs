//! [`Slots`]: which memory a VM has where.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use kvm_sys::MemFlags;
use kvm_sys::op::Op;

use super::{GuestAddress, Memory, Slot};
use crate::error::Cause;
use crate::{Errno, Error};

/// The memory slots of a VM. `F` is what private memory is in: a guest_memfd.
#[derive(Debug)]
pub(crate) struct Slots<F>(BTreeMap<Slot, Region<F>>);

/// What is in a slot.
#[derive(Debug)]
pub(crate) struct Region<F> {
    pub(crate) address: GuestAddress,
    pub(crate) memory: Memory,
    pub(crate) flags: MemFlags,
    /// Keeps the file open: the kernel does not.
    pub(crate) private: Option<Arc<F>>,
}

impl<F> Default for Slots<F> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<F> Region<F> {
    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.memory.len() as u64
    }

    /// The address behind the last byte; `check` has seen to it that there is one.
    fn end(&self) -> u64 {
        self.address.0.saturating_add(self.len())
    }
}

impl<F> Slots<F> {
    /// Whether `memory` can be added by the call `op`.
    pub(crate) fn check(
        &self,
        op: &'static Op,
        slot: Slot,
        address: GuestAddress,
        memory: &Memory,
        page_size: u64,
    ) -> Result<(), Error> {
        let refuse = |errno, cause, detail| Err(Error::with(op, errno, cause, detail));
        if memory.is_empty() {
            return refuse(Errno::EINVAL, Cause::Empty, 0);
        }
        if (memory.len() as u64 | memory.host_address()) % page_size != 0 {
            return refuse(Errno::EINVAL, Cause::Unaligned, 0);
        }
        if self.0.contains_key(&slot) {
            return refuse(Errno::EEXIST, Cause::SlotTaken, slot.0);
        }
        self.check_place(op, slot, address, memory.len() as u64, page_size)
    }

    /// Whether what is or will be in `slot` can be at `address`.
    pub(crate) fn check_place(
        &self,
        op: &'static Op,
        slot: Slot,
        address: GuestAddress,
        len: u64,
        page_size: u64,
    ) -> Result<(), Error> {
        let refuse = |errno, cause, detail| Err(Error::with(op, errno, cause, detail));
        let start = address.0;
        if start % page_size != 0 {
            return refuse(Errno::EINVAL, Cause::Unaligned, 0);
        }
        let Some(end) = start.checked_add(len) else {
            return refuse(Errno::EINVAL, Cause::TooHigh, 0);
        };
        let other = self.0.iter().find(|(other, region)| {
            **other != slot
                && other.address_space() == slot.address_space()
                && region.address.0 < end
                && start < region.end()
        });
        match other {
            Some((other, _)) => refuse(Errno::EEXIST, Cause::Overlap, other.0),
            None => Ok(()),
        }
    }

    pub(crate) fn insert(&mut self, slot: Slot, region: Region<F>) {
        self.0.insert(slot, region);
    }

    /// What is in the slot, for the call `op`.
    pub(crate) fn get(&self, op: &'static Op, slot: Slot) -> Result<&Region<F>, Error> {
        self.0.get(&slot).ok_or_else(|| empty(op, slot))
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<Region<F>> {
        self.0.remove(&slot)
    }

    /// Calls `copy` with each memory, offset in it and range of `0..len` that together make up the
    /// `len` bytes from `address` on in address space 0. Says whether all are in slots; if not, nothing
    /// is called.
    pub(crate) fn walk(
        &self,
        address: GuestAddress,
        len: usize,
        mut copy: impl FnMut(&Memory, usize, core::ops::Range<usize>),
    ) -> bool {
        self.try_walk(address, len, |_, _, _| ()) && self.try_walk(address, len, &mut copy)
    }

    fn try_walk(
        &self,
        address: GuestAddress,
        len: usize,
        mut copy: impl FnMut(&Memory, usize, core::ops::Range<usize>),
    ) -> bool {
        let mut done = 0;
        while done < len {
            let Some(at) = address.0.checked_add(done as u64) else {
                return false;
            };
            let found = self.0.iter().find(|(slot, region)| {
                slot.address_space() == 0 && (region.address.0..region.end()).contains(&at)
            });
            let Some((_, region)) = found else {
                return false;
            };
            let Ok(offset) = usize::try_from(at - region.address.0) else {
                return false;
            };
            let n = (region.memory.len() - offset).min(len - done);
            copy(&region.memory, offset, done..done + n);
            done += n;
        }
        true
    }
}

fn empty(op: &'static Op, slot: Slot) -> Error {
    Error::with(op, Errno::EINVAL, Cause::SlotEmpty, slot.0)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use kvm_sys::KVM_SET_USER_MEMORY_REGION;

    use super::*;
    use crate::AnonymousMemory;

    const PAGE: u64 = 0x1000;

    fn memory(pages: usize) -> Memory {
        AnonymousMemory::new(pages * 0x1000).unwrap().into()
    }

    fn insert(slots: &mut Slots<()>, slot: u32, address: u64, memory: Memory) {
        let region = Region {
            address: GuestAddress(address),
            memory,
            flags: MemFlags::empty(),
            private: None,
        };
        slots.insert(Slot(slot), region);
    }

    fn cause(slots: &Slots<()>, slot: u32, address: u64, memory: &Memory) -> Option<Cause> {
        let op = &KVM_SET_USER_MEMORY_REGION;
        slots
            .check(op, Slot(slot), GuestAddress(address), memory, PAGE)
            .err()
            .map(|error| error.cause())
    }

    #[test]
    fn memory_is_checked_before_the_kernel_sees_it() {
        let mut slots = Slots::default();
        insert(&mut slots, 3, 0x4000, memory(2));
        let one = memory(1);
        assert_eq!(cause(&slots, 0, 0x3000, &one), None);
        assert_eq!(cause(&slots, 0, 0x6000, &one), None);
        assert_eq!(cause(&slots, 0, 0x3000, &memory(2)), Some(Cause::Overlap));
        assert_eq!(cause(&slots, 0, 0x5000, &one), Some(Cause::Overlap));
        assert_eq!(cause(&slots, 3, 0x9000, &one), Some(Cause::SlotTaken));
        assert_eq!(cause(&slots, 0, 0x3008, &one), Some(Cause::Unaligned));
        let short = AnonymousMemory::new(8).unwrap().into();
        assert_eq!(cause(&slots, 0, 0x3000, &short), Some(Cause::Unaligned));
        let last = u64::MAX - 0xfff;
        assert_eq!(cause(&slots, 0, last, &one), Some(Cause::TooHigh));
    }

    #[test]
    fn address_spaces_do_not_overlap() {
        let mut slots = Slots::default();
        insert(&mut slots, 3, 0x4000, memory(2));
        assert_eq!(cause(&slots, 0x1_0003, 0x4000, &memory(1)), None);
    }

    #[test]
    fn a_walk_crosses_slots_and_stops_at_holes() {
        let mut slots = Slots::default();
        insert(&mut slots, 0, 0x1000, memory(1));
        insert(&mut slots, 1, 0x2000, memory(1));
        let mut seen = Vec::new();
        assert!(slots.walk(GuestAddress(0x1ffe), 4, |_, offset, range| {
            seen.push((offset, range))
        }));
        assert_eq!(seen, [(0xffe, 0..2), (0, 2..4)]);
        seen.clear();
        assert!(!slots.walk(GuestAddress(0x2ffe), 4, |_, offset, range| {
            seen.push((offset, range))
        }));
        assert!(!slots.walk(GuestAddress(u64::MAX), 4, |_, _, _| ()));
        assert_eq!(seen, [], "nothing is copied when part is missing");
    }
}

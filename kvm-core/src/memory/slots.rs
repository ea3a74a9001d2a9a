//! [`Slots`]: which memory a VM has where.

use alloc::collections::BTreeMap;

use kvm_sys::op::Op;

use super::{GuestAddress, Memory, Slot};
use crate::error::Cause;
use crate::{Errno, Error};

/// Bits of a slot's number below its address space.
const SPACE_SHIFT: u32 = 16;

/// The memory slots of a VM.
#[derive(Debug, Default)]
pub(crate) struct Slots(BTreeMap<Slot, Region>);

#[derive(Debug)]
struct Region {
    start: u64,
    memory: Memory,
}

impl Region {
    /// The address behind the last byte; `check` has seen to it that there is one.
    fn end(&self) -> u64 {
        self.start.saturating_add(self.memory.len() as u64)
    }
}

impl Slots {
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
        let start = address.0;
        let len = memory.len() as u64;
        if len == 0 {
            return refuse(Errno::EINVAL, Cause::Empty, 0);
        }
        if (start | len | memory.host_address()) % page_size != 0 {
            return refuse(Errno::EINVAL, Cause::Unaligned, 0);
        }
        let Some(end) = start.checked_add(len) else {
            return refuse(Errno::EINVAL, Cause::TooHigh, 0);
        };
        if self.0.contains_key(&slot) {
            return refuse(Errno::EEXIST, Cause::SlotTaken, slot.0);
        }
        let space = |slot: &Slot| slot.0 >> SPACE_SHIFT;
        let other = self.0.iter().find(|(other, region)| {
            space(other) == space(&slot) && region.start < end && start < region.end()
        });
        match other {
            Some((other, _)) => refuse(Errno::EEXIST, Cause::Overlap, other.0),
            None => Ok(()),
        }
    }

    pub(crate) fn insert(&mut self, slot: Slot, address: GuestAddress, memory: Memory) {
        let start = address.0;
        self.0.insert(slot, Region { start, memory });
    }

    pub(crate) fn contains(&self, slot: Slot) -> bool {
        self.0.contains_key(&slot)
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<Memory> {
        self.0.remove(&slot).map(|region| region.memory)
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
                slot.0 >> SPACE_SHIFT == 0 && (region.start..region.end()).contains(&at)
            });
            let Some((_, region)) = found else {
                return false;
            };
            let Ok(offset) = usize::try_from(at - region.start) else {
                return false;
            };
            let n = (region.memory.len() - offset).min(len - done);
            copy(&region.memory, offset, done..done + n);
            done += n;
        }
        true
    }
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

    fn cause(slots: &Slots, slot: u32, address: u64, memory: &Memory) -> Option<Cause> {
        let op = &KVM_SET_USER_MEMORY_REGION;
        slots
            .check(op, Slot(slot), GuestAddress(address), memory, PAGE)
            .err()
            .map(|error| error.cause())
    }

    #[test]
    fn memory_is_checked_before_the_kernel_sees_it() {
        let mut slots = Slots::default();
        slots.insert(Slot(3), GuestAddress(0x4000), memory(2));
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
        slots.insert(Slot(3), GuestAddress(0x4000), memory(2));
        assert_eq!(cause(&slots, 0x1_0003, 0x4000, &memory(1)), None);
    }

    #[test]
    fn a_walk_crosses_slots_and_stops_at_holes() {
        let mut slots = Slots::default();
        slots.insert(Slot(0), GuestAddress(0x1000), memory(1));
        slots.insert(Slot(1), GuestAddress(0x2000), memory(1));
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

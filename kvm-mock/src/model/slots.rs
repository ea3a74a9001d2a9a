//! The memory slots of a VM, by the rules of `KVM_SET_USER_MEMORY_REGION` (section 4.35), and the
//! guest's memory behind them.
#![expect(unsafe_code, reason = "guest memory is registered by host address")]

use std::collections::BTreeMap;
use std::ptr::{self, NonNull};

use kvm_core::kvm_sys::{
    DirtyLogProtectFlags, KVM_CAP_MULTI_ADDRESS_SPACE, KVM_CAP_NR_MEMSLOTS, KVM_CAP_READONLY_MEM,
    KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY, MemFlags, kvm_userspace_memory_region,
};
use kvm_core::{Errno, Span};

use super::dirty_log::DirtyPages;
use super::guest_memfd::Binding;
use super::host::Host;

/// Bits of a slot's number below its address space.
const SPACE_SHIFT: u32 = 16;

/// The kernel counts the pages of a slot in a signed 32-bit number.
const MOST_PAGES: u64 = (1 << 31) - 1;

/// The memory slots of a VM.
#[derive(Debug)]
pub(super) struct Slots {
    /// The address behind the last that a slot can have, and how one beyond is refused.
    end: (u64, Errno),
    regions: BTreeMap<u32, Region>,
    /// Slots by address space and address. They don't overlap, so the last one that starts below an
    /// address is the only one that can hold it.
    places: BTreeMap<(u32, u64), u32>,
    /// What `KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2` was enabled with.
    pub(super) protect: DirtyLogProtectFlags,
}

#[derive(Clone, Debug)]
pub(super) struct Region {
    start: u64,
    pub(super) len: u64,
    host: u64,
    flags: MemFlags,
    /// There when the slot has private memory.
    pub(super) private: Option<Binding>,
    /// There when the slot is logged.
    pub(super) dirty: Option<DirtyPages>,
}

impl Region {
    /// Does not overflow: `set` refuses what would.
    pub(super) fn end(&self) -> u64 {
        self.start + self.len
    }
}

impl Slots {
    pub(super) fn new(end: (u64, Errno)) -> Self {
        Self {
            end,
            regions: BTreeMap::new(),
            places: BTreeMap::new(),
            protect: DirtyLogProtectFlags::default(),
        }
    }

    /// Adds, changes, moves or removes a slot.
    pub(super) fn set(
        &mut self,
        region: &kvm_userspace_memory_region,
        host: &Host,
    ) -> Result<(), Errno> {
        let &kvm_userspace_memory_region {
            slot,
            flags,
            guest_phys_addr: start,
            memory_size: len,
            userspace_addr,
        } = region;
        let mut known = KVM_MEM_LOG_DIRTY_PAGES;
        if host.cap_of_vm(KVM_CAP_READONLY_MEM) != 0 {
            known |= KVM_MEM_READONLY;
        }
        let page = u64::from(host.page_size.max(1));
        let space = slot >> SPACE_SHIFT;
        // Addresses and size are in whole pages.
        if known.complement().intersects(flags)
            || [start, len, userspace_addr].iter().any(|n| n % page != 0)
            || !can_be(slot, host)
            || start.checked_add(len).is_none()
            || len / page > MOST_PAGES
        {
            return Err(Errno::EINVAL);
        }
        let old = self.regions.get(&slot).cloned();
        // "Deleting a slot is done by passing zero for memory_size."
        if len == 0 {
            let old = old.ok_or(Errno::EINVAL)?;
            self.regions.remove(&slot);
            self.places.remove(&(space, old.start));
            return Ok(());
        }
        // "When changing an existing slot, it may be moved in the guest physical memory space, or its flags
        // may be modified, but it may not be resized."
        if let Some(old) = &old {
            // The kernel lets slots with private memory be deleted only.
            if old.private.is_some() {
                return Err(Errno::EINVAL);
            }
            let read_only_changes = (flags ^ old.flags).contains(KVM_MEM_READONLY);
            if old.len != len || old.host != userspace_addr || read_only_changes {
                return Err(Errno::EINVAL);
            }
            self.places.remove(&(space, old.start));
        }
        let logged = flags.contains(KVM_MEM_LOG_DIRTY_PAGES);
        // A log lasts as long as the flag; the kernel keeps it when the slot moves.
        let kept = old.as_ref().and_then(|old| old.dirty.clone());
        let dirty =
            logged.then(|| kept.unwrap_or_else(|| DirtyPages::new(len / page, self.protect)));
        let new = Region {
            start,
            len,
            host: userspace_addr,
            flags,
            private: None,
            dirty,
        };
        // "Slots may not overlap in guest physical address space", within one address space.
        let overlaps = self
            .below(space, new.end())
            .is_some_and(|other| other.end() > start);
        let (end, beyond) = self.end;
        let refused = if overlaps {
            Some(Errno::EEXIST)
        } else {
            (new.end() > end).then_some(beyond)
        };
        let (settled, region) = match (refused, old) {
            (Some(errno), Some(old)) => (Err(errno), old),
            (Some(errno), None) => return Err(errno),
            (None, _) => (Ok(()), new),
        };
        self.places.insert((space, region.start), slot);
        self.regions.insert(slot, region);
        settled
    }

    /// Where private memory is, and how long.
    pub(super) fn bindings(&self) -> impl Iterator<Item = (&Binding, u64)> {
        let regions = self.regions.values();
        regions.filter_map(|region| Some((region.private.as_ref()?, region.len)))
    }

    /// The slot of this number, with its address space.
    pub(super) fn region(&mut self, slot: u32) -> Option<&mut Region> {
        self.regions.get_mut(&slot)
    }

    /// The last region of the address space that starts below `address`.
    fn below(&self, space: u32, address: u64) -> Option<&Region> {
        let (_, slot) = self
            .places
            .range((space, 0)..(space, address))
            .next_back()?;
        self.regions.get(slot)
    }

    /// Copies the guest's memory from `address` on. Says whether all of it is in slots.
    pub(super) fn read(&self, address: u64, to: &mut [u8]) -> bool {
        self.walk(address, to.len(), |_, span, offset, range| {
            to.get_mut(range).is_some_and(|to| span.read(offset, to))
        })
    }

    /// Whether the guest can write to all of the `len` bytes from `address` on.
    pub(super) fn is_writable(&self, address: u64, len: usize) -> bool {
        self.walk(address, len, |region, _, _, _| {
            !region.flags.contains(KVM_MEM_READONLY)
        })
    }

    /// Copies `from` into the guest's memory from `address` on, and logs it: tells `log` the slots and pages
    /// that were not dirty. Says whether all of it is in slots that the guest may write to; if not, part of
    /// it may be written.
    pub(super) fn write<E>(
        &mut self,
        address: u64,
        from: &[u8],
        page: u64,
        log: impl FnMut(u32, u64) -> Result<(), E>,
    ) -> Result<bool, E> {
        self.log(address, from.len() as u64, page, log)?;
        Ok(
            self.walk(address, from.len(), |region, span, offset, range| {
                let writable = !region.flags.contains(KVM_MEM_READONLY);
                let from = from.get(range).filter(|_| writable);
                from.is_some_and(|from| span.write(offset, from))
            }),
        )
    }

    /// Sets the dirty bits of the `len` bytes from `address` on.
    fn log<E>(
        &mut self,
        address: u64,
        len: u64,
        page: u64,
        mut log: impl FnMut(u32, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = address.saturating_add(len);
        for (slot, region) in &mut self.regions {
            let bytes = address.max(region.start)..end.min(region.end());
            let (Some(dirty), false) = (&mut region.dirty, bytes.is_empty()) else {
                continue;
            };
            let first = (bytes.start - region.start) / page;
            let last = (bytes.end - 1 - region.start) / page;
            for page in first..=last {
                if dirty.set(page) {
                    log(*slot, page)?;
                }
            }
        }
        Ok(())
    }

    /// Watches a page again that a ring has told of.
    pub(super) fn watch(&mut self, slot: u32, page: u64) {
        if let Some(dirty) = self.region(slot).and_then(|region| region.dirty.as_mut()) {
            dirty.clear(page);
        }
    }

    /// Calls `copy` with the regions, their bytes, offsets in those and ranges of `0..len` that make up
    /// `len` bytes from `address` on, as long as it gives true.
    fn walk(
        &self,
        address: u64,
        len: usize,
        mut copy: impl FnMut(&Region, Span, usize, std::ops::Range<usize>) -> bool,
    ) -> bool {
        let mut done = 0;
        while done < len {
            let at = address.checked_add(done as u64);
            let region = at
                .and_then(|at| self.below(0, at.checked_add(1)?))
                .filter(|region| at.is_some_and(|at| at < region.end()));
            let (Some(at), Some(region)) = (at, region) else {
                return false;
            };
            let (Some(span), Ok(offset), Ok(room)) = (
                span(region),
                usize::try_from(at - region.start),
                usize::try_from(region.end() - at),
            ) else {
                return false;
            };
            let n = room.min(len - done);
            if !copy(region, span, offset, done..done + n) {
                return false;
            }
            done += n;
        }
        true
    }
}

/// Section 4.35: "Bits 0-15 of slot specify the slot id and this value should be less than the maximum number of user
/// memory slots"; bits 16-31 "must be less than the value that KVM_CHECK_EXTENSION returns for the
/// KVM_CAP_MULTI_ADDRESS_SPACE capability".
pub(super) fn can_be(slot: u32, host: &Host) -> bool {
    let id = slot & ((1 << SPACE_SHIFT) - 1);
    id < host.cap_of_vm(KVM_CAP_NR_MEMSLOTS)
        && slot >> SPACE_SHIFT < host.cap_of_vm(KVM_CAP_MULTI_ADDRESS_SPACE).max(1)
}

/// The bytes of a region.
fn span(region: &Region) -> Option<Span> {
    let host = usize::try_from(region.host).ok()?;
    let len = usize::try_from(region.len).ok()?;
    let start = NonNull::new(ptr::with_exposed_provenance_mut::<u8>(host))?;
    // SAFETY: whoever made the call that added the region promised, by `Hypervisor::ioctl`'s contract,
    // that its host addresses stay valid and covered by no reference until the call that removes it; the
    // span is used only while the region is still among the slots, whose lock is held. Memory that a
    // VMM gives to a guest is accessed by the typed layer through spans only.
    unsafe { Span::new(start, len) }
}

//! [`GuestMemory`]: a VM's memory, and what changed in it.
#![expect(unsafe_code, reason = "guest memory is known by its host address")]

mod bytes;
mod dirty;
mod shadow;

use std::collections::BTreeMap;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kvm_core::{Arg, Errno, Span};
use kvm_sys::op::Op;
use kvm_sys::{KVM_MEM_READONLY, kvm_userspace_memory_region};
use zerocopy::FromBytes;

use crate::format::{Crc, Delta};
use bytes::{Ahead, Bytes};
use dirty::Log;
pub(crate) use dirty::loggable;
use shadow::Shadow;

/// Memory is compared in pieces of this size, whatever the size of the host's pages, so that a
/// checksum means the same on every host.
const PIECE: usize = 4096;
const WORD: usize = 8;

/// The memory in a VM's slots beside a copy of it as it was when it was last looked at.
///
/// Who changed it since is told by when it is looked at: before an entry it was the VMM, after an exit
/// the guest or the kernel.
#[derive(Debug, Default)]
pub(crate) struct GuestMemory {
    slots: Mutex<Slots>,
    vcpus: AtomicU32,
}

/// The slots by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    map: BTreeMap<u32, Slot>,
    /// Bytes of the host's pages, for which there are bits in dirty logs.
    page_size: usize,
    /// Dirty logs are cleared by a call of their own.
    pub(crate) manual: bool,
    /// vCPUs have dirty rings: what is logged shows there.
    rings: bool,
    /// The VMM may unmap what is in a slot.
    unowned: bool,
}

#[derive(Debug)]
struct Slot {
    address: u64,
    host: u64,
    /// The guest can't write to it, and perhaps neither can this process.
    read_only: bool,
    bytes: Bytes,
    shadow: Shadow,
    log: Log,
}

impl GuestMemory {
    /// Of a VM on a host with pages of so many bytes.
    /// `unowned`: the VMM may unmap what is in a slot.
    pub(crate) fn new(page_size: u32, unowned: bool) -> Arc<Self> {
        let memory = Self::default();
        let mut slots = memory.lock();
        slots.page_size = usize::try_from(page_size).unwrap_or(0);
        slots.unowned = unowned;
        drop(slots);
        Arc::new(memory)
    }

    pub(crate) fn add_vcpu(&self) {
        self.vcpus.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether there was never more than one vCPU. Only then does what changed between an exit and
    /// the next entry come from the VMM alone.
    pub(crate) fn single(&self) -> bool {
        self.vcpus.load(Ordering::Relaxed) <= 1
    }

    /// To be held through a call that changes slots: as long as it is held, nobody looks at memory.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the call changes a VM's slots.
pub(crate) fn changes_slots(op: &Op) -> bool {
    *op == kvm_sys::KVM_SET_USER_MEMORY_REGION || *op == kvm_sys::KVM_SET_USER_MEMORY_REGION2
}

impl Slots {
    /// Learns from a call that changed slots and succeeded.
    ///
    /// # Safety
    ///
    /// The argument kept [`ioctl`](kvm_core::Hypervisor::ioctl)'s contract: its host address is good until
    /// a call takes it back or the VM's last object goes, and `self` is used no longer.
    pub(crate) unsafe fn learn(&mut self, arg: &Arg<'_>) {
        let bytes = match arg {
            Arg::In(bytes) => bytes,
            Arg::Mut(bytes) => &**bytes,
            Arg::None | Arg::Value(_) | Arg::Parts { .. } => return,
        };
        // The fields of the second form of the call begin with those of the first.
        let Ok((region, _)) = kvm_userspace_memory_region::read_from_prefix(bytes) else {
            return;
        };
        let (address, host) = (region.guest_phys_addr, region.userspace_addr);
        let read_only = region.flags.contains(KVM_MEM_READONLY);
        let Ok(len) = usize::try_from(region.memory_size) else {
            return;
        };
        if let Some(slot) = self.map.get_mut(&region.slot) {
            if slot.host == host && slot.shadow.len() == len {
                slot.address = address;
                slot.read_only = read_only;
                return;
            }
        }
        self.map.remove(&region.slot);
        let start = usize::try_from(host).ok();
        let start = start.and_then(|host| NonNull::new(ptr::with_exposed_provenance_mut(host)));
        let Some(start) = start.filter(|_| len != 0) else {
            return;
        };
        // SAFETY: the call's contract, which the caller passes on: the bytes are valid and covered by no
        // reference until they are taken back, which replaces or removes this slot, or until the VM's
        // last object, and with it the use of `self`, is gone.
        let span = unsafe { Span::new(start, len) };
        #[cfg(target_os = "linux")]
        let bytes = match span {
            Some(_) if self.unowned => Some(Bytes::Promised { start: host, len }),
            span => span.map(Bytes::Kept),
        };
        #[cfg(not(target_os = "linux"))]
        let bytes = span.map(Bytes::Kept);
        if let Some(bytes) = bytes {
            let slot = Slot {
                address,
                host,
                read_only,
                bytes,
                shadow: Shadow::new(len),
                log: Log::default(),
            };
            self.map.insert(region.slot, slot);
        }
    }

    /// Looks at all memory, or at that which `logged` leaves: it has no dirty log. Gives each piece that changed to `changed`: its slot, the slot's guest
    /// address, the offset in it, the bytes that were and those that are.
    fn look(&mut self, logged: bool, mut changed: impl FnMut(u32, u64, usize, &[u8], &[u8])) {
        let mut ahead = Ahead::default();
        for (number, slot) in &mut self.map {
            if logged && slot.is_logged() {
                continue;
            }
            let len = slot.shadow.len();
            for offset in (0..len).step_by(PIECE) {
                let last = slot.shadow.piece(offset);
                // The last one may be shorter.
                let room = PIECE.min(len - offset);
                let now = ahead.read(&slot.bytes, offset, room, len);
                let (Some(now), Some(last)) = (now, last.get(..room)) else {
                    continue;
                };
                if last != now {
                    changed(*number, slot.address, offset, last, now);
                    slot.shadow.write(offset, now);
                }
            }
        }
    }

    /// A checksum of what changed: of each piece that did, its guest address and its bytes.
    ///
    /// New memory counts as changed where it is not zero, so the first checksum covers all of it.
    pub(crate) fn checksum(&mut self) -> u32 {
        let mut crc = Crc::new();
        self.look(false, |_, address, offset, _, now| {
            let at = address.wrapping_add(offset as u64);
            crc = crc.with(&at.to_le_bytes()).with(now);
        });
        crc.value()
    }

    /// Forgets what changed where there is no dirty log: the VMM did it.
    pub(crate) fn skip(&mut self) {
        self.look(true, |_, _, _, _, _| {});
    }

    /// Gives what changed, piece by piece, from the first word that did to the last; where there is a dirty log only
    /// if not `logged`.
    pub(crate) fn deltas(&mut self, logged: bool, mut found: impl FnMut(&Delta<'_>)) {
        self.look(logged, |slot, _, offset, before, now| {
            let differs = |(_, (before, now)): &(usize, (&[u8], &[u8]))| before != now;
            let words = || before.chunks(WORD).zip(now.chunks(WORD)).enumerate();
            let first = words().find(differs);
            let last = words().rfind(differs);
            if let (Some((first, _)), Some((last, _))) = (first, last) {
                let end = now.len().min((last + 1) * WORD);
                found(&Delta {
                    slot,
                    offset: (offset + first * WORD) as u64,
                    bytes: now.get(first * WORD..end).unwrap_or_default(),
                });
            }
        });
    }

    /// Writes what changed in the recording.
    ///
    /// Gives an errno when there is no such memory, or no guest could have written to it.
    pub(crate) fn apply(&mut self, delta: &Delta<'_>) -> Result<(), Errno> {
        let slot = self.map.get_mut(&delta.slot);
        let slot = slot.filter(|slot| !slot.read_only).ok_or(Errno::EFAULT)?;
        let offset = usize::try_from(delta.offset).map_err(|_| Errno::EFAULT)?;
        let inside = slot.shadow.holds(offset, delta.bytes.len());
        if !inside || !slot.bytes.write(offset, delta.bytes) {
            return Err(Errno::EFAULT);
        }
        slot.shadow.write(offset, delta.bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kvm_core::{AnonymousMemory, Memory};
    use kvm_sys::MemFlags;
    use zerocopy::IntoBytes;

    use super::*;

    fn slots(memory: &Memory) -> Slots {
        slots_with(memory, MemFlags::empty())
    }

    fn slots_with(memory: &Memory, flags: MemFlags) -> Slots {
        let mut slots = Slots::default();
        let region = kvm_userspace_memory_region {
            slot: 3,
            flags,
            guest_phys_addr: 0x10_0000,
            memory_size: memory.len() as u64,
            userspace_addr: memory.host_address(),
        };
        // SAFETY: the tests keep the memory longer than the slots.
        unsafe { slots.learn(&Arg::In(region.as_bytes())) };
        slots
    }

    fn deltas(slots: &mut Slots) -> Vec<(u32, u64, Vec<u8>)> {
        let mut found = Vec::new();
        slots.deltas(false, |delta| {
            found.push((delta.slot, delta.offset, delta.bytes.to_vec()))
        });
        found
    }

    #[test]
    fn a_change_is_seen_once_by_whole_words() {
        let memory = Memory::from(AnonymousMemory::new(0x4000).unwrap());
        let mut slots = slots(&memory);
        assert_eq!(deltas(&mut slots), []);
        assert!(memory.write(0x1ffe, &[1, 2, 3, 4]));
        let expected = [
            (3, 0x1ff8, vec![0, 0, 0, 0, 0, 0, 1, 2]),
            (3, 0x2000, vec![3, 4, 0, 0, 0, 0, 0, 0]),
        ];
        assert_eq!(deltas(&mut slots), expected);
        assert_eq!(deltas(&mut slots), []);
    }

    #[test]
    fn a_checksum_covers_place_and_bytes_and_what_was_there_first() {
        let nothing = Crc::new().value();
        let sum = |offset, byte| {
            let memory = Memory::from(AnonymousMemory::new(0x4000).unwrap());
            assert!(memory.write(offset, &[byte]));
            let mut slots = slots(&memory);
            let sum = slots.checksum();
            assert_eq!(slots.checksum(), nothing);
            sum
        };
        let sums = [sum(0, 1), sum(0, 2), sum(1, 1), sum(0x1000, 1)];
        for (n, sum) in sums.iter().enumerate() {
            assert_ne!(*sum, nothing);
            assert!(!sums[..n].contains(sum));
        }
    }

    #[test]
    fn a_delta_outside_is_refused() {
        let memory = Memory::from(AnonymousMemory::new(0x4000).unwrap());
        let mut slots = slots(&memory);
        let bytes = &[9; 16];
        let delta = |slot, offset| Delta {
            slot,
            offset,
            bytes,
        };
        assert_eq!(slots.apply(&delta(3, 0x3ff0)), Ok(()));
        assert_eq!(slots.apply(&delta(3, 0x3ff8)), Err(Errno::EFAULT));
        assert_eq!(slots.apply(&delta(3, u64::MAX)), Err(Errno::EFAULT));
        assert_eq!(slots.apply(&delta(4, 0)), Err(Errno::EFAULT));
        let mut end = [0; 16];
        assert!(memory.read(0x3ff0, &mut end));
        assert_eq!(end, [9; 16]);
        assert_eq!(deltas(&mut slots), []);
    }

    #[test]
    fn memory_that_no_guest_can_write_to_is_not_written_to() {
        let memory = Memory::from(AnonymousMemory::new(0x1000).unwrap());
        let mut slots = slots_with(&memory, KVM_MEM_READONLY);
        let delta = Delta {
            slot: 3,
            offset: 0,
            bytes: &[1],
        };
        assert_eq!(slots.apply(&delta), Err(Errno::EFAULT));
    }
}

//! [`Log`]: a slot's dirty log, from which the recorder takes bits behind the VMM's back.

use kvm_core::Errno;
use kvm_sys::{KVM_MEM_LOG_DIRTY_PAGES, kvm_userspace_memory_region};
use zerocopy::FromBytes;

use super::Slots;
use crate::format::{PAGE, Pages, Record, write_page};

/// Pages in a word of a bitmap.
const WORD: usize = 64;

/// What is known of a slot's dirty log.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The kernel keeps one, whether the VMM asked for it or not.
    kept: bool,
    /// The VMM asked for it.
    asked: bool,
    /// Bits that the recorder took and the VMM is to get.
    owed: Vec<u64>,
    /// Bits that the VMM took, of pages that the recorder has not looked at since.
    pending: Vec<u64>,
}

/// The region that a call changes, if that can be logged.
pub(crate) fn loggable(bytes: &[u8]) -> Option<kvm_userspace_memory_region> {
    let (region, _) = kvm_userspace_memory_region::read_from_prefix(bytes).ok()?;
    let read_only = region.flags.contains(kvm_sys::KVM_MEM_READONLY);
    (!read_only && region.memory_size != 0).then_some(region)
}

/// Sets the bits of `from`, which may be shorter.
fn merge(to: &mut [u64], from: &[u64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to |= from;
    }
}

impl super::Slot {
    /// Whether its changes need not be looked for: there is a log, or there are none.
    pub(super) fn is_logged(&self) -> bool {
        self.log.kept || self.read_only
    }
}

impl Slots {
    /// Takes note that the kernel logs the region that a call gave, or refused to.
    pub(crate) fn note_log(&mut self, region: &kvm_userspace_memory_region, kept: bool) {
        let Some(slot) = self.map.get_mut(&region.slot) else {
            return;
        };
        let asked = region.flags.contains(KVM_MEM_LOG_DIRTY_PAGES);
        let words = slot
            .shadow
            .len()
            .div_ceil(self.page_size.max(1))
            .div_ceil(WORD);
        let log = &mut slot.log;
        log.pending.resize(words, 0);
        // A log that is switched on begins anew.
        if !(asked && log.asked) {
            log.owed = vec![0; words];
        }
        log.kept = kept;
        log.asked = asked;
    }

    /// Whether a slot can be logged behind the VMM's back.
    pub(crate) fn can_log(&self) -> bool {
        !self.rings
    }

    /// Takes note that vCPUs have dirty rings. Gives each region that is logged against the VMM's will to `unlog`.
    pub(crate) fn enable_rings(&mut self, mut unlog: impl FnMut(&kvm_userspace_memory_region)) {
        self.rings = true;
        for (number, slot) in &mut self.map {
            if slot.log.kept && !slot.log.asked {
                slot.log.kept = false;
                unlog(&kvm_userspace_memory_region {
                    slot: *number,
                    guest_phys_addr: slot.address,
                    memory_size: slot.shadow.len() as u64,
                    userspace_addr: slot.host,
                    ..Default::default()
                });
            }
        }
    }

    /// `ENOENT` for a slot that the VMM does not know to be logged.
    pub(crate) fn check_log(&self, slot: u32) -> Result<(), Errno> {
        match self.map.get(&slot) {
            Some(slot) if slot.log.kept && !slot.log.asked => Err(Errno::ENOENT),
            _ => Ok(()),
        }
    }

    /// The VMM gets the kernel's bits of a slot, and those that it is owed.
    pub(crate) fn give(&mut self, slot: u32, bitmap: &mut [u8]) {
        let Some(slot) = self.map.get_mut(&slot).filter(|slot| slot.log.kept) else {
            return;
        };
        let log = &mut slot.log;
        let pairs = log.owed.iter_mut().zip(&mut log.pending);
        for (bytes, (owed, pending)) in bitmap.chunks_exact_mut(8).zip(pairs) {
            let word = <[u8; 8]>::try_from(&*bytes).map_or(0, u64::from_ne_bytes);
            *pending |= word;
            bytes.copy_from_slice(&(word | *owed).to_ne_bytes());
            if !self.manual {
                *owed = 0;
            }
        }
    }

    /// The VMM cleared the bits of a slot that are set in `bitmap`, which begins at page `first`.
    pub(crate) fn cleared(&mut self, slot: u32, first: u64, bitmap: &[u8]) {
        let Some(slot) = self.map.get_mut(&slot) else {
            return;
        };
        let log = &mut slot.log;
        let skip = usize::try_from(first).unwrap_or(usize::MAX) / WORD;
        let pairs = log.owed.iter_mut().zip(&mut log.pending).skip(skip);
        for (bytes, (owed, pending)) in bitmap.chunks_exact(8).zip(pairs) {
            let word = <[u8; 8]>::try_from(bytes).map_or(0, u64::from_ne_bytes);
            *owed &= !word;
            *pending |= word;
        }
    }

    /// Asks for the dirty bits of each slot that is logged, and gives a record of its dirty pages. `ask` is given the
    /// slot, how many pages it has, whether the log has to be cleared by a call of its own, and room for the bits.
    pub(crate) fn harvest(
        &mut self,
        mut ask: impl FnMut(u32, usize, bool, &mut [u64]) -> Result<(), Errno>,
        mut found: impl FnMut(&mut Record),
    ) {
        let (page_size, manual) = (self.page_size.max(PAGE), self.manual);
        for (number, slot) in &mut self.map {
            if !slot.log.kept {
                continue;
            }
            let pages = slot.shadow.len() / page_size;
            let mut bits = vec![0; slot.log.pending.len()];
            if ask(*number, pages, manual, &mut bits).is_err() {
                // Rings took the log's place: from now on all of it is compared.
                slot.log.kept = false;
                continue;
            }
            if slot.log.asked {
                merge(&mut slot.log.owed, &bits);
            }
            merge(&mut bits, &slot.log.pending);
            slot.log.pending.fill(0);
            let mut record = Record::new();
            Pages::start(&mut record, *number);
            let mut count = 0;
            for page in set(&bits).filter(|page| *page < pages) {
                let start = page * page_size;
                for offset in (start..start + page_size).step_by(PAGE) {
                    let mut now = [0; PAGE];
                    if !slot.bytes.read(offset, &mut now) {
                        continue;
                    }
                    write_page(&mut record, offset as u64, &now, slot.shadow.piece(offset));
                    slot.shadow.write(offset, &now);
                    count += 1;
                }
            }
            if count != 0 {
                Pages::end(&mut record, count);
                found(&mut record);
            }
        }
    }

    /// Writes pages of the recording.
    ///
    /// Gives an errno when there is no such memory, or no guest could have written to it.
    pub(crate) fn apply_pages(&mut self, pages: &Pages<'_>) -> Result<(), Errno> {
        let slot = self.map.get_mut(&pages.slot);
        let slot = slot.filter(|slot| !slot.read_only).ok_or(Errno::EFAULT)?;
        for page in pages.iter() {
            let offset = usize::try_from(page.offset).map_err(|_| Errno::EFAULT)?;
            let last = slot.shadow.whole_piece(offset).ok_or(Errno::EFAULT)?;
            page.apply(last);
            if !slot.bytes.write(offset, last) {
                return Err(Errno::EFAULT);
            }
        }
        Ok(())
    }
}

/// The bits that are set.
fn set(bits: &[u64]) -> impl Iterator<Item = usize> + '_ {
    let words = bits.iter().enumerate().filter(|(_, word)| **word != 0);
    words.flat_map(|(index, word)| {
        let bits = (0..WORD).filter(move |bit| word >> bit & 1 != 0);
        bits.map(move |bit| index * WORD + bit)
    })
}

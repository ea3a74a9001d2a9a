//! Dirty logs: sections 4.8, 4.117 and 7.18.

use kvm_core::kvm_sys::{
    DirtyLogProtectFlags, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_DIRTY_LOG_INITIALLY_SET,
    KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, kvm_clear_dirty_log, kvm_dirty_log,
};
use kvm_core::{Arg, Errno, PartBytes};

use zerocopy::FromBytes;

use super::host::Host;
use super::slots::{Slots, can_be};
use super::vm::{State, Vm};
use super::{args, lock};

/// Pages in a word of a bitmap.
const WORD: u64 = 64;

/// The dirty bits of a slot.
#[derive(Clone, Debug)]
pub(super) struct DirtyPages {
    pages: u64,
    words: Vec<u64>,
}

impl DirtyPages {
    /// Section 7.18: with `KVM_DIRTY_LOG_INITIALLY_SET` all bits are set at first.
    pub(super) fn new(pages: u64, protect: DirtyLogProtectFlags) -> Self {
        let all = protect.contains(KVM_DIRTY_LOG_INITIALLY_SET);
        // A slot has fewer than 2^31 pages.
        let words = usize::try_from(pages.div_ceil(WORD)).unwrap_or_default();
        let mut words = vec![if all { u64::MAX } else { 0 }; words];
        if let (Some(last), tail @ 1..) = (words.last_mut(), pages % WORD) {
            *last &= (1 << tail) - 1;
        }
        Self { pages, words }
    }

    /// Says whether the page was not dirty.
    pub(super) fn set(&mut self, page: u64) -> bool {
        let Some((word, bit)) = self.bit(page) else {
            return false;
        };
        let clean = *word & bit == 0;
        *word |= bit;
        clean
    }

    pub(super) fn clear(&mut self, page: u64) {
        if let Some((word, bit)) = self.bit(page) {
            *word &= !bit;
        }
    }

    fn bit(&mut self, page: u64) -> Option<(&mut u64, u64)> {
        let word = usize::try_from(page / WORD).ok()?;
        Some((self.words.get_mut(word)?, 1 << (page % WORD)))
    }
}

impl Slots {
    /// The dirty bits of a slot that is logged; `ENOENT` for others, and `EINVAL` for what can be none, are the
    /// kernel's errnos.
    fn logged(&mut self, slot: u32, host: &Host) -> Result<&mut DirtyPages, Errno> {
        if !can_be(slot, host) {
            return Err(Errno::EINVAL);
        }
        let dirty = self.region(slot).and_then(|region| region.dirty.as_mut());
        dirty.ok_or(Errno::ENOENT)
    }
}

impl State {
    /// Section 8.29: bitmap and rings exclude each other; `ENXIO` is the kernel's errno.
    fn without_rings(&self) -> Result<(), Errno> {
        self.rings.len.map_or(Ok(()), |_| Err(Errno::ENXIO))
    }
}

impl Vm {
    /// Section 4.8.
    pub(super) fn get_dirty_log(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_dirty_log { slot, .. } = args::head(arg)?;
        let mut state = lock(&self.state);
        state.without_rings()?;
        let keep = state
            .slots
            .protect
            .contains(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE);
        let dirty = state.slots.logged(slot, self.system().profile())?;
        let [part] = args::parts(arg)?;
        let PartBytes::Mut(bytes) = &mut part.bytes else {
            return Err(Errno::EFAULT);
        };
        let words = bytes.chunks_exact_mut(size_of::<u64>());
        if words.len() < dirty.words.len() {
            return Err(Errno::EFAULT);
        }
        for (to, word) in words.zip(&mut dirty.words) {
            to.copy_from_slice(&word.to_ne_bytes());
            // "KVM_GET_DIRTY_LOG will not automatically clear" with the flag.
            if !keep {
                *word = 0;
            }
        }
        Ok(0)
    }

    /// Section 4.117: "first_page must be a multiple of 64; num_pages must also be a multiple of 64 unless
    /// first_page + num_pages is the size of the memory slot".
    pub(super) fn clear_dirty_log(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_clear_dirty_log {
            slot,
            num_pages,
            first_page: first,
            ..
        } = args::head(arg)?;
        let mut state = lock(&self.state);
        state.without_rings()?;
        if first % WORD != 0 {
            return Err(Errno::EINVAL);
        }
        let dirty = state.slots.logged(slot, self.system().profile())?;
        let count = u64::from(num_pages);
        let end = first.checked_add(count).filter(|end| *end <= dirty.pages);
        let end = end.ok_or(Errno::EINVAL)?;
        if count % WORD != 0 && end != dirty.pages {
            return Err(Errno::EINVAL);
        }
        let [part] = args::parts(arg)?;
        let PartBytes::In(bytes) = &part.bytes else {
            return Err(Errno::EFAULT);
        };
        let clear = bytes.chunks_exact(size_of::<u64>());
        let clear = clear.filter_map(|word| u64::read_from_bytes(word).ok());
        let skip = usize::try_from(first / WORD).map_err(|_| Errno::EINVAL)?;
        let words = usize::try_from(count.div_ceil(WORD)).map_err(|_| Errno::EINVAL)?;
        for (word, clear) in dirty.words.iter_mut().skip(skip).take(words).zip(clear) {
            *word &= !clear;
        }
        Ok(0)
    }

    /// Section 7.18. No flags turn it off again; the kernel knows the second flag with the first only. The answer to
    /// `KVM_CHECK_EXTENSION` is a mask of what can be asked for.
    pub(super) fn protect_dirty_log(&self, flags: u64) -> Result<u32, Errno> {
        let flags = DirtyLogProtectFlags(flags);
        let enabled = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
        let known = [
            DirtyLogProtectFlags::empty(),
            enabled,
            enabled | KVM_DIRTY_LOG_INITIALLY_SET,
        ];
        let offered = self.cap(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);
        let offered = DirtyLogProtectFlags(offered.into());
        if !known.contains(&flags) || !offered.contains(flags) {
            return Err(Errno::EINVAL);
        }
        lock(&self.state).slots.protect = flags;
        Ok(0)
    }
}

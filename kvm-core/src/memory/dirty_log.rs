//! [`DirtyLog`]: which pages of a slot the guest wrote to.
#![expect(unsafe_code, reason = "sizes the bitmap that the kernel writes")]

use alloc::vec::Vec;
use core::ops::Range;

use kvm_sys::{
    DirtyLogProtectFlags, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_CLEAR_DIRTY_LOG,
    KVM_GET_DIRTY_LOG, kvm_clear_dirty_log, kvm_dirty_log,
};

use super::Slot;
use crate::error::Cause;
use crate::typed::Bitmap;
use crate::{Errno, Error, Hypervisor, Vm, capability};

const GET_DIRTY_LOG: Bitmap<kvm_dirty_log> = Bitmap::new(&KVM_GET_DIRTY_LOG);
const CLEAR_DIRTY_LOG: Bitmap<kvm_clear_dirty_log> = Bitmap::new(&KVM_CLEAR_DIRTY_LOG);

/// Pages in a word of the bitmap.
const WORD: u64 = 64;

/// Which pages of a slot were written to: a bit for each.
///
/// ```
/// use kvm_core::{AnonymousMemory, GuestAddress, Kvm, Slot};
/// use kvm_core::kvm_sys::KVM_MEM_LOG_DIRTY_PAGES;
/// use kvm_mock::{Model, Step};
///
/// let model = Model::new();
/// model.script(0, [Step::hlt().writes_memory(0x3ff8, [1; 16])]);
/// let vm = Kvm::with(model)?.create_vm()?;
/// let ram = AnonymousMemory::new(0x8000)?;
/// vm.add_memory_with(Slot(0), GuestAddress(0), ram, KVM_MEM_LOG_DIRTY_PAGES)?;
/// vm.create_vcpu(0)?.run()?;
///
/// let log = vm.get_dirty_log(Slot(0))?;
/// assert!(log.iter().eq([3, 4]));
/// assert_eq!((log.pages(), log.count()), (8, 2));
/// assert_eq!(vm.get_dirty_log(Slot(0))?.iter().next(), None, "the log begins anew");
/// # Ok::<(), kvm_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirtyLog {
    slot: Slot,
    pages: u64,
    words: Vec<u64>,
}

impl DirtyLog {
    /// No page is dirty.
    fn new(slot: Slot, pages: u64) -> Result<Self, Errno> {
        let words = usize::try_from(pages.div_ceil(WORD)).map_err(|_| Errno::ENOMEM)?;
        Ok(Self {
            slot,
            pages,
            words: alloc::vec![0; words],
        })
    }

    /// The slot that it is about.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// How many pages the slot has.
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// How many pages are dirty.
    pub fn count(&self) -> u64 {
        self.words
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    /// Whether a page is dirty. Pages are counted from the start of the slot; none beyond its end is.
    pub fn is_dirty(&self, page: u64) -> bool {
        let word = usize::try_from(page / WORD)
            .ok()
            .and_then(|at| self.words.get(at));
        word.is_some_and(|word| word >> (page % WORD) & 1 != 0)
    }

    /// The dirty pages in ascending order, counted from the start of the slot.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0..)
            .step_by(64)
            .zip(&self.words)
            .flat_map(|(first, word)| {
                // Takes the lowest bit away each time.
                let rests =
                    core::iter::successors(Some(*word), |rest| Some(rest & rest.wrapping_sub(1)));
                rests
                    .take_while(|rest| *rest != 0)
                    .map(move |rest| first + u64::from(rest.trailing_zeros()))
            })
    }

    /// The bitmap: page 0 is the lowest bit of the first word. Bits beyond the last page are 0.
    ///
    /// ```
    /// use kvm_core::kvm_sys::KVM_MEM_LOG_DIRTY_PAGES;
    /// use kvm_core::{AnonymousMemory, GuestAddress, Kvm, Slot};
    ///
    /// let vm = Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let ram = AnonymousMemory::new(0x4000)?;
    /// vm.add_memory_with(Slot(3), GuestAddress(0), ram, KVM_MEM_LOG_DIRTY_PAGES)?;
    /// let log = vm.get_dirty_log(Slot(3))?;
    /// assert_eq!((log.slot(), log.pages(), log.is_dirty(0)), (Slot(3), 4, false));
    /// assert_eq!(log.words(), [0]);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn words(&self) -> &[u64] {
        &self.words
    }
}

impl<H: Hypervisor> Vm<H> {
    /// Gets which pages of a slot were written to since the last call, and begins the log anew. Section 4.8.
    ///
    /// The slot needs [`KVM_MEM_LOG_DIRTY_PAGES`](kvm_sys::KVM_MEM_LOG_DIRTY_PAGES). What the VMM itself writes
    /// is not logged. After [`enable_manual_dirty_log_protect`](Self::enable_manual_dirty_log_protect) the log
    /// stays as it is until [`clear_dirty_log`](Self::clear_dirty_log).
    ///
    /// # Errors
    ///
    /// `EINVAL` when the slot holds no memory, `ENOENT` when it is not logged, `ENXIO` when the VM has dirty
    /// rings and no bitmap beside them.
    pub fn get_dirty_log(&self, slot: Slot) -> Result<DirtyLog, Error> {
        let op = &KVM_GET_DIRTY_LOG;
        // Held through the call, so that the slot keeps its size.
        let slots = self.inner.slots.lock();
        let pages = slots.get(op, slot)?.len() / self.inner.system.page_size;
        let mut log = DirtyLog::new(slot, pages).map_err(|errno| Error::new(op, errno))?;
        let head = kvm_dirty_log {
            slot: slot.0,
            ..Default::default()
        };
        // SAFETY: a bit for each page of the slot, in whole words of 64, and the lock held keeps others from
        // putting memory of another size into the slot.
        unsafe { GET_DIRTY_LOG.get(self.backend(), &head, &mut log.words) }?;
        if let (Some(last), tail @ 1..) = (log.words.last_mut(), pages % WORD) {
            *last &= (1 << tail) - 1;
        }
        Ok(log)
    }

    /// Clears the bits of a log that are set, of the pages in a range, and watches those pages again. Section
    /// 4.117; needs `KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2`.
    ///
    /// To be called before the pages are read, so that a write after it is logged again. In small ranges it
    /// keeps the guest from its memory for a short time only.
    ///
    /// ```
    /// use kvm_core::{AnonymousMemory, GuestAddress, Kvm, Slot};
    /// use kvm_core::kvm_sys::{KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, KVM_MEM_LOG_DIRTY_PAGES};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::hlt().writes_memory(0x1000, [1])]);
    /// let vm = Kvm::with(model)?.create_vm()?;
    /// vm.enable_manual_dirty_log_protect(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)?;
    /// let ram = AnonymousMemory::new(0x8000)?;
    /// vm.add_memory_with(Slot(0), GuestAddress(0), ram, KVM_MEM_LOG_DIRTY_PAGES)?;
    /// vm.create_vcpu(0)?.run()?;
    ///
    /// let log = vm.get_dirty_log(Slot(0))?;
    /// assert_eq!(vm.get_dirty_log(Slot(0))?, log, "getting does not clear");
    /// vm.clear_dirty_log(&log, 0..log.pages())?;
    /// assert_eq!(vm.get_dirty_log(Slot(0))?.count(), 0);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Cause::Pages`] (`EINVAL`) when the range does not begin at a multiple of 64, or ends neither at
    /// one nor at the slot's end; `EINVAL` also when the slot has other memory now; `ENOENT` when it is not
    /// logged.
    pub fn clear_dirty_log(&self, log: &DirtyLog, pages: Range<u64>) -> Result<(), Error> {
        let op = &KVM_CLEAR_DIRTY_LOG;
        let refused = Error::with(op, Errno::EINVAL, Cause::Pages, log.slot.0);
        let ends = pages.end % WORD == 0 || pages.end == log.pages;
        if pages.start % WORD != 0 || !ends || pages.end > log.pages || pages.is_empty() {
            return Err(refused);
        }
        let first = usize::try_from(pages.start / WORD).map_err(|_| refused)?;
        let head = kvm_clear_dirty_log {
            slot: log.slot.0,
            num_pages: u32::try_from(pages.end - pages.start).map_err(|_| refused)?,
            first_page: pages.start,
            ..Default::default()
        };
        let words = log.words.get(first..).unwrap_or_default();
        CLEAR_DIRTY_LOG.set(self.backend(), &head, words)
    }

    /// Makes [`get_dirty_log`](Self::get_dirty_log) leave the log as it is, so that
    /// [`clear_dirty_log`](Self::clear_dirty_log) has to be called. Section 7.18; needs
    /// `KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2`, whose value says which flags there are.
    ///
    /// With [`KVM_DIRTY_LOG_INITIALLY_SET`](kvm_sys::KVM_DIRTY_LOG_INITIALLY_SET) beside
    /// [`KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE`](kvm_sys::KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE) a log begins
    /// with all bits set, and pages are watched only once they are cleared. No flags turn it off.
    ///
    /// # Errors
    ///
    /// `EINVAL` for flags that the kernel does not know.
    pub fn enable_manual_dirty_log_protect(
        &self,
        flags: DirtyLogProtectFlags,
    ) -> Result<(), Error> {
        let cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2;
        let args = [flags.bits(), 0, 0, 0];
        capability::enable(self.backend(), cap, 0, args).map(|_| ())
    }
}

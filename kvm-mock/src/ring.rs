//! [`Ring`]: a VM's ring of coalesced writes, as recorder and replay see it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kvm_core::{CoalescedPage, Mapping};

/// A coalesced write, as it is in the ring.
pub(crate) const ENTRY: usize = kvm_exit::CoalescedRing::ENTRY_LEN;

/// The ring behind the run page of the vCPU that was mapped first: all show the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// A zone was registered; before that nothing is ever put into the ring, and no exit need look at it.
    used: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    page: Option<CoalescedPage>,
    /// Index of the first entry that was not looked at.
    next: u32,
}

impl Ring {
    /// Takes note of a vCPU's mapping.
    pub(crate) fn map(&self, mapping: &Mapping, page_size: u32) {
        let mut seen = self.seen();
        if let (None, Ok(len)) = (&seen.page, usize::try_from(page_size)) {
            seen.page = CoalescedPage::of(mapping, len);
        }
    }

    /// Takes note that a zone was registered.
    pub(crate) fn enable(&self) {
        self.0.used.store(true, Ordering::Release);
    }

    /// The writes that were added since the last look.
    pub(crate) fn take(&self) -> Vec<[u8; ENTRY]> {
        if !self.0.used.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut seen = self.seen();
        let Some(page) = &seen.page else {
            return Vec::new();
        };
        let (writes, next) = page.since(seen.next);
        seen.next = next;
        writes
    }

    /// Adds a write. Says whether there was room.
    pub(crate) fn push(&self, write: [u8; ENTRY]) -> bool {
        self.seen()
            .page
            .as_ref()
            .is_some_and(|page| page.push(write))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

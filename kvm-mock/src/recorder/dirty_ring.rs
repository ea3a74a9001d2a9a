//! [`Rings`]: what a recorder has seen of a VM's dirty rings.
#![expect(unsafe_code, reason = "a ring is shared with KVM by its address")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use kvm_core::{Mapping, Span};
use kvm_exit::DirtyRing as Shape;
use kvm_sys::DirtyGfnFlags;

use super::lock;
use crate::dirty_ring::{Dirtied, load};

/// The rings of a VM's vCPUs, by their streams.
#[derive(Clone, Debug, Default)]
pub(super) struct Rings(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// One was mapped; before that no exit need look for any.
    used: AtomicBool,
    rings: Mutex<BTreeMap<u32, Seen>>,
}

impl Rings {
    /// Takes note that a vCPU's ring was mapped.
    pub(super) fn map(&self, stream: u32, mapping: &Mapping) {
        if let Some(seen) = Seen::new(mapping) {
            lock(&self.0.rings).entry(stream).or_insert(seen);
            self.0.used.store(true, Ordering::Release);
        }
    }

    /// The pages that were added to a vCPU's ring since they were last taken.
    pub(super) fn take(&self, stream: u32) -> Vec<Dirtied> {
        if !self.0.used.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut rings = lock(&self.0.rings);
        let Some(seen) = rings.get_mut(&stream) else {
            return Vec::new();
        };
        seen.look();
        std::mem::take(&mut seen.pages)
    }

    /// Looks at what KVM is about to take back, and may then fill again.
    pub(super) fn before_reset(&self) {
        for seen in lock(&self.0.rings).values_mut() {
            seen.look();
            seen.release();
        }
    }
}

/// A ring, and how far it was looked at.
#[derive(Debug)]
struct Seen {
    /// Keeps the bytes of `entries`.
    _mapping: Mapping,
    entries: Span,
    shape: Shape,
    /// Index of the first entry that was not looked at.
    next: u32,
    /// How many before it KVM has not taken back.
    held: u32,
    pages: Vec<Dirtied>,
}

impl Seen {
    fn new(mapping: &Mapping) -> Option<Self> {
        // SAFETY: the mapping's contract: its bytes live while it does, which is as long as the span is used, and
        // everybody in the process accesses them as atomic words only.
        let entries = unsafe { Span::new(mapping.start(), mapping.len()) }?;
        Some(Self {
            shape: Shape::new(entries.len())?,
            _mapping: mapping.clone(),
            entries,
            next: 0,
            held: 0,
            pages: Vec::new(),
        })
    }

    fn load(&self, index: u32) -> Option<(DirtyGfnFlags, Dirtied)> {
        load(&self.entries, self.shape.offset(index))
    }

    /// Takes what is new. The VMM may have harvested it already, on another thread.
    fn look(&mut self) {
        while self.held < self.shape.capacity() {
            match self.load(self.next) {
                Some((flags, page)) if !flags.is_empty() => self.pages.push(page),
                _ => return,
            }
            self.next = self.next.wrapping_add(1);
            self.held += 1;
        }
    }

    /// Counts no more what KVM takes back: the oldest entries, as far as the VMM has harvested them.
    fn release(&mut self) {
        while self.held > 0 {
            let oldest = self.load(self.next.wrapping_sub(self.held));
            if oldest.is_none_or(|(flags, _)| flags == DirtyGfnFlags::KVM_DIRTY_GFN_F_DIRTY) {
                return;
            }
            self.held -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirty_ring::Ring;

    const STREAM: u32 = 7;

    /// As a VMM does.
    fn harvest(mapping: &Mapping, indices: std::ops::Range<u32>) {
        // SAFETY: as in `Seen::new`; the mapping outlives the call.
        let span = unsafe { Span::new(mapping.start(), mapping.len()) }.unwrap();
        let shape = Shape::new(span.len()).unwrap();
        for index in indices {
            assert!(span.store_release(shape.offset(index), Shape::HARVESTED.bits().into()));
        }
    }

    fn push(ring: &mut Ring, pages: std::ops::Range<u64>) {
        for page in pages {
            assert!(ring.push(Dirtied { slot: 1, page }));
        }
    }

    fn pages(rings: &Rings) -> Vec<u64> {
        rings.take(STREAM).iter().map(|page| page.page).collect()
    }

    #[test]
    fn each_page_is_taken_once_whatever_was_harvested_meanwhile() {
        let mut ring = Ring::new(16 * 8).unwrap();
        let mapping = ring.mapping();
        let rings = Rings::default();
        assert!(pages(&rings).is_empty());
        rings.map(STREAM, &mapping);
        // Full to the last entry.
        push(&mut ring, 0..8);
        assert_eq!(pages(&rings), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert!(pages(&rings).is_empty());
        harvest(&mapping, 0..3);
        assert!(pages(&rings).is_empty());
        rings.before_reset();
        assert_eq!(ring.reset().len(), 3);
        push(&mut ring, 8..11);
        assert_eq!(pages(&rings), [8, 9, 10]);
        // Harvested and reset while the vCPU is inside.
        harvest(&mapping, 3..11);
        rings.before_reset();
        assert_eq!(ring.reset().len(), 8);
        push(&mut ring, 11..14);
        harvest(&mapping, 11..13);
        rings.before_reset();
        assert_eq!(ring.reset().len(), 2);
        push(&mut ring, 14..21);
        assert_eq!(pages(&rings), (11..21).collect::<Vec<_>>());
        assert!(rings.take(STREAM + 1).is_empty());
    }
}

//! [`Ring`]: KVM's side of a vCPU's dirty ring, section 8.29.

use std::sync::Arc;

use kvm_core::kvm_sys::{DirtyGfnFlags, kvm_dirty_gfn};
use kvm_core::{Errno, Mapping, Span};
use kvm_exit::DirtyRing as Shape;
use zerocopy::transmute;

use crate::lent::Lent;

/// A page that a vCPU wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dirtied {
    pub(crate) slot: u32,
    /// The page's number in the slot.
    pub(crate) page: u64,
}

/// A ring, and how far KVM is in it.
#[derive(Debug)]
pub(crate) struct Ring {
    memory: Arc<Lent>,
    shape: Shape,
    /// Where the next entry goes.
    dirty: u32,
    /// Where the first entry is that was not reset.
    reset: u32,
}

impl Ring {
    /// `EINVAL` when so many bytes are no power of two of entries.
    pub(crate) fn new(len: usize) -> Result<Self, Errno> {
        let shape = Shape::new(len).ok_or(Errno::EINVAL)?;
        Ok(Self {
            memory: Lent::new(len)?,
            shape,
            dirty: 0,
            reset: 0,
        })
    }

    /// What the VMM maps.
    pub(crate) fn mapping(&self) -> Mapping {
        self.memory.mapping()
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.shape.capacity()
    }

    pub(crate) fn used(&self) -> u32 {
        self.dirty.wrapping_sub(self.reset)
    }

    /// Adds a page. Says whether there was room.
    pub(crate) fn push(&mut self, Dirtied { slot, page }: Dirtied) -> bool {
        if self.used() >= self.capacity() {
            return false;
        }
        let entry = kvm_dirty_gfn {
            flags: DirtyGfnFlags::KVM_DIRTY_GFN_F_DIRTY,
            slot,
            offset: page,
        };
        let [first, second]: [u64; 2] = transmute!(entry);
        let offset = self.shape.offset(self.dirty);
        let span = self.memory.span();
        // The flags are in the first word: they come last. Both are inside, as the shape is of this length.
        let _ = span.store_release(offset + size_of::<u64>(), second);
        let _ = span.store_release(offset, first);
        self.dirty = self.dirty.wrapping_add(1);
        true
    }

    /// Takes back the entries that the VMM has harvested, in their order, and gives their pages.
    pub(crate) fn reset(&mut self) -> Vec<Dirtied> {
        let mut pages = Vec::new();
        while self.used() != 0 {
            let offset = self.shape.offset(self.reset);
            let span = self.memory.span();
            let Some((flags, page)) = load(span, offset) else {
                break;
            };
            if !flags.contains(DirtyGfnFlags::KVM_DIRTY_GFN_F_RESET) {
                break;
            }
            let _ = span.store_release(offset, 0);
            self.reset = self.reset.wrapping_add(1);
            pages.push(page);
        }
        pages
    }
}

/// The entry at an offset of a ring.
pub(crate) fn load(ring: &Span, offset: usize) -> Option<(DirtyGfnFlags, Dirtied)> {
    // The flags are in the first word: nothing behind it is read before them.
    let first = ring.load_acquire(offset)?;
    let second = ring.load_acquire(offset + size_of::<u64>())?;
    let kvm_dirty_gfn {
        flags,
        slot,
        offset: page,
    } = transmute!([first, second]);
    Some((flags, Dirtied { slot, page }))
}

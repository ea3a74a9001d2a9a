//! [`Rings`]: the dirty rings of a VM that is replayed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kvm_core::{Errno, Mapping};
use kvm_sys::KVM_RESET_DIRTY_RINGS;
use kvm_sys::op::Op;

use super::shared::lock;
use crate::dirty_ring::Ring;
use crate::format::DirtyRing;

/// The rings of a VM's vCPUs, by their streams.
#[derive(Clone, Debug, Default)]
pub(super) struct Rings(Arc<Mutex<BTreeMap<usize, Ring>>>);

impl Rings {
    /// Maps a vCPU's ring, which is empty at first.
    pub(super) fn map(&self, stream: usize, len: usize) -> Result<Mapping, Errno> {
        let mut rings = lock(&self.0);
        if let Some(ring) = rings.get(&stream) {
            let mapping = ring.mapping();
            return (mapping.len() == len)
                .then_some(mapping)
                .ok_or(Errno::EINVAL);
        }
        let ring = Ring::new(len)?;
        let mapping = ring.mapping();
        rings.insert(stream, ring);
        Ok(mapping)
    }

    /// Adds pages to a vCPU's ring. Says whether there was room.
    pub(super) fn push(&self, stream: usize, pages: DirtyRing<'_>) -> bool {
        let mut rings = lock(&self.0);
        let ring = rings.get_mut(&stream);
        ring.is_some_and(|ring| pages.iter().all(|page| ring.push(page)))
    }

    /// Takes back what the VMM has harvested, if the call is the one for it. Gives how many pages that were; nothing where
    /// there are no rings.
    pub(super) fn reset_by(&self, op: &Op) -> Option<u32> {
        if *op != KVM_RESET_DIRTY_RINGS {
            return None;
        }
        let mut rings = lock(&self.0);
        let pages = rings.values_mut().map(|ring| ring.reset().len());
        let pages = pages.reduce(usize::saturating_add)?;
        Some(u32::try_from(pages).unwrap_or(u32::MAX))
    }
}

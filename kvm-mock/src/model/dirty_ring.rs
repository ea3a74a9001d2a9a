//! Dirty rings: section 8.29.

use std::sync::{Arc, Mutex};

use kvm_core::kvm_sys::KVM_CAP_DIRTY_LOG_RING_ACQ_REL;
use kvm_core::{Arg, Errno, Mapping};
use kvm_exit::DirtyRing as Shape;

use super::lock;
use super::script::Mismatch;
use super::vcpu::Vcpu;
use super::vm::Vm;
use crate::dirty_ring::{Dirtied, Ring};

/// Entries that the kernel keeps for what a vCPU writes between two looks at the ring. (It keeps more where
/// the processor has a log.)
const RESERVED: u32 = 64;

/// Whether the vCPU has to exit: the kernel's reserve is left.
pub(super) fn is_full(ring: &Ring) -> bool {
    ring.used() >= ring.capacity().saturating_sub(RESERVED)
}

/// Adds a page that the vCPU wrote to.
pub(super) fn push(ring: &mut Ring, slot: u32, page: u64) -> Result<(), Mismatch> {
    let room = ring.push(Dirtied { slot, page });
    room.then_some(()).ok_or(Mismatch::DirtyRing)
}

impl Vm {
    /// A ring's size is a power of two, no more than the capability says, and set before the first vCPU. That it
    /// has to hold a page and the reserve, and can be set once, is the kernel's.
    pub(super) fn enable_dirty_ring(&self, bytes: u64) -> Result<u32, Errno> {
        let mut state = lock(&self.state);
        let least = self
            .page_size()
            .max(u64::from(RESERVED) * Shape::ENTRY_LEN as u64);
        if !bytes.is_power_of_two() || bytes < least {
            return Err(Errno::EINVAL);
        }
        if bytes > self.cap(KVM_CAP_DIRTY_LOG_RING_ACQ_REL).into() {
            return Err(Errno::E2BIG);
        }
        if state.rings.len.is_some() || !state.vcpus.is_empty() {
            return Err(Errno::EINVAL);
        }
        state.rings.len = Some(u32::try_from(bytes).map_err(|_| Errno::E2BIG)?);
        Ok(0)
    }

    /// "userspace calls the VM ioctl KVM_RESET_DIRTY_RINGS to notify the kernel about it, so that the kernel
    /// will reprotect those collected GFNs". Gives how many there were.
    pub(super) fn reset_dirty_rings(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut state = lock(&self.state);
        state.rings.len.ok_or(Errno::EINVAL)?;
        let rings = state.rings.all.iter();
        let pages: Vec<_> = rings.flat_map(|ring| lock(ring).reset()).collect();
        for Dirtied { slot, page } in &pages {
            state.slots.watch(*slot, *page);
        }
        Ok(u32::try_from(pages.len()).unwrap_or(u32::MAX))
    }
}

/// The rings of a VM.
#[derive(Debug, Default)]
pub(super) struct Rings {
    /// Bytes of each.
    pub(super) len: Option<u32>,
    all: Vec<Arc<Mutex<Ring>>>,
}

impl Rings {
    /// For a new vCPU: nothing when they have no rings.
    pub(super) fn add(&mut self) -> Result<Option<Arc<Mutex<Ring>>>, Errno> {
        let Some(len) = self.len else {
            return Ok(None);
        };
        let len = usize::try_from(len).map_err(|_| Errno::EINVAL)?;
        let ring = Arc::new(Mutex::new(Ring::new(len)?));
        self.all.push(Arc::clone(&ring));
        Ok(Some(ring))
    }
}

impl Vcpu {
    /// Maps the ring. Without one there is nothing at that place of the file.
    pub(super) fn map_dirty_ring(&self, len: usize) -> Result<Mapping, Errno> {
        let ring = lock(self.ring.as_ref().ok_or(Errno::EINVAL)?);
        let mapping = ring.mapping();
        if mapping.len() == len {
            Ok(mapping)
        } else {
            Err(Errno::EINVAL)
        }
    }
}

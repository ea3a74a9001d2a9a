//! Coalesced writes: section 4.116.

use kvm_core::kvm_sys::{kvm_coalesced_mmio, kvm_coalesced_mmio_zone};
use kvm_core::{Arg, CoalescedPage, Errno};
use zerocopy::transmute;

use super::args;
use super::lock;
use super::vm::Vm;
use crate::model::script::Write;

/// The ranges that writes are coalesced in, and the ring.
#[derive(Debug, Default)]
pub(super) struct Coalesced {
    zones: Vec<kvm_coalesced_mmio_zone>,
    /// The page of the mapping that was made first: all show the same ring, and the typed layer looks there.
    pub(super) ring: Option<CoalescedPage>,
}

fn holds(zone: &kvm_coalesced_mmio_zone, pio: u32, address: u64, len: u64) -> bool {
    let end = |start: u64, len| start.checked_add(len);
    zone.pio == pio
        && address >= zone.addr
        && end(address, len)
            .zip(end(zone.addr, zone.size.into()))
            .is_some_and(|(inner, outer)| inner <= outer)
}

impl Coalesced {
    /// Puts a write into the ring if it is wholly in a zone and the ring has room.
    pub(super) fn take(&self, write: Write<'_>) -> bool {
        let pio = u32::from(write.pio);
        let len = write.data.len();
        let inside = |zone| holds(zone, pio, write.address, len as u64);
        let Some(ring) = self.ring.as_ref().filter(|_| self.zones.iter().any(inside)) else {
            return false;
        };
        ring.push(transmute!(kvm_coalesced_mmio {
            phys_addr: write.address,
            len: u32::try_from(len).unwrap_or(0),
            pio,
            data: write.value().to_le_bytes(),
        }))
    }
}

impl Vm {
    pub(super) fn register_coalesced_mmio(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let zone = zone(arg)?;
        lock(&self.state).coalesced.zones.push(zone);
        Ok(0)
    }

    /// The API says no more than that it unregisters; KVM takes away all zones that hold this one, and it
    /// is no error if none does.
    pub(super) fn unregister_coalesced_mmio(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let gone = zone(arg)?;
        let zones = &mut lock(&self.state).coalesced.zones;
        zones.retain(|zone| !holds(zone, gone.pio, gone.addr, gone.size.into()));
        Ok(0)
    }
}

/// KVM refuses what is neither memory (0) nor ports (1).
fn zone(arg: &Arg<'_>) -> Result<kvm_coalesced_mmio_zone, Errno> {
    let zone: kvm_coalesced_mmio_zone = args::read(arg)?;
    if zone.pio > 1 {
        return Err(Errno::EINVAL);
    }
    Ok(zone)
}

//! Slots, dirty logs, and what else a VM is told of guest addresses.

use std::mem::offset_of;

use kvm_core::kvm_sys::*;

use super::Draft;
use crate::differential::step::{Given, Looks, On, Own};
use crate::differential::world::{MEMORY_PAGES, PAGE};

/// Slots that sequences use, and some that no VM has.
const SLOTS: [u32; 4] = [0, 1, 2, 3];
const OTHER_SLOTS: [u32; 5] = [508, 32763, 32764, 0x1_0000, 0x2_0000];

fn region(draft: &mut Draft) -> (kvm_userspace_memory_region, u64) {
    let pages = draft.mostly(90, &[0, 1, 2, 16, 64, 65, 128], &[1 << 40, 1 << 51]);
    let mut size = pages * PAGE;
    let mut host = draft.rng.u64(0..4) * PAGE;
    let first = draft.mostly(
        85,
        &[0, 1, 2, 16, 64, 0x100, 0x1_0000],
        &[1 << 20, 1 << 40, 1 << 51],
    );
    let mut start = first * PAGE;
    match draft.rng.u32(0..20) {
        0 => size = 0x800,
        1 => start += 0x800,
        2 => host += 0x800,
        3 => start = 0u64.wrapping_sub(PAGE),
        _ => {}
    }
    let flags = MemFlags(draft.mostly(90, &[0, 0, 1, 1, 2, 3], &[4, 8, 1 << 31]));
    let region = kvm_userspace_memory_region {
        slot: draft.mostly(92, &SLOTS, &OTHER_SLOTS),
        flags,
        guest_phys_addr: start,
        memory_size: size,
        userspace_addr: 0,
    };
    (region, host)
}

/// Adds, moves, changes or removes memory.
pub(super) fn slot(draft: &mut Draft) {
    let (region, host) = region(draft);
    let own = (
        offset_of!(kvm_userspace_memory_region, userspace_addr),
        Own::Memory(host),
    );
    let given = Given::with(&region, [own]);
    draft.call(On::Vm, &KVM_SET_USER_MEMORY_REGION, given, Looks::SUCCESS);
}

/// The same by the call with more fields.
pub(super) fn slot2(draft: &mut Draft) {
    let (region, host) = region(draft);
    let mut region = kvm_userspace_memory_region2 {
        slot: region.slot,
        // Private memory needs the descriptor of its file.
        flags: region.flags & !KVM_MEM_GUEST_MEMFD,
        guest_phys_addr: region.guest_phys_addr,
        memory_size: region.memory_size,
        ..Default::default()
    };
    if draft.chance(5) {
        region.pad1 = 1;
    }
    let own = (
        offset_of!(kvm_userspace_memory_region2, userspace_addr),
        Own::Memory(host),
    );
    let given = Given::with(&region, [own]);
    draft.call(On::Vm, &KVM_SET_USER_MEMORY_REGION2, given, Looks::SUCCESS);
}

/// A word for each 64 pages that a slot can have.
fn bitmap(fill: u8) -> Vec<u8> {
    vec![fill; usize::try_from(MEMORY_PAGES.div_ceil(64) * 8).unwrap_or_default()]
}

pub(super) fn get_dirty_log(draft: &mut Draft) {
    let log = kvm_dirty_log {
        slot: draft.mostly(95, &SLOTS, &OTHER_SLOTS),
        ..Default::default()
    };
    let given = Given::pointer(&log, bitmap(0));
    draft.call(On::Vm, &KVM_GET_DIRTY_LOG, given, Looks::ALL);
}

pub(super) fn clear_dirty_log(draft: &mut Draft) {
    let log = kvm_clear_dirty_log {
        slot: draft.mostly(95, &SLOTS, &OTHER_SLOTS),
        num_pages: draft.mostly(80, &[1, 2, 16, 64, 65, 128], &[0, 63, 192]),
        first_page: draft.mostly(90, &[0, 64], &[1, 32, 128, 1 << 40, u64::MAX - 63]),
        ..Default::default()
    };
    let given = Given::pointer(&log, bitmap(0xff));
    draft.call(On::Vm, &KVM_CLEAR_DIRTY_LOG, given, Looks::SUCCESS);
}

pub(super) fn attributes(draft: &mut Draft) {
    let attributes = kvm_memory_attributes {
        address: draft.one_of(&[0, PAGE, 0x800, 0u64.wrapping_sub(PAGE)]),
        size: draft.one_of(&[0, PAGE, 0x800, 16 * PAGE]),
        attributes: MemoryAttributes(draft.one_of(&[0, 8, 1])),
        flags: draft.one_of(&[0, 0, 1]),
    };
    let given = Given::of(&attributes);
    draft.call(On::Vm, &KVM_SET_MEMORY_ATTRIBUTES, given, Looks::SUCCESS);
}

/// A zone in which writes are coalesced.
pub(super) fn coalesced(draft: &mut Draft) {
    let zone = kvm_coalesced_mmio_zone {
        addr: draft.one_of(&[0x1000, 0x2000, 0xe000_0000, u64::MAX]),
        size: draft.one_of(&[0, 1, 8, 0x1000]),
        pio: draft.mostly(80, &[0, 1], &[2, u32::MAX]),
    };
    let op = if draft.chance(60) {
        &KVM_REGISTER_COALESCED_MMIO
    } else {
        &KVM_UNREGISTER_COALESCED_MMIO
    };
    draft.call(On::Vm, op, Given::of(&zone), Looks::SUCCESS);
}

//! [`fits`]: whether an argument keeps the contract of its call, by the ioctl table.

use kvm_core::kvm_sys::op::{Count, Field, Length, Op, Takes};
use kvm_core::kvm_sys::{KVM_HAS_DEVICE_ATTR, KVM_REG_SIZE};

use super::world::{ATTRIBUTE_ROOM, MEMORY_PAGES};

/// Whether the head is as long as the row and the counts in it say, and what is behind each pointer too. `cap` is what
/// the VM says to `KVM_CHECK_EXTENSION`, by the capability's name.
pub(super) fn fits(op: &Op, head: &[u8], behind: &[Vec<u8>], cap: impl Fn(&str) -> u64) -> bool {
    let Takes::Struct {
        size, flex, inner, ..
    } = op.takes
    else {
        return false;
    };
    let size = u64::from(size);
    let needed = match flex {
        None => Some(size),
        Some(flex) => match flex.count {
            Count::Elements(field) => number(head, field)
                .and_then(|n| n.checked_mul(flex.element.into()))
                .and_then(|n| n.checked_add(size)),
            Count::AllBytes(field) => number(head, field).map(|n| n.max(size)),
            Count::Capability(name) => Some(cap(name).max(size)),
        },
    };
    if needed.is_none_or(|needed| (head.len() as u64) < needed) || behind.len() > inner.len() {
        return false;
    }
    let mut behind = behind.iter();
    inner.iter().all(|inner| {
        let room = behind.next().map_or(0, Vec::len) as u64;
        let needed = match inner.len {
            Length::Fixed(len) => Some(len.into()),
            Length::Bytes(field) => number(head, field),
            Length::Bits(field) => number(head, field).map(|bits| bits.div_ceil(64) * 8),
            Length::Tags(field) => number(head, field).map(|bytes| bytes / 16),
            Length::Register(field) => number(head, field).map(KVM_REG_SIZE),
            // No slot is longer than the memory there is.
            Length::Slot(_) => Some(MEMORY_PAGES.div_ceil(64) * 8),
            // Asks whether it is there, and looks at no value.
            Length::Attribute if op == &KVM_HAS_DEVICE_ATTR => Some(0),
            Length::Attribute => Some(ATTRIBUTE_ROOM as u64),
            Length::Command | Length::Tlb => None,
        };
        needed.is_some_and(|needed| room >= needed)
    })
}

/// The number in a field of four or eight bytes.
fn number(head: &[u8], field: Field) -> Option<u64> {
    let bytes = head.get(usize::try_from(field.offset).ok()?..)?;
    match field.len {
        4 => bytes.first_chunk().map(|n| u32::from_ne_bytes(*n).into()),
        8 => bytes.first_chunk().map(|n| u64::from_ne_bytes(*n)),
        _ => None,
    }
}

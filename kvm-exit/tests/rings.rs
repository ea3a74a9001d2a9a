//! The rings, entry by entry and from any bytes.

use kvm_exit::{CoalescedRing, CoalescedWrite, DirtyPage, DirtyRing, Field, Malformed};
use proptest::prelude::*;

use by_hand::{entry, page};

#[cfg(test)]
mod by_hand {
    pub(crate) fn page(first: u32, last: u32, entries: &[(u32, [u8; 24])]) -> Vec<u8> {
        let mut page = vec![0; 4096];
        page[..4].copy_from_slice(&first.to_ne_bytes());
        page[4..8].copy_from_slice(&last.to_ne_bytes());
        for (index, entry) in entries {
            let at = 8 + 24 * *index as usize;
            page[at..at + 24].copy_from_slice(entry);
        }
        page
    }

    pub(crate) fn entry(addr: u64, len: u32, pio: u32, data: [u8; 8]) -> [u8; 24] {
        let mut entry = [0; 24];
        entry[..8].copy_from_slice(&addr.to_ne_bytes());
        entry[8..12].copy_from_slice(&len.to_ne_bytes());
        entry[12..16].copy_from_slice(&pio.to_ne_bytes());
        entry[16..].copy_from_slice(&data);
        entry
    }
}

#[test]
fn writes_come_in_order_around_the_end() {
    let data = [1, 2, 3, 4, 5, 6, 7, 8];
    let page = page(
        169,
        2,
        &[
            (169, entry(0xd000_0000, 8, 0, data)),
            (0, entry(0x3f8, 1, 1, data)),
            (1, entry(0x3f8, 9, 1, data)),
        ],
    );
    let writes: Vec<_> = CoalescedRing::writes(&page).collect();
    let [Ok(first), Ok(second), Err(third)] = writes[..] else {
        panic!("{writes:?}")
    };
    assert_eq!(
        (first.is_pio, first.addr, first.data()),
        (false, 0xd000_0000, &data[..])
    );
    assert_eq!(
        (second.is_pio, second.addr, second.data()),
        (true, 0x3f8, &[1][..])
    );
    let malformed = Malformed {
        field: Field::CoalescedLen,
        value: 9,
        limit: 8,
    };
    assert_eq!(third, malformed);
    assert_eq!(third.to_string(), "coalesced write: len is 9, not 1 to 8");
}

#[test]
fn rings_without_room() {
    assert_eq!(CoalescedRing::new(31), None);
    assert_eq!(CoalescedRing::new(32).map(CoalescedRing::capacity), Some(1));
    assert_eq!(CoalescedRing::new(usize::MAX), None);
    assert_eq!(CoalescedRing::writes(&[0xff; 31]).count(), 0);
    assert_eq!(CoalescedRing::writes(&page(3, 3, &[])).count(), 0);
    for len in [0, 8, 24, 48, usize::MAX] {
        assert_eq!(DirtyRing::new(len), None, "{len}");
    }
    assert_eq!(
        DirtyRing::new(16).map(|ring| ring.offset(u32::MAX)),
        Some(0)
    );
}

#[test]
fn only_dirty_entries_are_harvested() {
    assert_eq!(DirtyRing::HARVESTED.bits(), 2);
    for flags in [0_u32, 2, 3, 5, u32::MAX] {
        let mut entry = [0xff; 16];
        entry[..4].copy_from_slice(&flags.to_ne_bytes());
        assert_eq!(DirtyPage::decode(entry), None, "{flags}");
    }
}

proptest! {
    #[test]
    fn any_bytes_of_a_ring(
        page in prop::collection::vec(any::<u8>(), 0..5000),
        index in any::<u32>(),
        other in any::<u32>(),
    ) {
        if let Some(ring) = CoalescedRing::new(page.len()) {
            prop_assert!(ring.offset(index) + CoalescedRing::ENTRY_LEN <= page.len());
            prop_assert!(ring.next(index) < ring.capacity());
            prop_assert!(ring.len(index, other) < ring.capacity());
            prop_assert_eq!(ring.len(index, ring.next(index)), 1 % ring.capacity());
        }
        for write in CoalescedRing::writes(&page).flatten() {
            prop_assert!((1..=8).contains(&write.data().len()));
        }
        for bytes in page.chunks_exact(24) {
            let entry: [u8; 24] = bytes.try_into().unwrap();
            if let Ok(write) = CoalescedWrite::decode(entry) {
                prop_assert_eq!(write.data(), &entry[16..16 + write.data().len()]);
            }
        }
        if let Some(ring) = DirtyRing::new(page.len().next_power_of_two()) {
            prop_assert!(ring.offset(index) + DirtyRing::ENTRY_LEN <= page.len().next_power_of_two());
        }
    }
}

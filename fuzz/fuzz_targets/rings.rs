//! Any bytes, as a ring of coalesced writes and as a dirty ring.
#![no_main]

use kvm_exit::{CoalescedRing, DirtyPage, DirtyRing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut writes = 0;
    for write in CoalescedRing::writes(bytes) {
        writes += 1;
        if let Ok(write) = write {
            assert!((1..=8).contains(&write.data().len()));
        }
    }
    let room = CoalescedRing::new(bytes.len()).map_or(1, CoalescedRing::capacity);
    assert!(writes < room, "one entry is always free");

    let Some((index, ring)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    if let Some(shape) = DirtyRing::new(ring.len()) {
        let at = shape.offset(u32::from_ne_bytes(*index));
        let entry = ring[at..].first_chunk().expect("an entry inside the ring");
        let _ = DirtyPage::decode(*entry);
    }
});

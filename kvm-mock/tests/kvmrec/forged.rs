//! Recordings with checksums that fit and contents that do not.

use std::fs;

use crate::common::{Vmm, record};
use crate::{file, kvmrec, place};
use kvm_mock::RecorderOptions;

/// CRC-32C, bit by bit.
fn crc<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    let shift = |crc: u32, _| (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
    !bytes.fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), shift))
}

/// Where each record is.
fn records(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 64;
    while let Some(len) = bytes.get(start..).and_then(<[u8]>::first_chunk) {
        let len = u32::from_le_bytes(*len) as usize;
        found.push((start, len));
        start += len;
    }
    found
}

/// The bytes, with those at `at` of the record at `start` changed and a checksum to fit.
fn forged(bytes: &[u8], (start, len): (usize, usize), at: usize, change: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let record = &mut bytes[start..start + len];
    for (to, from) in record[at..].iter_mut().zip(change) {
        *to ^= from;
    }
    let sum = crc(record[..20].iter().chain(&record[24..]));
    record[20..24].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn what_is_forged_ends_no_command_by_a_panic() {
    let options = RecorderOptions::new().memory(true).times(true);
    let (_, bytes) = record(Vmm::default(), options);
    let whole = file("forged-whole.kvmrec", &bytes);
    let page = place("forged.html");
    let page = page.to_str().unwrap();
    let mut good = 0;
    let mut tried = 0;
    for record in records(&bytes) {
        for at in (24..record.1.min(120)).step_by(7) {
            let forged = forged(&bytes, record, at, &[0xff, 0x81]);
            let path = file("forged.kvmrec", &forged);
            tried += 1;
            let ran = kvmrec(&["show", "--json", &path]);
            assert!(
                matches!(ran.code, 0 | 2),
                "record at {}, byte {at}: {}",
                record.0,
                ran.err
            );
            if ran.code == 2 {
                continue;
            }
            good += 1;
            for args in [
                &["stats", &path][..],
                &["show", "--last", "3", "--kind", "io", &path],
                &["diff", &whole, &path],
                &["diff", "--exits", &path, &whole],
                &["timeline", &path, "-o", page],
            ] {
                let ran = kvmrec(args);
                let fine = matches!(ran.code, 0 | 1);
                assert!(
                    fine,
                    "record at {}, byte {at}, {args:?}: {}",
                    record.0, ran.err
                );
            }
        }
    }
    // Some are found out by what can't be, others look like recordings.
    assert!(good > 20 && good < tried, "{good} of {tried}");
    fs::remove_file(page).unwrap();
}

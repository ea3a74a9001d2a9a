//! Any bytes, as a page of each architecture: an exit whose slices lie inside the page, which encodes
//! into another page that decodes to the same; or malformed.
#![no_main]

use kvm_exit::kvm_sys::Arch;
use kvm_exit::{AnyPage, Exit, Guest};
use libfuzzer_sys::fuzz_target;

/// The bytes that an exit borrows from its page, where it says how many.
fn lent<'a>(exit: &'a Exit<'_, impl Guest>) -> &'a [u8] {
    match exit {
        Exit::IoIn(io) => io.data,
        Exit::IoOut(io) => io.data,
        Exit::MmioRead(mmio) => mmio.data,
        Exit::MmioWrite(mmio) => mmio.data,
        Exit::IocsrRead(iocsr) => iocsr.data,
        Exit::IocsrWrite(iocsr) => iocsr.data,
        Exit::Other(other) => &other.payload[..],
        _ => &[],
    }
}

/// The page as words: the bytes, then zeros, as long as the structure and `tail` words more.
fn words(of: Arch, tail: usize, bytes: &[u8]) -> Vec<u64> {
    let mut words = vec![0; (of.struct_len() as usize - 8) / 8 + tail];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks(8)) {
        let mut whole = [0; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        *word = u64::from_ne_bytes(whole);
    }
    words
}

fuzz_target!(|input: &[u8]| {
    let [tail, bytes @ ..] = input else { return };
    for of in Arch::ALL {
        let mut words = words(of, usize::from(*tail) * 4, bytes);
        let before = words.clone();
        let place = words.as_ptr_range();
        let mut page = AnyPage::from_words(of, &mut words).expect("long enough");
        match page.decode() {
            Ok(exit) => {
                let lent = lent(&exit);
                if !lent.is_empty() {
                    let lent = lent.as_ptr_range();
                    assert!(place.start.addr() + 24 <= lent.start.addr());
                    assert!(lent.end.addr() <= place.end.addr());
                }
                assert!(exit.to_string().starts_with(exit.kind()));
                if let Exit::InternalError(error) = &exit {
                    let _ = error.emulation_failure();
                }

                let mut other = vec![u64::MAX; before.len()];
                let mut other = AnyPage::from_words(of, &mut other).expect("as long");
                other
                    .encode(&exit)
                    .expect("what was decoded can be encoded");
                assert_eq!(other.decode(), Ok(exit));
            }
            Err(malformed) => assert!(!malformed.to_string().is_empty()),
        }
        assert_eq!(words, before, "decoding writes nothing");
    }
});

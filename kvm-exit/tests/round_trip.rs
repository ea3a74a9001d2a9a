//! What holds for all exits and for all bytes.

#[cfg(test)]
mod generate;

use generate::{VARIANTS, exit, page, parts};
use kvm_exit::{Exit, RunPage};
use proptest::prelude::*;

/// The data of an exit that are lent by the page.
fn lent<'a>(exit: &'a Exit<'_>) -> &'a [u8] {
    match exit {
        Exit::IoIn(io) => io.data,
        Exit::IoOut(io) => io.data,
        Exit::MmioRead(mmio) => mmio.data,
        Exit::MmioWrite(mmio) => mmio.data,
        Exit::Other(other) => &other.payload[..],
        _ => &[],
    }
}

proptest! {
    #[test]
    fn an_encoded_exit_decodes_to_itself(parts in parts()) {
        for variant in 0..VARIANTS {
            let (mut given, mut again) = (parts.clone(), parts.clone());
            let mut words = [u64::MAX; RunPage::WORDS_4K];
            let page = RunPage::from_words(&mut words).unwrap();
            prop_assert_eq!(page.encode(&exit(variant, &mut given)), Ok(()));
            prop_assert_eq!(Some(page.exit_reason()), exit(variant, &mut given).reason());
            prop_assert_eq!(page.decode(), Ok(exit(variant, &mut again)));
            prop_assert_eq!(page.cr8(), u64::MAX);
            prop_assert_eq!(page.valid_regs().bits(), u64::MAX);
        }
    }

    #[test]
    fn any_bytes_are_an_exit_inside_the_page_or_malformed(mut words in page()) {
        let before = words.clone();
        let bytes = words.as_ptr_range();
        let (structure, end) = (bytes.start.addr() + 2344, bytes.end.addr());
        let mut second = vec![0; words.len()];

        let page = RunPage::from_words(&mut words).unwrap();
        match page.decode() {
            Ok(exit) => {
                let lent = lent(&exit).as_ptr_range();
                let place = (lent.start.addr(), lent.end.addr());
                match exit {
                    Exit::IoIn(_) | Exit::IoOut(_) => {
                        prop_assert!(structure <= place.0 && place.1 <= end);
                    }
                    Exit::MmioRead(_) | Exit::MmioWrite(_) | Exit::Other(_) => {
                        prop_assert!(bytes.start.addr() + 24 <= place.0);
                        prop_assert!(place.1 <= bytes.start.addr() + 280);
                    }
                    _ => {}
                }
                prop_assert!(exit.to_string().starts_with(exit.kind()));

                let copy = RunPage::from_words(&mut second).unwrap();
                prop_assert_eq!(copy.encode(&exit), Ok(()));
                prop_assert_eq!(copy.decode(), Ok(exit));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        prop_assert_eq!(words, before, "decoding writes nothing");
    }
}

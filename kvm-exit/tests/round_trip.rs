//! What holds for all exits and for all bytes.

#[cfg(test)]
mod generate;

use generate::{VARIANTS, exit, page, parts};
use kvm_exit::kvm_sys::Arch;
use kvm_exit::{AnyPage, Exit, Guest, Native, RunPage};
use proptest::prelude::*;

/// The data of an exit that are lent by the page.
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

/// Where the exit union starts in a page of this architecture.
fn union(of: Arch) -> usize {
    match of {
        Arch::S390x => 40,
        _ => 24,
    }
}

proptest! {
    #[test]
    fn an_encoded_exit_decodes_to_itself(parts in parts()) {
        for variant in 0..VARIANTS {
            for of in Arch::ALL {
                let debug = parts.debug(of);
                let (mut given, mut again) = (parts.clone(), parts.clone());
                let mut words = [u64::MAX; AnyPage::WORDS_4K];
                let mut page = AnyPage::from_words(of, &mut words).unwrap();
                prop_assert_eq!(page.encode(&exit(variant, &mut given, debug)), Ok(()));
                let expected = exit::<Arch>(variant, &mut again, debug);
                prop_assert_eq!(Some(page.exit_reason()), expected.reason());
                prop_assert_eq!(page.decode(), Ok(expected));
                // What stands on both sides of the union.
                prop_assert_eq!(words[union(of) / 8 - 1], u64::MAX);
                prop_assert_eq!(words[union(of) / 8 + 32], u64::MAX);
            }
        }
    }

    #[test]
    fn a_page_of_this_host_is_one_of_its_architecture(parts in parts()) {
        let kvm_exit::AnyDebug::X86_64(debug) = parts.debug(Arch::X86_64) else {
            panic!()
        };
        for variant in 0..VARIANTS {
            let (mut given, mut again) = (parts.clone(), parts.clone());
            let mut words = [u64::MAX; RunPage::WORDS_4K];
            let page = RunPage::from_words(&mut words).unwrap();
            prop_assert_eq!(page.encode(&exit(variant, &mut given, debug)), Ok(()));
            prop_assert_eq!(page.decode(), Ok(exit::<Native>(variant, &mut again, debug)));
            prop_assert_eq!(page.cr8(), u64::MAX);
            prop_assert_eq!(page.valid_regs().bits(), u64::MAX);
        }
    }

    #[test]
    fn any_bytes_are_an_exit_inside_the_page_or_malformed(words in page()) {
        for of in Arch::ALL {
            let mut words = words.clone();
            if of == Arch::S390x {
                words.splice(3..3, [0x1111, 0x2222]);
            }
            let before = words.clone();
            let bytes = words.as_ptr_range();
            let (start, end) = (bytes.start.addr(), bytes.end.addr());
            let mut second = vec![0; words.len()];

            let mut page = AnyPage::from_words(of, &mut words).unwrap();
            match page.decode() {
                Ok(exit) => {
                    let lent = lent(&exit).as_ptr_range();
                    let (from, to) = (lent.start.addr().wrapping_sub(start), lent.end.addr());
                    match exit {
                        Exit::IoIn(_) | Exit::IoOut(_) => {
                            prop_assert!(union(of) + 256 + 16 + 2048 <= from && to <= end);
                        }
                        Exit::MmioRead(_)
                        | Exit::MmioWrite(_)
                        | Exit::IocsrRead(_)
                        | Exit::IocsrWrite(_)
                        | Exit::Other(_) => {
                            prop_assert!(union(of) <= from && to.wrapping_sub(start) <= union(of) + 256);
                        }
                        _ => {}
                    }
                    prop_assert!(exit.to_string().starts_with(exit.kind()));

                    let mut copy = AnyPage::from_words(of, &mut second).unwrap();
                    prop_assert_eq!(copy.encode(&exit), Ok(()));
                    prop_assert_eq!(copy.decode(), Ok(exit));
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
            prop_assert_eq!(words, before, "decoding writes nothing");
        }
    }
}

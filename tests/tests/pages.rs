//! What real KVM wrote into run pages decodes to what the guests did.
#![cfg(target_arch = "x86_64")]

use std::collections::BTreeSet;
use std::path::Path;

use kvm_core::kvm_exit::RunPage;
use kvm_tests::page_file;
use kvm_tests::pages::PAGES;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pages/x86_64")
}

#[test]
fn each_page_decodes_to_what_the_guest_did() {
    for page in PAGES {
        let text = std::fs::read_to_string(folder().join(page.name)).unwrap();
        let mut words = page_file::read(&text).unwrap();
        let exit = RunPage::from_words(&mut words).unwrap().decode();
        (page.check)(exit.unwrap());
    }
}

#[test]
fn each_file_has_a_guest() {
    let files: BTreeSet<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let guests: BTreeSet<_> = PAGES.iter().map(|page| page.name.to_owned()).collect();
    assert_eq!(files, guests);
}

/// The checks can fail: no page passes for another one's, but for widths and strings of the same kind.
#[test]
fn a_page_is_not_taken_for_an_exit_of_another_kind() {
    let reason = |words: &mut Vec<u64>| RunPage::from_words(words).unwrap().exit_reason();
    let read = |name: &str| {
        page_file::read(&std::fs::read_to_string(folder().join(name)).unwrap()).unwrap()
    };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let mut wrong = Vec::new();
    for page in PAGES {
        let own = reason(&mut read(page.name));
        for other in PAGES {
            let mut words = read(other.name);
            if reason(&mut words) == own {
                continue;
            }
            let checked = std::panic::catch_unwind(move || {
                let exit = RunPage::from_words(&mut words).unwrap().decode();
                (page.check)(exit.unwrap());
            });
            if checked.is_ok() {
                wrong.push((page.name, other.name));
            }
        }
    }
    std::panic::set_hook(hook);
    assert_eq!(wrong, []);
}

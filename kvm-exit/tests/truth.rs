//! Pages that C compilers wrote against the kernel's headers, one for each exit and architecture, decode
//! to what the C program says. `cargo xtask exits` makes them from its `exits.c`.

#[cfg(test)]
mod expected;

use std::collections::BTreeMap;

use expected::says_what_c_says;
use kvm_exit::kvm_sys::Arch;
use kvm_exit::{AnyPage, Exit};

/// The pages of an architecture by name, in this host's byte order, and the length of the structure.
fn pages(of: Arch) -> (BTreeMap<&'static str, Vec<u64>>, usize) {
    let text = match of {
        Arch::Aarch64 => include_str!("truth/aarch64.txt"),
        Arch::Loongarch64 => include_str!("truth/loongarch64.txt"),
        Arch::Mips64el => include_str!("truth/mips64el.txt"),
        Arch::Powerpc64le => include_str!("truth/powerpc64le.txt"),
        Arch::Riscv64 => include_str!("truth/riscv64.txt"),
        Arch::S390x => include_str!("truth/s390x.txt"),
        Arch::X86_64 => include_str!("truth/x86_64.txt"),
    };
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let first = lines.next().unwrap_or_default();
    let length = first
        .strip_prefix(of.name())
        .and_then(|rest| rest.strip_prefix(" length "))
        .and_then(|length| length.parse().ok());
    let page = |line: &'static str| {
        let mut words = line.split(' ');
        Some((words.next()?, page(words)?))
    };
    (lines.filter_map(page).collect(), length.unwrap_or(0))
}

/// The page with these fields, from byte 8 on.
fn page<'a>(fields: impl Iterator<Item = &'a str>) -> Option<Vec<u64>> {
    let mut bytes = vec![0; 8192];
    for field in fields {
        let (offset, digits) = field.split_once(':')?;
        let offset: usize = offset.parse().ok()?;
        let mut value = (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
            .collect::<Option<Vec<_>>>()?;
        if cfg!(target_endian = "big") {
            value.reverse();
        }
        bytes
            .get_mut(offset..offset + value.len())?
            .copy_from_slice(&value);
    }
    let word = |bytes: &[u8]| Some(u64::from_ne_bytes(bytes.try_into().ok()?));
    bytes.get(8..)?.chunks_exact(8).map(word).collect()
}

#[test]
fn every_exit_of_every_architecture() {
    for of in Arch::ALL {
        let (pages, length) = pages(of);
        let mut reasons = Vec::new();
        for (name, mut words) in pages {
            let mut page = AnyPage::from_words(of, &mut words).unwrap();
            reasons.push(page.exit_reason().0);
            match (name, page.decode().unwrap()) {
                ("debug", Exit::Debug(debug)) => assert_eq!(debug, expected::debug(of)),
                ("beside", Exit::Hlt) => expected::beside(&page),
                (name, exit) => says_what_c_says(name, exit),
            }
        }
        reasons.sort_unstable();
        reasons.dedup();
        assert!(reasons.into_iter().eq(0..44), "all reasons of {of:?}");

        let mut short = vec![0; length / 8 - 2];
        assert!(AnyPage::from_words(of, &mut short).is_err());
        short.push(0);
        assert!(AnyPage::from_words(of, &mut short).is_ok());
    }
}

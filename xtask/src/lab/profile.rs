//! Which functions a program ran, by the raw profile that a build with `-Cinstrument-coverage` writes.
//!
//! Its format is LLVM's, of version 10: a header of words, a record for each function, the counters, and the names.
//! A record has the first half of the MD5 sum of its function's name.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use md5::{Digest, Md5};

/// The versions whose layout this is. The bits above are variants.
const VERSIONS: [u64; 2] = [9, 10];
const VERSION_BITS: u64 = 0xff_ffff;
const MAGIC: &[u8; 8] = b"\x81rforpl\xff";

/// Words of the header that count.
const VERSION: usize = 1;
const BINARY_IDS: usize = 2;
const RECORDS: usize = 3;
const PADDING_BEFORE_COUNTERS: usize = 4;
const COUNTERS: usize = 5;
const PADDING_AFTER_COUNTERS: usize = 6;
const BITMAP: usize = 7;
const PADDING_AFTER_BITMAP: usize = 8;
const NAMES: usize = 9;
const COUNTERS_DELTA: usize = 10;
const HEADER: usize = 16 * 8;

const RECORD: usize = 64;

/// The mangled names of the functions that ran.
pub(crate) fn executed(profile: &[u8]) -> Result<BTreeSet<String>> {
    let file = Bytes(profile);
    if file.slice(0, 8)? != MAGIC {
        bail!("this is no raw profile of a little-endian machine with 64 bits");
    }
    let head = |index: usize| file.word(index * 8);
    let size = |index: usize| -> Result<usize> { Ok(usize::try_from(head(index)?)?) };
    let version = head(VERSION)? & VERSION_BITS;
    if !VERSIONS.contains(&version) {
        bail!("raw profiles of version {version} are not known");
    }
    let records = HEADER + size(BINARY_IDS)?;
    let count = size(RECORDS)?;
    let counters = records + count * RECORD + size(PADDING_BEFORE_COUNTERS)?;
    let bitmap = counters + size(COUNTERS)? * 8 + size(PADDING_AFTER_COUNTERS)?;
    let names_at = bitmap + size(BITMAP)? + size(PADDING_AFTER_BITMAP)?;
    let names = names(file.slice(names_at, size(NAMES)?)?)?;

    let mut ran = BTreeSet::new();
    for index in 0..count {
        let at = records + index * RECORD;
        // Where its counters are, from where the record is; the header has the distance of the first.
        let from_record = file.word(at + 16)?;
        let first = from_record
            .wrapping_sub(head(COUNTERS_DELTA)?)
            .wrapping_add(u64::try_from(index * RECORD)?);
        let first = counters + usize::try_from(first)?;
        let number = usize::try_from(file.word(at + 48)? & 0xffff_ffff)?;
        let counts = file.slice(first, number * 8)?;
        if counts.iter().any(|&byte| byte != 0) {
            ran.insert(file.word(at)?);
        }
    }
    Ok(names
        .into_iter()
        .filter(|name| ran.contains(&hash(name)))
        .collect())
}

/// What a record has of its function's name.
fn hash(name: &str) -> u64 {
    let mut half = [0; 8];
    for (to, from) in half.iter_mut().zip(Md5::digest(name)) {
        *to = from;
    }
    u64::from_le_bytes(half)
}

/// The names in a section of uncompressed chunks, with zeros between them.
fn names(section: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = section;
    while let Some(start) = rest.iter().position(|&byte| byte != 0) {
        rest = rest.get(start..).unwrap_or_default();
        let length = usize::try_from(leb128(&mut rest)?)?;
        if leb128(&mut rest)? != 0 {
            bail!("the names of a raw profile are compressed");
        }
        let (chunk, after) = rest
            .split_at_checked(length)
            .context("the names of a raw profile are cut")?;
        let chunk = std::str::from_utf8(chunk)?;
        names.extend(chunk.split('\u{1}').map(str::to_owned));
        rest = after;
    }
    Ok(names)
}

fn leb128(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first().context("a raw profile is cut")?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    bail!("a number in a raw profile is too long")
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn slice(&self, at: usize, length: usize) -> Result<&[u8]> {
        let end = at.checked_add(length).context("a raw profile is damaged")?;
        self.0.get(at..end).context("a raw profile is cut")
    }

    fn word(&self, at: usize) -> Result<u64> {
        let mut word = [0; 8];
        word.copy_from_slice(self.slice(at, 8)?);
        Ok(u64::from_le_bytes(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A profile of two functions with a counter each.
    fn profile(counts: [u64; 2]) -> Vec<u8> {
        let section = b"\x05\x00a\x01bcd\0\0";
        let mut words = vec![0; 16];
        words[VERSION] = (1 << 60) | 10;
        words[RECORDS] = 2;
        words[COUNTERS] = 2;
        words[NAMES] = section.len() as u64;
        words[COUNTERS_DELTA] = 1000;
        for (index, name) in ["a", "bcd"].into_iter().enumerate() {
            let index = index as u64;
            let distance = 1000 + 8 * index - 64 * index;
            words.extend([hash(name), 0, distance, 0, 0, 0, 1, 0]);
        }
        words.extend(counts);
        let mut bytes: Vec<u8> = words
            .iter()
            .flat_map(|word: &u64| word.to_le_bytes())
            .collect();
        bytes[..8].copy_from_slice(MAGIC);
        bytes.extend(section);
        bytes
    }

    #[test]
    fn a_function_ran_if_one_of_its_counters_did() {
        let ran = |counts| Vec::from_iter(executed(&profile(counts)).unwrap());
        assert_eq!(ran([0, 0]), [""; 0]);
        assert_eq!(ran([0, 7]), ["bcd"]);
        assert_eq!(ran([1, 1]), ["a", "bcd"]);
    }

    #[test]
    fn a_profile_that_was_cut_is_refused() {
        let whole = profile([1, 1]);
        for end in 0..whole.len() - 2 {
            assert!(executed(&whole[..end]).is_err(), "{end}");
        }
    }
}

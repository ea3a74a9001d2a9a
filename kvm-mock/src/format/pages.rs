//! The bodies of records of whole pages of guest memory.

use super::body::{Reader, Writer};
use super::record::Record;

/// Bytes of what is called a page here, whatever the host's are.
pub(crate) const PAGE: usize = 4096;
const WORD: usize = size_of::<u64>();
/// A page's words.
const WORDS: usize = PAGE / WORD;
/// Set in a run's count: all of its words are the one that follows.
const FILL: u16 = 1 << 15;
/// Equal words that are worth a run of their own.
const WORTH: usize = 3;

/// Puts a page into a record of pages: the runs of words in which `now` differs from `last`, which is what the
/// recording said of the page before.
pub(crate) fn write(to: &mut Record, offset: u64, now: &[u8], last: &[u8]) {
    to.put_u64(offset);
    let count_at = to.len();
    to.put_u16(0);
    let (now, last) = (words(now), words(last));
    let mut count = 0u16;
    let mut at = 0;
    while let Some(start) = differing(&now, &last, at) {
        let (len, fill) = run(&now, &last, start);
        // Both are below 512.
        let narrow = |number: usize| u16::try_from(number).unwrap_or(0);
        to.put_u16(narrow(start));
        to.put_u16(narrow(len) | if fill { FILL } else { 0 });
        for word in now.iter().skip(start).take(if fill { 1 } else { len }) {
            to.put(&word.to_ne_bytes());
        }
        count += 1;
        at = start + len;
    }
    to.patch(count_at, &count.to_le_bytes());
}

fn words(bytes: &[u8]) -> [u64; WORDS] {
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(WORD)) {
        *word = bytes.try_into().map_or(0, u64::from_ne_bytes);
    }
    words
}

/// The first word from `at` on that differs.
fn differing(now: &[u64], last: &[u64], at: usize) -> Option<usize> {
    let mut pairs = now.iter().zip(last).skip(at);
    Some(at + pairs.position(|(now, last)| now != last)?)
}

/// How long a run is that starts at a word that differs, and whether all of its words are the same.
fn run(now: &[u64], last: &[u64], start: usize) -> (usize, bool) {
    let equal = |at: usize| {
        let first = now.get(at);
        let rest = now.iter().skip(at);
        rest.take_while(|word| Some(*word) == first).count()
    };
    let fill = equal(start);
    if fill >= WORTH {
        return (fill, true);
    }
    let mut end = start;
    while end < now.len() && now.get(end) != last.get(end) && equal(end) < WORTH {
        end += 1;
    }
    (end - start, false)
}

/// Pages of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pages<'a> {
    pub(crate) slot: u32,
    count: u32,
    pages: &'a [u8],
}

/// A page, as runs of words that differ from what was said of it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageRuns<'a> {
    /// Offset in the slot in bytes.
    pub(crate) offset: u64,
    count: u16,
    runs: &'a [u8],
}

impl<'a> Pages<'a> {
    /// Where the number of pages is in the body.
    const COUNT_AT: usize = 4;

    /// Begins a record; pages follow.
    pub(crate) fn start(to: &mut Record, slot: u32) {
        to.put_u32(slot);
        to.put_u32(0);
    }

    /// Says how many pages followed.
    pub(crate) fn end(to: &mut Record, count: u32) {
        to.patch(Self::COUNT_AT, &count.to_le_bytes());
    }

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut from = Reader(body);
        let (slot, count) = (from.u32()?, from.u32()?);
        let pages = from.0;
        for _ in 0..count {
            PageRuns::read(&mut from)?;
        }
        let pages = pages.get(..pages.len() - from.0.len())?;
        from.end(Self { slot, count, pages })
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = PageRuns<'a>> {
        let mut from = Reader(self.pages);
        (0..self.count).map_while(move |_| PageRuns::read(&mut from))
    }
}

impl<'a> PageRuns<'a> {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        let (offset, count) = (from.u64()?, from.u16()?);
        let runs = from.0;
        let mut end = 0;
        for _ in 0..count {
            let (start, length) = (usize::from(from.u16()?), from.u16()?);
            let (words, bytes) = extent(length);
            from.bytes(bytes)?;
            if start < end || start + words > WORDS {
                return None;
            }
            end = start + words;
        }
        let runs = runs.get(..runs.len() - from.0.len())?;
        (offset % PAGE as u64 == 0).then_some(Self {
            offset,
            count,
            runs,
        })
    }

    /// Makes of what was said of the page before what is said now.
    pub(crate) fn apply(&self, page: &mut [u8]) {
        let mut from = Reader(self.runs);
        for _ in 0..self.count {
            let (Some(start), Some(length)) = (from.u16(), from.u16()) else {
                return;
            };
            let (words, bytes) = extent(length);
            let start = usize::from(start) * WORD;
            let to = page.get_mut(start..start + words * WORD);
            let (Some(to), Some(bytes)) = (to, from.bytes(bytes)) else {
                return;
            };
            for (to, from) in to.iter_mut().zip(bytes.iter().cycle()) {
                *to = *from;
            }
        }
    }
}

/// How many words a run has, and how many bytes are in the record for them.
fn extent(length: u16) -> (usize, usize) {
    let words = usize::from(length & !FILL);
    let bytes = if length & FILL == 0 { words } else { 1 } * WORD;
    (words, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Kind;

    fn written(now: &[u8], last: &[u8]) -> Vec<u8> {
        let mut record = Record::new();
        Pages::start(&mut record, 3);
        write(&mut record, 0x5000, now, last);
        Pages::end(&mut record, 1);
        record.seal(Kind::Pages, 0, 0).unwrap()[24..].to_vec()
    }

    fn check(now: &[u8], last: &[u8]) -> usize {
        let body = written(now, last);
        let pages = Pages::read(&body).unwrap();
        assert_eq!((pages.slot, pages.iter().count()), (3, 1));
        let page = pages.iter().next().unwrap();
        assert_eq!(page.offset, 0x5000);
        let mut bytes = last.to_vec();
        page.apply(&mut bytes);
        assert_eq!(bytes, now);
        body.len()
    }

    #[test]
    fn pages_come_back_and_are_small() {
        let zero = [0; PAGE];
        let ones = [0xff; PAGE];
        assert_eq!(check(&zero, &zero), 8 + 10 + 6);
        assert_eq!(check(&ones, &zero), 8 + 10 + 12 + 2);
        let mut page = zero;
        page[8..16].fill(7);
        page[4088..].fill(9);
        assert_eq!(check(&page, &zero), 8 + 10 + 2 * 12 + 6);
        let mut state = 1u32;
        for step in 1..300 {
            let mut page = [0; PAGE];
            for (n, byte) in page.iter_mut().enumerate() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if (n / 8) % step == 0 {
                    *byte = state.to_le_bytes()[3] & 1;
                }
            }
            check(&page, &ones);
            check(&page, &zero);
            check(&zero, &page);
        }
    }

    #[test]
    fn what_is_not_a_page_is_refused() {
        let mut page = [0; PAGE];
        page[16..24].fill(7);
        let body = written(&page, &[0; PAGE]);
        // More pages; an offset inside a page; more runs; a run beyond the end, or longer than the record.
        for (at, byte) in [(4, 2), (8, 1), (16, 2), (19, 2), (20, 9)] {
            let mut body = body.clone();
            body[at] = byte;
            assert_eq!(Pages::read(&body), None, "{byte} at {at}");
        }
    }
}

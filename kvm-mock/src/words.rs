//! What changed in a run page, word by word.

use std::ops::Range;

use kvm_exit::RunPage;
use kvm_sys::KVM_EXIT_IO;
use zerocopy::IntoBytes;

use crate::format::{Record, Runs, Writer};
use crate::page;

/// A page of more words than this has no place in a recording: its indices are 16 bits.
pub(crate) const MOST: usize = u16::MAX as usize;

/// How many words of `private` bytes are in the page that starts at byte 8 of them.
pub(crate) fn in_page(private: usize) -> usize {
    private.saturating_sub(8) / 8
}

const WORD: usize = size_of::<u64>();
/// The words of state and payload, and the first ones of the synchronised registers: those of aarch64, which
/// always are.
const STATE: usize = 40;
/// The words of the first 4 KiB: all of `struct kvm_run`, with room for it to grow.
const FIRST: usize = (4096 - RunPage::OFFSET) / WORD;
/// Where `kvm_valid_regs` and `kvm_dirty_regs` are.
const SYNCED: Range<usize> = 35..37;
/// Words that seldom change are compared so many at once.
const STRIDE: usize = 157;

/// The words of the first 4 KiB behind the state, if registers are synchronised there.
///
/// If not, KVM neither reads nor writes them, so they are not looked at, which would take as long as all the
/// rest.
fn synced(page: &[u64], shadow: &[u64]) -> Range<usize> {
    let is_synced = |words: &[u64]| words.get(SYNCED).is_some_and(|sets| sets != [0, 0]);
    let end = if is_synced(page) || is_synced(shadow) {
        FIRST.min(page.len())
    } else {
        0
    };
    STATE.min(end)..end
}

/// Where the data of port I/O are that the exit in `page` names. Nothing else behind `struct kvm_run` is KVM's.
fn data(page: &[u64]) -> Range<usize> {
    let nothing = STATE..STATE;
    let ([_, _, _, access, offset, ..], KVM_EXIT_IO) = (page, page::reason(page)) else {
        return nothing;
    };
    // `direction`, `size`, `port`, `count`.
    let [_, size, _, _, count @ ..] = access.to_ne_bytes();
    let len = u64::from(size) * u64::from(u32::from_ne_bytes(count));
    let words = |bytes: u64| usize::try_from(bytes / 8).unwrap_or(usize::MAX);
    let offset = offset.saturating_sub(RunPage::OFFSET as u64);
    let start = words(offset).max(STATE);
    let end = words(offset.saturating_add(len).saturating_add(7)).min(page.len());
    if len == 0 || start >= end {
        return nothing;
    }
    start..end
}

/// Puts the runs of words that the VMM changed since the exit in `shadow` into `to`, and makes `shadow` the same
/// as `page`. Gives the number of runs.
pub(crate) fn reply(page: &[u64], shadow: &mut [u64], to: &mut Record) -> u16 {
    diff(page, shadow, data(shadow), to)
}

/// Puts the runs of words that the kernel changed up to the exit in `page` into `to`, and makes `shadow` the same
/// as `page`. Gives the number of runs.
pub(crate) fn exit(page: &[u64], shadow: &mut [u64], to: &mut Record) -> u16 {
    diff(page, shadow, data(page), to)
}

/// Applies the recorded reply to the exit in `shadow`, and says whether `page` has the same.
#[must_use]
pub(crate) fn replied(runs: Runs<'_>, page: &[u64], shadow: &mut [u64]) -> bool {
    let (synced, data) = (synced(page, shadow), data(shadow));
    let state = ..STATE.min(page.len());
    let elsewhere = |(index, bytes): (usize, &[u8])| {
        let words = index..index + bytes.len() / WORD;
        words.end <= STATE || page.get(words).is_some_and(|page| page.as_bytes() == bytes)
    };
    apply(runs, shadow)
        && page.get(state) == shadow.get(state)
        && page.get(synced.clone()) == shadow.get(synced)
        && page.get(data.clone()) == shadow.get(data)
        && runs.iter().all(elsewhere)
}

/// Puts the runs of words in which `page` differs from `shadow` into `to`, and makes `shadow` the same.
/// Gives the number of runs. Behind the state, only registers that are synchronised, and `data`, are looked at.
fn diff(page: &[u64], shadow: &mut [u64], data: Range<usize>, to: &mut Record) -> u16 {
    let mut differ = Differ {
        to,
        runs: 0,
        open: None,
    };
    let synced = synced(page, shadow);
    differ.words(0..STATE.min(page.len()), page, shadow);
    let mut start = synced.start;
    while start < synced.end {
        let part = start..synced.end.min(start + STRIDE);
        start = part.end;
        if page.get(part.clone()) != shadow.get(part.clone()) {
            differ.words(part, page, shadow);
        }
    }
    differ.words(data, page, shadow);
    differ.close();
    differ.runs
}

/// Writes down the words that differ, from the first to the last.
struct Differ<'a> {
    to: &'a mut Record,
    runs: u16,
    open: Option<Run>,
}

/// A run that may go on.
struct Run {
    /// Where its length belongs, which is not known yet.
    count_at: usize,
    start: usize,
    end: usize,
}

impl Differ<'_> {
    fn words(&mut self, range: Range<usize>, page: &[u64], shadow: &mut [u64]) {
        let indices = range.clone();
        let (Some(page), Some(shadow)) = (page.get(range.clone()), shadow.get_mut(range)) else {
            return;
        };
        for ((word, shadow), index) in page.iter().zip(shadow).zip(indices) {
            if word != shadow {
                *shadow = *word;
                self.word(index, *word);
            }
        }
    }

    fn word(&mut self, index: usize, word: u64) {
        match &mut self.open {
            Some(run) if run.end == index => run.end += 1,
            _ => {
                self.close();
                self.runs += 1;
                self.to.put(&narrow(index));
                self.open = Some(Run {
                    count_at: self.to.len(),
                    start: index,
                    end: index + 1,
                });
                self.to.put_u16(0);
            }
        }
        self.to.put(&word.to_ne_bytes());
    }

    fn close(&mut self) {
        if let Some(run) = self.open.take() {
            self.to.patch(run.count_at, &narrow(run.end - run.start));
        }
    }
}

/// Pages have [`MOST`] words at most, so nothing is lost.
fn narrow(number: usize) -> [u8; 2] {
    let [low, high, ..] = number.to_le_bytes();
    [low, high]
}

/// Writes the runs to `page`. Says whether they all are inside; if not some are written.
#[must_use]
pub(crate) fn apply(runs: Runs<'_>, page: &mut [u64]) -> bool {
    runs.iter().all(|(index, bytes)| {
        let Some(page) = page.get_mut(index..index + bytes.len() / 8) else {
            return false;
        };
        for (word, bytes) in page.iter_mut().zip(bytes.chunks_exact(8)) {
            if let Ok(bytes) = bytes.try_into() {
                *word = u64::from_ne_bytes(bytes);
            }
        }
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Range<usize> = STATE..STATE;

    /// A page with synchronised registers.
    fn synced_page() -> Vec<u64> {
        let mut page = vec![0; 1023];
        page[SYNCED.start] = 1;
        page
    }

    /// The runs, the number of which `diff` gave.
    fn runs(page: &[u64], shadow: &mut [u64]) -> Vec<(usize, Vec<u8>)> {
        let mut record = Record::new();
        let count = exit(page, shadow, &mut record);
        let len = record.len();
        let sealed = record.seal(crate::format::Kind::Enter, 0, 0).unwrap();
        let body = &sealed[sealed.len() - len.next_multiple_of(8)..][..len];
        let runs: Vec<_> = Runs(body)
            .iter()
            .map(|(index, bytes)| (index, bytes.to_vec()))
            .collect();
        assert_eq!(usize::from(count), runs.len());
        runs
    }

    #[test]
    fn runs_cross_the_stride_and_are_as_long_as_can_be() {
        let mut page = synced_page();
        let mut shadow = page.clone();
        page[0] = 1;
        page[STATE - 1] = 2;
        page[STATE] = 3;
        page[STATE + STRIDE - 1] = 4;
        page[STATE + STRIDE] = 5;
        page[FIRST - 1] = 6;
        let found = runs(&page, &mut shadow);
        let word = |n: u64| n.to_ne_bytes().to_vec();
        let expected = [
            (0, word(1)),
            (STATE - 1, [word(2), word(3)].concat()),
            (STATE + STRIDE - 1, [word(4), word(5)].concat()),
            (FIRST - 1, word(6)),
        ];
        assert_eq!(found, expected);
        assert_eq!(page, shadow);
        assert_eq!(runs(&page, &mut shadow), []);
    }

    /// A page with an exit for port I/O of so many bytes at an offset.
    fn io(size: u8, count: u32, offset: u64) -> Vec<u64> {
        let mut page = vec![0; 1023];
        page[0] = u64::from(KVM_EXIT_IO.0);
        let [a, b, c, d] = count.to_ne_bytes();
        page[3] = u64::from_ne_bytes([1, size, 0, 0, a, b, c, d]);
        page[4] = offset;
        page
    }

    #[test]
    fn behind_the_first_words_only_the_data_of_the_exit_count() {
        assert_eq!(data(&io(1, 1, 4096)), 511..512);
        assert_eq!(data(&io(2, 4, 4096)), 511..512);
        assert_eq!(data(&io(4, 3, 4100)), 511..513);
        assert_eq!(data(&io(4, 3, 4104)), 512..514);
        assert_eq!(data(&io(1, 4096, 4096)), 511..1023);
        for nothing in [io(0, 1, 4096), io(1, 0, 4096), io(1, 8, 64), io(4, 1, 9000)] {
            assert_eq!(data(&nothing), NOTHING);
        }
        assert_eq!(data(&io(255, u32::MAX, 0)), STATE..1023);
        assert_eq!(data(&io(255, u32::MAX, u64::MAX)), NOTHING);
        assert_eq!(data(&[2, 0, 0]), NOTHING);

        let mut shadow = synced_page();
        let mut page = io(2, 1, 4096);
        (page[510], page[511], page[512]) = (1, 2, 3);
        let found = runs(&page, &mut shadow);
        // A run that goes on in the data.
        let last = found.last().unwrap();
        assert_eq!((last.0, last.1.len()), (510, 16));
        assert_eq!((shadow[511], shadow[512]), (2, 0));

        let mut record = Record::new();
        (page[0], page[511], page[600]) = (0, 5, 6);
        // The exit counts that the VMM was told of, whatever it wrote over it.
        assert_eq!(reply(&page, &mut shadow, &mut record), 2);
        assert_eq!((shadow[511], shadow[600]), (5, 0));
    }

    #[test]
    fn registers_count_while_they_are_synchronised() {
        let (plain, synced) = (vec![0; 1023], synced_page());
        let changed = |page: &[u64]| {
            let mut page = page.to_vec();
            page[100] = 7;
            page
        };
        assert_eq!(runs(&changed(&plain), &mut plain.clone()), []);
        // Also at the exit or the entry that switches it on or off.
        for (page, shadow) in [(&synced, &synced), (&synced, &plain), (&plain, &synced)] {
            let found = runs(&changed(page), &mut shadow.clone());
            assert!(found.iter().any(|(index, _)| *index == 100));
            assert!(!replied(Runs(&[]), &changed(page), &mut shadow.clone()));
        }
        assert!(replied(Runs(&[]), &changed(&plain), &mut plain.clone()));
    }

    #[test]
    fn a_recorded_reply_is_compared_wherever_it_is() {
        let shadow = io(1, 1, 4096);
        let run = |index: u16, word: u64| {
            let mut run = [index.to_le_bytes(), 1u16.to_le_bytes()].concat();
            run.extend(word.to_ne_bytes());
            run
        };
        for at in [100, 511, 700] {
            let run = run(at, 7);
            let mut page = shadow.clone();
            assert!(!replied(Runs(&run), &page, &mut shadow.clone()), "{at}");
            page[usize::from(at)] = 7;
            assert!(replied(Runs(&run), &page, &mut shadow.clone()), "{at}");
            let unread = replied(Runs(&[]), &page, &mut shadow.clone());
            assert_eq!(unread, at != 511, "{at}");
        }
    }

    #[test]
    fn what_differs_makes_up_the_difference() {
        let before: Vec<u64> = (0..300).map(|n| n + 1).collect();
        for step in 1..130 {
            let mut after = before.clone();
            after.iter_mut().step_by(step).for_each(|word| *word += 1);
            let mut shadow = before.clone();
            let mut record = Record::new();
            let _ = diff(&after, &mut shadow, NOTHING, &mut record);
            let len = record.len();
            let sealed = record.seal(crate::format::Kind::Enter, 0, 0).unwrap();
            let body = &sealed[sealed.len() - len.next_multiple_of(8)..][..len];
            let mut page = before.clone();
            assert!(apply(Runs(body), &mut page));
            assert_eq!(page, after, "step {step}");
            assert!(!apply(Runs(body), &mut []));
        }
    }
}

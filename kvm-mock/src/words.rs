//! What changed in a run page, word by word.

use crate::format::{Record, Runs, Writer};

/// A page of more words than this has no place in a recording: its indices are 16 bits.
pub(crate) const MOST: usize = u16::MAX as usize;

/// How many words of `private` bytes are in the page that starts at byte 8 of them.
pub(crate) fn in_page(private: usize) -> usize {
    private.saturating_sub(8) / 8
}

/// Words that are compared at once; most of a page never changes.
const STRIDE: usize = 64;

/// Puts the runs of words in which `page` differs from `shadow` into `to`, and makes `shadow` the same.
/// Gives the number of runs.
pub(crate) fn diff(page: &[u64], shadow: &mut [u64], to: &mut Record) -> u16 {
    let mut runs = 0;
    let mut open = None;
    let mut index = 0;
    for (page, shadow) in page.chunks(STRIDE).zip(shadow.chunks_mut(STRIDE)) {
        if page == shadow {
            close(&mut open, to);
            index += page.len();
            continue;
        }
        for (word, shadow) in page.iter().zip(shadow) {
            if word == shadow {
                close(&mut open, to);
            } else {
                *shadow = *word;
                let run = open.get_or_insert_with(|| {
                    runs += 1;
                    to.put(&narrow(index));
                    let count_at = to.len();
                    to.put_u16(0);
                    Run { count_at, words: 0 }
                });
                run.words += 1;
                to.put(&word.to_ne_bytes());
            }
            index += 1;
        }
    }
    close(&mut open, to);
    runs
}

/// A run whose length is not known yet.
struct Run {
    count_at: usize,
    words: usize,
}

fn close(open: &mut Option<Run>, to: &mut Record) {
    if let Some(Run { count_at, words }) = open.take() {
        to.patch(count_at, &narrow(words));
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

    /// The runs, the number of which `diff` gave.
    fn runs(page: &[u64], shadow: &mut [u64]) -> Vec<(usize, Vec<u8>)> {
        let mut record = Record::new();
        let count = diff(page, shadow, &mut record);
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
        let mut page = vec![0u64; 3 * STRIDE + 5];
        let mut shadow = page.clone();
        page[0] = 1;
        page[STRIDE - 1] = 2;
        page[STRIDE] = 3;
        page[3 * STRIDE + 4] = 4;
        let found = runs(&page, &mut shadow);
        let word = |n: u64| n.to_ne_bytes().to_vec();
        let expected = [
            (0, word(1)),
            (STRIDE - 1, [word(2), word(3)].concat()),
            (3 * STRIDE + 4, word(4)),
        ];
        assert_eq!(found, expected);
        assert_eq!(page, shadow);
        assert_eq!(runs(&page, &mut shadow), []);
    }

    #[test]
    fn what_differs_makes_up_the_difference() {
        let before: Vec<u64> = (0..300).collect();
        for step in 1..130 {
            let mut after = before.clone();
            after.iter_mut().step_by(step).for_each(|word| *word += 1);
            let mut shadow = before.clone();
            let mut record = Record::new();
            let _ = diff(&after, &mut shadow, &mut record);
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

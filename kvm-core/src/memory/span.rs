//! [`Span`]: bytes that others may be changing, copied in and out.
#![expect(unsafe_code, reason = "guest memory is reached by address only")]

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

const WORD: usize = size_of::<u64>();

/// A run of bytes that a guest, the kernel or other threads may change at any time: no reference to
/// them can exist, so they are copied.
///
/// Every access is a relaxed atomic one of a whole aligned word of 8 bytes; the bytes beside a write
/// that starts or ends inside a word are kept by a compare-exchange. So concurrent copies are no
/// data race, whatever they overlap; what they see of each other is unordered between words.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    start: NonNull<AtomicU64>,
    words: usize,
}

// SAFETY: a span is an address; the bytes behind it are accessed atomically only, and `new`
// promises that they stay valid wherever the span is used.
unsafe impl Send for Span {}
// SAFETY: as for `Send`.
unsafe impl Sync for Span {}

impl Span {
    /// No bytes.
    pub(crate) const EMPTY: Self = Self {
        start: NonNull::dangling(),
        words: 0,
    };

    /// The `len` bytes at `start`. Gives nothing when `start` or `len` is not a multiple of 8.
    ///
    /// # Safety
    ///
    /// As long as the span or a copy of it is used, the bytes are initialised, readable and (if
    /// [`write`](Self::write) is called) writable, and this process accesses them through spans only.
    pub unsafe fn new(start: NonNull<u8>, len: usize) -> Option<Self> {
        let start = start.cast::<AtomicU64>();
        (start.is_aligned() && len % WORD == 0).then_some(Self {
            start,
            words: len / WORD,
        })
    }

    /// Length in bytes.
    pub const fn len(&self) -> usize {
        self.words * WORD
    }

    /// Whether there is no byte in it.
    pub const fn is_empty(&self) -> bool {
        self.words == 0
    }

    /// Copies the bytes from `offset` on into `to`. Says whether they all are inside the span; if not
    /// nothing is copied.
    #[must_use]
    pub fn read(&self, offset: usize, to: &mut [u8]) -> bool {
        if !self.contains(offset, to.len()) {
            return false;
        }
        let (mut index, skip) = (offset / WORD, offset % WORD);
        let (first, rest) = to.split_at_mut(to.len().min((WORD - skip) % WORD));
        if !first.is_empty() {
            copy(first, self.load(index).to_ne_bytes().get(skip..));
            index += 1;
        }
        for chunk in rest.chunks_mut(WORD) {
            let bytes = self.load(index).to_ne_bytes();
            match <&mut [u8; WORD]>::try_from(&mut *chunk) {
                Ok(word) => *word = bytes,
                Err(_) => copy(chunk, Some(&bytes)),
            }
            index += 1;
        }
        true
    }

    /// Copies `from` over the bytes from `offset` on. Says whether they all are inside the span; if not
    /// nothing is copied.
    #[must_use]
    pub fn write(&self, offset: usize, from: &[u8]) -> bool {
        if !self.contains(offset, from.len()) {
            return false;
        }
        let (mut index, skip) = (offset / WORD, offset % WORD);
        let (first, rest) = from.split_at(from.len().min((WORD - skip) % WORD));
        if !first.is_empty() {
            self.store_part(index, skip, first);
            index += 1;
        }
        for chunk in rest.chunks(WORD) {
            match chunk.try_into() {
                Ok(word) => self
                    .word(index)
                    .store(u64::from_ne_bytes(word), Ordering::Relaxed),
                Err(_) => self.store_part(index, 0, chunk),
            }
            index += 1;
        }
        true
    }

    /// Reads the word at `offset`, before whatever the program reads after it. Gives nothing when the word is
    /// not aligned, or not all inside the span.
    pub fn load_acquire(&self, offset: usize) -> Option<u64> {
        let aligned = offset % WORD == 0 && self.contains(offset, WORD);
        aligned.then(|| self.word(offset / WORD).load(Ordering::Acquire))
    }

    /// Writes the word at `offset`, after whatever the program read and wrote before it. Says whether the word
    /// is aligned and all inside the span; if not nothing is written.
    #[must_use]
    pub fn store_release(&self, offset: usize, word: u64) -> bool {
        let aligned = offset % WORD == 0 && self.contains(offset, WORD);
        if aligned {
            self.word(offset / WORD).store(word, Ordering::Release);
        }
        aligned
    }

    fn contains(&self, offset: usize, len: usize) -> bool {
        offset.checked_add(len).is_some_and(|end| end <= self.len())
    }

    fn load(&self, index: usize) -> u64 {
        self.word(index).load(Ordering::Relaxed)
    }

    /// Stores `bytes` at `skip` of a word and keeps the others.
    fn store_part(&self, index: usize, skip: usize, bytes: &[u8]) {
        let merge = |word: u64| {
            let mut word = word.to_ne_bytes();
            if let Some(to) = word.get_mut(skip..) {
                copy(to, Some(bytes));
            }
            Some(u64::from_ne_bytes(word))
        };
        // The closure never gives `None`, so neither does the update.
        let _ = self
            .word(index)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, merge);
    }

    /// The callers have checked that `index` is below the number of words.
    fn word(&self, index: usize) -> &AtomicU64 {
        debug_assert!(index < self.words);
        // SAFETY: `contains` held for the bytes that the caller walks, so `index` is inside the span,
        // the offset fits an isize (`words * 8` bytes are one object) and `new` promises the bytes.
        let word = unsafe { self.start.add(index) };
        // SAFETY: aligned as checked in `new`, initialised and live as promised there, and accessed
        // by this process through spans only, so always as this atomic. The guest and the kernel
        // are outside the program, as another process sharing the page would be.
        unsafe { word.as_ref() }
    }
}

/// As many bytes as both have.
fn copy(to: &mut [u8], from: Option<&[u8]>) {
    for (to, from) in to.iter_mut().zip(from.unwrap_or_default()) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(bytes: &mut [u64], test: impl FnOnce(Span)) {
        let start = NonNull::from(&mut *bytes).cast();
        // SAFETY: `bytes` is borrowed mutably for the whole call and touched through the span only.
        let span = unsafe { Span::new(start, bytes.len() * WORD) };
        test(span.expect("aligned"));
    }

    #[test]
    fn every_offset_and_length_reads_back_and_leaves_the_rest_alone() {
        for offset in 0..=24 {
            for len in 0..=(24 - offset) {
                with(&mut [0xa5a5_a5a5_a5a5_a5a5; 3], |span| {
                    let data: std::vec::Vec<u8> = (1..=24).take(len).collect();
                    assert!(span.write(offset, &data));
                    let mut all = [0; 24];
                    assert!(span.read(0, &mut all));
                    let mut expected = [0xa5; 24];
                    expected[offset..offset + len].copy_from_slice(&data);
                    assert_eq!(all, expected, "offset {offset} len {len}");
                    let mut back = std::vec![0; len];
                    assert!(span.read(offset, &mut back));
                    assert_eq!(back, data);
                });
            }
        }
    }

    #[test]
    fn ordered_words_are_aligned_and_inside() {
        with(&mut [1, 2], |span| {
            assert!(span.store_release(8, 7));
            assert_eq!(span.load_acquire(8), Some(7));
            assert!(!span.store_release(4, 9));
            assert!(!span.store_release(16, 9));
            assert_eq!(span.load_acquire(12), None);
            assert_eq!(span.load_acquire(usize::MAX - 7), None);
            assert_eq!(span.load_acquire(0), Some(1));
        });
    }

    #[test]
    fn what_is_not_all_inside_is_refused_whole() {
        with(&mut [7; 2], |span| {
            assert!(!span.write(9, &[0; 8]));
            assert!(!span.read(17, &mut []));
            assert!(!span.read(usize::MAX, &mut [0; 2]));
            assert!(span.write(16, &[]));
            let mut all = [0; 16];
            assert!(span.read(0, &mut all));
            assert_eq!(all, [7, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
        });
    }
}

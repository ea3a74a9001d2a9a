//! [`Order`]: exits of all vCPUs in the order in which they were recorded.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::format::{Enter, Kind, Recording};

/// The numbers of the entries' records, and how many of them were replayed.
#[derive(Debug)]
pub(super) struct Order {
    entries: Vec<u64>,
    done: AtomicUsize,
}

impl Order {
    pub(super) fn new(recording: &Recording) -> Self {
        let streams = recording.streams.iter();
        let entries = streams.flat_map(|stream| &stream.entries);
        let entries = entries.filter(|entry| {
            let enter = Some(entry).filter(|entry| entry.kind == Kind::Enter);
            let enter = enter.and_then(|entry| Enter::read(recording.body(entry)));
            // One that never returned has no exit to wait for.
            enter.is_some_and(|enter| !enter.flags.unfinished)
        });
        let mut entries: Vec<_> = entries.map(|entry| entry.sequence).collect();
        entries.sort_unstable();
        Self {
            entries,
            done: AtomicUsize::new(0),
        }
    }

    /// Whether the entry with that record is the next one.
    pub(super) fn is_turn(&self, sequence: u64) -> bool {
        self.entries.get(self.done.load(Ordering::Acquire)) == Some(&sequence)
    }

    /// The entry whose turn it was has exited.
    pub(super) fn advance(&self) {
        self.done.fetch_add(1, Ordering::Release);
    }
}

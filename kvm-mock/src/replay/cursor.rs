//! [`Cursor`]: how far an object's stream was read.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use kvm_core::Mapping;

use crate::format::{Entry, Kind};
use crate::page::RunMemory;
use crate::wait::Blocked;

/// How far an object's stream was read, and what the object holds.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// The first record that was not read.
    pub(super) next: usize,
    /// Records behind it that were read before their turn.
    pub(super) taken: BTreeSet<usize>,
    /// By exit: the first record behind the last entry.
    pub(super) span: usize,
    pub(super) run: Run,
    /// By exit: the bytes of register banks that are known without a record.
    pub(super) known: HashMap<&'static str, Known>,
}

/// A vCPU's run page, and what it has to be when the vCPU is entered.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) memory: Option<(Arc<RunMemory>, Mapping)>,
    pub(super) shadow: Vec<u64>,
    /// The entry that had not returned when the recording was ended was reached.
    pub(super) waiting: bool,
    /// The records of the last exit that no recorder has taken.
    pub(super) of_exit: Range<usize>,
    /// The signals that wait while it runs, where the VMM has said so.
    pub(super) blocked: Option<Blocked>,
}

/// Bytes that a SET gave.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) bytes: Vec<u8>,
    /// The SET is not in the recording, so a GET that is has an older value.
    pub(super) own: bool,
    /// How many entries there had been.
    pub(super) entries: u64,
}

impl Cursor {
    /// The next record, if there is one, and its place.
    pub(super) fn peek<'a>(&self, entries: &'a [Entry]) -> Option<(usize, &'a Entry)> {
        entries.get(self.next).map(|entry| (self.next, entry))
    }

    /// Takes a record, which need not be the next one.
    pub(super) fn take(&mut self, place: usize) {
        if place == self.next {
            self.next += 1;
            while self.taken.remove(&self.next) {
                self.next += 1;
            }
        } else {
            self.taken.insert(place);
        }
    }

    /// Where the next entry is, from the next record on.
    pub(super) fn next_enter(&self, entries: &[Entry]) -> Option<usize> {
        let rest = entries.get(self.next..)?;
        let ahead = rest.iter().position(|entry| entry.kind == Kind::Enter)?;
        Some(self.next + ahead)
    }
}

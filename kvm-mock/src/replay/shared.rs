//! [`Shared`]: what the objects of a replay share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use kvm_core::{Errno, Guard};
use kvm_exit::GuestArch;

use super::cursor::Cursor;
use super::order::Order;
use super::outcome::{Divergence, Outcome};
use super::recent;
use super::{Mode, ReplayOptions};
use crate::describe;
use crate::format::{Call, Enter, Entry, Kind, Recording};
use crate::page::RunMemory;

/// The recording, and how far it was read.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) recording: Recording,
    pub(super) mode: Mode,
    /// The order of exits, if they are to keep one.
    pub(super) order: Option<Order>,
    /// The VMM may unmap what is in a slot.
    pub(super) unowned: bool,
    /// Gives the exit in a run page as text.
    describe: fn(&mut [u64]) -> String,
    /// One for each stream, then one that is never read.
    cursors: Vec<Mutex<Cursor>>,
    nowhere: Mutex<Cursor>,
    /// A vCPU was entered.
    running: AtomicBool,
    failed: AtomicBool,
    failure: Mutex<Option<Failure>>,
    /// Entries of all vCPUs.
    pub(super) entered: AtomicU64,
    /// Waits that end when the run fails.
    pub(super) waits: Mutex<Vec<Weak<RunMemory>>>,
}

/// Why the run can't go on.
#[derive(Debug)]
enum Failure {
    Diverged(Box<Divergence>),
    Cut,
}

impl Shared {
    pub(super) fn new<G: GuestArch>(recording: Recording, options: ReplayOptions) -> Self {
        let order = options.ordered.then(|| Order::new(&recording));
        Self {
            cursors: recording.streams.iter().map(|_| Mutex::default()).collect(),
            recording,
            mode: options.mode,
            order,
            unowned: options.unowned,
            describe: recent::describe::<G>,
            nowhere: Mutex::default(),
            running: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            failure: Mutex::default(),
            entered: AtomicU64::new(0),
            waits: Mutex::default(),
        }
    }

    pub(super) fn cursor(&self, stream: usize) -> MutexGuard<'_, Cursor> {
        // Objects have streams that the scan of the file numbered.
        lock(self.cursors.get(stream).unwrap_or(&self.nowhere))
    }

    pub(super) fn entries(&self, stream: usize) -> &[Entry] {
        let stream = self.recording.streams.get(stream);
        stream.map_or(&[], |stream| &stream.entries)
    }

    pub(super) fn failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Takes note that vCPUs run, perhaps on threads of their own.
    pub(super) fn entered(&self) {
        if !self.running.load(Ordering::Relaxed) {
            self.running.store(true, Ordering::Relaxed);
        }
    }

    /// Whether several threads may call the object at the same time: all but vCPUs, whose thread is their own.
    pub(super) fn races(&self, stream: usize) -> bool {
        let stream = self.recording.streams.get(stream);
        let shared = stream.is_some_and(|stream| !stream.is_vcpu);
        shared && self.running.load(Ordering::Relaxed)
    }

    /// Refuses calls after the run has failed.
    pub(super) fn check(&self) -> Result<(), Errno> {
        if self.failed() {
            Err(Errno::DIVERGED)
        } else {
            Ok(())
        }
    }

    /// The run left the recording at `entry`, or behind the object's last record. Gives the errno that
    /// every call fails with from now on.
    #[cold]
    pub(super) fn diverge(
        &self,
        stream: usize,
        cursor: &Cursor,
        entry: Option<&Entry>,
        what: &str,
        [recorded, given]: [String; 2],
    ) -> Errno {
        let before = self.entries(stream).get(..cursor.next).unwrap_or_default();
        let mut exits = recent::exits(&self.recording, before, self.describe).into_iter();
        let object = self.recording.streams.get(stream);
        let divergence = Divergence {
            object: object.map_or_else(String::new, |object| object.label.clone()),
            exit: exits.next(),
            what: what.to_owned(),
            recorded,
            given,
            record: entry.map(|entry| entry.sequence),
            offset: entry.map(|entry| entry.offset as u64),
            before: exits.collect(),
        };
        self.fail(Failure::Diverged(Box::new(divergence)))
    }

    /// The run made a call that is not the one at `entry`.
    #[cold]
    pub(super) fn another_call(
        &self,
        stream: usize,
        cursor: &Cursor,
        entry: Option<&Entry>,
        given: String,
        call: Option<&Call<'_>>,
    ) -> Errno {
        match entry.filter(|entry| !self.is_unfinished(entry)) {
            Some(entry) => {
                let recorded = describe::record(&self.recording, entry, call);
                let texts = [recorded, given];
                self.diverge(stream, cursor, Some(entry), "another call", texts)
            }
            None => self.past_end(stream, cursor, given),
        }
    }

    /// The run needs a record behind the object's last one.
    #[cold]
    pub(super) fn past_end(&self, stream: usize, cursor: &Cursor, given: String) -> Errno {
        if self.recording.cut.is_some() {
            return self.fail(Failure::Cut);
        }
        let texts = ["nothing more".to_owned(), given];
        self.diverge(stream, cursor, None, "more than was recorded", texts)
    }

    /// The first failure stays.
    fn fail(&self, failure: Failure) -> Errno {
        lock(&self.failure).get_or_insert(failure);
        self.failed.store(true, Ordering::Release);
        self.wake();
        Errno::DIVERGED
    }

    /// Lets all that wait look again.
    pub(super) fn wake(&self) {
        for wait in lock(&self.waits).iter().filter_map(Weak::upgrade) {
            wait.wake();
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        let cut = self.recording.cut;
        match (&*lock(&self.failure), cut) {
            (Some(Failure::Diverged(divergence)), _) => {
                return Outcome::Diverged(divergence.clone());
            }
            (reached, Some(offset)) => {
                let reached = reached.is_some();
                return Outcome::Cut { offset, reached };
            }
            (_, None) => {}
        }
        let mut records = 0;
        let mut first: Option<(&Entry, &str)> = None;
        for (number, stream) in self.recording.streams.iter().enumerate() {
            let cursor = self.cursor(number);
            let unread = stream.entries.iter().enumerate().skip(cursor.next);
            for (_, entry) in unread
                .filter(|(place, entry)| !cursor.taken.contains(place) && self.is_needed(entry))
            {
                records += 1;
                if first.is_none_or(|(first, _)| entry.sequence < first.sequence) {
                    first = Some((entry, &stream.label));
                }
            }
        }
        let Some((entry, label)) = first else {
            return Outcome::Complete;
        };
        let text = describe::record(&self.recording, entry, None);
        let first = format!(
            "{text} of {label}, record {} at offset {}",
            entry.sequence, entry.offset
        );
        Outcome::Unread { records, first }
    }

    /// Whether a run that does not read the record did less than was recorded.
    fn is_needed(&self, entry: &Entry) -> bool {
        match entry.kind {
            Kind::Enter => !self.is_unfinished(entry),
            _ => self.mode == Mode::Strict,
        }
    }

    /// Whether it is the entry that had not returned when the recording was ended.
    fn is_unfinished(&self, entry: &Entry) -> bool {
        entry.kind == Kind::Enter
            && Enter::read(self.recording.body(entry)).is_some_and(|enter| enter.flags.unfinished)
    }
}

/// Locks what no panic leaves half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

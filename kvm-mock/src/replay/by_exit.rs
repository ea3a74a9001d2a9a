//! By exit: exits in their order, and between them answers from what is known.

use std::sync::atomic::Ordering;

use kvm_core::{Arg, Errno};
use kvm_exit::GuestArch;
use kvm_sys::op::{Dir, Op, Returns};

use super::Replay;
use super::cursor::{Cursor, Known};
use crate::call;
use crate::describe;
use crate::format::{Call, Create, Entry, Kind};

impl<G: GuestArch> Replay<G> {
    pub(super) fn call_by_exit(
        &self,
        cursor: &mut Cursor,
        op: &'static Op,
        given: &Call<'_>,
        arg: &mut Arg<'_>,
    ) -> Result<u32, Errno> {
        let entries = self.entered();
        let known = op
            .bank
            .filter(|_| op.dir() == Some(Dir::Out))
            .and_then(|bank| cursor.known.get(bank))
            .filter(|known| known.entries == entries)
            .filter(|known| call::head(arg).is_some_and(|(to, _)| to.len() == known.bytes.len()));
        if let (
            Some(Known {
                bytes, own: true, ..
            }),
            Arg::Mut(to),
        ) = (known, &mut *arg)
        {
            to.copy_from_slice(bytes);
            return Ok(0);
        }
        let fits = |entry: &Entry| {
            entry.kind == Kind::Call
                && Call::read(self.body(entry)).is_some_and(|call| self.same(op, &call, given))
        };
        let found = self.find(cursor, fits);
        let recorded = found.and_then(|(_, entry)| Call::read(self.body(entry)));
        if found.is_none() {
            if let (Some(known), Arg::Mut(to)) = (known, &mut *arg) {
                to.copy_from_slice(&known.bytes);
                return Ok(0);
            }
            if asks(op, given) {
                let text = describe::call(op.name, given, None);
                let next = cursor.next_enter(self.entries());
                let entry = next.and_then(|place| self.entries().get(place));
                if entry.is_none() && self.shared.recording.cut.is_some() {
                    // The answer may be in what was cut.
                    return Err(self.shared.past_end(self.stream, cursor, text));
                }
                let what = "a question whose answer is not known here";
                let texts = ["no answer".to_owned(), text];
                return Err(self.shared.diverge(self.stream, cursor, entry, what, texts));
            }
        }
        if let (Some(bank), Some(Dir::In), Arg::In(bytes)) = (op.bank, op.dir(), &*arg) {
            let known = Known {
                bytes: bytes.to_vec(),
                own: recorded.is_none(),
                entries,
            };
            cursor.known.insert(bank, known);
        }
        if let Some((place, _)) = found {
            cursor.take(place);
        }
        recorded.map_or(Ok(0), |recorded| call::answer(op, &recorded, arg))
    }

    pub(super) fn create_by_exit(
        &self,
        cursor: &mut Cursor,
        op: &'static Op,
        given: &Call<'_>,
    ) -> Result<&Entry, Errno> {
        let entries = self.entries().iter().enumerate().skip(cursor.next);
        let found = entries
            .filter(|(place, entry)| entry.kind == Kind::Create && !cursor.taken.contains(place))
            .find(|(_, entry)| {
                Create::read(self.body(entry))
                    .is_some_and(|create| self.same(op, &create.call, given))
            });
        match found {
            Some((place, entry)) => {
                cursor.take(place);
                Ok(entry)
            }
            None => {
                let text = describe::call(op.name, given, None);
                Err(self.shared.past_end(self.stream, cursor, text))
            }
        }
    }

    pub(super) fn other_by_exit(
        &self,
        cursor: &mut Cursor,
        fits: impl Fn(&Entry) -> bool,
        given: impl FnOnce() -> String,
    ) -> Result<&Entry, Errno> {
        match self.find(cursor, fits) {
            Some((place, entry)) => {
                cursor.take(place);
                Ok(entry)
            }
            None => Err(self.shared.past_end(self.stream, cursor, given())),
        }
    }

    /// The first record between the last entry and the next that fits and was not read, or else the
    /// last one that was.
    fn find(&self, cursor: &Cursor, fits: impl Fn(&Entry) -> bool) -> Option<(usize, &Entry)> {
        let entries = self.entries();
        let end = cursor.next_enter(entries).unwrap_or(entries.len());
        let places = |from: usize| entries.iter().enumerate().take(end).skip(from);
        let unread = places(cursor.next)
            .filter(|(place, _)| !cursor.taken.contains(place))
            .find(|(_, entry)| fits(entry));
        let read = |(place, entry): &(usize, &Entry)| {
            (*place < cursor.next || cursor.taken.contains(place)) && fits(entry)
        };
        unread.or_else(|| places(cursor.span).filter(read).last())
    }

    /// How many entries there were that may have changed the object's state.
    fn entered(&self) -> u64 {
        self.shared.entered.load(Ordering::Relaxed)
    }
}

/// Whether the call's answer is more than success.
fn asks(op: &Op, given: &Call<'_>) -> bool {
    let writes = given.buffers.iter().any(|buffer| buffer.input.is_none());
    writes || op.dir() == Some(Dir::InOut) || op.returns == Returns::Number
}

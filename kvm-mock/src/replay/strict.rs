//! Strict: each call of an object is the next one recorded for it.

use kvm_core::{Arg, Errno};
use kvm_exit::GuestArch;
use kvm_sys::op::Op;

use super::Replay;
use super::cursor::Cursor;
use crate::call;
use crate::describe;
use crate::format::{Call, Create, Entry, Kind};

impl<G: GuestArch> Replay<G> {
    pub(super) fn strict_call(
        &self,
        cursor: &mut Cursor,
        op: &'static Op,
        given: &Call<'_>,
        arg: &mut Arg<'_>,
    ) -> Result<u32, Errno> {
        let next = cursor.peek(self.entries());
        if let Some((place, entry)) = next.filter(|(_, entry)| entry.kind == Kind::Call) {
            let recorded = Call::read(self.body(entry));
            if let Some(recorded) = recorded.filter(|recorded| self.same(op, recorded, given)) {
                cursor.take(place);
                return call::answer(op, &recorded, arg);
            }
        }
        // Threads that share an object race, once there are any: then any call that is left may be the one.
        if self.shared.races(self.stream) {
            let pending = self.entries().iter().enumerate().skip(cursor.next);
            let pending = pending
                .filter(|(place, entry)| entry.kind == Kind::Call && !cursor.taken.contains(place));
            let mut pending =
                pending.filter_map(|(place, entry)| Some((place, Call::read(self.body(entry))?)));
            if let Some((place, recorded)) =
                pending.find(|(_, recorded)| self.same(op, recorded, given))
            {
                cursor.take(place);
                return call::answer(op, &recorded, arg);
            }
        }
        Err(self.strict_divergence(cursor, op, given))
    }

    pub(super) fn strict_create(
        &self,
        cursor: &mut Cursor,
        op: &'static Op,
        given: &Call<'_>,
    ) -> Result<&Entry, Errno> {
        // Threads that create objects race, so creations may pass each other, but no other call.
        let entries = self.entries().iter().enumerate().skip(cursor.next);
        let found = entries
            .take_while(|(_, entry)| entry.kind == Kind::Create)
            .filter(|(place, _)| !cursor.taken.contains(place))
            .find(|(_, entry)| {
                Create::read(self.body(entry))
                    .is_some_and(|create| self.same(op, &create.call, given))
            });
        match found {
            Some((place, entry)) => {
                cursor.take(place);
                Ok(entry)
            }
            None => Err(self.strict_divergence(cursor, op, given)),
        }
    }

    pub(super) fn strict_other(
        &self,
        cursor: &mut Cursor,
        fits: impl Fn(&Entry) -> bool,
        given: impl FnOnce() -> String,
    ) -> Result<&Entry, Errno> {
        match cursor.peek(self.entries()) {
            Some((place, entry)) if fits(entry) => {
                cursor.take(place);
                Ok(entry)
            }
            next => {
                let entry = next.map(|(_, entry)| entry);
                Err(self
                    .shared
                    .another_call(self.stream, cursor, entry, given(), None))
            }
        }
    }

    fn strict_divergence(&self, cursor: &Cursor, op: &Op, given: &Call<'_>) -> Errno {
        let entry = cursor.peek(self.entries()).map(|(_, entry)| entry);
        let recorded = entry.and_then(|entry| match entry.kind {
            Kind::Call => Call::read(self.body(entry)),
            Kind::Create => Create::read(self.body(entry)).map(|create| create.call),
            _ => None,
        });
        let text = describe::call(op.name, given, recorded.as_ref());
        self.shared
            .another_call(self.stream, cursor, entry, text, Some(given))
    }
}

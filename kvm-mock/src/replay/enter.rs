//! Entries: the reply is compared, the exit put into the run page.
#![expect(unsafe_code, reason = "looks at the run page inside `enter`")]

use std::ops::Range;
use std::sync::atomic::Ordering;

use kvm_core::Errno;
use kvm_exit::{GuestArch, RunPage};
use zerocopy::IntoBytes;

use super::cursor::{Cursor, Known, Run};
use super::order::Order;
use super::shared::lock;
use super::{Mode, Replay};
use crate::describe;
use crate::format::{Coalesced, Delta, DirtyRing, Doorbell, Enter, Entry, Kind, Pages, Registers};
use crate::{page, registers, words};

/// What differs, and how it was and is.
struct Difference {
    what: String,
    texts: [String; 2],
}

impl<G: GuestArch> Replay<G> {
    /// # Safety
    ///
    /// As [`enter`](kvm_core::Hypervisor::enter).
    pub(super) unsafe fn next_exit(&self) -> Result<(), Errno> {
        self.shared.check()?;
        self.shared.entered();
        if let Some(order) = &self.shared.order {
            self.await_turn(order)?;
        }
        let mut guard = self.cursor();
        let cursor = &mut *guard;
        let place = self.next_entry(cursor)?;
        let entry = self.entries().get(place).ok_or(Errno::DIVERGED)?;
        let enter = Enter::read(self.body(entry)).ok_or(Errno::DIVERGED)?;
        if !cursor.run.waiting {
            // SAFETY: the caller's promise.
            let compared = unsafe { self.compare(&mut cursor.run, &enter) };
            if let Err(Difference { what, texts }) = compared {
                return Err(self
                    .shared
                    .diverge(self.stream, cursor, Some(entry), &what, texts));
            }
        }
        if enter.flags.unfinished {
            cursor.run.waiting = true;
            let memory = cursor.run.memory.as_ref().map(|(memory, _)| memory.clone());
            let blocked = cursor.run.blocked;
            drop(guard);
            let errno = memory.map_or(Errno::EINTR, |memory| {
                memory.block_unless(blocked, || self.shared.failed())
            });
            self.shared.check()?;
            return Err(errno);
        }
        let of_exit = self.of_exit(cursor.next, place);
        self.write_memory(cursor, of_exit.clone())?;
        cursor.run.of_exit = of_exit;
        let Run { memory, shadow, .. } = &mut cursor.run;
        let inside = match memory {
            // SAFETY: the caller's promise.
            Some((_, mapping)) => unsafe {
                page::with_page(mapping, |page| {
                    words::apply(enter.exit, page) && words::apply(enter.exit, shadow)
                })
            },
            None => enter.exit.0.is_empty(),
        };
        if !inside {
            let what = "the recorded exit is not all inside the run page";
            let texts = ["more".to_owned(), "a smaller page".to_owned()];
            return Err(self
                .shared
                .diverge(self.stream, cursor, Some(entry), what, texts));
        }
        cursor.next = place + 1;
        if self.shared.mode == Mode::ByExit {
            cursor.span = cursor.next;
            cursor.taken.clear();
            let entries = self.shared.entered.fetch_add(1, Ordering::Relaxed) + 1;
            self.learn_registers(cursor, place, entries);
        }
        if let Some(order) = &self.shared.order {
            order.advance();
            self.shared.wake();
        }
        match enter.errno {
            0 => Ok(()),
            errno => Err(Errno(errno)),
        }
    }

    /// Waits until the next exit is this vCPU's.
    fn await_turn(&self, order: &Order) -> Result<(), Errno> {
        let (sequence, memory) = {
            let cursor = self.cursor();
            let place = self.next_entry(&cursor)?;
            let entry = self.entries().get(place).ok_or(Errno::DIVERGED)?;
            let enter = Enter::read(self.body(entry)).ok_or(Errno::DIVERGED)?;
            if enter.flags.unfinished {
                return Ok(());
            }
            let memory = cursor.run.memory.as_ref();
            (entry.sequence, memory.map(|(memory, _)| memory.clone()))
        };
        while !order.is_turn(sequence) {
            let over = || self.shared.failed() || order.is_turn(sequence);
            match &memory {
                Some(memory) => {
                    let errno = memory.block_unless(None, over);
                    self.shared.check()?;
                    if !order.is_turn(sequence) {
                        return Err(errno);
                    }
                }
                // It was never mapped, so nobody can be told to wake it.
                None => {
                    self.shared.check()?;
                    std::thread::yield_now();
                }
            }
        }
        Ok(())
    }

    /// Where the record of the entry is that comes now.
    fn next_entry(&self, cursor: &Cursor) -> Result<usize, Errno> {
        let entries = self.entries();
        let next = match self.shared.mode {
            Mode::Strict => {
                let mut rest = entries.iter().enumerate().skip(cursor.next);
                rest.find(|(_, entry)| !entry.kind.is_of_exit())
            }
            Mode::ByExit => {
                let place = cursor.next_enter(entries);
                place.and_then(|place| Some((place, entries.get(place)?)))
            }
        };
        match next {
            Some((place, entry)) if entry.kind == Kind::Enter => Ok(place),
            next => {
                let entry = next.map(|(_, entry)| entry);
                let given = kvm_sys::KVM_RUN.name.to_owned();
                Err(self
                    .shared
                    .another_call(self.stream, cursor, entry, given, None))
            }
        }
    }

    /// Compares what the VMM did since the last exit with what was recorded.
    ///
    /// # Safety
    ///
    /// The caller is inside `enter` of the mapping's vCPU.
    unsafe fn compare(&self, run: &mut Run, enter: &Enter<'_>) -> Result<(), Difference> {
        let Run { memory, shadow, .. } = run;
        let mapping = memory.as_ref().map(|(_, mapping)| mapping);
        let (complete, window) = mapping.map_or((false, 0), |mapping| {
            let window = page::request_interrupt_window(mapping);
            (page::completes_only(mapping), window)
        });
        if complete != enter.flags.complete {
            let text = |complete| if complete { "completion only" } else { "a run" };
            return Err(Difference {
                what: "another kind of entry".to_owned(),
                texts: [enter.flags.complete, complete].map(|kind| text(kind).to_owned()),
            });
        }
        if window != enter.request_interrupt_window {
            return Err(Difference {
                what: "request_interrupt_window differs".to_owned(),
                texts: [enter.request_interrupt_window, window].map(|byte| byte.to_string()),
            });
        }
        if let (Some(memory), true) = (&self.memory, enter.flags.memory) {
            let checksum = memory.lock().checksum();
            if checksum != enter.memory {
                return Err(Difference {
                    what: "what the VMM wrote to guest memory differs".to_owned(),
                    texts: [enter.memory, checksum].map(|sum| format!("checksum {sum:08x}")),
                });
            }
        }
        let Some(mapping) = mapping else {
            return Ok(());
        };
        // SAFETY: the caller's promise.
        unsafe {
            page::with_page(mapping, |page| {
                // The page as it was left, with the recorded reply, is what it has to be now.
                if words::replied(enter.reply, page, shadow) {
                    Ok(())
                } else {
                    Err(reply_difference(shadow, page))
                }
            })
        }
    }

    /// Where the records are that were recorded with the exit at `place`, of those from `next` on.
    fn of_exit(&self, next: usize, place: usize) -> Range<usize> {
        let before = self.entries().get(next..place).unwrap_or_default();
        let others = before.iter().rposition(|entry| !entry.kind.is_of_exit());
        others.map_or(next, |others| next + others + 1)..place
    }

    /// Writes to guest memory, and to the rings of coalesced writes and dirty pages, what was recorded with an exit.
    fn write_memory(&self, cursor: &Cursor, of_exit: Range<usize>) -> Result<(), Errno> {
        for entry in self.entries().get(of_exit).unwrap_or_default() {
            let body = self.body(entry);
            if entry.kind == Kind::Coalesced {
                let coalesced = Coalesced::read(body).ok_or(Errno::DIVERGED)?;
                if !coalesced.writes.iter().all(|write| self.ring.push(*write)) {
                    let what = "the ring of coalesced writes is full";
                    return Err(self.no_room(cursor, entry, what, "no room"));
                }
                continue;
            }
            if entry.kind == Kind::Doorbell {
                let Doorbell(write) = Doorbell::read(body).ok_or(Errno::DIVERGED)?;
                lock(&self.doorbells).take(write);
                continue;
            }
            if entry.kind == Kind::DirtyRing {
                let pages = DirtyRing::read(body).ok_or(Errno::DIVERGED)?;
                if !self.dirty_rings.push(self.stream, pages) {
                    let what = "the dirty ring is full";
                    return Err(self.no_room(cursor, entry, what, "no room"));
                }
                continue;
            }
            let Some(memory) = self
                .memory
                .as_ref()
                .filter(|_| entry.kind != Kind::Registers)
            else {
                continue;
            };
            let mut slots = memory.lock();
            let applied = match entry.kind {
                Kind::Pages => Pages::read(body).map(|pages| slots.apply_pages(&pages)),
                _ => Delta::read(body).map(|delta| slots.apply(&delta)),
            };
            drop(slots);
            if applied != Some(Ok(())) {
                let what = "the guest wrote to memory that the VM does not have";
                return Err(self.no_room(cursor, entry, what, "no such memory"));
            }
        }
        Ok(())
    }

    /// Keeps the registers that were recorded with the exit at `place`, for what asks for them.
    fn learn_registers(&self, cursor: &mut Cursor, place: usize, entries: u64) {
        let before = self.entries().get(..place).unwrap_or_default();
        let of_exit = before
            .iter()
            .rev()
            .take_while(|entry| entry.kind.is_of_exit());
        for entry in of_exit.filter(|entry| entry.kind == Kind::Registers) {
            let Some(registers) = Registers::read(self.body(entry)) else {
                continue;
            };
            let name = self.shared.recording.name(registers.op);
            let known = registers::SETS.iter().find(|op| Some(op.name) == name);
            if let Some(bank) = known.and_then(|op| op.bank) {
                let known = Known {
                    bytes: registers.bytes.to_vec(),
                    own: false,
                    entries,
                };
                cursor.known.insert(bank, known);
            }
        }
    }

    #[cold]
    fn no_room(&self, cursor: &Cursor, entry: &Entry, what: &str, given: &str) -> Errno {
        let recorded = describe::record(&self.shared.recording, entry, None);
        let texts = [recorded, given.to_owned()];
        self.shared
            .diverge(self.stream, cursor, Some(entry), what, texts)
    }
}

/// The first bytes in which the page differs from what was recorded.
#[cold]
fn reply_difference(recorded: &[u64], given: &[u64]) -> Difference {
    let (recorded, given) = (recorded.as_bytes(), given.as_bytes());
    let differs = |(recorded, given): (&u8, &u8)| recorded != given;
    let start = recorded.iter().zip(given).position(differs).unwrap_or(0);
    let part = |bytes: &'_ [u8]| -> Vec<u8> { bytes.get(start..).unwrap_or_default().to_vec() };
    let (recorded, given) = (part(recorded), part(given));
    let len = recorded
        .iter()
        .zip(&given)
        .take_while(|(recorded, given)| recorded != given)
        .count();
    let text = |bytes: &[u8]| describe::hex(bytes.get(..len).unwrap_or_default());
    Difference {
        what: format!(
            "the VMM's reply differs at byte {:#x} of the run page",
            start + RunPage::OFFSET
        ),
        texts: [text(&recorded), text(&given)],
    }
}

//! [`Run`]: what a recorder keeps of a vCPU's run page.
#![expect(unsafe_code, reason = "looks at the run page inside `enter`")]

use std::mem;

use kvm_core::{Errno, Mapping};

use crate::format::{Enter, EnterFlags, Kind, Record};
use crate::memory::GuestMemory;
use crate::page;
use crate::tape::Tape;
use crate::words;

/// The run page, and a copy of it as it was at the last exit.
#[derive(Debug)]
pub(super) struct Run {
    stream: u32,
    mapping: Option<Mapping>,
    shadow: Vec<u64>,
    /// The entry in progress, up to the runs that the VMM wrote.
    record: Record,
    flags: EnterFlags,
    inside: bool,
    /// Memory that has a dirty log is not looked at here.
    logged: bool,
    /// What changed is told by a replay.
    over_replay: bool,
}

impl Run {
    pub(super) fn new(stream: u32, logged: bool, over_replay: bool) -> Self {
        Self {
            stream,
            mapping: None,
            shadow: Vec::new(),
            record: Record::new(),
            flags: EnterFlags::default(),
            inside: false,
            logged,
            over_replay,
        }
    }

    /// Takes note of the vCPU's mapping, whose page is all zero when it is new.
    pub(super) fn map(&mut self, mapping: &Mapping) {
        self.shadow.resize(words::in_page(mapping.private()), 0);
        self.mapping = Some(mapping.clone());
    }

    /// Writes down what the VMM changed.
    ///
    /// # Safety
    ///
    /// The caller is inside `enter` of the vCPU.
    pub(super) unsafe fn begin(&mut self, memory: Option<&GuestMemory>, tape: &Tape) {
        if let Some(memory) = memory.filter(|_| self.logged && !self.over_replay) {
            memory.lock().skip();
        }
        let memory = memory.filter(|memory| !self.logged && memory.single());
        let (complete, window) = self.mapping.as_ref().map_or((false, 0), |mapping| {
            let window = page::request_interrupt_window(mapping);
            (page::completes_only(mapping), window)
        });
        self.flags = EnterFlags {
            complete,
            memory: memory.is_some(),
            unfinished: false,
            times: tape.times(),
        };
        let checksum = memory.map_or(0, |memory| memory.lock().checksum());
        self.record.clear();
        Enter::write_start(&mut self.record, window, self.flags, checksum);
        // SAFETY: the caller's promise.
        let runs = unsafe { self.diff(words::reply) };
        self.record.patch(Enter::REPLY_RUNS_AT, &runs.to_le_bytes());
        self.inside = true;
        // Last, so that the recorder's own work is not taken for the guest's.
        self.note_time(Enter::entered_at(self.flags), tape);
    }

    /// Writes down what the kernel changed. Guest memory with a dirty log is seen to by `harvest`.
    ///
    /// # Safety
    ///
    /// As [`begin`](Self::begin); nobody else is inside any more.
    pub(super) unsafe fn end(
        &mut self,
        result: Result<(), Errno>,
        memory: Option<&GuestMemory>,
        tape: &Tape,
        harvest: impl FnOnce(),
    ) {
        if !mem::take(&mut self.inside) {
            // The recording was ended meanwhile.
            return;
        }
        self.note_time(Enter::exited_at(self.flags), tape);
        harvest();
        match memory {
            // Only so that the VMM's changes are told from it.
            Some(memory) if self.over_replay && !self.logged => memory.lock().skip(),
            memory => self.memory(memory.filter(|_| !self.over_replay), tape),
        }
        // SAFETY: the caller's promise.
        let runs = unsafe { self.diff(words::exit) };
        self.record.patch(Enter::EXIT_RUNS_AT, &runs.to_le_bytes());
        let errno = result.map_or_else(|errno| errno.0, |()| 0);
        self.record.patch(Enter::ERRNO_AT, &errno.to_le_bytes());
        tape.append(Kind::Enter, self.stream, &mut self.record);
    }

    /// Writes down what changed in guest memory that has no dirty log.
    pub(super) fn memory(&self, memory: Option<&GuestMemory>, tape: &Tape) {
        if let Some(memory) = memory {
            memory.lock().deltas(self.logged, |delta| {
                let mut record = Record::new();
                delta.write(&mut record);
                tape.append(Kind::Memory, self.stream, &mut record);
            });
        }
    }

    /// Gives the run page as it is; nothing before it is mapped.
    ///
    /// # Safety
    ///
    /// As [`begin`](Self::begin); nobody else is inside any more.
    pub(super) unsafe fn with_page<R>(&self, look: impl FnOnce(&mut [u64]) -> R) -> Option<R> {
        let mapping = self.mapping.as_ref()?;
        // SAFETY: the caller's promise.
        Some(unsafe { page::with_page(mapping, look) })
    }

    /// Writes down that a thread that is inside has not returned, as the recording ends.
    pub(super) fn abandon(&mut self, tape: &Tape) {
        if mem::take(&mut self.inside) {
            let flags = EnterFlags {
                unfinished: true,
                ..self.flags
            };
            Enter::patch_flags(&mut self.record, flags);
            self.note_time(Enter::exited_at(flags), tape);
            tape.append(Kind::Enter, self.stream, &mut self.record);
        }
    }

    fn note_time(&mut self, at: usize, tape: &Tape) {
        if self.flags.times {
            self.record.patch(at, &tape.now().to_le_bytes());
        }
    }

    /// # Safety
    ///
    /// As [`begin`](Self::begin).
    unsafe fn diff(&mut self, diff: fn(&[u64], &mut [u64], &mut Record) -> u16) -> u16 {
        let Some(mapping) = &self.mapping else {
            return 0;
        };
        let look = |page: &mut [u64]| diff(page, &mut self.shadow, &mut self.record);
        // SAFETY: the caller's promise.
        unsafe { page::with_page(mapping, look) }
    }
}

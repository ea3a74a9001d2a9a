//! [`RecorderOptions`]: how to record, and where to.
#![expect(unsafe_code, reason = "asks the backend for the size of its pages")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use kvm_core::{Arg, Hypervisor, ops};
use kvm_exit::GuestArch;

use super::{Alive, Recorder, Shared};
use crate::format::{FileHeader, Flags};
use crate::handed;
use crate::tape::{RecordError, Sink, Tape};

/// How to record. The defaults are those of [`Recorder::create`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecorderOptions {
    memory: bool,
    pub(super) dirty_log: bool,
    pub(super) registers: bool,
    pub(super) eventfds: bool,
    pub(super) times: bool,
    pub(super) unowned: bool,
}

impl RecorderOptions {
    /// The defaults: neither guest memory nor times.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also records what guest and kernel write to guest memory, so that a VMM that reads it finds it in
    /// a replay, and a checksum of what the VMM writes, so that a replay notices when it writes
    /// something else.
    ///
    /// All memory is compared with a copy at each entry and each exit: for guests of some megabytes. The copy has what was
    /// ever not zero.
    pub fn memory(mut self, memory: bool) -> Self {
        self.memory = memory;
        self
    }

    /// Also records what guest and kernel write to guest memory, as [`memory`](Self::memory) does, but finds it by the
    /// kernel's dirty log: for guests of any size.
    ///
    /// The recorder has the kernel log each slot, and takes the dirty pages after each exit: one call for each slot,
    /// and small pages in the host's tables. The VMM sees the dirty logs that it asks for, and no others. Whole pages
    /// are recorded, as they are after the exit, packed as what differs from the page as it was recorded last. What
    /// the VMM writes is not compared in a replay. Where there can be no log (private memory, a VM with dirty rings),
    /// memory is compared with a copy, as `memory` does. What others than guest and kernel write, as a device does that
    /// another process emulates, is in no log.
    pub fn dirty_log(mut self, dirty_log: bool) -> Self {
        self.dirty_log = dirty_log;
        self
    }

    /// Also records the guest's writes that signal an eventfd (`KVM_IOEVENTFD`), so that a replay signals it.
    ///
    /// The kernel would not tell of them: the recorder keeps these eventfds from it. Each such write is an exit, which the
    /// recorder matches, signals, writes down and enters again; the VMM does not see it. It costs as much as an exit
    /// does. A replay signals the eventfd when it gives the next exit, after guest memory is as it was at the write.
    pub fn eventfds(mut self, eventfds: bool) -> Self {
        self.eventfds = eventfds;
        self
    }

    /// Also records the registers after each exit, as `KVM_GET_REGS` and `KVM_GET_SREGS` give them: two calls more. Tools
    /// show them, and a replay by exit answers from them what was not asked when it was recorded. For guests of x86_64.
    pub fn registers(mut self, registers: bool) -> Self {
        self.registers = registers;
        self
    }

    /// The calls come from a program that has made no promise to keep memory mapped that it has put into a slot: the kernel
    /// copies it, and what is no longer there is not recorded. Without effect where there is no Linux.
    pub fn unowned(mut self, unowned: bool) -> Self {
        self.unowned = unowned;
        self
    }

    /// Also records when each entry began and ended: 16 bytes for each, and two looks at the clock.
    ///
    /// Times differ from run to run, so only recordings without them are the same byte for byte when the run is
    /// the same, as that of a replay is.
    pub fn times(mut self, times: bool) -> Self {
        self.times = times;
        self
    }

    /// Records what `inner`, a system, answers, into a new file. One that exists is replaced.
    ///
    /// On Linux the end of the file is mapped, and a record is a copy into it, not a system call, where the file
    /// system can set room aside (`fallocate`). The file is longer than what was recorded until it is ended, and
    /// must not be made shorter by others: the process would get a `SIGBUS`.
    ///
    /// # Errors
    ///
    /// [`RecordError::Io`] when the file can't be created or written, [`RecordError::PageSize`] when
    /// the backend does not answer.
    pub fn create<H: Hypervisor>(
        self,
        inner: H,
        path: impl AsRef<Path>,
    ) -> Result<Recorder<H>, RecordError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // A mapping has to be readable, and a pipe must not be.
        if fs::metadata(&path).map_or(true, |about| about.is_file()) {
            options.read(true);
        }
        self.to_sink(inner, Sink::file(options.open(path)?))
    }

    /// Records what `inner`, a system, answers, to a writer. Each record is one call of `write_all`,
    /// the last is followed by `flush`.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn to_writer<H: Hypervisor>(
        self,
        inner: H,
        writer: impl Write + Send + 'static,
    ) -> Result<Recorder<H>, RecordError> {
        self.to_sink(inner, Sink::Writer(Box::new(writer)))
    }

    pub(super) fn has_memory(self) -> bool {
        self.memory || self.dirty_log
    }

    fn to_sink<H: Hypervisor>(self, inner: H, sink: Sink) -> Result<Recorder<H>, RecordError> {
        if self.registers && H::Guest::ARCH != kvm_sys::Arch::X86_64 {
            return Err(RecordError::Registers);
        }
        // SAFETY: the call takes nothing.
        let page_size = unsafe { inner.ioctl(&ops::PAGE_SIZE, &mut Arg::None) }
            .map_err(RecordError::PageSize)?;
        let header = FileHeader {
            architecture: H::Guest::ARCH.into(),
            page_size,
            flags: Flags {
                memory: self.has_memory(),
                times: self.times,
            },
        };
        let shared = Shared {
            tape: Tape::new(sink, &header)?,
            runs: Mutex::default(),
        };
        let alive = Arc::new(Alive(Arc::new(shared)));
        let over_replay = handed::is_replay(&inner);
        Ok(Recorder::new(inner, 0, None, self, over_replay, alive))
    }
}

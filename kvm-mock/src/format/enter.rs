//! The bodies of records of entries into guests.

use super::body::{Reader, Writer};
use super::record::Record;

/// What an entry says beside the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EnterFlags {
    /// The VMM asked to complete pending I/O only.
    pub(crate) complete: bool,
    /// The checksum of what the VMM wrote to guest memory is there.
    pub(crate) memory: bool,
    /// The thread was still inside when the recording was ended.
    pub(crate) unfinished: bool,
    /// The times of entry and exit are there.
    pub(crate) times: bool,
}

impl EnterFlags {
    fn bits(self) -> u8 {
        u8::from(self.complete)
            | u8::from(self.memory) << 1
            | u8::from(self.unfinished) << 2
            | u8::from(self.times) << 3
    }

    fn from_bits(bits: u8) -> Option<Self> {
        (bits < 16).then_some(Self {
            complete: bits & 1 != 0,
            memory: bits & 2 != 0,
            unfinished: bits & 4 != 0,
            times: bits & 8 != 0,
        })
    }
}

/// Words of a run page: runs of index, count and that many words, in ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Runs<'a>(pub(crate) &'a [u8]);

impl<'a> Runs<'a> {
    /// Reads as many runs as `from` is said to hold.
    fn read(from: &mut Reader<'a>, count: u16) -> Option<Self> {
        let start = from.0;
        for _ in 0..count {
            from.u16()?;
            let words = from.u16()?;
            from.bytes(usize::from(words) * 8)?;
        }
        let len = start.len() - from.0.len();
        start.get(..len).map(Self)
    }

    /// The index of each run's first word, and the words' bytes.
    pub(crate) fn iter(self) -> impl Iterator<Item = (usize, &'a [u8])> {
        let mut from = Reader(self.0);
        std::iter::from_fn(move || {
            let index = from.u16()?;
            let words = from.u16()?;
            Some((index.into(), from.bytes(usize::from(words) * 8)?))
        })
    }
}

/// When a thread was inside the guest, in nanoseconds since the recording began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) entered: u64,
    pub(crate) exited: u64,
}

/// An entry into the guest, and the exit that ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Enter<'a> {
    /// 0 when there was an exit.
    pub(crate) errno: u16,
    pub(crate) request_interrupt_window: u8,
    pub(crate) flags: EnterFlags,
    /// Checksum of what the VMM wrote to guest memory since the last exit, if the flags say so.
    pub(crate) memory: u32,
    /// Zero if the flags do not say that there are times.
    pub(crate) times: Times,
    /// What the VMM wrote to the page since the last exit.
    pub(crate) reply: Runs<'a>,
    /// What the kernel wrote to it.
    pub(crate) exit: Runs<'a>,
}

impl<'a> Enter<'a> {
    /// Where the fields that are known only after the exit are in the body.
    pub(crate) const ERRNO_AT: usize = 0;
    pub(crate) const FLAGS_AT: usize = 3;
    pub(crate) const REPLY_RUNS_AT: usize = 4;
    pub(crate) const EXIT_RUNS_AT: usize = 6;

    /// Where the time of the entry is, when there is one.
    pub(crate) fn entered_at(flags: EnterFlags) -> usize {
        Self::EXIT_RUNS_AT + 2 + if flags.memory { 4 } else { 0 }
    }

    /// Where the time of the exit is, when there is one.
    pub(crate) fn exited_at(flags: EnterFlags) -> usize {
        Self::entered_at(flags) + 8
    }

    /// Writes what stands before the runs, with neither errno, times nor runs.
    pub(crate) fn write_start(
        to: &mut Record,
        request_interrupt_window: u8,
        flags: EnterFlags,
        memory: u32,
    ) {
        to.put(&[0, 0, request_interrupt_window, flags.bits(), 0, 0, 0, 0]);
        if flags.memory {
            to.put_u32(memory);
        }
        if flags.times {
            to.put_u64(0);
            to.put_u64(0);
        }
    }

    pub(crate) fn patch_flags(to: &mut Record, flags: EnterFlags) {
        to.patch(Self::FLAGS_AT, &[flags.bits()]);
    }

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut from = Reader(body);
        let errno = from.u16()?;
        let request_interrupt_window = from.u8()?;
        let flags = EnterFlags::from_bits(from.u8()?)?;
        let (reply, exit) = (from.u16()?, from.u16()?);
        let memory = if flags.memory { from.u32()? } else { 0 };
        let mut times = Times::default();
        if flags.times {
            times.entered = from.u64()?;
            times.exited = from.u64()?;
        }
        let reply = Runs::read(&mut from, reply)?;
        let exit = Runs::read(&mut from, exit)?;
        from.end(Self {
            errno,
            request_interrupt_window,
            flags,
            memory,
            times,
            reply,
            exit,
        })
    }
}

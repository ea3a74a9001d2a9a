//! The bodies of records: written field by field, and read back with every length checked.

use super::record::Record;

/// Puts fields into a record. Lengths that a caller gives are those of arguments and pages; one that
/// does not fit its field becomes all ones, and the record, too long as well, is never written.
pub(crate) trait Writer {
    fn put_u8(&mut self, value: u8);
    fn put_u16(&mut self, value: u16);
    fn put_u32(&mut self, value: u32);
    fn put_u64(&mut self, value: u64);
    fn put_len(&mut self, len: usize);
}

impl Writer for Record {
    fn put_u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    fn put_u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    fn put_len(&mut self, len: usize) {
        self.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
    }
}

/// What is left of a body.
#[derive(Clone, Copy, Debug)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn u8(&mut self) -> Option<u8> {
        self.chunk().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.chunk().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.chunk().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_le_bytes)
    }

    fn len(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }

    /// The value, if nothing but padding is left.
    fn end<T>(self, value: T) -> Option<T> {
        (self.0.len() < 8 && self.0.iter().all(|byte| *byte == 0)).then_some(value)
    }
}

/// A call's name gets a number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    pub(crate) id: u32,
    pub(crate) name: &'a str,
}

impl<'a> Name<'a> {
    pub(crate) fn write(&self, to: &mut Record) {
        to.put_u32(self.id);
        to.put_len(self.name.len());
        to.put(self.name.as_bytes());
    }

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut from = Reader(body);
        let (id, len) = (from.u32()?, from.len()?);
        let name = std::str::from_utf8(from.bytes(len)?).ok()?;
        from.end(Self { id, name })
    }
}

/// The form of a call's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Shape {
    None = 0,
    Value = 1,
    In = 2,
    Mut = 3,
    Parts = 4,
}

impl Shape {
    fn from_number(number: u8) -> Option<Self> {
        [Self::None, Self::Value, Self::In, Self::Mut, Self::Parts]
            .into_iter()
            .find(|shape| *shape as u8 == number)
    }
}

/// Bytes that a call was given, and that it left there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Buffer<'a> {
    /// Offset of the pointer to it, in the head; 0 for the head itself.
    pub(crate) offset: u32,
    pub(crate) len: usize,
    /// Nothing where the call reads none of it.
    pub(crate) input: Option<&'a [u8]>,
    /// Nothing where the call left it as it was.
    pub(crate) output: Option<&'a [u8]>,
}

const HAS_INPUT: u8 = 1;
const HAS_OUTPUT: u8 = 2;

impl<'a> Buffer<'a> {
    fn write(&self, to: &mut Record) {
        to.put_u32(self.offset);
        to.put_len(self.len);
        let flag = |present, flag| if present { flag } else { 0 };
        to.put_u8(flag(self.input.is_some(), HAS_INPUT) | flag(self.output.is_some(), HAS_OUTPUT));
        to.put(self.input.unwrap_or_default());
        to.put(self.output.unwrap_or_default());
    }

    fn read(from: &mut Reader<'a>) -> Option<Self> {
        let (offset, len, flags) = (from.u32()?, from.len()?, from.u8()?);
        if flags & !(HAS_INPUT | HAS_OUTPUT) != 0 {
            return None;
        }
        let mut bytes = |flag| match flags & flag {
            0 => Some(None),
            _ => from.bytes(len).map(Some),
        };
        Some(Self {
            offset,
            len,
            input: bytes(HAS_INPUT)?,
            output: bytes(HAS_OUTPUT)?,
        })
    }
}

/// A call and its answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call<'a> {
    pub(crate) op: u32,
    /// 0 when it succeeded.
    pub(crate) errno: u16,
    pub(crate) shape: Shape,
    pub(crate) returned: u32,
    pub(crate) value: u64,
    /// The argument's bytes, then what the pointers in it point to.
    pub(crate) buffers: Vec<Buffer<'a>>,
}

impl<'a> Call<'a> {
    pub(crate) fn write(&self, to: &mut Record) {
        to.put_u32(self.op);
        to.put_u16(self.errno);
        to.put_u8(self.shape as u8);
        to.put_u8(0);
        to.put_u32(self.returned);
        to.put_len(self.buffers.len());
        to.put_u64(self.value);
        for buffer in &self.buffers {
            buffer.write(to);
        }
    }

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut from = Reader(body);
        let op = from.u32()?;
        let errno = from.u16()?;
        let shape = Shape::from_number(from.u8()?)?;
        let reserved = from.u8()?;
        let returned = from.u32()?;
        let count = from.u32()?;
        let value = from.u64()?;
        // Grows as buffers are found, so a wrong count costs nothing.
        let mut buffers = Vec::new();
        for _ in 0..count {
            buffers.push(Buffer::read(&mut from)?);
        }
        let fits = match shape {
            Shape::None => value == 0 && count == 0,
            Shape::Value => count == 0,
            Shape::In | Shape::Mut => value == 0 && count == 1,
            Shape::Parts => value == 0 && count >= 1,
        };
        if reserved != 0 || !fits {
            return None;
        }
        from.end(Self {
            op,
            errno,
            shape,
            returned,
            value,
            buffers,
        })
    }
}

/// A call that returns a new object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Create<'a> {
    /// Its stream; 0, that of the system, when the call failed.
    pub(crate) child: u32,
    pub(crate) number: i32,
    pub(crate) call: Call<'a>,
}

impl<'a> Create<'a> {
    /// Where `child` is in the body.
    pub(crate) const CHILD_AT: usize = 0;

    pub(crate) fn write(&self, to: &mut Record) {
        to.put_u32(self.child);
        to.put(&self.number.to_le_bytes());
        self.call.write(to);
    }

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut from = Reader(body);
        Some(Self {
            child: from.u32()?,
            number: from.chunk().map(i32::from_le_bytes)?,
            call: Call::read(from.0)?,
        })
    }
}

/// A mapping.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub(crate) len: u64,
    pub(crate) private: u64,
    pub(crate) errno: u16,
}

impl Map {
    pub(crate) fn write(&self, to: &mut Record) {
        to.put_u64(self.len);
        to.put_u64(self.private);
        to.put_u16(self.errno);
    }

    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let mut from = Reader(body);
        let (len, private, errno) = (from.u64()?, from.u64()?, from.u16()?);
        from.end(Self {
            len,
            private,
            errno,
        })
    }
}

/// What an entry says beside the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EnterFlags {
    /// The VMM asked to complete pending I/O only.
    pub(crate) complete: bool,
    /// The checksum of what the VMM wrote to guest memory is there.
    pub(crate) memory: bool,
    /// The thread was still inside when the recording was ended.
    pub(crate) unfinished: bool,
}

impl EnterFlags {
    fn bits(self) -> u8 {
        u8::from(self.complete) | u8::from(self.memory) << 1 | u8::from(self.unfinished) << 2
    }

    fn from_bits(bits: u8) -> Option<Self> {
        (bits < 8).then_some(Self {
            complete: bits & 1 != 0,
            memory: bits & 2 != 0,
            unfinished: bits & 4 != 0,
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

/// An entry into the guest, and the exit that ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Enter<'a> {
    /// 0 when there was an exit.
    pub(crate) errno: u16,
    pub(crate) request_interrupt_window: u8,
    pub(crate) flags: EnterFlags,
    /// Checksum of what the VMM wrote to guest memory since the last exit, if the flags say so.
    pub(crate) memory: u32,
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

    /// Writes what stands before the runs, with neither errno nor runs.
    pub(crate) fn write_start(
        to: &mut Record,
        request_interrupt_window: u8,
        flags: EnterFlags,
        memory: u32,
    ) {
        to.put_u16(0);
        to.put_u8(request_interrupt_window);
        to.put_u8(flags.bits());
        to.put_u16(0);
        to.put_u16(0);
        if flags.memory {
            to.put_u32(memory);
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
        let reply = Runs::read(&mut from, reply)?;
        let exit = Runs::read(&mut from, exit)?;
        from.end(Self {
            errno,
            request_interrupt_window,
            flags,
            memory,
            reply,
            exit,
        })
    }
}

/// Bytes of guest memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Delta<'a> {
    pub(crate) slot: u32,
    pub(crate) offset: u64,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Delta<'a> {
    pub(crate) fn write(&self, to: &mut Record) {
        to.put_u32(self.slot);
        to.put_len(self.bytes.len());
        to.put_u64(self.offset);
        to.put(self.bytes);
    }

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut from = Reader(body);
        let (slot, len, offset) = (from.u32()?, from.len()?, from.u64()?);
        let bytes = from.bytes(len)?;
        from.end(Self {
            slot,
            offset,
            bytes,
        })
    }
}

/// A read from an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pread<'a> {
    pub(crate) offset: u64,
    /// Length of the buffer it was given.
    pub(crate) room: u64,
    pub(crate) errno: u16,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Pread<'a> {
    pub(crate) fn write(&self, to: &mut Record) {
        to.put_u64(self.offset);
        to.put_u64(self.room);
        to.put_u16(self.errno);
        to.put_u16(0);
        to.put_len(self.bytes.len());
        to.put(self.bytes);
    }

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut from = Reader(body);
        let (offset, room) = (from.u64()?, from.u64()?);
        let (errno, reserved, len) = (from.u16()?, from.u16()?, from.len()?);
        let bytes = from.bytes(len)?;
        if reserved != 0 || (len as u64) > room {
            return None;
        }
        from.end(Self {
            offset,
            room,
            errno,
            bytes,
        })
    }
}

/// The recording was ended, not cut.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Records before this one.
    pub(crate) records: u64,
    pub(crate) exits: u64,
    pub(crate) streams: u32,
}

impl End {
    pub(crate) fn write(&self, to: &mut Record) {
        to.put_u64(self.records);
        to.put_u64(self.exits);
        to.put_u32(self.streams);
    }

    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let mut from = Reader(body);
        let (records, exits, streams) = (from.u64()?, from.u64()?, from.u32()?);
        from.end(Self {
            records,
            exits,
            streams,
        })
    }
}

//! The bodies of records: written field by field, and read back with every length checked.

use zerocopy::FromBytes;

use super::record::Record;
use crate::dirty_ring::Dirtied;
use crate::doorbells::Write;
use crate::ring::ENTRY;

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
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.chunk().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.chunk().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.chunk().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_le_bytes)
    }

    pub(super) fn len(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }

    /// The value, if nothing but padding is left.
    pub(super) fn end<T>(self, value: T) -> Option<T> {
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

/// Coalesced writes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Coalesced<'a> {
    pub(crate) writes: &'a [[u8; ENTRY]],
}

impl<'a> Coalesced<'a> {
    pub(crate) fn write(&self, to: &mut Record) {
        to.put_len(self.writes.len());
        to.put_u32(0);
        to.put(self.writes.as_flattened());
    }

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut from = Reader(body);
        let (count, reserved) = (from.len()?, from.u32()?);
        let bytes = from.bytes(count.checked_mul(ENTRY)?)?;
        let writes = <[[u8; ENTRY]]>::ref_from_bytes(bytes).ok()?;
        (reserved == 0).then_some(())?;
        from.end(Self { writes })
    }
}

/// Registers, as a call would have got them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Registers<'a> {
    /// Number of the call's name.
    pub(crate) op: u32,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Registers<'a> {
    pub(crate) fn write(&self, to: &mut Record) {
        to.put_u32(self.op);
        to.put_len(self.bytes.len());
        to.put(self.bytes);
    }

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut from = Reader(body);
        let (op, len) = (from.u32()?, from.len()?);
        let bytes = from.bytes(len)?;
        from.end(Self { op, bytes })
    }
}

/// A write that signalled an eventfd.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Doorbell(pub(crate) Write);

impl Doorbell {
    pub(crate) fn write(&self, to: &mut Record) {
        let Self(write) = self;
        to.put_u64(write.address);
        to.put_u64(write.value);
        to.put_u32(write.len);
        to.put_u32(u32::from(write.pio));
    }

    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let mut from = Reader(body);
        let (address, value, len, pio) = (from.u64()?, from.u64()?, from.u32()?, from.u32()?);
        let write = Write {
            pio: pio == 1,
            address,
            len,
            value,
        };
        (pio < 2).then_some(())?;
        from.end(Self(write))
    }
}

/// Pages that were added to a vCPU's dirty ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DirtyRing<'a>(&'a [u8]);

impl<'a> DirtyRing<'a> {
    /// Bytes of a page's number and slot.
    const ENTRY: usize = 12;

    pub(crate) fn write(pages: &[Dirtied], to: &mut Record) {
        to.put_len(pages.len());
        for Dirtied { slot, page } in pages {
            to.put_u64(*page);
            to.put_u32(*slot);
        }
    }

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut from = Reader(body);
        let count = from.len()?;
        let entries = from.bytes(count.checked_mul(Self::ENTRY)?)?;
        from.end(Self(entries))
    }

    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = Dirtied> + use<'a> {
        self.0.chunks_exact(Self::ENTRY).map(|entry| {
            let mut from = Reader(entry);
            let (page, slot) = (from.u64(), from.u32());
            Dirtied {
                slot: slot.unwrap_or_default(),
                page: page.unwrap_or_default(),
            }
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

//! The bodies of records of calls.

use super::body::{Reader, Writer};
use super::record::Record;

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

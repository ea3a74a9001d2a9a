//! `KVM_EXIT_IO`: port I/O.

use core::slice::{ChunksExact, ChunksExactMut};

use kvm_sys::kvm_run_io;
use zerocopy::IntoBytes;

use crate::encode::Unencodable;
use crate::member::{Member, Union};
use crate::{Field, Malformed, RunPage};

/// The guest reads a port: `in`, or `ins` with several accesses at once.
///
/// All of `data` is the reply. The guest gets whatever is there when `KVM_RUN` is called next, which is what an
/// earlier exit left behind if nothing is written. How a string instruction is split into exits differs from one kernel and processor
/// to the next.
#[derive(Debug, PartialEq, Eq)]
pub struct IoIn<'a> {
    /// The port.
    pub port: u16,
    /// The width of one access in bytes: 1, 2 or 4.
    pub size: u8,
    /// The bytes that the guest is to read, `size` for each access, first access first.
    pub data: &'a mut [u8],
}

impl IoIn<'_> {
    /// How many times the port is read.
    pub fn count(&self) -> usize {
        count(self.data, self.size)
    }

    /// The accesses one by one, each a slice of `size` bytes to fill.
    ///
    /// ```
    /// use kvm_exit::IoIn;
    ///
    /// let mut io = IoIn { port: 0x60, size: 2, data: &mut [0; 4] };
    /// for (access, value) in io.accesses_mut().zip([0x1234u16, 0x5678]) {
    ///     access.copy_from_slice(&value.to_le_bytes());
    /// }
    /// assert_eq!(io.data, [0x34, 0x12, 0x78, 0x56]);
    /// ```
    pub fn accesses_mut(&mut self) -> ChunksExactMut<'_, u8> {
        self.data.chunks_exact_mut(usize::from(self.size).max(1))
    }
}

/// The guest writes a port: `out`, or `outs` with several accesses at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoOut<'a> {
    /// The port.
    pub port: u16,
    /// The width of one access in bytes: 1, 2 or 4.
    pub size: u8,
    /// The bytes that the guest wrote, `size` for each access, first access first.
    pub data: &'a [u8],
}

impl<'a> IoOut<'a> {
    /// How many times the port is written.
    pub fn count(&self) -> usize {
        count(self.data, self.size)
    }

    /// The accesses one by one, each a slice of `size` bytes.
    ///
    /// ```
    /// use kvm_exit::IoOut;
    ///
    /// let io = IoOut { port: 0x3f8, size: 1, data: b"Hi" };
    /// assert_eq!(io.count(), 2);
    /// assert!(io.accesses().eq([b"H", b"i"]));
    /// ```
    pub fn accesses(&self) -> ChunksExact<'a, u8> {
        self.data.chunks_exact(usize::from(self.size).max(1))
    }
}

fn count(data: &[u8], size: u8) -> usize {
    data.len().checked_div(size.into()).unwrap_or(0)
}

/// The length of `kvm_run`, as errors carry it.
const STRUCT_LEN: u32 = 2352;
const _: () = assert!(STRUCT_LEN as usize == RunPage::STRUCT_LEN);

/// Where the encoder puts the data if they fit there: the start of the second page, as the kernel does on hosts whose
/// pages have 4096 bytes.
const SECOND_PAGE: usize = 4096 - RunPage::STRUCT_LEN;

/// `KVM_EXIT_IO_IN`.
const IN: u8 = 0;
/// `KVM_EXIT_IO_OUT`.
const OUT: u8 = 1;

/// One side of the two exits: what the direction does not change.
pub(crate) struct Access<'a> {
    pub(crate) port: u16,
    pub(crate) size: u8,
    pub(crate) is_out: bool,
    pub(crate) data: &'a mut [u8],
}

impl<'a> Access<'a> {
    #[inline(always)]
    pub(crate) fn decode(payload: &'a mut Union, tail: &'a mut [u64]) -> Result<Self, Malformed> {
        let io = kvm_run_io::of(payload);
        let is_out = match io.direction {
            IN => false,
            OUT => true,
            other => return Err(Malformed::new(Field::IoDirection, other.into(), 1)),
        };
        if !matches!(io.size, 1 | 2 | 4) {
            return Err(Malformed::new(Field::IoSize, io.size.into(), 4));
        }
        if io.count == 0 {
            return Err(Malformed::new(Field::IoCount, 0, 1));
        }
        let Some(start) = io.data_offset.checked_sub(STRUCT_LEN.into()) else {
            return Err(Malformed::new(
                Field::IoDataOffset,
                io.data_offset,
                STRUCT_LEN,
            ));
        };
        let tail = tail.as_mut_bytes();
        let page = tail.len();
        let len = u64::from(io.size) * u64::from(io.count);
        match range(start, len).and_then(|range| tail.get_mut(range)) {
            Some(data) => Ok(Self {
                port: io.port,
                size: io.size,
                is_out,
                data,
            }),
            None => Err(past_the_page(io.data_offset, len, page)),
        }
    }
}

#[inline(always)]
fn range(start: u64, len: u64) -> Option<core::ops::Range<usize>> {
    let end = start.checked_add(len)?;
    Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

#[cold]
fn past_the_page(offset: u64, len: u64, tail: usize) -> Malformed {
    let page = RunPage::STRUCT_LEN.saturating_add(tail);
    Malformed::new(
        Field::IoDataEnd,
        offset.saturating_add(len),
        u32::try_from(page).unwrap_or(u32::MAX),
    )
}

pub(crate) fn encode(
    payload: &mut Union,
    tail: &mut [u8],
    is_out: bool,
    port: u16,
    size: u8,
    data: &[u8],
) -> Result<(), Unencodable> {
    if !matches!(size, 1 | 2 | 4) {
        return Err(Malformed::new(Field::IoSize, size.into(), 4).into());
    }
    let too_long = Unencodable::Data {
        len: data.len(),
        unit: size,
    };
    let (count, rest) = (
        data.len() / usize::from(size),
        data.len() % usize::from(size),
    );
    let Some(count @ 1..) = u32::try_from(count).ok().filter(|_| rest == 0) else {
        return Err(too_long);
    };
    let start = if fits(tail, SECOND_PAGE, data.len()) {
        SECOND_PAGE
    } else {
        0
    };
    let Some(room) = tail
        .get_mut(start..)
        .and_then(|tail| tail.get_mut(..data.len()))
    else {
        return Err(too_long);
    };
    room.copy_from_slice(data);

    let io = kvm_run_io::of(payload);
    io.direction = if is_out { OUT } else { IN };
    io.size = size;
    io.port = port;
    io.count = count;
    io.data_offset = u64::from(STRUCT_LEN).saturating_add(start as u64);
    Ok(())
}

fn fits(tail: &[u8], start: usize, len: usize) -> bool {
    tail.get(start..).is_some_and(|tail| len <= tail.len())
}

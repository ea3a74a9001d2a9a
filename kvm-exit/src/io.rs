//! `KVM_EXIT_IO`: port I/O.

use core::slice::{self, ChunksExact, ChunksExactMut};

use kvm_sys::{KVM_EXIT_IO_IN, KVM_EXIT_IO_OUT, kvm_run_io};
use zerocopy::IntoBytes;

use crate::arch::Guest;
use crate::encode::Unencodable;
use crate::member::{Member, Union};
use crate::{Exit, Field, GuestArch, Malformed};

/// The guest reads a port: `in`, or `ins` with several accesses at once.
///
/// All of `data` is the reply. The guest gets whatever is there when `KVM_RUN` is called next: if
/// nothing is written, zeros from current kernels, and from older ones what an earlier exit left
/// behind. How a string instruction is split into exits differs between kernels and processors.
///
/// ```
/// use kvm_exit::IoIn;
///
/// fn keyboard(io: IoIn<'_>) {
///     match io.port {
///         0x60 => io.data.fill(0x1c),
///         _ => io.data.fill(0xff),
///     }
/// }
///
/// let mut data = [0];
/// keyboard(IoIn { port: 0x60, size: 1, data: &mut data });
/// assert_eq!(data, [0x1c]);
/// ```
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
///
/// ```
/// use kvm_exit::IoOut;
///
/// let io = IoOut { port: 0x3f8, size: 1, data: b"Hi" };
/// assert_eq!(io.data, b"Hi");
/// ```
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

/// Calls `f` with the exit or what is malformed.
#[inline(always)]
pub(crate) fn decode_then<'a, G: Guest, R>(
    payload: &'a mut Union,
    tail: &'a mut [u64],
    struct_len: u32,
    f: impl FnOnce(Result<Exit<'a, G>, Malformed>) -> R,
) -> R {
    let io = kvm_run_io::of(payload);
    let port = io.port;
    let tail = tail.as_mut_bytes();
    let tail_len = tail.len();
    // Most port I/O is a guest that prints bytes, one at a time: then all that is left to be checked is
    // where the byte is. It has an arm of its own, so that nothing has to ask afterwards which exit
    // it was.
    if [io.direction, io.size] == [KVM_EXIT_IO_OUT, 1] {
        let size = 1;
        let data = match io.count {
            1 => byte(io, tail, struct_len),
            _ => data(io, size, tail, struct_len).map(|data| &*data),
        };
        return match data {
            Some(data) => f(Ok(Exit::IoOut(IoOut { port, size, data }))),
            None => f(Err(malformed(io, tail_len, struct_len))),
        };
    }
    let data = match io.size {
        size @ (1 | 2 | 4) => data(io, size, tail, struct_len),
        _ => None,
    };
    match (io.direction, io.size, data) {
        (KVM_EXIT_IO_OUT, size, Some(data)) => f(Ok(Exit::IoOut(IoOut { port, size, data }))),
        (KVM_EXIT_IO_IN, size, Some(data)) => f(Ok(Exit::IoIn(IoIn { port, size, data }))),
        _ => f(Err(malformed(io, tail_len, struct_len))),
    }
}

/// The data, if there are any and they lie between the structure and the end of the page. What is wrong
/// otherwise is looked for elsewhere.
#[inline(always)]
fn data<'a>(
    io: &kvm_run_io,
    size: u8,
    tail: &'a mut [u8],
    struct_len: u32,
) -> Option<&'a mut [u8]> {
    // An offset inside the structure wraps to one that is past the end of any page.
    let start = io.data_offset.wrapping_sub(struct_len.into());
    // Of 34 bits. An end that wraps is before the start, as is one of no data not behind it.
    let end = start.wrapping_add(u64::from(size) * u64::from(io.count));
    if start >= end {
        return None;
    }
    tail.get_mut(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

/// As [`data`], of one byte.
#[inline(always)]
fn byte<'a>(io: &kvm_run_io, tail: &'a [u8], struct_len: u32) -> Option<&'a [u8]> {
    let start = io.data_offset.wrapping_sub(struct_len.into());
    tail.get(usize::try_from(start).ok()?).map(slice::from_ref)
}

#[cold]
fn malformed(io: &kvm_run_io, tail_len: usize, struct_len: u32) -> Malformed {
    if !matches!(io.direction, KVM_EXIT_IO_IN | KVM_EXIT_IO_OUT) {
        return Malformed::new(
            Field::IoDirection,
            io.direction.into(),
            KVM_EXIT_IO_OUT.into(),
        );
    }
    if !is_size(io.size) {
        return bad_size(io.size);
    }
    if io.count == 0 {
        return Malformed::new(Field::IoCount, 0, 1);
    }
    if io.data_offset < struct_len.into() {
        return Malformed::new(Field::IoDataOffset, io.data_offset, struct_len);
    }
    let len = u64::from(io.size) * u64::from(io.count);
    let tail_len = u32::try_from(tail_len).unwrap_or(u32::MAX);
    Malformed::new(
        Field::IoDataEnd,
        io.data_offset.saturating_add(len),
        struct_len.saturating_add(tail_len),
    )
}

fn is_size(size: u8) -> bool {
    matches!(size, 1 | 2 | 4)
}

fn bad_size(size: u8) -> Malformed {
    Malformed::new(Field::IoSize, size.into(), 4)
}

pub(crate) fn encode<A: GuestArch>(
    payload: &mut Union,
    tail: &mut [u64],
    is_out: bool,
    port: u16,
    size: u8,
    data: &[u8],
) -> Result<(), Unencodable> {
    if !is_size(size) {
        return Err(bad_size(size).into());
    }
    let no_accesses = Unencodable::Data {
        len: data.len(),
        unit: size,
    };
    let accesses = data.chunks_exact(size.into());
    let (Ok(count @ 1..), []) = (u32::try_from(accesses.len()), accesses.remainder()) else {
        return Err(no_accesses);
    };
    // Where the kernel puts them on hosts whose pages have 4096 bytes.
    let second_page = 4096_usize.saturating_sub(A::STRUCT_LEN);
    let tail = tail.as_mut_bytes();
    let start = match tail.len().checked_sub(second_page) {
        Some(room) if data.len() <= room => second_page,
        _ => 0,
    };
    let Some(room) = tail
        .get_mut(start..)
        .and_then(|tail| tail.get_mut(..data.len()))
    else {
        return Err(no_accesses);
    };
    room.copy_from_slice(data);

    let io = kvm_run_io::of(payload);
    io.direction = if is_out {
        KVM_EXIT_IO_OUT
    } else {
        KVM_EXIT_IO_IN
    };
    io.size = size;
    io.port = port;
    io.count = count;
    io.data_offset = (A::STRUCT_LEN as u64).saturating_add(start as u64);
    Ok(())
}

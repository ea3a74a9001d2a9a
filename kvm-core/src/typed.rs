//! Rows of the ioctl table with the Rust type of their argument: where the backend's contract is
//! discharged, once for each shape of call.
#![expect(unsafe_code, reason = "discharges the contract of calls, by the table")]

use alloc::vec::Vec;
use core::iter::repeat;
use core::marker::PhantomData;

use kvm_sys::op::{Count, Dir, Field, Flex, Inner, Length, Op, Returns, Takes};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::error::Cause;
use crate::{Arg, Descriptor, Errno, Error, Hypervisor, Part, PartBytes};

/// A list that the kernel is asked to fill is never longer than this; the longest of its own are
/// some hundred elements.
const MOST_ELEMENTS: usize = 1 << 14;

/// Whether the row takes exactly a `T`, in this direction, with nothing in it that needs a promise: no
/// pointer, no array behind it, no descriptor or address.
const fn plain<T>(op: &Op, dir: Dir) -> bool {
    match op.takes {
        Takes::Struct {
            size,
            dir: true_dir,
            flex: None,
            inner,
            opaque,
            ..
        } => {
            size as usize == size_of::<T>()
                && dir as u8 == true_dir as u8
                && inner.is_empty()
                && opaque.is_empty()
        }
        _ => false,
    }
}

/// A call that takes nothing, or an integer.
#[derive(Clone, Copy)]
pub(crate) struct Call(&'static Op);

impl Call {
    pub(crate) const fn new(op: &'static Op) -> Self {
        assert!(matches!(op.takes, Takes::Nothing | Takes::Value));
        Self(op)
    }

    pub(crate) fn call<H: Hypervisor>(self, on: &H) -> Result<u32, Error> {
        // SAFETY: the row takes nothing, or an integer, for which 0 stands.
        unsafe { on.ioctl(self.0, &mut Arg::None) }.map_err(|errno| Error::new(self.0, errno))
    }

    pub(crate) fn with<H: Hypervisor>(self, on: &H, value: u64) -> Result<u32, Error> {
        // SAFETY: the row takes no pointer, so any number is a valid argument.
        unsafe { on.ioctl(self.0, &mut Arg::Value(value)) }
            .map_err(|errno| Error::new(self.0, errno))
    }

    pub(crate) fn create<H: Hypervisor>(self, on: &H, value: u64) -> Result<H, Error> {
        // SAFETY: the row takes no pointer, so any number is a valid argument.
        unsafe { on.create(self.0, &mut Arg::Value(value)) }
            .map_err(|errno| Error::new(self.0, errno))
    }
}

/// A call that writes a `T`.
pub(crate) struct Get<T>(&'static Op, PhantomData<fn() -> T>);

impl<T: FromBytes + IntoBytes> Get<T> {
    pub(crate) const fn new(op: &'static Op) -> Self {
        assert!(plain::<T>(op, Dir::Out));
        Self(op, PhantomData)
    }

    pub(crate) fn call<H: Hypervisor>(&self, on: &H) -> Result<T, Error> {
        let mut value = T::new_zeroed();
        // SAFETY: `new` compared the row: it writes `size_of::<T>()` bytes, and needs nothing else.
        unsafe { on.ioctl(self.0, &mut Arg::Mut(value.as_mut_bytes())) }
            .map_err(|errno| Error::new(self.0, errno))?;
        Ok(value)
    }
}

/// A call that reads a `T`.
pub(crate) struct Set<T>(&'static Op, PhantomData<fn(&T)>);

impl<T: IntoBytes + Immutable> Set<T> {
    pub(crate) const fn new(op: &'static Op) -> Self {
        assert!(plain::<T>(op, Dir::In));
        Self(op, PhantomData)
    }

    pub(crate) fn call<H: Hypervisor>(&self, on: &H, value: &T) -> Result<u32, Error> {
        // SAFETY: `new` compared the row: it reads `size_of::<T>()` bytes, and needs nothing else.
        unsafe { on.ioctl(self.0, &mut Arg::In(value.as_bytes())) }
            .map_err(|errno| Error::new(self.0, errno))
    }
}

/// A call that reads a `T` and gives a new object.
pub(crate) struct CreateWith<T>(&'static Op, PhantomData<fn(&T)>);

impl<T: IntoBytes + Immutable> CreateWith<T> {
    pub(crate) const fn new(op: &'static Op) -> Self {
        assert!(plain::<T>(op, Dir::In));
        assert!(matches!(op.returns, Returns::Descriptor));
        Self(op, PhantomData)
    }

    pub(crate) fn call<H: Hypervisor>(&self, on: &H, value: &T) -> Result<H, Error> {
        // SAFETY: `new` compared the row: it reads `size_of::<T>()` bytes, and needs nothing else.
        unsafe { on.create(self.0, &mut Arg::In(value.as_bytes())) }
            .map_err(|errno| Error::new(self.0, errno))
    }
}

/// A call that reads a `T` in which one pointer is to a bitmap.
pub(crate) struct Bitmap<T> {
    op: &'static Op,
    /// Where the pointer is.
    offset: usize,
    dir: Dir,
    len: Length,
    head: PhantomData<fn(&T)>,
}

impl<T: IntoBytes + FromBytes + Immutable> Bitmap<T> {
    #[expect(clippy::panic, reason = "evaluated at compile time only")]
    pub(crate) const fn new(op: &'static Op) -> Self {
        match op.takes {
            Takes::Struct {
                size,
                dir: Dir::In,
                flex: None,
                inner: [Inner { offset, dir, len }],
                opaque: [Field { offset: hidden, .. }],
                ..
            } => {
                assert!(size as usize == size_of::<T>() && *hidden == *offset);
                assert!(matches!(len, Length::Slot(_) | Length::Bits(_)));
                Self {
                    op,
                    offset: *offset as usize,
                    dir: *dir,
                    len: *len,
                    head: PhantomData,
                }
            }
            _ => panic!("the row has not exactly one pointer, to a bitmap"),
        }
    }

    /// Makes the call, which writes the bitmap.
    ///
    /// # Safety
    ///
    /// The bitmap has as many words as the call writes for this head: for a slot's, a bit for each of its
    /// pages, as long as the call lasts.
    pub(crate) unsafe fn get<H: Hypervisor>(
        &self,
        on: &H,
        head: &T,
        bitmap: &mut [u64],
    ) -> Result<(), Error> {
        if !matches!(self.dir, Dir::Out) {
            return Err(Error::new(self.op, Errno::EINVAL));
        }
        let bytes = PartBytes::Mut(bitmap.as_mut_bytes());
        // SAFETY: `new` compared the row: it reads `size_of::<T>()` bytes, which have one pointer, to as
        // many bytes as the caller promises.
        unsafe { self.call(on, head, bytes) }
    }

    /// Makes the call, which reads the bitmap. One that is too short for the head is refused.
    pub(crate) fn set<H: Hypervisor>(&self, on: &H, head: &T, bitmap: &[u64]) -> Result<(), Error> {
        let bits = match self.len {
            Length::Bits(Field { offset, len: 4 }) => head
                .as_bytes()
                .get(offset as usize..)
                .and_then(<[u8]>::first_chunk)
                .map(|bits| u32::from_ne_bytes(*bits)),
            _ => None,
        };
        match bits {
            Some(bits)
                if matches!(self.dir, Dir::In) && bits.div_ceil(64) as usize <= bitmap.len() =>
            {
                // SAFETY: `new` compared the row: it reads `size_of::<T>()` bytes, which have one
                // pointer, to the bits that were counted just now.
                unsafe { self.call(on, head, PartBytes::In(bitmap.as_bytes())) }
            }
            _ => Err(Error::with(
                self.op,
                Errno::EINVAL,
                Cause::Count,
                bits.unwrap_or(0),
            )),
        }
    }

    /// # Safety
    ///
    /// `bytes` are as many as the call reads or writes for this head.
    unsafe fn call<H: Hypervisor>(
        &self,
        on: &H,
        head: &T,
        bytes: PartBytes<'_>,
    ) -> Result<(), Error> {
        let offset = self.offset;
        let mut copy = T::new_zeroed();
        copy.as_mut_bytes().copy_from_slice(head.as_bytes());
        let mut arg = Arg::Parts {
            head: copy.as_mut_bytes(),
            parts: &mut [Part { offset, bytes }],
        };
        // SAFETY: `new` compared the head with the row, and the caller promises the part.
        unsafe { on.ioctl(self.op, &mut arg) }
            .map(|_| ())
            .map_err(|errno| Error::new(self.op, errno))
    }
}

/// A call that reads a `T` and writes it back.
pub(crate) struct Update<T>(&'static Op, PhantomData<fn(&mut T)>);

impl<T: FromBytes + IntoBytes> Update<T> {
    pub(crate) const fn new(op: &'static Op) -> Self {
        assert!(plain::<T>(op, Dir::InOut));
        Self(op, PhantomData)
    }

    pub(crate) fn call<H: Hypervisor>(&self, on: &H, value: &mut T) -> Result<u32, Error> {
        // SAFETY: `new` compared the row: it reads and writes `size_of::<T>()` bytes, and needs
        // nothing else.
        unsafe { on.ioctl(self.0, &mut Arg::Mut(value.as_mut_bytes())) }
            .map_err(|errno| Error::new(self.0, errno))
    }
}

/// A call that reads a `T` with descriptors in it.
pub(crate) struct SetWith<T>(&'static Op, PhantomData<fn(&T)>);

impl<T: IntoBytes + Immutable> SetWith<T> {
    #[expect(clippy::panic, reason = "evaluated at compile time only")]
    pub(crate) const fn new(op: &'static Op) -> Self {
        match op.takes {
            Takes::Struct {
                size,
                dir: Dir::In,
                flex: None,
                inner: [],
                ..
            } => assert!(size as usize == size_of::<T>()),
            _ => panic!("the row takes no structure, or needs more than one"),
        }
        Self(op, PhantomData)
    }

    /// The descriptors go where the row has them, in its order; what is left over of those is 0.
    pub(crate) fn call<H: Hypervisor>(
        &self,
        on: &H,
        value: &T,
        descriptors: &[Descriptor<'_>],
    ) -> Result<u32, Error> {
        let mut bytes = Vec::from(value.as_bytes());
        let numbers = descriptors.iter().map(|open| open.number());
        for (field, number) in self.0.opaque().iter().zip(numbers.chain(repeat(0))) {
            let field = bytes.get_mut(field.offset as usize..);
            if let Some(field) = field.and_then(<[u8]>::first_chunk_mut) {
                *field = number.to_ne_bytes();
            }
        }
        // SAFETY: `new` compared the row: it reads `size_of::<T>()` bytes, and needs nothing else but that the
        // descriptors in them are open, which a `Descriptor` is while it is borrowed. One that is left over is
        // looked at by no call: what the row has two of is optional.
        unsafe { on.ioctl(self.0, &mut Arg::In(&bytes)) }.map_err(|errno| Error::new(self.0, errno))
    }
}

/// A call that returns a new descriptor in a field of the `T` that it takes.
pub(crate) struct Create<T>(&'static Op, PhantomData<fn(&mut T)>);

impl<T: FromBytes + IntoBytes> Create<T> {
    #[expect(clippy::panic, reason = "evaluated at compile time only")]
    pub(crate) const fn new(op: &'static Op) -> Self {
        match (op.takes, op.returns) {
            (
                Takes::Struct {
                    size,
                    dir: Dir::InOut,
                    flex: None,
                    inner: [],
                    opaque: [Field { offset, len: 4 }],
                    ..
                },
                Returns::DescriptorAt(at),
            ) => assert!(size as usize == size_of::<T>() && *offset == at),
            _ => panic!("the row does not return a descriptor in its structure, or needs more"),
        }
        Self(op, PhantomData)
    }

    pub(crate) fn create<H: Hypervisor>(&self, on: &H, value: &mut T) -> Result<H, Error> {
        // SAFETY: `new` compared the row: it reads and writes `size_of::<T>()` bytes, and needs nothing else. The
        // descriptor in them is an answer, which it does not read.
        unsafe { on.create(self.0, &mut Arg::Mut(value.as_mut_bytes())) }
            .map_err(|errno| Error::new(self.0, errno))
    }

    /// Makes the call with a value for which it returns no descriptor.
    pub(crate) fn test<H: Hypervisor>(&self, on: &H, value: &mut T) -> Result<(), Error> {
        // SAFETY: as in `create`.
        unsafe { on.ioctl(self.0, &mut Arg::Mut(value.as_mut_bytes())) }
            .map(|_| ())
            .map_err(|errno| Error::new(self.0, errno))
    }
}

/// A number at the start of a field.
fn write<const N: usize>(field: &mut [u8], number: [u8; N]) {
    if let Some(field) = field.first_chunk_mut() {
        *field = number;
    }
}

/// How a header and the `E`s behind it lie in memory.
struct Layout<E> {
    op: &'static Op,
    header: usize,
    count_at: usize,
    /// Bytes of the count: 4 or 8.
    count_len: usize,
    element: PhantomData<fn(E)>,
}

impl<E: FromBytes + IntoBytes + Immutable + Copy> Layout<E> {
    #[expect(clippy::panic, reason = "evaluated at compile time only")]
    const fn new(op: &'static Op, dir: Dir) -> Self {
        match op.takes {
            Takes::Struct {
                size,
                dir: true_dir,
                flex:
                    Some(Flex {
                        element,
                        count: Count::Elements(Field { offset, len }),
                    }),
                inner: [],
                opaque: [],
                ..
            } => {
                assert!(dir as u8 == true_dir as u8);
                assert!(element as usize == size_of::<E>() && offset + len <= size);
                assert!(len == 4 || len == 8);
                Self {
                    op,
                    header: size as usize,
                    count_at: offset as usize,
                    count_len: len as usize,
                    element: PhantomData,
                }
            }
            _ => panic!("the row has no flexible array with a count, or needs more than one"),
        }
    }

    fn error(&self, errno: Errno) -> Error {
        Error::new(self.op, errno)
    }

    /// Header and elements as the kernel wants them: as many elements as the header's count says. What else
    /// the header has is taken from `head`, as far as that goes.
    fn encode(&self, head: &[u8], elements: &[E]) -> Result<Vec<u8>, Error> {
        let count = u32::try_from(elements.len()).unwrap_or(u32::MAX);
        if elements.len() > MOST_ELEMENTS {
            return Err(Error::with(self.op, Errno::E2BIG, Cause::Count, count));
        }
        let mut bytes = Vec::from(head);
        bytes.resize(self.header, 0);
        let field = bytes.get_mut(self.count_at..).unwrap_or_default();
        if self.count_len == 8 {
            write(field, u64::from(count).to_ne_bytes());
        } else {
            write(field, count.to_ne_bytes());
        }
        bytes.extend_from_slice(elements.as_bytes());
        Ok(bytes)
    }

    fn count(&self, bytes: &[u8]) -> usize {
        let field = bytes.get(self.count_at..).unwrap_or_default();
        if self.count_len == 8 {
            let count = field
                .first_chunk()
                .map_or(0, |field| u64::from_ne_bytes(*field));
            usize::try_from(count).unwrap_or(usize::MAX)
        } else {
            let count = field.first_chunk();
            count.map_or(0, |field| u32::from_ne_bytes(*field) as usize)
        }
    }

    /// The elements that `bytes` says it has.
    fn decode(&self, bytes: &[u8]) -> Result<Vec<E>, Error> {
        let count = self.count(bytes);
        let elements = bytes.get(self.header..).unwrap_or_default();
        let elements: Vec<E> = elements
            .chunks_exact(size_of::<E>())
            .take(count)
            .filter_map(|chunk| E::read_from_bytes(chunk).ok())
            .collect();
        if elements.len() == count {
            Ok(elements)
        } else {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            Err(Error::with(self.op, Errno::EPROTO, Cause::Count, count))
        }
    }
}

/// A call that fills or changes the `E`s behind a header.
pub(crate) struct UpdateList<E>(Layout<E>);

impl<E: FromBytes + IntoBytes + Immutable + Copy> UpdateList<E> {
    pub(crate) const fn new(op: &'static Op) -> Self {
        Self(Layout::new(op, Dir::InOut))
    }

    fn raw<H: Hypervisor>(&self, on: &H, bytes: &mut [u8]) -> Result<u32, Errno> {
        // SAFETY: `encode` made the bytes: the header and as many elements as its count says, which
        // is all that the row reads or writes; `Layout::new` checked that it needs nothing else.
        unsafe { on.ioctl(self.0.op, &mut Arg::Mut(bytes)) }
    }

    /// Asks for a list of unknown length, with more and more room while the answer is `E2BIG`.
    pub(crate) fn get<H: Hypervisor>(&self, on: &H) -> Result<Vec<E>, Error> {
        self.get_over(on, E::new_zeroed())
    }

    /// As [`get`](Self::get), for calls that may not say how many elements they wrote: those at the end that are
    /// still `unwritten`, which no answer has, are none.
    pub(crate) fn get_written<H: Hypervisor>(&self, on: &H, unwritten: E) -> Result<Vec<E>, Error> {
        let mut elements = self.get_over(on, unwritten)?;
        let is_written = |element: &E| element.as_bytes() != unwritten.as_bytes();
        let last = elements.iter().rposition(is_written);
        elements.truncate(last.map_or(0, |last| last + 1));
        Ok(elements)
    }

    fn get_over<H: Hypervisor>(&self, on: &H, unwritten: E) -> Result<Vec<E>, Error> {
        let mut room = 64;
        loop {
            let mut bytes = self.0.encode(&[], &alloc::vec![unwritten; room])?;
            match self.raw(on, &mut bytes) {
                Ok(_) => return self.0.decode(&bytes),
                Err(Errno::E2BIG) if room < MOST_ELEMENTS => {
                    // Some calls say how many there are.
                    room = self.0.count(&bytes).max(room * 2).min(MOST_ELEMENTS);
                }
                Err(errno) => return Err(self.0.error(errno)),
            }
        }
    }

    /// Gives the elements to the call, and gets them back into the same place. Gives what the call
    /// returned.
    pub(crate) fn update<H: Hypervisor>(&self, on: &H, elements: &mut [E]) -> Result<u32, Error> {
        let mut bytes = self.0.encode(&[], elements)?;
        let returned = self
            .raw(on, &mut bytes)
            .map_err(|errno| self.0.error(errno))?;
        let answer = self.0.decode(&bytes)?;
        for (element, answer) in elements.iter_mut().zip(answer) {
            *element = answer;
        }
        Ok(returned)
    }
}

/// A call that reads the `E`s behind a header.
pub(crate) struct SetList<E>(Layout<E>);

impl<E: FromBytes + IntoBytes + Immutable + Copy> SetList<E> {
    pub(crate) const fn new(op: &'static Op) -> Self {
        Self(Layout::new(op, Dir::In))
    }

    /// Gives what the call returned.
    pub(crate) fn call<H: Hypervisor>(&self, on: &H, elements: &[E]) -> Result<u32, Error> {
        self.call_behind(on, &(), elements)
    }

    /// As [`call`](Self::call), with what else the header has: all but the count.
    pub(crate) fn call_behind<H: Hypervisor, T: IntoBytes + Immutable>(
        &self,
        on: &H,
        head: &T,
        elements: &[E],
    ) -> Result<u32, Error> {
        let bytes = self.0.encode(head.as_bytes(), elements)?;
        // SAFETY: `encode` made the bytes: the header and as many elements as its count says, which
        // is all that the row reads; `Layout::new` checked that it needs nothing else.
        unsafe { on.ioctl(self.0.op, &mut Arg::In(&bytes)) }.map_err(|errno| self.0.error(errno))
    }
}

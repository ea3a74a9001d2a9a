//! Calls that read a structure in which one pointer leads to bytes whose number the structure, or the
//! table, says.
#![expect(unsafe_code, reason = "discharges the contract of calls, by the table")]

use core::marker::PhantomData;

use kvm_sys::KVM_REG_SIZE;
use kvm_sys::op::{Dir, Field, Inner, Length, Op, Takes};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::error::Cause;
use crate::{Arg, Errno, Error, Hypervisor, Part, PartBytes};

/// A call that reads a `T` in which one pointer leads to bytes.
pub(crate) struct Pointed<T> {
    op: &'static Op,
    /// Where the pointer is.
    offset: usize,
    dir: Dir,
    len: Length,
    head: PhantomData<fn(&T)>,
}

impl<T: IntoBytes + FromBytes + Immutable> Pointed<T> {
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
                assert!(matches!(
                    len,
                    Length::Fixed(_) | Length::Register(_) | Length::Tags(_)
                ));
                Self {
                    op,
                    offset: *offset as usize,
                    dir: *dir,
                    len: *len,
                    head: PhantomData,
                }
            }
            _ => panic!("the row has not exactly one pointer, to bytes that it counts"),
        }
    }

    /// Makes the call, which writes the bytes, or reads and writes them.
    pub(crate) fn get<H: Hypervisor>(
        &self,
        on: &H,
        head: &T,
        bytes: &mut [u8],
    ) -> Result<u32, Error> {
        self.call(on, head, bytes.len(), PartBytes::Mut(bytes))
    }

    /// Makes the call, which reads the bytes.
    pub(crate) fn set<H: Hypervisor>(&self, on: &H, head: &T, bytes: &[u8]) -> Result<u32, Error> {
        if !matches!(self.dir, Dir::In) {
            return Err(Error::new(self.op, Errno::EINVAL));
        }
        self.call(on, head, bytes.len(), PartBytes::In(bytes))
    }

    /// Bytes that the call reads or writes for this head.
    fn expected(&self, head: &T) -> Option<u64> {
        let field = |field: Field| {
            let field = head.as_bytes().get(field.offset as usize..);
            let field = field.and_then(<[u8]>::first_chunk)?;
            Some(u64::from_ne_bytes(*field))
        };
        match self.len {
            Length::Fixed(len) => Some(len.into()),
            Length::Register(id) => field(id).map(KVM_REG_SIZE),
            // One for each 16 bytes of memory.
            Length::Tags(memory) => field(memory).map(|len| len.div_ceil(16)),
            _ => None,
        }
    }

    fn call<H: Hypervisor>(
        &self,
        on: &H,
        head: &T,
        len: usize,
        bytes: PartBytes<'_>,
    ) -> Result<u32, Error> {
        if self.expected(head) != Some(len as u64) {
            let len = u32::try_from(len).unwrap_or(u32::MAX);
            return Err(Error::with(self.op, Errno::EINVAL, Cause::Length, len));
        }
        let offset = self.offset;
        let mut copy = T::new_zeroed();
        copy.as_mut_bytes().copy_from_slice(head.as_bytes());
        let mut arg = Arg::Parts {
            head: copy.as_mut_bytes(),
            parts: &mut [Part { offset, bytes }],
        };
        // SAFETY: `new` compared the row: it reads `size_of::<T>()` bytes, which have one pointer, to as many
        // bytes as were counted just now; `set` gave bytes that can't be written only where the row says
        // that they are read.
        unsafe { on.ioctl(self.op, &mut arg) }.map_err(|errno| Error::new(self.op, errno))
    }
}

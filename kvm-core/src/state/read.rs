//! Reads the bytes of saved state, which may come from anywhere.

use alloc::vec::Vec;
use core::fmt;

use kvm_sys::op::{Fds, Op};
use kvm_sys::{Arch, TABLE};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::crc::crc;
use super::{ABSENT, MAGIC, PIECES, SavedState, VERSION, number_of, request};
use crate::error::Cause;
use crate::{Errno, Error, ops};

/// One piece of [`SavedState`]: what one call gave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    request: u32,
    op: Option<&'static Op>,
    bytes: Option<&'a [u8]>,
}

impl<'a> Piece<'a> {
    /// The request number of the call, as the state's architecture has it.
    pub fn request(&self) -> u32 {
        self.request
    }

    /// The call that gave it, if this version knows it.
    pub fn op(&self) -> Option<&'static Op> {
        self.op
    }

    /// What the call gave, in the byte order of the architecture; nothing when the host that saved it had no
    /// such thing.
    ///
    /// ```
    /// use kvm_core::kvm_sys::KVM_GET_MP_STATE;
    ///
    /// let mut vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let state = vcpu.save()?;
    /// let mut pieces = state.pieces();
    /// let first = pieces.next().expect("a vCPU has state");
    /// assert_eq!(first.op(), Some(&KVM_GET_MP_STATE));
    /// assert_eq!(first.request(), KVM_GET_MP_STATE.request());
    /// assert_eq!(first.bytes(), Some(&[0; 4][..]), "runnable");
    /// assert!(state.as_bytes().starts_with(b"kvmstate"));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn bytes(&self) -> Option<&'a [u8]> {
        self.bytes
    }
}

impl fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.op {
            Some(op) => write!(f, "{op}: ")?,
            None => write!(f, "{:#x}: ", self.request)?,
        }
        match self.bytes {
            Some(bytes) => write!(f, "{} bytes", bytes.len()),
            None => f.write_str("absent"),
        }
    }
}

/// The pieces of [`SavedState`], in the order in which they were saved.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    left: &'a [u8],
    arch: Arch,
    of: Fds,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let (piece, left) = split_piece(self.left)?;
        self.left = left;
        Some(Piece {
            op: find(piece.request, self.arch, self.of),
            ..piece
        })
    }
}

/// The call of this number on an object of this kind: two calls may share one.
fn find(number: u32, arch: Arch, of: Fds) -> Option<&'static Op> {
    let mut ops = TABLE.iter().copied();
    ops.find(|op| op.fds.contains(of) && request(op, arch) == number)
}

/// The bytes between header and checksum.
pub(super) fn pieces(state: &SavedState) -> Pieces<'_> {
    let SavedState {
        bytes, arch, of, ..
    } = state;
    let body = bytes.split_last_chunk::<4>().map(|(body, _)| body);
    Pieces {
        left: body.and_then(|body| body.get(PIECES..)).unwrap_or_default(),
        arch: *arch,
        of: *of,
    }
}

/// The first piece, whose call is not looked up, and what is behind it.
fn split_piece(bytes: &[u8]) -> Option<(Piece<'_>, &[u8])> {
    let (request, rest) = bytes.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk()?;
    let (bytes, left) = match u32::from_le_bytes(*len) {
        ABSENT => (None, rest),
        len => {
            let (bytes, left) = rest.split_at_checked(len as usize)?;
            (Some(bytes), left)
        }
    };
    let request = u32::from_le_bytes(*request);
    let op = None;
    Some((Piece { request, op, bytes }, left))
}

/// Finds out whether the bytes are state.
pub(super) fn parse(bytes: Vec<u8>) -> Result<SavedState, Error> {
    let refused = |errno, cause, detail| Err(Error::with(&ops::STATE, errno, cause, detail));
    let damaged = |at: usize| {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        refused(Errno::EPROTO, Cause::Damaged, at)
    };
    let Some((MAGIC, rest)) = bytes.split_first_chunk() else {
        return damaged(0);
    };
    let Some((version, rest)) = rest.split_first_chunk() else {
        return damaged(8);
    };
    // Before the checksum: how a later version makes that is not known.
    let version = u16::from_le_bytes(*version);
    if version != VERSION {
        return refused(Errno::EOPNOTSUPP, Cause::StateVersion, version.into());
    }
    let Some(([arch0, arch1, of0, of1, kind0, kind1], _)) = rest.split_first_chunk() else {
        return damaged(10);
    };
    let Some((body, checksum)) = bytes.split_last_chunk() else {
        return damaged(bytes.len());
    };
    if crc(body) != u32::from_le_bytes(*checksum) {
        return damaged(body.len());
    }
    let number = u16::from_le_bytes([*arch0, *arch1]);
    let Some(arch) = Arch::ALL
        .into_iter()
        .find(|arch| number_of(*arch) == number)
    else {
        return refused(Errno::EOPNOTSUPP, Cause::ForeignState, number.into());
    };
    let kind = u16::from_le_bytes([*kind0, *kind1]);
    let of = match ([*of0, *of1], kind) {
        ([2, 0], 0) => Fds::VM,
        ([4, 0], 0) => Fds::VCPU,
        ([8, 0], 1..) => Fds::DEVICE,
        _ => return damaged(12),
    };
    let mut left = match body.get(PIECES..) {
        Some(pieces) => pieces,
        None => return damaged(body.len()),
    };
    while !left.is_empty() {
        match split_piece(left) {
            Some((_, behind)) => left = behind,
            None => return damaged(body.len() - left.len()),
        }
    }
    Ok(SavedState {
        bytes,
        arch,
        of,
        kind,
    })
}

impl SavedState {
    /// Refuses state of another architecture or kind of object, or with a piece that none of the calls
    /// `known` gives: to leave it out would be to lose it.
    pub(crate) fn check(&self, arch: Arch, of: Fds, known: &[&'static Op]) -> Result<(), Error> {
        let refused = |cause, detail| {
            let errno = Errno::EOPNOTSUPP;
            Err(Error::with(&ops::STATE, errno, cause, detail))
        };
        if self.arch != arch {
            return refused(Cause::ForeignState, number_of(self.arch).into());
        }
        if self.of != of {
            return refused(Cause::StateOfOther, self.of.bits().into());
        }
        let known = |piece: &Piece<'_>| known.iter().any(|op| request(op, arch) == piece.request);
        match self.pieces().find(|piece| !known(piece)) {
            Some(piece) => refused(Cause::StateUnknown, piece.request),
            None => Ok(()),
        }
    }

    /// The bytes of the pieces that the call gave.
    pub(crate) fn all(&self, op: &'static Op) -> impl Iterator<Item = &[u8]> {
        let number = request(op, self.arch);
        self.pieces()
            .filter(move |piece| piece.request == number)
            .filter_map(|piece| piece.bytes)
    }

    /// The first piece that the call gave, if the state has one.
    pub(crate) fn get<T: FromBytes>(&self, op: &'static Op) -> Result<Option<T>, Error> {
        self.all(op)
            .next()
            .map(|bytes| value(op, bytes))
            .transpose()
    }

    /// The first piece that the call gave, without which nothing can be restored.
    pub(crate) fn require<T: FromBytes>(&self, op: &'static Op) -> Result<T, Error> {
        let missing = Error::with(op, Errno::ENOENT, Cause::StateMissing, 0);
        self.get(op)?.ok_or(missing)
    }

    /// The elements of the first piece that the call gave, if the state has one.
    pub(crate) fn list<T>(&self, op: &'static Op) -> Result<Option<Vec<T>>, Error>
    where
        T: FromBytes + IntoBytes + Immutable,
    {
        self.all(op).next().map(|bytes| list(op, bytes)).transpose()
    }
}

/// The value that the bytes of a piece are.
pub(crate) fn value<T: FromBytes>(op: &'static Op, bytes: &[u8]) -> Result<T, Error> {
    T::read_from_bytes(bytes).map_err(|_| length(op, bytes))
}

/// The values that the bytes of a piece are.
fn list<T: FromBytes>(op: &'static Op, bytes: &[u8]) -> Result<Vec<T>, Error> {
    let values = bytes.chunks(size_of::<T>());
    values.map(|bytes| value(op, bytes)).collect()
}

/// A piece has another length than it has to.
pub(crate) fn length(op: &'static Op, bytes: &[u8]) -> Error {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    Error::with(op, Errno::EPROTO, Cause::StateLength, len)
}

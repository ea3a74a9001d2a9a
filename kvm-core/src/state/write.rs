//! [`Writer`]: makes the bytes of saved state.

use alloc::vec::Vec;

use kvm_sys::op::{Fds, Op};
use kvm_sys::{Arch, DeviceType, KVM_CREATE_DEVICE};
use zerocopy::{Immutable, IntoBytes};

use super::crc::crc;
use super::{ABSENT, MAGIC, SavedState, VERSION, number_of, request};
use crate::error::Cause;
use crate::{Errno, Error};

/// Makes the bytes of saved state, piece by piece.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    arch: Arch,
    of: Fds,
    kind: u16,
}

impl Writer {
    /// For the state of a VM or a vCPU.
    pub(crate) fn new(arch: Arch, of: Fds) -> Self {
        Self::begin(arch, of, 0)
    }

    /// For the state of a device of this kind.
    pub(crate) fn of_device(arch: Arch, kind: DeviceType) -> Result<Self, Error> {
        let op = &KVM_CREATE_DEVICE;
        let (errno, cause) = (Errno::EOVERFLOW, Cause::DeviceKind);
        let unknown = Error::with(op, errno, cause, kind.0);
        let kind = u16::try_from(kind.0).map_err(|_| unknown)?;
        Ok(Self::begin(arch, Fds::DEVICE, kind))
    }

    fn begin(arch: Arch, of: Fds, kind: u16) -> Self {
        let mut bytes = MAGIC.to_vec();
        for number in [VERSION, number_of(arch), of.bits().into(), kind] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        Self {
            bytes,
            arch,
            of,
            kind,
        }
    }

    /// Adds what `op`, a call that gets it, gave.
    ///
    /// Refuses what the length of a piece can't say.
    pub(crate) fn put<T>(&mut self, op: &'static Op, piece: &T) -> Result<(), Error>
    where
        T: IntoBytes + Immutable + ?Sized,
    {
        self.put_two(op, piece, &[0_u8; 0])
    }

    /// Adds what `op` gave, in two parts that are one piece.
    pub(crate) fn put_two<T>(
        &mut self,
        op: &'static Op,
        first: &T,
        second: &[u8],
    ) -> Result<(), Error>
    where
        T: IntoBytes + Immutable + ?Sized,
    {
        let piece = [first.as_bytes(), second].concat();
        let len = u32::try_from(piece.len()).ok().filter(|len| *len != ABSENT);
        let len = len.ok_or(Error::with(
            op,
            Errno::EOVERFLOW,
            Cause::StateLength,
            ABSENT,
        ))?;
        self.head(op, len);
        self.bytes.extend_from_slice(&piece);
        Ok(())
    }

    /// Notes that this host has no such thing.
    pub(crate) fn absent(&mut self, op: &'static Op) {
        self.head(op, ABSENT);
    }

    fn head(&mut self, op: &Op, len: u32) {
        for number in [request(op, self.arch), len] {
            self.bytes.extend_from_slice(&number.to_le_bytes());
        }
    }

    pub(crate) fn finish(mut self) -> SavedState {
        let crc = crc(&self.bytes);
        self.bytes.extend_from_slice(&crc.to_le_bytes());
        SavedState {
            bytes: self.bytes,
            arch: self.arch,
            of: self.of,
            kind: self.kind,
        }
    }
}

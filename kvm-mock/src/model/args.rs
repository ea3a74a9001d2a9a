//! The argument of a call, read and written as the kernel does: in place, and never past its end.

use std::mem::offset_of;

use kvm_core::kvm_sys::kvm_device_attr;
use kvm_core::{Arg, Errno, Part, PartBytes};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// An integer; no argument is 0.
pub(super) fn value(arg: &Arg<'_>) -> Result<u64, Errno> {
    match arg {
        Arg::None => Ok(0),
        Arg::Value(value) => Ok(*value),
        Arg::In(_) | Arg::Mut(_) | Arg::Parts { .. } => Err(Errno::EFAULT),
    }
}

/// The bytes that the call reads.
pub(super) fn bytes<'a>(arg: &'a Arg<'_>) -> Result<&'a [u8], Errno> {
    match arg {
        Arg::In(bytes) => Ok(bytes),
        Arg::Mut(bytes) => Ok(bytes),
        Arg::None | Arg::Value(_) | Arg::Parts { .. } => Err(Errno::EFAULT),
    }
}

/// What the pointer at an offset in the structure leads to.
pub(super) fn part<'a>(arg: &'a Arg<'_>, offset: usize) -> Result<&'a [u8], Errno> {
    let Arg::Parts { parts, .. } = arg else {
        return Err(Errno::EFAULT);
    };
    let part = parts.iter().find(|part| part.offset == offset);
    match part.map(|part| &part.bytes) {
        Some(PartBytes::In(bytes) | PartBytes::Opaque(bytes)) => Ok(bytes),
        Some(PartBytes::Mut(bytes)) => Ok(bytes),
        None => Err(Errno::EFAULT),
    }
}

/// The bytes that the call writes.
pub(super) fn bytes_mut<'a>(arg: &'a mut Arg<'_>) -> Result<&'a mut [u8], Errno> {
    match arg {
        Arg::Mut(bytes) => Ok(bytes),
        Arg::None | Arg::Value(_) | Arg::In(_) | Arg::Parts { .. } => Err(Errno::EFAULT),
    }
}

/// The structure that the call reads.
pub(super) fn read<T: FromBytes>(arg: &Arg<'_>) -> Result<T, Errno> {
    let (value, _) = T::read_from_prefix(bytes(arg)?).map_err(|_| Errno::EFAULT)?;
    Ok(value)
}

/// Writes the structure back.
pub(super) fn write<T: IntoBytes + Immutable>(arg: &mut Arg<'_>, value: &T) -> Result<(), Errno> {
    value
        .write_to_prefix(bytes_mut(arg)?)
        .map_err(|_| Errno::EFAULT)
}

/// The structure of a call with pointers inside it.
pub(super) fn head<T: FromBytes>(arg: &Arg<'_>) -> Result<T, Errno> {
    let Arg::Parts { head, .. } = arg else {
        return Err(Errno::EFAULT);
    };
    let (value, _) = T::read_from_prefix(head).map_err(|_| Errno::EFAULT)?;
    Ok(value)
}

/// What the pointers in a structure point to, of which there have to be `N`.
pub(super) fn parts<'a, 'b, const N: usize>(
    arg: &'a mut Arg<'b>,
) -> Result<&'a mut [Part<'b>; N], Errno> {
    let Arg::Parts { parts, .. } = arg else {
        return Err(Errno::EFAULT);
    };
    (&mut **parts).try_into().map_err(|_| Errno::EFAULT)
}

/// The value of an attribute, which the call reads.
pub(super) fn attribute<T: FromBytes>(arg: &Arg<'_>) -> Result<T, Errno> {
    let bytes = part(arg, offset_of!(kvm_device_attr, addr))?;
    let (value, _) = T::read_from_prefix(bytes).map_err(|_| Errno::EFAULT)?;
    Ok(value)
}

/// Writes the value of an attribute.
pub(super) fn set_attribute<T: IntoBytes + Immutable>(
    arg: &mut Arg<'_>,
    value: &T,
) -> Result<(), Errno> {
    let [part] = parts(arg)?;
    match &mut part.bytes {
        PartBytes::Mut(bytes) => value.write_to_prefix(bytes).map_err(|_| Errno::EFAULT),
        PartBytes::In(_) | PartBytes::Opaque(_) => Err(Errno::EFAULT),
    }
}

/// A header that starts with a count, and as many elements behind it.
#[derive(Clone, Copy)]
pub(super) struct List {
    header: usize,
}

impl List {
    /// For the header `T`.
    pub(super) const fn behind<T>() -> Self {
        Self {
            header: size_of::<T>(),
        }
    }

    /// How many elements the header says there are, or is room for.
    pub(super) fn count(self, arg: &Arg<'_>) -> Result<usize, Errno> {
        let count: u32 = read(arg)?;
        usize::try_from(count).map_err(|_| Errno::EFAULT)
    }

    /// Says in the header how many elements there are.
    pub(super) fn set_count(self, arg: &mut Arg<'_>, count: usize) -> Result<(), Errno> {
        let count = u32::try_from(count).map_err(|_| Errno::EFAULT)?;
        write(arg, &count)
    }

    /// The first `count` elements.
    pub(super) fn elements<E: FromBytes>(
        self,
        arg: &Arg<'_>,
        count: usize,
    ) -> Result<Vec<E>, Errno> {
        let behind = bytes(arg)?.get(self.header..).ok_or(Errno::EFAULT)?;
        let elements: Vec<E> = behind
            .chunks_exact(size_of::<E>())
            .take(count)
            .filter_map(|chunk| E::read_from_bytes(chunk).ok())
            .collect();
        if elements.len() == count {
            Ok(elements)
        } else {
            Err(Errno::EFAULT)
        }
    }

    /// Puts elements behind the header.
    pub(super) fn set_elements<E: IntoBytes + Immutable>(
        self,
        arg: &mut Arg<'_>,
        elements: &[E],
    ) -> Result<(), Errno> {
        let behind = bytes_mut(arg)?
            .get_mut(self.header..)
            .ok_or(Errno::EFAULT)?;
        elements.write_to_prefix(behind).map_err(|_| Errno::EFAULT)
    }
}

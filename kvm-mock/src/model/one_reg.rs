//! Registers that are had one by one: sections 4.68, 4.69 and 4.84.

use std::collections::BTreeMap;

use kvm_core::kvm_sys::kvm_one_reg;
use kvm_core::{Arg, Errno, PartBytes};
use zerocopy::{Immutable, IntoBytes};

use super::args;

/// The registers of a vCPU, by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OneRegs(BTreeMap<u64, Vec<u8>>);

/// The id that a call names.
pub(super) fn id(arg: &Arg<'_>) -> Result<u64, Errno> {
    args::head(arg).map(|kvm_one_reg { id, .. }| id)
}

/// The value that a call sets.
pub(super) fn given<'a>(arg: &'a mut Arg<'_>) -> Result<&'a [u8], Errno> {
    let [part] = args::parts(arg)?;
    match &part.bytes {
        PartBytes::In(bytes) => Ok(bytes),
        PartBytes::Mut(bytes) => Ok(bytes),
        _ => Err(Errno::EFAULT),
    }
}

impl OneRegs {
    /// Adds a register, or changes it.
    pub(crate) fn put<T: IntoBytes + Immutable + ?Sized>(&mut self, id: u64, value: &T) {
        self.0.insert(id, value.as_bytes().to_vec());
    }

    pub(super) fn has(&self, id: u64) -> bool {
        self.0.contains_key(&id)
    }

    pub(super) fn bytes(&self, id: u64) -> Option<&[u8]> {
        self.0.get(&id).map(Vec::as_slice)
    }

    /// A register of 64 bits, or the first ones of a longer one.
    pub(super) fn long(&self, id: u64) -> Option<u64> {
        let bytes = self.bytes(id)?.first_chunk()?;
        Some(u64::from_ne_bytes(*bytes))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.0.iter().map(|(id, value)| (*id, value.as_slice()))
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.0.remove(&id);
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = u64> {
        self.0.keys().copied()
    }

    /// "`ENOENT` no such register"; its size is in the id, so it is the call's.
    pub(super) fn get(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let value = self.0.get(&id(arg)?).ok_or(Errno::ENOENT)?;
        let [part] = args::parts(arg)?;
        let PartBytes::Mut(bytes) = &mut part.bytes else {
            return Err(Errno::EFAULT);
        };
        let bytes = bytes.get_mut(..value.len()).ok_or(Errno::EFAULT)?;
        bytes.copy_from_slice(value);
        Ok(0)
    }

    pub(super) fn set(&mut self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let register = self.0.get_mut(&id(arg)?).ok_or(Errno::ENOENT)?;
        let value = given(arg)?.get(..register.len()).ok_or(Errno::EFAULT)?;
        register.copy_from_slice(value);
        Ok(0)
    }
}

/// Section 4.84: "E2BIG the reg index list is too big to fit in the array specified by the user (the number
/// required will be written into n)".
pub(super) fn list(ids: &[u64], arg: &mut Arg<'_>) -> Result<u32, Errno> {
    let room: u64 = args::read(arg)?;
    let bytes = args::bytes_mut(arg)?;
    let (count, elements) = bytes.split_at_mut_checked(8).ok_or(Errno::EFAULT)?;
    count.copy_from_slice(&(ids.len() as u64).to_ne_bytes());
    if room < ids.len() as u64 {
        return Err(Errno::E2BIG);
    }
    ids.write_to_prefix(elements).map_err(|_| Errno::EFAULT)?;
    Ok(0)
}

//! [`Banks`]: state that one call sets and another gets, kept as the bytes that crossed.

use std::collections::BTreeMap;

use kvm_core::kvm_sys::op::{Dir, Op};
use kvm_core::{Arg, Errno};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::args;

/// The state of one object, by the name that the ioctl table gives to each pair of calls.
#[derive(Debug, Default)]
pub(super) struct Banks(BTreeMap<&'static str, Vec<u8>>);

/// Two banks that are views of the same state, and how many of their first bytes they share.
const SHARED: [(&str, &str, usize); 2] = [
    // The three channels.
    ("pit", "pit2", 72),
    // Segments, tables and control registers; the rest is the pending interrupt or the PDPTEs.
    ("sregs", "sregs2", 280),
];

impl Banks {
    pub(super) fn new(resets: &BTreeMap<&'static str, Vec<u8>>) -> Self {
        Self(resets.clone())
    }

    /// Makes the call if it is one of a pair.
    pub(super) fn call(&mut self, op: &Op, arg: &mut Arg<'_>) -> Option<Result<u32, Errno>> {
        let bank = op.bank?;
        let done = match op.dir()? {
            Dir::In => args::bytes(arg)
                .and_then(|bytes| bytes.get(..op.size()).ok_or(Errno::EFAULT))
                .map(|bytes| self.set_bytes(bank, bytes)),
            Dir::Out => args::bytes_mut(arg)
                .and_then(|bytes| bytes.get_mut(..op.size()).ok_or(Errno::EFAULT))
                .map(|bytes| self.get_bytes(bank, bytes)),
            Dir::InOut => return None,
        };
        Some(done.map(|()| 0))
    }

    /// The state of a bank, all zero when nobody has set it.
    pub(super) fn get<T: FromBytes + IntoBytes>(&self, bank: &'static str) -> T {
        let mut state = T::new_zeroed();
        self.get_bytes(bank, state.as_mut_bytes());
        state
    }

    pub(super) fn set<T: IntoBytes + Immutable>(&mut self, bank: &'static str, state: &T) {
        self.set_bytes(bank, state.as_bytes());
    }

    pub(super) fn get_bytes(&self, bank: &str, to: &mut [u8]) {
        let from = self.0.get(bank).map(Vec::as_slice).unwrap_or_default();
        for (i, byte) in to.iter_mut().enumerate() {
            *byte = from.get(i).copied().unwrap_or(0);
        }
    }

    /// All that is there.
    pub(super) fn all_bytes(&self, bank: &str) -> Vec<u8> {
        self.0.get(bank).cloned().unwrap_or_default()
    }

    pub(super) fn set_bytes(&mut self, bank: &'static str, from: &[u8]) {
        self.0.insert(bank, from.to_vec());
        for (one, two, len) in SHARED {
            let other = match bank {
                bank if bank == one => two,
                bank if bank == two => one,
                _ => continue,
            };
            let shared = self.0.entry(other).or_default();
            shared.resize(shared.len().max(len), 0);
            let (Some(from), Some(to)) = (from.get(..len), shared.get_mut(..len)) else {
                continue;
            };
            to.copy_from_slice(from);
        }
    }
}

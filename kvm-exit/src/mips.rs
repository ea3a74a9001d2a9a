//! What only MIPS has.

use core::fmt;

use crate::arch::{SyncWords, architecture};
use crate::member::Union;
use crate::state::PlainState;

architecture! {
    /// 64-bit MIPS, little-endian.
    Mips64el: PlainState, SyncWords, MipsDebug;
}

/// The payload of `KVM_EXIT_DEBUG` for a MIPS guest. Nothing is a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MipsDebug {
    /// The address of the instruction.
    pub epc: u64,
}

impl MipsDebug {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let [epc, ..] = *payload;
        Self { epc }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let [epc, ..] = payload;
        *epc = self.epc;
    }
}

impl fmt::Display for MipsDebug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {:#x}", self.epc)
    }
}

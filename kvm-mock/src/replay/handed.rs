//! What was recorded with the last exit, for a recorder over the replay.

use kvm_core::{Arg, Errno};
use kvm_exit::GuestArch;

use super::Replay;
use crate::format::{Kind, Registers};
use crate::handed::{self, IS_REPLAY};
use crate::registers;

impl<G: GuestArch> Replay<G> {
    /// Answers [`HANDED`](crate::handed::HANDED).
    pub(super) fn hand(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let Arg::Mut(to) = arg else {
            return Ok(IS_REPLAY);
        };
        let mut cursor = self.cursor();
        let of_exit = &mut cursor.run.of_exit;
        loop {
            let entry = self.entries().get(of_exit.clone()).unwrap_or_default();
            let entry = entry.first().ok_or(Errno::ENOENT)?;
            let mut body = self.body(entry).to_vec();
            let known = entry.kind != Kind::Registers || self.rename(&mut body);
            if !known {
                of_exit.start += 1;
                continue;
            }
            let len = u32::try_from(body.len()).map_err(|_| Errno::E2BIG)?;
            if handed::give(to, entry.kind, &body) {
                of_exit.start += 1;
            }
            return Ok(len);
        }
    }

    /// Puts the place among the known sets in the place of the call's number. Says whether the set is known.
    fn rename(&self, body: &mut [u8]) -> bool {
        let name = Registers::read(body).and_then(|set| self.shared.recording.name(set.op));
        let place = registers::SETS.iter().position(|op| Some(op.name) == name);
        let place = place.and_then(|place| u32::try_from(place).ok());
        match (place, body.first_chunk_mut()) {
            (Some(place), Some(op)) => {
                *op = place.to_le_bytes();
                true
            }
            _ => false,
        }
    }
}

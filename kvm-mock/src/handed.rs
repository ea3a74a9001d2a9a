//! [`HANDED`]: the call by which a replay hands a recorder over it what was recorded with an exit.
//!
//! What a recorder finds out for itself (dirty pages, registers, signals to eventfds) no replay can tell by the calls
//! that it answers: they were not the VMM's.
//!
//! Without an argument it gives [`IS_REPLAY`]. With bytes, it puts the kind of the next record of the last exit into the first
//! eight and the record's body behind them, and gives the body's length; where there is no room for it, it does just that.
//! After the last one it gives `ENOENT`. In place of a call's number, registers have its place in
//! [`SETS`](crate::registers::SETS).
#![expect(unsafe_code, reason = "makes the call")]

use kvm_core::{Arg, Hypervisor};
use kvm_sys::Arches;
use kvm_sys::op::{Fds, Op, Requests, Returns, Takes};

use crate::format::Kind;

/// The call. It has no request number, so KVM has none of it.
pub(crate) static HANDED: Op = Op {
    name: "what was recorded with the exit",
    requests: Requests::NONE,
    arches: Arches::all(),
    fds: Fds::empty(),
    takes: Takes::Nothing,
    returns: Returns::Number,
    bank: None,
    capability: None,
    section: "",
};

/// What a replay answers.
pub(crate) const IS_REPLAY: u32 = u32::from_be_bytes(*b"kvmr");

/// Bytes before the body.
const HEAD: usize = 8;

/// Whether a system is a replay's.
pub(crate) fn is_replay<H: Hypervisor>(system: &H) -> bool {
    // SAFETY: as the row says, the call takes nothing, and it is given nothing.
    let answer = unsafe { system.ioctl(&HANDED, &mut Arg::None) };
    answer == Ok(IS_REPLAY)
}

/// Puts a record into the bytes of a call. Says whether there was room.
pub(crate) fn give(to: &mut [u8], kind: Kind, body: &[u8]) -> bool {
    let Some((head, rest)) = to.split_first_chunk_mut::<HEAD>() else {
        return false;
    };
    *head = (kind as u64).to_ne_bytes();
    let room = rest.get_mut(..body.len());
    room.map(|room| room.copy_from_slice(body)).is_some()
}

/// Asks a replay, which the backend has to be, for the next record. `room` is memory for it, and grows as needed.
pub(crate) fn take<'a, H: Hypervisor>(vcpu: &H, room: &'a mut Vec<u8>) -> Option<(Kind, &'a [u8])> {
    loop {
        // SAFETY: a replay writes to the bytes only, as far as they go ([`give`]); any other backend does not know the call, and
        // refuses it.
        let len = unsafe { vcpu.ioctl(&HANDED, &mut Arg::Mut(room)) }.ok()?;
        let needed = HEAD.checked_add(usize::try_from(len).ok()?)?;
        if needed <= room.len() {
            let (head, body) = room.get(..needed)?.split_first_chunk::<HEAD>()?;
            let kind = u16::try_from(u64::from_ne_bytes(*head)).ok()?;
            return Some((Kind::from_number(kind)?, body));
        }
        room.resize(needed, 0);
    }
}

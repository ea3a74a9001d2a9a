//! Calls, records and bytes as text, for messages.

use std::fmt::Write;

use crate::format::{
    Call, Coalesced, Create, Delta, DirtyRing, Doorbell, Entry, Kind, Map, Pages, Pread, Recording,
    Registers,
};

/// Bytes that a message shows at most.
const SHOWN: usize = 16;

/// Bytes in hex; of many, the first.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (n, byte) in bytes.iter().take(SHOWN).enumerate() {
        let space = if n == 0 { "" } else { " " };
        // Writing to a string can't fail.
        let _ = write!(text, "{space}{byte:02x}");
    }
    if bytes.len() > SHOWN {
        let _ = write!(text, " ... ({} bytes)", bytes.len());
    }
    text
}

/// A call with its argument. Of bytes, those are shown in which it differs from `other`.
pub(crate) fn call(name: &str, call: &Call<'_>, other: Option<&Call<'_>>) -> String {
    if call.buffers.is_empty() {
        return match call.value {
            0 => name.to_owned(),
            value => format!("{name} of {value:#x}"),
        };
    }
    let mut text = name.to_owned();
    for (n, buffer) in call.buffers.iter().enumerate() {
        let Some(input) = buffer.input else {
            let _ = write!(text, " into {} bytes", buffer.len);
            continue;
        };
        let other = other.and_then(|other| other.buffers.get(n)?.input);
        let other = other.filter(|other| other.len() == input.len());
        let start = other.map_or(0, |other| {
            let mut pairs = input.iter().zip(other);
            pairs.position(|(a, b)| a != b).unwrap_or(0)
        });
        let shown = hex(input.get(start..).unwrap_or_default());
        if start == 0 {
            let _ = write!(text, " of {shown}");
        } else {
            let _ = write!(text, " with {shown} at byte {start}");
        }
    }
    text
}

/// A record.
pub(crate) fn record(recording: &Recording, entry: &Entry, other: Option<&Call<'_>>) -> String {
    let body = recording.body(entry);
    let named = |recorded: &Call<'_>| {
        let name = recording.name(recorded.op).unwrap_or_default();
        call(name, recorded, other)
    };
    let text = match entry.kind {
        Kind::Call => Call::read(body).map(|call| named(&call)),
        Kind::Create => Create::read(body).map(|create| named(&create.call)),
        Kind::Map => Map::read(body).map(|recorded| map(recorded.len, recorded.private)),
        Kind::Enter => Some("KVM_RUN".to_owned()),
        Kind::Memory => Delta::read(body).map(|delta| {
            let (len, slot) = (delta.bytes.len(), delta.slot);
            format!("{len} bytes of guest memory in slot {slot}")
        }),
        Kind::Doorbell => Doorbell::read(body)
            .map(|Doorbell(write)| format!("a write to the eventfd of {:#x}", write.address)),
        Kind::DirtyRing => DirtyRing::read(body)
            .map(|pages| format!("{} pages in the dirty ring", pages.iter().len())),
        Kind::Registers => Registers::read(body).map(|registers| {
            let name = recording.name(registers.op).unwrap_or_default();
            format!("registers as of {name}")
        }),
        Kind::Coalesced => Coalesced::read(body)
            .map(|coalesced| format!("{} coalesced writes", coalesced.writes.len())),
        Kind::Pages => Pages::read(body).map(|pages| {
            let (count, slot) = (pages.iter().count(), pages.slot);
            format!("{count} pages of guest memory in slot {slot}")
        }),
        Kind::Read => Pread::read(body).map(|recorded| read(recorded.offset, recorded.room)),
        Kind::Name | Kind::End => None,
    };
    text.unwrap_or_default()
}

pub(crate) fn map(len: u64, private: u64) -> String {
    match private {
        0 => format!("mmap of a ring of {len} bytes"),
        private => format!("mmap of {len} bytes, {private} private"),
    }
}

pub(crate) fn read(offset: u64, room: u64) -> String {
    format!("a read of {room} bytes from {offset}")
}

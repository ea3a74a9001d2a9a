//! Calls, bytes and numbers as a person reads them.

use std::fmt::Write;

use kvm_core::Slot;
use kvm_mock::recording::{Buffer, Call, DirtyRing};
use kvm_sys::op::{Op, Takes};
use kvm_sys::{Arch, Cap};

use crate::structs;

/// Bytes that a line shows at most.
const SHOWN: usize = 16;

/// Bytes in hex; of many, the first.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = digits(bytes.get(..SHOWN).unwrap_or(bytes), " ");
    if bytes.len() > SHOWN {
        let _ = write!(text, " .. ({} bytes)", bytes.len());
    }
    text
}

/// All bytes in hex, for programs.
pub(crate) fn plain_hex(bytes: &[u8]) -> String {
    digits(bytes, "")
}

fn digits(bytes: &[u8], between: &str) -> String {
    let mut text = String::with_capacity(bytes.len() * (2 + between.len()));
    for (n, byte) in bytes.iter().enumerate() {
        let between = if n == 0 { "" } else { between };
        // Writing to a string can't fail.
        let _ = write!(text, "{between}{byte:02x}");
    }
    text
}

/// An integer: small ones count something, large ones are addresses or sets of bits.
pub(crate) fn number(value: u64) -> String {
    if value < 0x1000 {
        value.to_string()
    } else {
        format!("{value:#x}")
    }
}

/// A count with its digits in groups of three: `1 234 567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// `1 exit`, `2 exits`.
pub(crate) fn several(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {what}{s}", count(n))
}

/// A span of time with a unit that suits it.
pub(crate) fn span(nanoseconds: u64) -> String {
    let (unit, size) = match nanoseconds {
        0..1_000 => return format!("{nanoseconds} ns"),
        1_000..1_000_000 => ("us", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s", 1_000_000_000),
    };
    let (whole, rest) = (nanoseconds / size, nanoseconds % size);
    format!("{whole}.{:03} {unit}", rest * 1000 / size)
}

/// A call, its argument and its answer on one line; long structures are cut unless it is to be full.
pub(crate) fn call(call: &Call<'_>, arch: Option<Arch>, full: bool) -> String {
    let mut text = call.name.to_owned();
    let op = op(call.name);
    match call.value {
        Some(value) if call.name == kvm_sys::KVM_CHECK_EXTENSION.name => {
            let cap = u32::try_from(value).ok().and_then(|cap| Cap(cap).name());
            let _ = match cap {
                Some(name) => write!(text, " {name}"),
                None => write!(text, " {}", number(value)),
            };
        }
        Some(value) => {
            let _ = write!(text, " {}", number(value));
        }
        None => {}
    }
    let described = |bytes: &[u8], buffer: &Buffer<'_>| match op {
        Some(op) if buffer.offset == 0 => structs::describe(op, bytes, arch, full),
        _ => hex(bytes),
    };
    for buffer in &call.buffers {
        let at = match buffer.offset {
            0 => String::new(),
            offset => format!(" [pointer at {offset}]"),
        };
        if let Some(before) = buffer.before {
            let _ = write!(text, "{at} {}", described(before, buffer));
        }
        if let Some(after) = buffer.after {
            let _ = write!(text, "{at} -> {}", described(after, buffer));
        }
    }
    match call.errno {
        Some(errno) => {
            let _ = write!(text, ": {errno:?}");
        }
        None if call.returned != 0 => {
            let _ = write!(text, " = {}", number(call.returned.into()));
        }
        None => {}
    }
    text
}

/// What a call gave that the recorder made for itself.
pub(crate) fn registers(name: &str, bytes: &[u8], arch: Option<Arch>, full: bool) -> String {
    match op(name) {
        Some(op) => structs::describe(op, bytes, arch, full),
        None => hex(bytes),
    }
}

/// Pages that were put into a dirty ring.
pub(crate) fn dirty_ring(pages: &DirtyRing<'_>) -> String {
    let mut text = several(pages.iter().len() as u64, "page");
    text += " put into the dirty ring:";
    for page in pages.iter().take(SHOWN) {
        let _ = write!(text, " {}:{:#x}", Slot::from(page).0, page.page);
    }
    if pages.iter().len() > SHOWN {
        text += " ..";
    }
    text
}

/// The row of the ioctl table with this name.
fn op(name: &str) -> Option<&'static Op> {
    kvm_sys::ioctl::TABLE
        .iter()
        .copied()
        .find(|op| op.name == name)
}

/// The name of the structure that a call takes.
pub(crate) fn structure(op: &Op) -> Option<&'static str> {
    match op.takes {
        Takes::Struct { name, .. } => Some(name),
        Takes::Nothing | Takes::Value => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans_are_short() {
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(count(123), "123");
        assert_eq!(several(1, "exit"), "1 exit");
        assert_eq!(number(12), "12");
        assert_eq!(number(0xfffb_d000), "0xfffbd000");
        assert_eq!(span(999), "999 ns");
        assert_eq!(span(1_234_567), "1.234 ms");
        assert_eq!(span(61_000_000_000), "61.000 s");
        assert_eq!(hex(&[1; 17]), format!("{}.. (17 bytes)", "01 ".repeat(16)));
        assert_eq!(plain_hex(&[0x0a, 0xff]), "0aff");
    }
}

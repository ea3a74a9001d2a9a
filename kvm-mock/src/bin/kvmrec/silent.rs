//! [`Silent`]: writes of the guest that made no exit.

use kvm_core::kvm_exit::CoalescedWrite;
use kvm_mock::recording::Content;

use crate::exits::Place;
use crate::text::hex;

/// A write that waited in a ring, or signalled an eventfd.
#[derive(Debug)]
pub(crate) struct Silent {
    /// A word or two, for tables.
    pub(crate) kind: &'static str,
    pub(crate) place: Option<Place>,
    pub(crate) bytes: u64,
    /// One line.
    pub(crate) text: String,
}

impl Silent {
    /// Those that a record is of.
    pub(crate) fn all(content: &Content<'_>) -> Vec<Self> {
        match content {
            Content::Coalesced(writes) => writes.iter().copied().map(Self::coalesced).collect(),
            Content::Doorbell {
                pio,
                address,
                len,
                value,
            } => vec![Self::doorbell(*pio, *address, *len, *value)],
            _ => Vec::new(),
        }
    }

    fn coalesced(entry: [u8; 24]) -> Self {
        match CoalescedWrite::decode(entry) {
            Ok(write) => {
                let kind = match write.is_pio {
                    true => "coalesced io",
                    false => "coalesced mmio",
                };
                Self::new(kind, "coalesced", write.is_pio, write.addr, write.data())
            }
            Err(malformed) => Self {
                kind: "malformed",
                place: None,
                bytes: 0,
                text: format!("coalesced write, malformed: {malformed}"),
            },
        }
    }

    fn doorbell(pio: bool, address: u64, len: u32, value: u64) -> Self {
        let bytes = value.to_le_bytes();
        let len = usize::try_from(len).unwrap_or(bytes.len());
        let data = bytes.get(..len).unwrap_or(&bytes);
        let kind = match pio {
            true => "eventfd io",
            false => "eventfd mmio",
        };
        Self::new(kind, "eventfd signalled by", pio, address, data)
    }

    fn new(kind: &'static str, what: &str, pio: bool, address: u64, data: &[u8]) -> Self {
        let port = u16::try_from(address).ok().filter(|_| pio);
        let access = if pio { "io out" } else { "mmio write" };
        Self {
            kind,
            place: Some(port.map_or(Place::Address(address), Place::Port)),
            bytes: data.len() as u64,
            text: format!("{what} {access} {address:#x} <- {}", hex(data)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_kvm_writes_is_told_all_the_same() {
        let [wide] = &Silent::all(&Content::Doorbell {
            pio: true,
            address: 0x1_0000,
            len: 99,
            value: 1,
        })[..] else {
            panic!("one record, one write");
        };
        assert_eq!(wide.place, Some(Place::Address(0x1_0000)));
        assert_eq!((wide.kind, wide.bytes), ("eventfd io", 8));
        let malformed = Silent::all(&Content::Coalesced(&[[0xff; 24]]));
        assert_eq!((malformed[0].kind, malformed[0].place), ("malformed", None));
    }
}

//! The header that each record begins with.

use super::crc::Crc;

/// Length of a record's header in bytes.
pub(super) const LEN: usize = 24;
const CRC_AT: usize = 20;
/// Records are whole words.
const ALIGN: usize = 8;

/// The stream of records that belong to no object.
pub(crate) const NO_STREAM: u32 = u32::MAX;

/// What a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Kind {
    Name = 1,
    Call = 2,
    Create = 3,
    Map = 4,
    Enter = 5,
    Memory = 6,
    Read = 7,
    Pages = 8,
    Coalesced = 9,
    Registers = 10,
    Doorbell = 11,
    DirtyRing = 12,
    End = 15,
}

impl Kind {
    /// Whether it tells of an exit whose own record follows.
    pub(crate) fn is_of_exit(self) -> bool {
        matches!(
            self,
            Self::Memory
                | Self::Pages
                | Self::Coalesced
                | Self::Registers
                | Self::Doorbell
                | Self::DirtyRing
        )
    }

    pub(crate) fn from_number(number: u16) -> Option<Self> {
        [
            Self::Name,
            Self::Call,
            Self::Create,
            Self::Map,
            Self::Enter,
            Self::Memory,
            Self::Read,
            Self::Pages,
            Self::Coalesced,
            Self::Registers,
            Self::Doorbell,
            Self::DirtyRing,
            Self::End,
        ]
        .into_iter()
        .find(|kind| *kind as u16 == number)
    }
}

/// Finds a damaged length before it is taken for the length of a record that was cut: any change of one
/// byte of the first eight shows.
fn guard(len: u32, kind: u16) -> u16 {
    let [a, b, c, d] = len.to_le_bytes();
    !(u16::from_le_bytes([a, b]) ^ u16::from_le_bytes([c, d]) ^ kind)
}

/// A record in the making: room for its header, then the body so far.
#[derive(Debug)]
pub(crate) struct Record(Vec<u8>);

impl Record {
    pub(crate) fn new() -> Self {
        Self(vec![0; LEN])
    }

    /// An empty one in the same memory.
    pub(crate) fn clear(&mut self) {
        self.0.truncate(LEN);
    }

    /// The body's length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.len() - LEN
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Changes bytes of the body that are there.
    pub(crate) fn patch(&mut self, at: usize, bytes: &[u8]) {
        let to = self.0.get_mut(LEN + at..).unwrap_or_default();
        for (to, from) in to.iter_mut().zip(bytes) {
            *to = *from;
        }
    }

    /// The record's bytes; nothing when it is too long for its length's field.
    pub(crate) fn seal(&mut self, kind: Kind, stream: u32, sequence: u64) -> Option<&[u8]> {
        let kind = kind as u16;
        self.0.resize(self.0.len().next_multiple_of(ALIGN), 0);
        let len = u32::try_from(self.0.len()).ok()?;
        let first = u64::from(len) | u64::from(kind) << 32 | u64::from(guard(len, kind)) << 48;
        let (header, body) = self.0.split_first_chunk_mut::<LEN>()?;
        let crc = Crc::new().word(first).word(sequence);
        let crc = crc.with(&stream.to_le_bytes()).with(body).value();
        let last = u64::from(stream) | u64::from(crc) << 32;
        *header = zerocopy::transmute!([first, sequence, last].map(u64::to_le));
        Some(&self.0)
    }
}

/// A record that was found whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    pub(crate) kind: u16,
    pub(crate) sequence: u64,
    pub(crate) stream: u32,
    pub(crate) body: &'a [u8],
    /// Length of the record in bytes.
    pub(crate) len: usize,
}

/// Why no record was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The file ends before it does.
    Cut,
    /// It was not written yet: its first eight bytes, which come last, are zero.
    Unwritten,
    /// Its bytes can't be what was written.
    Damaged(&'static str),
}

/// Whether a record of a later sequence number than `sequence` stands somewhere in `file`.
pub(super) fn follows(file: &[u8], sequence: u64) -> bool {
    (0..file.len()).step_by(ALIGN).any(|at| {
        let found = file.get(at..).and_then(|rest| find(rest).ok());
        found.is_some_and(|found| found.sequence > sequence)
    })
}

/// Finds the record that `file` begins with.
pub(super) fn find(file: &[u8]) -> Result<Found<'_>, Lost> {
    let found = locate(file)?;
    let (header, body) = file.split_first_chunk::<LEN>().ok_or(Lost::Cut)?;
    let (header, crc) = header.split_at(CRC_AT);
    let body = body.get(..found.body.len()).unwrap_or_default();
    if Crc::new().with(header).with(body).value().to_le_bytes() != crc {
        return Err(Lost::Damaged("a record's checksum does not fit"));
    }
    Ok(found)
}

/// Finds the record that `file` begins with, without a look at its checksum.
pub(super) fn locate(file: &[u8]) -> Result<Found<'_>, Lost> {
    let (len, rest) = file.split_first_chunk().ok_or(Lost::Cut)?;
    let (kind, rest) = rest.split_first_chunk().ok_or(Lost::Cut)?;
    let (check, rest) = rest.split_first_chunk().ok_or(Lost::Cut)?;
    if file.starts_with(&[0; 8]) {
        return Err(Lost::Unwritten);
    }
    let (len, kind) = (u32::from_le_bytes(*len), u16::from_le_bytes(*kind));
    if u16::from_le_bytes(*check) != guard(len, kind) {
        return Err(Lost::Damaged("a record's length does not fit its check"));
    }
    let len = usize::try_from(len).map_err(|_| Lost::Damaged("a record is too long"))?;
    if len < LEN || len % ALIGN != 0 {
        return Err(Lost::Damaged("a record has an impossible length"));
    }
    let record = file.get(..len).ok_or(Lost::Cut)?;
    let (sequence, rest) = rest.split_first_chunk().ok_or(Lost::Cut)?;
    let (stream, _) = rest.split_first_chunk().ok_or(Lost::Cut)?;
    let (_, body) = record.split_at_checked(LEN).ok_or(Lost::Cut)?;
    Ok(Found {
        kind,
        sequence: u64::from_le_bytes(*sequence),
        stream: u32::from_le_bytes(*stream),
        body,
        len,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Vec<u8> {
        let mut record = Record::new();
        record.put(b"hello");
        record.patch(1, b"a");
        record.seal(Kind::Read, 7, 9).unwrap().to_vec()
    }

    #[test]
    fn finds_what_was_sealed() {
        let bytes = record();
        assert_eq!(bytes.len(), 32);
        let expected = Found {
            kind: Kind::Read as u16,
            sequence: 9,
            stream: 7,
            body: b"hallo\0\0\0",
            len: 32,
        };
        assert_eq!(find(&bytes), Ok(expected));
    }

    #[test]
    fn every_prefix_is_a_cut_and_every_flipped_bit_damage() {
        let bytes = record();
        for len in 0..bytes.len() {
            assert_eq!(find(&bytes[..len]), Err(Lost::Cut), "{len} bytes");
        }
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(find(&bytes), Err(Lost::Damaged(_))), "bit {bit}");
        }
    }
}

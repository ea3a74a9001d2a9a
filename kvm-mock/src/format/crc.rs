//! [`Crc`]: CRC-32C (Castagnoli), the checksum of iSCSI and ext4.

/// The polynomial, bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// `TABLES[n][b]` is what the byte `b` adds to the checksum when `n` more bytes follow.
static TABLES: [[u32; 256]; 8] = tables();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, where a wrong index is an error"
)]
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ ((crc & 1) * POLYNOMIAL);
            bit += 1;
        }
        tables[0][byte as usize] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let crc: u32 = tables[table - 1][byte];
            tables[table][byte] = (crc >> 8) ^ tables[0][(crc & 0xff) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

/// A checksum of bytes that come in pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc(u32);

impl Crc {
    pub(crate) const fn new() -> Self {
        Self(!0)
    }

    /// With `bytes` behind those so far.
    #[must_use]
    pub(crate) fn with(self, bytes: &[u8]) -> Self {
        let mut crc = self;
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            if let Ok(word) = <[u8; 8]>::try_from(chunk) {
                crc = crc.word(u64::from_le_bytes(word));
            }
        }
        let [table, ..] = &TABLES;
        for byte in chunks.remainder() {
            let [low, ..] = crc.0.to_le_bytes();
            crc = Self((crc.0 >> 8) ^ at(table, low ^ byte));
        }
        crc
    }

    /// With the eight bytes of `word`, lowest first, behind those so far.
    #[must_use]
    pub(crate) fn word(self, word: u64) -> Self {
        let [t0, t1, t2, t3, t4, t5, t6, t7] = &TABLES;
        let [b0, b1, b2, b3, b4, b5, b6, b7] = (word ^ u64::from(self.0)).to_le_bytes();
        Self(
            at(t7, b0)
                ^ at(t6, b1)
                ^ at(t5, b2)
                ^ at(t4, b3)
                ^ at(t3, b4)
                ^ at(t2, b5)
                ^ at(t1, b6)
                ^ at(t0, b7),
        )
    }

    pub(crate) const fn value(self) -> u32 {
        !self.0
    }
}

#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "a byte is below 256; `get` would hide that from the reader, not from the compiler"
)]
fn at(table: &[u32; 256], byte: u8) -> u32 {
    table[usize::from(byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc(bytes: &[u8]) -> u32 {
        Crc::new().with(bytes).value()
    }

    /// The check value of the CRC catalogues, and the vectors of RFC 3720, B.4.
    #[test]
    fn known_vectors() {
        assert_eq!(crc(b""), 0);
        assert_eq!(crc(b"123456789"), 0xe306_9283);
        assert_eq!(crc(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc(&[0xff; 32]), 0x62a8_ab43);
        let up: Vec<u8> = (0..32).collect();
        assert_eq!(crc(&up), 0x46dd_794e);
        let down: Vec<u8> = (0..32).rev().collect();
        assert_eq!(crc(&down), 0x113f_db5c);
    }

    #[test]
    fn pieces_make_the_same_checksum() {
        let bytes: Vec<u8> = (0..100).map(|n: u8| n.wrapping_mul(37)).collect();
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            let pieces = Crc::new().with(first).with(second).value();
            assert_eq!(pieces, crc(&bytes), "cut at {cut}");
        }
    }
}

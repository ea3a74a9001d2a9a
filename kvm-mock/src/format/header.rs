//! The header of a recording.

use std::fmt;

use kvm_sys::Arch;

use super::crc::Crc;
use super::scan::ReplayError;

const MAGIC: [u8; 8] = *b"\x89KVMREC\n";
pub(super) const VERSION: u32 = 1;
/// Length of the header in bytes.
pub(super) const LEN: usize = 64;
const CRC_AT: usize = LEN - 4;

const LITTLE: u8 = 1;
const BIG: u8 = 2;
/// The byte order of this host's run pages.
const NATIVE_ORDER: u8 = if cfg!(target_endian = "little") {
    LITTLE
} else {
    BIG
};

/// A guest's architecture, as recordings name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Architecture {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
    /// 64-bit RISC-V.
    Riscv64,
    /// One that this version of the crate has no name for.
    Other(u16),
}

impl Architecture {
    fn number(self) -> u16 {
        match self {
            Self::X86_64 => 1,
            Self::Aarch64 => 2,
            Self::Riscv64 => 3,
            Self::Other(number) => number,
        }
    }

    fn from_number(number: u16) -> Self {
        match number {
            1 => Self::X86_64,
            2 => Self::Aarch64,
            3 => Self::Riscv64,
            other => Self::Other(other),
        }
    }
}

impl From<Arch> for Architecture {
    fn from(arch: Arch) -> Self {
        match arch {
            Arch::Aarch64 => Self::Aarch64,
            Arch::Riscv64 => Self::Riscv64,
            Arch::X86_64 => Self::X86_64,
            // Version 1 of the format has no numbers for the others.
            _ => Self::Other(0),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X86_64 => f.write_str("x86_64"),
            Self::Aarch64 => f.write_str("aarch64"),
            Self::Riscv64 => f.write_str("riscv64"),
            Self::Other(number) => write!(f, "architecture {number}"),
        }
    }
}

/// What a recording holds beside calls and exits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// Guest memory.
    pub(crate) memory: bool,
    /// The time of each entry and exit.
    pub(crate) times: bool,
}

impl Flags {
    fn bits(self) -> u32 {
        u32::from(self.memory) | u32::from(self.times) << 1
    }

    fn from_bits(bits: u32) -> Option<Self> {
        (bits < 4).then_some(Self {
            memory: bits & 1 != 0,
            times: bits & 2 != 0,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) architecture: Architecture,
    pub(crate) page_size: u32,
    pub(crate) flags: Flags,
}

impl FileHeader {
    pub(crate) fn encode(&self) -> [u8; LEN] {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.architecture.number().to_le_bytes());
        bytes.extend([NATIVE_ORDER, 0]);
        bytes.extend(self.page_size.to_le_bytes());
        bytes.extend(self.flags.bits().to_le_bytes());
        bytes.resize(CRC_AT, 0);
        bytes.extend(Crc::new().with(&bytes).value().to_le_bytes());
        let mut header = [0; LEN];
        header.copy_from_slice(&bytes);
        header
    }

    /// Reads the header that a file begins with.
    pub(super) fn decode(file: &[u8]) -> Result<Self, ReplayError> {
        let magic = file.get(..MAGIC.len()).unwrap_or(file);
        if magic.is_empty() || !MAGIC.starts_with(magic) {
            return Err(ReplayError::NotARecording);
        }
        let Some(header) = file.first_chunk::<LEN>() else {
            return Err(ReplayError::HeaderCut {
                offset: file.len() as u64,
            });
        };
        let u32_at = |at| u32::from_le_bytes(chunk(header, at));
        // The checksum first, so that a damaged version is no newer one; its place is the same in
        // every version.
        if Crc::new().with(header.split_at(CRC_AT).0).value() != u32_at(CRC_AT) {
            return Err(damaged(0, "the header's checksum does not fit"));
        }
        let version = u32_at(8);
        if version != VERSION {
            return Err(ReplayError::Version {
                found: version,
                known: VERSION,
            });
        }
        let [order, reserved] = chunk(header, 14);
        if order != NATIVE_ORDER {
            return match order {
                LITTLE | BIG => Err(ReplayError::ByteOrder),
                _ => Err(damaged(14, "there is no such byte order")),
            };
        }
        let flags = Flags::from_bits(u32_at(20));
        let rest = header.get(24..CRC_AT).unwrap_or_default();
        let (Some(flags), 0, true) = (flags, reserved, rest.iter().all(|byte| *byte == 0)) else {
            return Err(damaged(15, "the header has bits that mean nothing"));
        };
        Ok(Self {
            architecture: Architecture::from_number(u16::from_le_bytes(chunk(header, 12))),
            page_size: u32_at(16),
            flags,
        })
    }
}

fn damaged(offset: u64, what: &'static str) -> ReplayError {
    ReplayError::Damaged { offset, what }
}

/// `N` bytes at an offset that the caller knows to be inside.
fn chunk<const N: usize>(header: &[u8; LEN], at: usize) -> [u8; N] {
    header
        .get(at..)
        .and_then(|bytes| bytes.first_chunk())
        .copied()
        .unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: FileHeader = FileHeader {
        architecture: Architecture::Aarch64,
        page_size: 0x1_0000,
        flags: Flags {
            memory: true,
            times: true,
        },
    };

    /// The bytes with `change` made to them, and the checksum to fit.
    fn changed(change: impl FnOnce(&mut [u8])) -> [u8; LEN] {
        let mut bytes = HEADER.encode();
        change(&mut bytes);
        let crc = Crc::new().with(&bytes[..CRC_AT]).value();
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    #[test]
    fn reads_what_it_writes() {
        assert_eq!(FileHeader::decode(&HEADER.encode()).unwrap(), HEADER);
    }

    #[test]
    fn each_wrong_file_has_its_own_error() {
        let refused = |bytes: &[u8]| FileHeader::decode(bytes).unwrap_err().to_string();
        assert_eq!(refused(b""), "not a recording");
        assert_eq!(refused(b"#!/bin/sh\n"), "not a recording");
        let newer = changed(|bytes| bytes[8] = 2);
        assert_eq!(
            refused(&newer),
            "the recording has format version 2, and this version of the crate reads 1"
        );
        let order = changed(|bytes| bytes[14] = 3 - NATIVE_ORDER);
        assert_eq!(
            refused(&order),
            "the recording's run pages have the other byte order than this host's"
        );
        assert_eq!(
            refused(&HEADER.encode()[..63]),
            "the recording was cut at offset 63, inside its header"
        );
        let reserved = changed(|bytes| bytes[30] = 1);
        assert!(refused(&reserved).contains("damaged"));
    }
}

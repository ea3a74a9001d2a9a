//! `KVM_EXIT_MMIO`: memory-mapped I/O.

use kvm_sys::kvm_run_mmio;

use crate::member::{Member, Union};
use crate::{Field, Malformed};

/// The guest reads an address that no memory slot backs.
///
/// All of `data` is the reply. The guest gets whatever is there when `KVM_RUN` is called next,
/// which is what an earlier exit left behind if nothing is written. An access that crosses a page
/// or is wider than 8 bytes comes as several exits, one after the other.
///
/// ```
/// use kvm_exit::MmioRead;
///
/// /// A register of four bytes; what is beyond it reads as zero.
/// fn answer(mmio: MmioRead<'_>, register: u32) {
///     mmio.data.fill(0);
///     for (byte, value) in mmio.data.iter_mut().zip(register.to_le_bytes()) {
///         *byte = value;
///     }
/// }
///
/// let mut data = [0xff; 2];
/// answer(MmioRead { addr: 0xd000_0000, data: &mut data }, 0x1234);
/// assert_eq!(data, [0x34, 0x12]);
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct MmioRead<'a> {
    /// The guest-physical address in bytes.
    pub addr: u64,
    /// The bytes that the guest is to read, as they would be in memory: from 1 to 8.
    pub data: &'a mut [u8],
}

/// The guest writes an address that no memory slot backs (or one that a read-only slot does).
///
/// ```
/// use kvm_exit::MmioWrite;
///
/// let mmio = MmioWrite { addr: 0xd000_0000, data: &[0x34, 0x12] };
/// let value = mmio.data.iter().rfold(0u64, |value, &byte| value << 8 | u64::from(byte));
/// assert_eq!(value, 0x1234);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MmioWrite<'a> {
    /// The guest-physical address in bytes.
    pub addr: u64,
    /// The bytes that the guest wrote, as they would be in memory: from 1 to 8.
    pub data: &'a [u8],
}

/// One side of the two exits: what the direction does not change.
pub(crate) struct Access<'a> {
    pub(crate) addr: u64,
    pub(crate) is_write: bool,
    pub(crate) data: &'a mut [u8],
}

impl<'a> Access<'a> {
    #[inline(always)]
    pub(crate) fn decode(payload: &'a mut Union) -> Result<Self, Malformed> {
        let mmio = kvm_run_mmio::of(payload);
        let len = mmio.len;
        match usize::try_from(len)
            .ok()
            .and_then(|len| mmio.data.get_mut(..len))
        {
            Some(data) if !data.is_empty() => Ok(Self {
                addr: mmio.phys_addr,
                is_write: mmio.is_write != 0,
                data,
            }),
            _ => Err(bad_len(len.into())),
        }
    }
}

#[cold]
fn bad_len(len: u64) -> Malformed {
    Malformed::new(Field::MmioLen, len, 8)
}

pub(crate) fn encode(
    payload: &mut Union,
    is_write: bool,
    addr: u64,
    bytes: &[u8],
) -> Result<(), Malformed> {
    let mmio = kvm_run_mmio::of(payload);
    let (Some(data), Ok(len @ 1..)) =
        (mmio.data.get_mut(..bytes.len()), u32::try_from(bytes.len()))
    else {
        return Err(bad_len(bytes.len() as u64));
    };
    data.copy_from_slice(bytes);
    mmio.phys_addr = addr;
    mmio.len = len;
    mmio.is_write = is_write.into();
    Ok(())
}

//! What only LoongArch has.

use kvm_sys::kvm_run_iocsr_io;

use crate::arch::{NoDebug, SyncWords, architecture};
use crate::member::{Member, Union};
use crate::state::PlainState;
use crate::{Field, Malformed};

architecture! {
    /// 64-bit LoongArch.
    Loongarch64: PlainState, SyncWords, NoDebug;
}

/// `KVM_EXIT_LOONGARCH_IOCSR`: the guest reads an I/O control and status register that KVM does not
/// have.
///
/// All of `data` is the reply. The guest gets whatever is there when `KVM_RUN` is called next, which
/// is what an earlier exit left behind if nothing is written.
///
/// ```
/// use kvm_exit::IocsrRead;
///
/// fn read(access: IocsrRead<'_>) {
///     access.data.fill(0);
/// }
///
/// let mut data = [0xff; 4];
/// read(IocsrRead { addr: 0x8, data: &mut data });
/// assert_eq!(data, [0; 4]);
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct IocsrRead<'a> {
    /// The register's address in bytes, in the space of IOCSRs.
    pub addr: u64,
    /// The bytes that the guest is to read: 1, 2, 4 or 8 from the kernel; from 1 to 8 are decoded.
    pub data: &'a mut [u8],
}

/// `KVM_EXIT_LOONGARCH_IOCSR`: the guest writes an I/O control and status register that KVM does not
/// have.
///
/// ```
/// use kvm_exit::IocsrWrite;
///
/// let access = IocsrWrite { addr: 0x1040, data: &[1, 0, 0, 0] };
/// assert_eq!(access.data.len(), 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IocsrWrite<'a> {
    /// The register's address in bytes, in the space of IOCSRs.
    pub addr: u64,
    /// The bytes that the guest wrote: 1, 2, 4 or 8 from the kernel; from 1 to 8 are decoded.
    pub data: &'a [u8],
}

/// One side of the two exits: what the direction does not change.
pub(crate) struct Access<'a> {
    pub(crate) addr: u64,
    pub(crate) is_write: bool,
    pub(crate) data: &'a mut [u8],
}

impl<'a> Access<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Result<Self, Malformed> {
        let iocsr = kvm_run_iocsr_io::of(payload);
        let len = iocsr.len;
        match usize::try_from(len)
            .ok()
            .and_then(|len| iocsr.data.get_mut(..len))
        {
            Some(data) if !data.is_empty() => Ok(Self {
                addr: iocsr.phys_addr,
                is_write: iocsr.is_write != 0,
                data,
            }),
            _ => Err(bad_len(len.into())),
        }
    }
}

fn bad_len(len: u64) -> Malformed {
    Malformed::new(Field::IocsrLen, len, 8)
}

pub(crate) fn encode(
    payload: &mut Union,
    is_write: bool,
    addr: u64,
    bytes: &[u8],
) -> Result<(), Malformed> {
    let iocsr = kvm_run_iocsr_io::of(payload);
    let (Some(data), Ok(len @ 1..)) = (
        iocsr.data.get_mut(..bytes.len()),
        u32::try_from(bytes.len()),
    ) else {
        return Err(bad_len(bytes.len() as u64));
    };
    data.copy_from_slice(bytes);
    iocsr.phys_addr = addr;
    iocsr.len = len;
    iocsr.is_write = is_write.into();
    Ok(())
}

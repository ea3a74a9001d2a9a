//! What is wrong with a page that is no exit.

use core::fmt;

/// A field of the page holds what the kernel never writes.
///
/// The page stays as it is; its bytes can still be read through
/// [`RawExit::payload`](crate::RawExit::payload).
///
/// ```
/// use kvm_exit::{Field, Malformed, RunPage, kvm_sys::KVM_EXIT_MMIO};
///
/// let mut words = [0u64; RunPage::WORDS_4K];
/// let page = RunPage::from_words(&mut words)?;
/// page.set_exit_reason(KVM_EXIT_MMIO);
///
/// let error = page.decode().unwrap_err();
/// assert_eq!(error, Malformed { field: Field::MmioLen, value: 0, limit: 8 });
/// assert_eq!(error.to_string(), "KVM_EXIT_MMIO: len is 0, not 1 to 8");
/// # Ok::<(), kvm_exit::BadPage>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Malformed {
    /// The field.
    pub field: Field,
    /// What it holds.
    pub value: u64,
    /// What it may not pass, as [`Field`] says.
    pub limit: u32,
}

impl Malformed {
    #[cold]
    pub(crate) fn new(field: Field, value: u64, limit: u32) -> Self {
        Self {
            field,
            value,
            limit,
        }
    }
}

/// A field that can be [`Malformed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Field {
    /// `io.direction` is neither 0 (in) nor 1 (out); the limit is 1.
    IoDirection,
    /// `io.size` is not 1, 2 or 4 bytes; the limit is 4.
    IoSize,
    /// `io.count` is 0; the limit, a least value here, is 1.
    IoCount,
    /// `io.data_offset` is inside the run structure; the limit, a least value here, is the
    /// structure's length.
    IoDataOffset,
    /// The data, `io.size` × `io.count` bytes at `io.data_offset`, end past the page; the value is
    /// their end and the limit the length of the page. Both count from the start of `kvm_run`.
    IoDataEnd,
    /// `mmio.len` is not from 1 to 8 bytes; the limit is 8.
    MmioLen,
    /// `iocsr_io.len` is not from 1 to 8 bytes; the limit is 8.
    IocsrLen,
    /// The length of an entry of the ring of coalesced writes is not from 1 to 8 bytes; the limit is 8.
    CoalescedLen,
    /// `internal.ndata` is more words than there are; the limit is 16.
    InternalErrorNdata,
    /// `emulation_failure.insn_size` is more bytes than there are; the limit is 15.
    EmulationFailureInsnSize,
    /// `system_event.ndata` is more words than there are; the limit is 16.
    ///
    /// Kernels without `KVM_CAP_SYSTEM_EVENT_DATA` (before Linux 5.18) leave what an earlier exit
    /// wrote in this field, so on those a system event may come as malformed.
    SystemEventNdata,
}

impl Field {
    const fn name(self) -> &'static str {
        match self {
            Self::IoDirection => "KVM_EXIT_IO: direction",
            Self::IoSize => "KVM_EXIT_IO: size",
            Self::IoCount => "KVM_EXIT_IO: count",
            Self::IoDataOffset => "KVM_EXIT_IO: data_offset",
            Self::IoDataEnd => "KVM_EXIT_IO: data",
            Self::MmioLen => "KVM_EXIT_MMIO: len",
            Self::IocsrLen => "KVM_EXIT_LOONGARCH_IOCSR: len",
            Self::CoalescedLen => "coalesced write: len",
            Self::InternalErrorNdata => "KVM_EXIT_INTERNAL_ERROR: ndata",
            Self::EmulationFailureInsnSize => "KVM_EXIT_INTERNAL_ERROR: insn_size",
            Self::SystemEventNdata => "KVM_EXIT_SYSTEM_EVENT: ndata",
        }
    }
}

/// The exit and the field, by the kernel's names: `KVM_EXIT_MMIO: len`.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            value,
            limit,
        } = self;
        match field {
            Field::IoDirection => write!(f, "{field} is {value}, neither 0 nor {limit}"),
            Field::IoSize => write!(f, "{field} is {value}, not 1, 2 or {limit}"),
            Field::IoCount => write!(f, "{field} is {value}"),
            Field::IoDataOffset => write!(
                f,
                "{field} {value} is inside the run structure, which ends at {limit}"
            ),
            Field::IoDataEnd => write!(f, "{field} ends at {value}, past the page's {limit}"),
            Field::MmioLen | Field::IocsrLen | Field::CoalescedLen => {
                write!(f, "{field} is {value}, not 1 to {limit}")
            }
            Field::InternalErrorNdata
            | Field::EmulationFailureInsnSize
            | Field::SystemEventNdata => write!(f, "{field} is {value}, more than {limit}"),
        }
    }
}

impl core::error::Error for Malformed {}

//! The run page from byte 8 on.

use core::fmt;

use kvm_sys::ExitReason;
use zerocopy::{CastError, FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::arch::{Guest, GuestArch, Native, Parts};
use crate::decode::RawExit;
use crate::state::State;
use crate::{Exit, Malformed};

/// The [`Page`] of a vCPU of this host's KVM.
pub type RunPage = Page<Native>;

/// The bytes of a vCPU's mapping that are private to the vCPU (the `kvm_run` structure and the data
/// of port I/O that follow it), without the first eight.
///
/// Bytes 0 and 1, `request_interrupt_window` and `immediate_exit`, may be written by other threads
/// while the vCPU's thread looks at the rest. No reference can cover them, so a `Page` starts
/// past them, at [`OFFSET`](Self::OFFSET). Offsets in this crate's documentation and errors count
/// from byte 0 all the same.
///
/// Any bytes are a valid `Page`. It has all of zerocopy's traits, so its bytes are at hand
/// through `IntoBytes`, and an owned one through `FromZeros`.
///
/// ```
/// use kvm_exit::{RunPage, kvm_sys::SyncRegs};
///
/// let mut words = [0u64; RunPage::WORDS_4K];
/// let page = RunPage::from_words(&mut words)?;
///
/// page.set_valid_regs(SyncRegs::KVM_SYNC_X86_REGS);
/// page.sync_regs_mut().regs.rip += 2;
/// page.set_dirty_regs(SyncRegs::KVM_SYNC_X86_REGS);
/// page.set_cr8(1);
/// assert_eq!((page.sync_regs().regs.rip, page.cr8()), (2, 1));
/// # Ok::<(), kvm_exit::BadPage>(())
/// ```
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Page<A: GuestArch> {
    whole: A::Whole,
}

impl<A: GuestArch> Page<A> {
    /// Where a `Page` starts in the mapping, in bytes.
    pub const OFFSET: usize = 8;

    /// The length of the `kvm_run` structure in bytes, from byte 0. Data of port I/O lie past it.
    pub const STRUCT_LEN: usize = A::STRUCT_LEN;

    /// The words of a `Page` where the host's pages have 4096 bytes: the run page and the I/O
    /// page, 8192 bytes less [`OFFSET`](Self::OFFSET). For buffers that stand in for a mapping.
    pub const WORDS_4K: usize = (2 * 4096 - Self::OFFSET) / 8;

    /// The length of the slice that a `Page` ends in, where the mapping has `private_len` bytes
    /// (from byte 0) that are private to the vCPU; `None` when that is no whole number of words or
    /// too short for the run structure.
    ///
    /// This is the metadata of a `*mut Page`: a raw pointer to the page comes from
    /// [`cast`](Self::cast)ing one to a `[u64]` of this length that starts at
    /// [`OFFSET`](Self::OFFSET).
    ///
    /// ```
    /// use kvm_exit::RunPage;
    ///
    /// assert_eq!(RunPage::elements(8192), Some((8192 - 2352) / 8));
    /// assert_eq!(RunPage::elements(2352), Some(0));
    /// assert_eq!(RunPage::elements(2351), None);
    /// ```
    pub const fn elements(private_len: usize) -> Option<usize> {
        match private_len.checked_sub(Self::STRUCT_LEN) {
            Some(tail) if tail % 8 == 0 => Some(tail / 8),
            _ => None,
        }
    }

    /// The pointer as one to a page: with the same address, and the length as that of the slice that the
    /// page ends in.
    ///
    /// For whoever lends a mapping and never makes a reference to all of it.
    ///
    /// ```
    /// use kvm_exit::RunPage;
    ///
    /// let mut words = [0u64; RunPage::WORDS_4K];
    /// let start = words.as_mut_ptr();
    /// let elements = RunPage::elements(8192).unwrap();
    /// let page = RunPage::cast(std::ptr::slice_from_raw_parts_mut(start, elements));
    /// assert_eq!(page.cast::<u64>(), start);
    /// ```
    pub fn cast(words: *mut [u64]) -> *mut Self {
        A::whole(words) as *mut Self
    }

    /// The page in `bytes`, which start at byte 8 of `kvm_run` and end with the private bytes.
    ///
    /// # Errors
    ///
    /// [`BadPage`] when `bytes` are not aligned to 8, too short for the run structure, or no whole
    /// number of words.
    ///
    /// ```
    /// use kvm_exit::{BadPage, RunPage};
    /// use zerocopy::IntoBytes;
    ///
    /// let mut words = [0u64; RunPage::WORDS_4K];
    /// let bytes = words.as_mut_bytes();
    /// assert!(RunPage::from_bytes(bytes).is_ok());
    /// assert_eq!(RunPage::from_bytes(&mut bytes[4..]).unwrap_err(), BadPage::Misaligned);
    /// let error = RunPage::from_bytes(&mut bytes[..2000]).unwrap_err();
    /// assert_eq!(error, BadPage::Length { len: 2000, least: 2344 });
    /// ```
    pub fn from_bytes(bytes: &mut [u8]) -> Result<&mut Self, BadPage> {
        let len = bytes.len();
        Self::mut_from_bytes(bytes).map_err(|error| BadPage::new(error, len))
    }

    /// The page in `bytes`, to look at: [`from_bytes`](Self::from_bytes) without the writing.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_bytes_ref(bytes: &[u8]) -> Result<&Self, BadPage> {
        Self::ref_from_bytes(bytes).map_err(|error| BadPage::new(error, bytes.len()))
    }

    /// The page in `words`, which are aligned by their type.
    ///
    /// # Errors
    ///
    /// [`BadPage::Length`] when `words` are too few for the run structure.
    ///
    /// ```
    /// use kvm_exit::{Exit, RunPage};
    ///
    /// let mut words = [0u64; RunPage::WORDS_4K];
    /// let page = RunPage::from_words(&mut words)?;
    /// assert_eq!(page.decode(), Ok(Exit::Unknown(0)));
    /// # Ok::<(), kvm_exit::BadPage>(())
    /// ```
    pub fn from_words(words: &mut [u64]) -> Result<&mut Self, BadPage> {
        Self::from_bytes(words.as_mut_bytes())
    }

    /// Why `KVM_RUN` returned. Only holds after a `KVM_RUN` that returned 0 (or failed with
    /// `EFAULT` or `EHWPOISON` and says `KVM_EXIT_MEMORY_FAULT`).
    #[inline]
    pub fn exit_reason(&self) -> ExitReason {
        self.state().reason()
    }

    /// Sets the reason, for example to `KVM_EXIT_UNKNOWN` so that a stale one can't be taken for an
    /// exit.
    #[inline]
    pub fn set_exit_reason(&mut self, reason: ExitReason) {
        self.state_mut().set_reason(reason);
    }

    /// What stands before the exit.
    #[inline]
    pub fn state(&self) -> &A::State {
        A::parts(&self.whole).0
    }

    /// What stands before the exit, to be changed.
    #[inline]
    pub fn state_mut(&mut self) -> &mut A::State {
        A::parts_mut(&mut self.whole).state
    }

    /// What stands behind the exit: the synchronised registers.
    #[inline]
    pub fn sync(&self) -> &A::Sync {
        A::parts(&self.whole).1
    }

    /// What stands behind the exit, to be changed.
    #[inline]
    pub fn sync_mut(&mut self) -> &mut A::Sync {
        A::parts_mut(&mut self.whole).sync
    }

    /// The exit and what stands beside it, as borrows of disjoint parts of the page: registers can
    /// be read and written while an exit is being handled.
    ///
    /// ```
    /// use kvm_exit::{Exit, IoIn, RunPage};
    ///
    /// let mut words = [0u64; RunPage::WORDS_4K];
    /// let page = RunPage::from_words(&mut words)?;
    /// page.encode(&Exit::IoIn(IoIn { port: 0x60, size: 1, data: &mut [0] }))?;
    ///
    /// let (exit, beside) = page.split();
    /// if let Exit::IoIn(io) = exit.decode()? {
    ///     beside.state.cr8 = 3;
    ///     io.data.fill(0x1c);
    /// }
    /// assert_eq!(page.cr8(), 3);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn split(&mut self) -> (RawExit<'_, A>, Beside<'_, A>) {
        self.split_of(A::default())
    }

    #[inline(always)]
    fn split_of<G: Guest>(&mut self, guest: G) -> (RawExit<'_, G>, Beside<'_, A>) {
        let Parts {
            state,
            payload,
            sync,
            tail,
        } = A::parts_mut(&mut self.whole);
        let exit = RawExit {
            guest,
            reason: state.reason(),
            payload,
            tail,
        };
        (exit, Beside { state, sync })
    }

    pub(crate) fn raw_exit_of<G: Guest>(&mut self, guest: G) -> RawExit<'_, G> {
        self.split_of(guest).0
    }

    /// Why `KVM_RUN` returned, with its payload.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when the payload is none that the kernel writes.
    ///
    /// ```
    /// use kvm_exit::{Exit, RunPage, kvm_sys::KVM_EXIT_HLT};
    ///
    /// let mut words = [0u64; RunPage::WORDS_4K];
    /// let page = RunPage::from_words(&mut words)?;
    /// page.set_exit_reason(KVM_EXIT_HLT);
    /// assert_eq!(page.decode(), Ok(Exit::Hlt));
    /// # Ok::<(), kvm_exit::BadPage>(())
    /// ```
    #[inline(always)]
    pub fn decode(&mut self) -> Result<Exit<'_, A>, Malformed> {
        self.split().0.decode()
    }

    /// [`decode`](Self::decode) for the tightest loops: see [`RawExit::decode_with`].
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode); `f` is not called then.
    #[inline(always)]
    pub fn decode_with<'a, R>(
        &'a mut self,
        f: impl FnOnce(Exit<'a, A>) -> R,
    ) -> Result<R, Malformed> {
        self.split().0.decode_with(f)
    }

    pub(crate) fn all_parts(&mut self) -> Parts<'_, A> {
        A::parts_mut(&mut self.whole)
    }
}

/// What stands before the exit and the length, not two thousand words.
impl<A: GuestArch> fmt::Debug for Page<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("of", &A::ARCH)
            .field("state", self.state())
            .field("len", &(Self::OFFSET + self.as_bytes().len()))
            .finish_non_exhaustive()
    }
}

/// The parts of a page that are not the exit. Made by [`Page::split`].
#[derive(Debug)]
pub struct Beside<'a, A: GuestArch = Native> {
    /// The fields before the exit.
    pub state: &'a mut A::State,
    /// The synchronised registers.
    pub sync: &'a mut A::Sync,
}

/// Bytes that can't be a [`Page`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadPage {
    /// The bytes don't hold the run structure, or are no whole number of words.
    Length {
        /// How many bytes there are, from byte 8 of `kvm_run` on.
        len: usize,
        /// How many the run structure takes.
        least: usize,
    },
    /// The bytes are not aligned to 8.
    Misaligned,
}

impl BadPage {
    fn new<A: GuestArch, Source>(error: CastError<Source, Page<A>>, len: usize) -> Self {
        match error {
            CastError::Alignment(_) => Self::Misaligned,
            CastError::Size(_) => Self::Length {
                len,
                least: Page::<A>::STRUCT_LEN - Page::<A>::OFFSET,
            },
        }
    }
}

impl fmt::Display for BadPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { len, least } => write!(
                f,
                "a run page of {len} bytes: from byte 8 on it has at least {least}, in whole words"
            ),
            Self::Misaligned => f.write_str("a run page that is not aligned to 8 bytes"),
        }
    }
}

impl core::error::Error for BadPage {}

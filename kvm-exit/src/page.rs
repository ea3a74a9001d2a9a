//! The run page from byte 8 on.

use core::fmt;

use kvm_sys::{ExitReason, RunFlags, SyncRegs, kvm_run, kvm_sync_regs};
use zerocopy::{CastError, FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::decode::RawExit;
use crate::member::Union;
use crate::x86_64::SyncArea;
use crate::{Exit, Malformed};

/// The bytes of a vCPU's mapping that are private to the vCPU (the `kvm_run` structure and the data
/// of port I/O that follow it), without the first eight.
///
/// Bytes 0 and 1, `request_interrupt_window` and `immediate_exit`, may be written by other threads
/// while the vCPU's thread looks at the rest. No reference can cover them, so a `RunPage` starts
/// past them, at [`OFFSET`](Self::OFFSET). Offsets in this crate's documentation and errors count
/// from byte 0 all the same.
///
/// Any bytes are a valid `RunPage`. It has all of zerocopy's traits, so its bytes are at hand
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
pub struct RunPage {
    state: RunState,
    payload: Union,
    sync: SyncArea,
    tail: [u64],
}

const _: () = assert!(
    RunPage::OFFSET + size_of::<RunState>() + size_of::<Union>() + size_of::<SyncArea>()
        == RunPage::STRUCT_LEN
);

impl RunPage {
    /// Where a `RunPage` starts in the mapping, in bytes.
    pub const OFFSET: usize = 8;

    /// The length of the `kvm_run` structure in bytes, from byte 0. Data of port I/O lie past it.
    pub const STRUCT_LEN: usize = size_of::<kvm_run>();

    /// The words of a `RunPage` where the host's pages have 4096 bytes: the run page and the I/O
    /// page, 8192 bytes less [`OFFSET`](Self::OFFSET). For buffers that stand in for a mapping.
    pub const WORDS_4K: usize = (2 * 4096 - Self::OFFSET) / 8;

    /// The length of the slice that a `RunPage` ends in, where the mapping has `private_len` bytes
    /// (from byte 0) that are private to the vCPU; `None` when that is no whole number of words or
    /// too short for the run structure.
    ///
    /// This is the metadata of a `*mut RunPage`: a raw pointer to the page comes from casting one
    /// to a `[u64]` of this length that starts at [`OFFSET`](Self::OFFSET).
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
    /// assert_eq!(RunPage::from_bytes(&mut bytes[..2000]).unwrap_err(), BadPage::Length(2000));
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
        self.state.exit_reason
    }

    /// Sets the reason, for example to `KVM_EXIT_UNKNOWN` so that a stale one can't be taken for an
    /// exit.
    #[inline]
    pub fn set_exit_reason(&mut self, reason: ExitReason) {
        self.state.exit_reason = reason;
    }

    /// What the vCPU was doing when `KVM_RUN` returned.
    #[inline]
    pub fn flags(&self) -> RunFlags {
        self.state.flags
    }

    /// Whether the guest's interrupt flag was set. Only valid without an in-kernel local APIC.
    #[inline]
    pub fn if_flag(&self) -> bool {
        self.state.if_flag != 0
    }

    /// Whether an interrupt can be injected with `KVM_INTERRUPT` now. Only valid without an
    /// in-kernel local APIC.
    #[inline]
    pub fn ready_for_interrupt_injection(&self) -> bool {
        self.state.ready_for_interrupt_injection != 0
    }

    /// The task priority register, CR8. Only used without an in-kernel local APIC: written when
    /// `KVM_RUN` returns and read when it enters.
    #[inline]
    pub fn cr8(&self) -> u64 {
        self.state.cr8
    }

    /// Sets CR8 for the next `KVM_RUN`; without an in-kernel local APIC only.
    #[inline]
    pub fn set_cr8(&mut self, cr8: u64) {
        self.state.cr8 = cr8;
    }

    /// The `IA32_APIC_BASE` register. Only valid without an in-kernel local APIC: written when
    /// `KVM_RUN` returns.
    #[inline]
    pub fn apic_base(&self) -> u64 {
        self.state.apic_base
    }

    /// Sets `apic_base`. The API calls it an input too, but current kernels only take the register
    /// from `KVM_SET_SREGS` and `KVM_SET_MSRS`.
    #[inline]
    pub fn set_apic_base(&mut self, apic_base: u64) {
        self.state.apic_base = apic_base;
    }

    /// The register sets that `KVM_RUN` copies to the page when it returns.
    #[inline]
    pub fn valid_regs(&self) -> SyncRegs {
        self.sync.valid
    }

    /// Asks for these sets at each return of `KVM_RUN`, from the next one on. Those that
    /// `KVM_CHECK_EXTENSION(KVM_CAP_SYNC_REGS)` does not list make `KVM_RUN` fail with `EINVAL`.
    #[inline]
    pub fn set_valid_regs(&mut self, sets: SyncRegs) {
        self.sync.valid = sets;
    }

    /// The register sets that the next `KVM_RUN` takes from the page before it enters.
    #[inline]
    pub fn dirty_regs(&self) -> SyncRegs {
        self.sync.dirty
    }

    /// Has the next `KVM_RUN` take these sets from the page. The kernel clears the field when it
    /// has.
    #[inline]
    pub fn set_dirty_regs(&mut self, sets: SyncRegs) {
        self.sync.dirty = sets;
    }

    /// The synchronised registers; those in [`valid_regs`](Self::valid_regs) are the guest's.
    #[inline]
    pub fn sync_regs(&self) -> &kvm_sync_regs {
        &self.sync.regs
    }

    /// The synchronised registers, to be changed; [`set_dirty_regs`](Self::set_dirty_regs) says
    /// which were.
    #[inline]
    pub fn sync_regs_mut(&mut self) -> &mut kvm_sync_regs {
        &mut self.sync.regs
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
    pub fn split(&mut self) -> (RawExit<'_>, Beside<'_>) {
        let exit = RawExit {
            reason: self.state.exit_reason,
            payload: &mut self.payload,
            tail: &mut self.tail,
        };
        let beside = Beside {
            state: &mut self.state,
            sync: &mut self.sync,
        };
        (exit, beside)
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
    pub fn decode(&mut self) -> Result<Exit<'_>, Malformed> {
        self.split().0.decode()
    }

    /// [`decode`](Self::decode) for the tightest loops: see [`RawExit::decode_with`].
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode); `f` is not called then.
    #[inline(always)]
    pub fn decode_with<'a, R>(&'a mut self, f: impl FnOnce(Exit<'a>) -> R) -> Result<R, Malformed> {
        self.split().0.decode_with(f)
    }

    pub(crate) fn encode_parts(&mut self) -> (&mut RunState, &mut Union, &mut [u8]) {
        (&mut self.state, &mut self.payload, self.tail.as_mut_bytes())
    }
}

/// The reason and the length, not two thousand words.
impl fmt::Debug for RunPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunPage")
            .field("state", &self.state)
            .field("valid_regs", &self.sync.valid)
            .field("dirty_regs", &self.sync.dirty)
            .field("len", &(Self::OFFSET + self.as_bytes().len()))
            .finish_non_exhaustive()
    }
}

/// What `kvm_run` holds before its exit union, from byte 8 to byte 32.
///
/// The methods of [`RunPage`] say what each field means; here they are as the kernel lays them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RunState {
    /// See [`RunPage::exit_reason`].
    pub exit_reason: ExitReason,
    /// See [`RunPage::ready_for_interrupt_injection`].
    pub ready_for_interrupt_injection: u8,
    /// See [`RunPage::if_flag`].
    pub if_flag: u8,
    /// See [`RunPage::flags`].
    pub flags: RunFlags,
    /// See [`RunPage::cr8`].
    pub cr8: u64,
    /// See [`RunPage::apic_base`].
    pub apic_base: u64,
}

/// The parts of a page that are not the exit. Made by [`RunPage::split`].
#[derive(Debug)]
pub struct Beside<'a> {
    /// The fields before the exit.
    pub state: &'a mut RunState,
    /// The synchronised registers.
    pub sync: &'a mut SyncArea,
}

/// Bytes that can't be a [`RunPage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadPage {
    /// This many bytes (from byte 8 of `kvm_run`) don't hold the run structure, or are no whole
    /// number of words.
    Length(usize),
    /// The bytes are not aligned to 8.
    Misaligned,
}

impl BadPage {
    fn new<Source>(error: CastError<Source, RunPage>, len: usize) -> Self {
        match error {
            CastError::Alignment(_) => Self::Misaligned,
            CastError::Size(_) => Self::Length(len),
        }
    }
}

impl fmt::Display for BadPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(len) => write!(
                f,
                "a run page of {len} bytes: from byte {} on it has at least {}, in whole words",
                RunPage::OFFSET,
                RunPage::STRUCT_LEN - RunPage::OFFSET,
            ),
            Self::Misaligned => f.write_str("a run page that is not aligned to 8 bytes"),
        }
    }
}

impl core::error::Error for BadPage {}

//! Whose page it is: the architecture of the guest, as a type or as a value.

use core::fmt;

use kvm_sys::Arch;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::encode::Unencodable;
use crate::member::Union;
use crate::state::State;
use crate::{
    Aarch64, Aarch64Debug, DebugExit, Loongarch64, Mips64el, MipsDebug, Powerpc64le, PowerpcDebug,
    Riscv64, S390Debug, S390x, X86_64,
};

/// The architecture of this host and the guests that its KVM runs: what [`Exit`](crate::Exit) and
/// [`RunPage`](crate::RunPage) are of if nothing else is said. As [`Arch::NATIVE`], [`X86_64`] where
/// there is no KVM.
pub type Native = native::Native;

mod native {
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    pub(super) use crate::Aarch64 as Native;
    #[cfg(target_arch = "loongarch64")]
    pub(super) use crate::Loongarch64 as Native;
    #[cfg(all(target_arch = "mips64", target_endian = "little"))]
    pub(super) use crate::Mips64el as Native;
    #[cfg(all(target_arch = "powerpc64", target_endian = "little"))]
    pub(super) use crate::Powerpc64le as Native;
    #[cfg(target_arch = "riscv64")]
    pub(super) use crate::Riscv64 as Native;
    #[cfg(target_arch = "s390x")]
    pub(super) use crate::S390x as Native;
    #[cfg(not(any(
        all(target_arch = "aarch64", target_endian = "little"),
        target_arch = "loongarch64",
        all(target_arch = "mips64", target_endian = "little"),
        all(target_arch = "powerpc64", target_endian = "little"),
        target_arch = "riscv64",
        target_arch = "s390x",
    )))]
    pub(super) use crate::X86_64 as Native;
}

const _: () = assert!(<Native as GuestArch>::ARCH as u8 == Arch::NATIVE as u8);

/// The architecture of a guest: a type that implements [`GuestArch`], or an [`Arch`] where it is
/// known at run time only.
///
/// Exits differ in one payload. All else is the same everywhere, though many exits have one
/// architecture that causes them.
pub trait Guest: Copy + fmt::Debug + Eq + Send + Sync + sealed::Sealed + 'static {
    /// The payload of `KVM_EXIT_DEBUG`.
    type Debug: Copy + fmt::Debug + fmt::Display + Eq + Send + Sync + 'static;

    #[doc(hidden)]
    fn decode_debug(self, payload: &mut Union) -> Self::Debug;

    #[doc(hidden)]
    fn encode_debug(debug: &Self::Debug, payload: &mut Union);

    /// The length of the `kvm_run` structure in bytes.
    fn struct_len(self) -> u32;
}

/// The architecture of a guest as a type.
///
/// ```
/// use kvm_exit::{Aarch64, ArmNisv, Exit, Page};
///
/// let mut words = [0u64; Page::<Aarch64>::WORDS_4K];
/// let page = Page::<Aarch64>::from_words(&mut words)?;
/// page.encode(&Exit::ArmNisv(ArmNisv { esr_iss: 0x40, fault_ipa: 0x900_0000 }))?;
/// page.sync_mut().device_irq_level = 1;
/// assert_eq!(page.decode()?.to_string(), "arm nisv 0x9000000 iss 0x40");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub trait GuestArch: Guest + Default {
    /// The same as a value.
    const ARCH: Arch;

    /// The length of the `kvm_run` structure in bytes.
    const STRUCT_LEN: usize;

    /// What stands before the exit.
    type State: State + fmt::Debug;

    /// What stands behind it: the synchronised registers.
    type Sync: fmt::Debug;

    #[doc(hidden)]
    type Whole: ?Sized + FromBytes + IntoBytes + Immutable + KnownLayout;

    #[doc(hidden)]
    fn whole(words: *mut [u64]) -> *mut Self::Whole;

    #[doc(hidden)]
    fn parts(whole: &Self::Whole) -> (&Self::State, &Self::Sync);

    #[doc(hidden)]
    fn parts_mut(whole: &mut Self::Whole) -> Parts<'_, Self>;
}

/// The parts of a page.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "not part of the interface")]
pub struct Parts<'a, A: GuestArch> {
    pub state: &'a mut A::State,
    pub payload: &'a mut Union,
    pub sync: &'a mut A::Sync,
    pub tail: &'a mut [u64],
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// The type that stands for an architecture, and the layout of its page: written out for each, since
/// only of a concrete type can the absence of padding be proved.
macro_rules! architecture {
    ($(#[$doc:meta])* $name:ident: $state:ident, $sync:ident, $debug:ident;) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl crate::arch::sealed::Sealed for $name {}

        impl crate::arch::Guest for $name {
            type Debug = $debug;

            fn decode_debug(self, payload: &mut crate::member::Union) -> $debug {
                $debug::decode(payload)
            }

            fn encode_debug(debug: &$debug, payload: &mut crate::member::Union) {
                debug.encode(payload);
            }

            #[inline(always)]
            fn struct_len(self) -> u32 {
                const { crate::arch::small(<Self as crate::arch::GuestArch>::STRUCT_LEN) }
            }
        }

        const _: () = {
            #[derive(
                zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout,
            )]
            #[repr(C)]
            #[expect(missing_debug_implementations, reason = "not part of the interface")]
            pub struct Whole {
                state: $state,
                payload: crate::member::Union,
                sync: $sync,
                tail: [u64],
            }

            impl crate::arch::GuestArch for $name {
                const ARCH: kvm_sys::Arch = kvm_sys::Arch::$name;

                const STRUCT_LEN: usize = 8
                    + size_of::<$state>()
                    + size_of::<crate::member::Union>()
                    + size_of::<$sync>();

                type State = $state;
                type Sync = $sync;
                type Whole = Whole;

                #[inline(always)]
                fn whole(words: *mut [u64]) -> *mut Whole {
                    words as *mut Whole
                }

                #[inline(always)]
                fn parts(whole: &Whole) -> (&$state, &$sync) {
                    (&whole.state, &whole.sync)
                }

                #[inline(always)]
                fn parts_mut(whole: &mut Whole) -> crate::arch::Parts<'_, Self> {
                    crate::arch::Parts {
                        state: &mut whole.state,
                        payload: &mut whole.payload,
                        sync: &mut whole.sync,
                        tail: &mut whole.tail,
                    }
                }
            }
        };
    };
}

/// The bytes of the area for synchronised registers that registers of this size leave.
macro_rules! sync_rest {
    ($used:expr) => {
        [u8; size_of::<kvm_sys::kvm_run_s>() - $used]
    };
}

pub(crate) use {architecture, sync_rest};

/// The length of a structure, as errors carry it.
#[expect(clippy::cast_possible_truncation, reason = "checked in this function")]
pub(crate) const fn small(len: usize) -> u32 {
    assert!(len <= 4096);
    len as u32
}

/// The payload of `KVM_EXIT_DEBUG` where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDebug;

impl NoDebug {
    pub(crate) fn decode(_: &mut Union) -> Self {
        Self
    }

    pub(crate) fn encode(self, _: &mut Union) {}
}

impl fmt::Display for NoDebug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("event")
    }
}

/// The area for synchronised registers where the architecture has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SyncWords {
    /// Not used; 0.
    pub valid: u64,
    /// Not used; 0.
    pub dirty: u64,
    /// Not used.
    pub words: [u64; 256],
}

macro_rules! architectures {
    ($($name:ident($debug:ty)),* $(,)?) => {
        impl Guest for Arch {
            type Debug = AnyDebug;

            fn decode_debug(self, payload: &mut Union) -> AnyDebug {
                match self {
                    $(Self::$name => AnyDebug::$name($name.decode_debug(payload)),)*
                }
            }

            fn encode_debug(debug: &AnyDebug, payload: &mut Union) {
                match debug {
                    $(AnyDebug::$name(debug) => $name::encode_debug(debug, payload),)*
                }
            }

            fn struct_len(self) -> u32 {
                match self {
                    $(Self::$name => $name.struct_len(),)*
                }
            }
        }

        /// The payload of `KVM_EXIT_DEBUG` of any architecture.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum AnyDebug {
            $(#[doc = concat!("Of [`", stringify!($name), "`](crate::", stringify!($name), ").")] $name($debug),)*
        }

        impl AnyDebug {
            /// Whose it is.
            pub const fn arch(&self) -> Arch {
                match self {
                    $(Self::$name(_) => Arch::$name,)*
                }
            }
        }

        impl fmt::Display for AnyDebug {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name(debug) => debug.fmt(f),)*
                }
            }
        }

        /// A [`Page`](crate::Page) of an architecture that is known at run time only: for tools
        /// that read pages of any. What stands beside the exit is reached by matching on it.
        ///
        /// ```
        /// use kvm_exit::{AnyPage, kvm_sys::Arch};
        ///
        /// /// A line for the log; `words` are a page from byte 8 on.
        /// fn line(of: Arch, words: &mut [u64]) -> Result<String, Box<dyn core::error::Error>> {
        ///     Ok(AnyPage::from_words(of, words)?.decode()?.to_string())
        /// }
        ///
        /// let mut words = [0; AnyPage::WORDS_4K];
        /// words[0] = 5;
        /// assert_eq!(line(Arch::S390x, &mut words)?, "hlt");
        /// # Ok::<(), Box<dyn core::error::Error>>(())
        /// ```
        #[derive(Debug)]
        #[non_exhaustive]
        pub enum AnyPage<'a> {
            $(#[doc = concat!("Of [`", stringify!($name), "`](crate::", stringify!($name), ").")]
            $name(&'a mut crate::Page<$name>),)*
        }

        impl<'a> AnyPage<'a> {
            /// As [`Page::WORDS_4K`](crate::Page::WORDS_4K), which is the same for all.
            pub const WORDS_4K: usize = crate::RunPage::WORDS_4K;

            /// The page of this architecture in `bytes`, as
            /// [`Page::from_bytes`](crate::Page::from_bytes).
            ///
            /// # Errors
            ///
            /// As there.
            pub fn from_bytes(of: Arch, bytes: &'a mut [u8]) -> Result<Self, crate::BadPage> {
                match of {
                    $(Arch::$name => crate::Page::from_bytes(bytes).map(Self::$name),)*
                }
            }

            /// Whose page it is.
            pub fn arch(&self) -> Arch {
                match self {
                    $(Self::$name(_) => Arch::$name,)*
                }
            }

            /// As [`Page::exit_reason`](crate::Page::exit_reason).
            pub fn exit_reason(&self) -> kvm_sys::ExitReason {
                match self {
                    $(Self::$name(page) => page.exit_reason(),)*
                }
            }

            /// The exit part of the page.
            pub fn raw_exit(&mut self) -> crate::RawExit<'_, Arch> {
                let guest = self.arch();
                match self {
                    $(Self::$name(page) => page.raw_exit_of(guest),)*
                }
            }

            /// As [`Page::encode`](crate::Page::encode).
            ///
            /// # Errors
            ///
            /// As there; [`Unencodable::Arch`] for the debug payload of another architecture.
            pub fn encode(
                &mut self,
                exit: &crate::Exit<'_, Arch>,
            ) -> Result<(), Unencodable> {
                match exit {
                    crate::Exit::Debug(debug) if debug.arch() != self.arch() => {
                        return Err(Unencodable::Arch);
                    }
                    _ => {}
                }
                match self {
                    $(Self::$name(page) => page.encode_of(exit),)*
                }
            }
        }
    };
}

architectures! {
    Aarch64(Aarch64Debug),
    Loongarch64(NoDebug),
    Mips64el(MipsDebug),
    Powerpc64le(PowerpcDebug),
    Riscv64(NoDebug),
    S390x(S390Debug),
    X86_64(DebugExit),
}

impl sealed::Sealed for Arch {}

impl<'a> AnyPage<'a> {
    /// The page of this architecture in `words`, which are aligned by their type.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_words(of: Arch, words: &'a mut [u64]) -> Result<Self, crate::BadPage> {
        Self::from_bytes(of, words.as_mut_bytes())
    }

    /// As [`Page::decode`](crate::Page::decode).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn decode(&mut self) -> Result<crate::Exit<'_, Arch>, crate::Malformed> {
        self.raw_exit().decode()
    }
}

//! The run page of a KVM vCPU, decoded and encoded in place.
//!
//! `KVM_RUN` reports why it returned in a page that the kernel shares with user space. A
//! [`RunPage`] is that page from byte 8 on, and [`RunPage::decode`] turns it into an [`Exit`]:
//! every exit that KVM has, each with its whole payload, and replies that are `&mut` into the page.
//! What the page holds is not trusted: any bytes give an exit or a [`Malformed`] that says which
//! field is wrong, so a page from a recording, a fuzzer or a model is as welcome as one from the
//! kernel.
//!
//! ```
//! use kvm_exit::{Exit, IoOut, RunPage};
//!
//! let mut words = [0u64; RunPage::WORDS_4K];
//! let page = RunPage::from_words(&mut words)?;
//! page.encode(&Exit::IoOut(IoOut { port: 0x3f8, size: 1, data: b"Hi" }))?;
//!
//! let exit = page.decode()?;
//! assert_eq!(exit.to_string(), "io out 0x3f8 <- 48 69");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! A `RunPage` is of a guest of this host. A [`Page`] is of any architecture, chosen by a type such as
//! [`Aarch64`]; an [`AnyPage`] where the architecture is known at run time only.
//!
//! The crate makes no system call and has no `unsafe`; it needs neither Linux nor an allocator.
//! Pages decode in the byte order of the host. "API" in these pages is the kernel's [API
//! document](https://docs.kernel.org/virt/kvm/api.html); the exits are in its section 5, "The
//! kvm_run structure".
#![no_std]
#![forbid(unsafe_code)]

mod arch;
mod arm;
mod coalesced;
mod decode;
mod dirty;
mod display;
mod encode;
mod exit;
mod fault;
mod hypercall;
mod hyperv;
mod io;
mod loongarch;
mod malformed;
mod member;
mod mips;
mod mmio;
mod msr;
mod other;
mod page;
mod powerpc;
mod riscv;
mod s390;
mod snp;
mod state;
mod system;
mod tdx;
mod x86_64;
mod xen;

pub use arch::{AnyDebug, AnyPage, Guest, GuestArch, Native, NoDebug, SyncWords};
pub use arm::{Aarch64, Aarch64Debug, Aarch64Sync, ArmLdst64b, ArmNisv, ArmSea};
pub use coalesced::{CoalescedRing, CoalescedWrite};
pub use decode::RawExit;
pub use dirty::{DirtyPage, DirtyRing};
pub use encode::Unencodable;
pub use exit::Exit;
pub use fault::{EmulationFailure, Exception, FailEntry, InternalError, MemoryFault};
pub use hypercall::Hypercall;
pub use hyperv::{Hyperv, HypervHcall, HypervOther, HypervSyndbg, HypervSynic};
pub use io::{IoIn, IoOut};
pub use loongarch::{IocsrRead, IocsrWrite, Loongarch64};
pub use malformed::{Field, Malformed};
pub use mips::{Mips64el, MipsDebug};
pub use mmio::{MmioRead, MmioWrite};
pub use msr::{MsrRead, MsrWrite};
pub use other::Other;
pub use page::{BadPage, Beside, Page, RunPage};
pub use powerpc::{DcrRead, DcrWrite, Epr, Osi, PaprHcall, Powerpc64le, PowerpcDebug};
pub use riscv::{Riscv64, RiscvCsr, RiscvSbi};
pub use s390::{
    S390Debug, S390Sieic, S390State, S390Stsi, S390Sync, S390Tsch, S390Ucontrol, S390x,
};
pub use snp::SnpReqCerts;
pub use state::PlainState;
pub use system::SystemEvent;
pub use tdx::{Tdx, TdxCall, TdxGetQuote, TdxOther, TdxSetupEventNotify, TdxVmCallInfo};
pub use x86_64::{DebugExit, RunState, SyncArea, TprAccess, X86_64};
pub use xen::{Xen, XenHcall, XenOther};

pub use kvm_sys;

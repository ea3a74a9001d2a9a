//! From an exit to a page.

use core::fmt;

use kvm_sys::{kvm_run_eoi, kvm_run_hw, kvm_run_notify};

use crate::arch::{Guest, GuestArch, Parts};
use crate::decode::has_variant;
use crate::member::Member;
use crate::page::Page;
use crate::powerpc::encode_dcr;
use crate::state::State;
use crate::{Exit, Malformed, io, loongarch, mmio};

impl<A: GuestArch> Page<A> {
    /// Writes the exit into the page, so that [`decode`](Self::decode) gives the same: the part of
    /// the kernel, for mocks and tests. The rest of the exit union becomes 0; what stands beside it
    /// stays.
    ///
    /// The data of port I/O go to the start of the second page of 4096 bytes, or right behind the
    /// run structure if they don't fit there.
    ///
    /// # Errors
    ///
    /// [`Unencodable`] when no page can say this. The exit union is undefined then; the reason is
    /// unchanged.
    ///
    /// ```
    /// use kvm_exit::{Exit, MmioRead, RunPage};
    ///
    /// let mut words = [0u64; RunPage::WORDS_4K];
    /// let page = RunPage::from_words(&mut words)?;
    /// page.encode(&Exit::MmioRead(MmioRead { addr: 0xd000_0000, data: &mut [0; 4] }))?;
    /// assert_eq!(page.decode()?.to_string(), "mmio read 0xd0000000 len 4");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn encode(&mut self, exit: &Exit<'_, A>) -> Result<(), Unencodable> {
        self.encode_of(exit)
    }

    pub(crate) fn encode_of<G: Guest>(&mut self, exit: &Exit<'_, G>) -> Result<(), Unencodable> {
        let reason = exit.reason().ok_or(Unencodable::NoExit)?;
        let Parts {
            state,
            payload,
            tail,
            ..
        } = self.all_parts();
        payload.fill(0);
        match exit {
            Exit::IoIn(io) => io::encode::<A>(payload, tail, false, io.port, io.size, io.data)?,
            Exit::IoOut(io) => io::encode::<A>(payload, tail, true, io.port, io.size, io.data)?,
            Exit::MmioRead(mmio) => mmio::encode(payload, false, mmio.addr, mmio.data)?,
            Exit::MmioWrite(mmio) => mmio::encode(payload, true, mmio.addr, mmio.data)?,
            Exit::Debug(debug) => G::encode_debug(debug, payload),
            Exit::Hypercall(hypercall) => hypercall.encode(payload),
            Exit::X86Rdmsr(msr) => msr.encode(payload),
            Exit::X86Wrmsr(msr) => msr.encode(payload),
            Exit::FailEntry(failure) => failure.encode(payload),
            Exit::TprAccess(access) => access.encode(payload),
            Exit::Exception(exception) => exception.encode(payload),
            Exit::InternalError(error) => error.encode(payload)?,
            Exit::SystemEvent(event) => event.encode(payload)?,
            Exit::IoapicEoi(vector) => kvm_run_eoi::of(payload).vector = *vector,
            Exit::Hyperv(hyperv) => hyperv.encode(payload)?,
            Exit::Xen(xen) => xen.encode(payload)?,
            Exit::Notify(flags) => kvm_run_notify::of(payload).flags = *flags,
            Exit::MemoryFault(fault) => fault.encode(payload),
            Exit::Tdx(tdx) => tdx.encode(payload)?,
            Exit::SnpReqCerts(request) => request.encode(payload),
            Exit::ArmNisv(access) => access.encode(payload),
            Exit::ArmLdst64b(access) => access.encode(payload),
            Exit::ArmSea(abort) => abort.encode(payload),
            Exit::RiscvSbi(call) => call.encode(payload),
            Exit::RiscvCsr(access) => access.encode(payload),
            Exit::IocsrRead(iocsr) => loongarch::encode(payload, false, iocsr.addr, iocsr.data)?,
            Exit::IocsrWrite(iocsr) => loongarch::encode(payload, true, iocsr.addr, iocsr.data)?,
            Exit::DcrRead(dcr) => encode_dcr(payload, false, dcr.dcrn, *dcr.data),
            Exit::DcrWrite(dcr) => encode_dcr(payload, true, dcr.dcrn, dcr.data),
            Exit::Osi(osi) => osi.encode(payload),
            Exit::PaprHcall(call) => call.encode(payload),
            Exit::Epr(epr) => epr.encode(payload),
            Exit::S390Sieic(intercept) => intercept.encode(payload),
            Exit::S390Reset(flags) => {
                let [first, ..] = payload;
                *first = *flags;
            }
            Exit::S390Ucontrol(fault) => fault.encode(payload),
            Exit::S390Tsch(tsch) => tsch.encode(payload),
            Exit::S390Stsi(stsi) => stsi.encode(payload),
            Exit::Unknown(hardware) => kvm_run_hw::of(payload).hardware_exit_reason = *hardware,
            Exit::Other(_) if has_variant(reason, payload) => return Err(Unencodable::Known),
            Exit::Other(other) => other.encode(payload),
            Exit::Hlt
            | Exit::IrqWindowOpen
            | Exit::Shutdown
            | Exit::Intr
            | Exit::SetTpr
            | Exit::Nmi
            | Exit::DirtyRingFull
            | Exit::ApResetHold
            | Exit::X86BusLock
            | Exit::Watchdog
            | Exit::Interrupted
            | Exit::Again => {}
        }
        state.set_reason(reason);
        Ok(())
    }
}

/// An exit that no page can say.
///
/// ```
/// use kvm_exit::{Exit, RunPage, Unencodable};
///
/// let mut words = [0u64; RunPage::WORDS_4K];
/// let page = RunPage::from_words(&mut words)?;
/// assert_eq!(page.encode(&Exit::Interrupted), Err(Unencodable::NoExit));
/// # Ok::<(), kvm_exit::BadPage>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unencodable {
    /// [`Exit::Interrupted`] and [`Exit::Again`] are failures of `KVM_RUN`, which write no exit.
    NoExit,
    /// A field holds what decoding refuses.
    Malformed(Malformed),
    /// Data of port I/O that are no whole number of accesses, or none, or more than the page has
    /// room for.
    Data {
        /// Their length in bytes.
        len: usize,
        /// The width of one access in bytes.
        unit: u8,
    },
    /// An `Other` with the number of something that has a variant of its own, which decoding would
    /// give.
    Known,
    /// The debug payload of an architecture that the page is not of.
    Arch,
}

impl From<Malformed> for Unencodable {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl fmt::Display for Unencodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoExit => f.write_str("a failed KVM_RUN writes no exit"),
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::Data { len, unit } => write!(
                f,
                "KVM_EXIT_IO: {len} bytes of data are no accesses of {unit} that fit the page"
            ),
            Self::Arch => f.write_str("the debug payload of another architecture"),
            Self::Known => f.write_str("an Other with the number of what has a variant of its own"),
        }
    }
}

impl core::error::Error for Unencodable {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(malformed) => Some(malformed),
            _ => None,
        }
    }
}

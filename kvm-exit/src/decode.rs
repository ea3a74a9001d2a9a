//! From a page to an exit.

use core::convert::identity;
use core::fmt;

use kvm_sys::{
    ExitReason, KVM_EXIT_AP_RESET_HOLD, KVM_EXIT_ARM_LDST64B, KVM_EXIT_ARM_NISV, KVM_EXIT_ARM_SEA,
    KVM_EXIT_DCR, KVM_EXIT_DEBUG, KVM_EXIT_DIRTY_RING_FULL, KVM_EXIT_EPR, KVM_EXIT_EXCEPTION,
    KVM_EXIT_FAIL_ENTRY, KVM_EXIT_HLT, KVM_EXIT_HYPERCALL, KVM_EXIT_HYPERV,
    KVM_EXIT_INTERNAL_ERROR, KVM_EXIT_INTR, KVM_EXIT_IO, KVM_EXIT_IOAPIC_EOI,
    KVM_EXIT_IRQ_WINDOW_OPEN, KVM_EXIT_LOONGARCH_IOCSR, KVM_EXIT_MEMORY_FAULT, KVM_EXIT_MMIO,
    KVM_EXIT_NMI, KVM_EXIT_NOTIFY, KVM_EXIT_OSI, KVM_EXIT_PAPR_HCALL, KVM_EXIT_RISCV_CSR,
    KVM_EXIT_RISCV_SBI, KVM_EXIT_S390_RESET, KVM_EXIT_S390_SIEIC, KVM_EXIT_S390_STSI,
    KVM_EXIT_S390_TSCH, KVM_EXIT_S390_UCONTROL, KVM_EXIT_SET_TPR, KVM_EXIT_SHUTDOWN,
    KVM_EXIT_SNP_REQ_CERTS, KVM_EXIT_SYSTEM_EVENT, KVM_EXIT_TDX, KVM_EXIT_TPR_ACCESS,
    KVM_EXIT_UNKNOWN, KVM_EXIT_WATCHDOG, KVM_EXIT_X86_BUS_LOCK, KVM_EXIT_X86_RDMSR,
    KVM_EXIT_X86_WRMSR, KVM_EXIT_XEN, kvm_run_eoi, kvm_run_hw, kvm_run_notify,
};
use zerocopy::transmute_ref;

use crate::arch::{Guest, Native};
use crate::member::{Member, Union};
use crate::powerpc::DcrAccess;
use crate::{
    ArmLdst64b, ArmNisv, ArmSea, DcrRead, DcrWrite, Epr, Exception, Exit, FailEntry, Hypercall,
    Hyperv, InternalError, IocsrRead, IocsrWrite, Malformed, MemoryFault, MmioRead, MmioWrite,
    MsrRead, MsrWrite, Osi, Other, PaprHcall, RiscvCsr, RiscvSbi, S390Sieic, S390Stsi, S390Tsch,
    S390Ucontrol, SnpReqCerts, SystemEvent, Tdx, TprAccess, Xen, io, loongarch, mmio,
};

/// The exit part of a page before it is decoded. Made by [`Page::split`](crate::Page::split).
pub struct RawExit<'a, G: Guest = Native> {
    pub(crate) guest: G,
    pub(crate) reason: ExitReason,
    pub(crate) payload: &'a mut Union,
    pub(crate) tail: &'a mut [u64],
}

impl<'a, G: Guest> RawExit<'a, G> {
    /// The number of the exit.
    pub fn reason(&self) -> ExitReason {
        self.reason
    }

    /// The exit union as it is.
    pub fn payload(&self) -> &[u8; 256] {
        transmute_ref!(&*self.payload)
    }

    /// The exit with its payload.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when the payload is none that the kernel writes.
    #[inline(always)]
    pub fn decode(self) -> Result<Exit<'a, G>, Malformed> {
        self.decode_with(identity)
    }

    /// Calls `f` with the exit: [`decode`](Self::decode) for the tightest loops. `f` is compiled
    /// into the arm of each frequent exit (port I/O and MMIO), where its `match` falls away, and
    /// once for all others; that takes room and spares instructions.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode); `f` is not called then.
    ///
    /// ```
    /// use kvm_exit::{Exit, IoOut, RunPage};
    ///
    /// let mut words = [0u64; RunPage::WORDS_4K];
    /// let page = RunPage::from_words(&mut words)?;
    /// page.encode(&Exit::IoOut(IoOut { port: 0x3f8, size: 1, data: b"A" }))?;
    ///
    /// let printed = page.decode_with(|exit| match exit {
    ///     Exit::IoOut(io) => io.data.first().copied(),
    ///     _ => None,
    /// })?;
    /// assert_eq!(printed, Some(b'A'));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn decode_with<R>(self, f: impl FnOnce(Exit<'a, G>) -> R) -> Result<R, Malformed> {
        self.decode_then(
            #[inline(always)]
            |exit| exit.map(f),
        )
    }

    /// Calls `f` with the exit or what is malformed: [`decode_with`](Self::decode_with) for callers
    /// whose own result has room for the error, which spares the conversion.
    #[inline(always)]
    pub fn decode_then<R>(self, f: impl FnOnce(Result<Exit<'a, G>, Malformed>) -> R) -> R {
        match self.reason {
            KVM_EXIT_IO => io::decode_then(self.payload, self.tail, self.guest.struct_len(), f),
            KVM_EXIT_MMIO => match mmio::Access::decode(self.payload) {
                Ok(mmio::Access {
                    addr,
                    is_write: true,
                    data,
                }) => f(Ok(Exit::MmioWrite(MmioWrite { addr, data }))),
                Ok(mmio::Access {
                    addr,
                    is_write: false,
                    data,
                }) => f(Ok(Exit::MmioRead(MmioRead { addr, data }))),
                Err(malformed) => f(Err(malformed)),
            },
            reason => f(rare(self.guest, reason, self.payload)),
        }
    }
}

/// The exits that are worth a call.
#[cold]
#[inline(never)]
fn rare<G: Guest>(
    guest: G,
    reason: ExitReason,
    payload: &mut Union,
) -> Result<Exit<'_, G>, Malformed> {
    Ok(match reason {
        KVM_EXIT_UNKNOWN => Exit::Unknown(kvm_run_hw::of(payload).hardware_exit_reason),
        KVM_EXIT_EXCEPTION => Exit::Exception(Exception::decode(payload)),
        KVM_EXIT_HYPERCALL => Exit::Hypercall(Hypercall::decode(payload)),
        KVM_EXIT_DEBUG => Exit::Debug(guest.decode_debug(payload)),
        KVM_EXIT_HLT => Exit::Hlt,
        KVM_EXIT_IRQ_WINDOW_OPEN => Exit::IrqWindowOpen,
        KVM_EXIT_SHUTDOWN => Exit::Shutdown,
        KVM_EXIT_FAIL_ENTRY => Exit::FailEntry(FailEntry::decode(payload)),
        KVM_EXIT_INTR => Exit::Intr,
        KVM_EXIT_SET_TPR => Exit::SetTpr,
        KVM_EXIT_TPR_ACCESS => Exit::TprAccess(TprAccess::decode(payload)),
        KVM_EXIT_NMI => Exit::Nmi,
        KVM_EXIT_INTERNAL_ERROR => Exit::InternalError(InternalError::decode(payload)?),
        KVM_EXIT_WATCHDOG => Exit::Watchdog,
        KVM_EXIT_SYSTEM_EVENT => Exit::SystemEvent(SystemEvent::decode(payload)?),
        KVM_EXIT_IOAPIC_EOI => Exit::IoapicEoi(kvm_run_eoi::of(payload).vector),
        KVM_EXIT_HYPERV => Exit::Hyperv(Hyperv::decode(payload)),
        KVM_EXIT_X86_RDMSR => Exit::X86Rdmsr(MsrRead::decode(payload)),
        KVM_EXIT_X86_WRMSR => Exit::X86Wrmsr(MsrWrite::decode(payload)),
        KVM_EXIT_DIRTY_RING_FULL => Exit::DirtyRingFull,
        KVM_EXIT_AP_RESET_HOLD => Exit::ApResetHold,
        KVM_EXIT_X86_BUS_LOCK => Exit::X86BusLock,
        KVM_EXIT_XEN => Exit::Xen(Xen::decode(payload)),
        KVM_EXIT_NOTIFY => Exit::Notify(kvm_run_notify::of(payload).flags),
        KVM_EXIT_MEMORY_FAULT => Exit::MemoryFault(MemoryFault::decode(payload)),
        KVM_EXIT_TDX => Exit::Tdx(Tdx::decode(payload)),
        KVM_EXIT_SNP_REQ_CERTS => Exit::SnpReqCerts(SnpReqCerts::decode(payload)),
        KVM_EXIT_ARM_NISV => Exit::ArmNisv(ArmNisv::decode(payload)),
        KVM_EXIT_ARM_LDST64B => Exit::ArmLdst64b(ArmLdst64b::decode(payload)),
        KVM_EXIT_ARM_SEA => Exit::ArmSea(ArmSea::decode(payload)),
        KVM_EXIT_RISCV_SBI => Exit::RiscvSbi(RiscvSbi::decode(payload)),
        KVM_EXIT_RISCV_CSR => Exit::RiscvCsr(RiscvCsr::decode(payload)),
        KVM_EXIT_LOONGARCH_IOCSR => {
            let loongarch::Access {
                addr,
                is_write,
                data,
            } = loongarch::Access::decode(payload)?;
            if is_write {
                Exit::IocsrWrite(IocsrWrite { addr, data })
            } else {
                Exit::IocsrRead(IocsrRead { addr, data })
            }
        }
        KVM_EXIT_DCR => {
            let DcrAccess {
                dcrn,
                is_write,
                data,
            } = DcrAccess::decode(payload);
            if is_write {
                Exit::DcrWrite(DcrWrite { dcrn, data: *data })
            } else {
                Exit::DcrRead(DcrRead { dcrn, data })
            }
        }
        KVM_EXIT_OSI => Exit::Osi(Osi::decode(payload)),
        KVM_EXIT_PAPR_HCALL => Exit::PaprHcall(PaprHcall::decode(payload)),
        KVM_EXIT_EPR => Exit::Epr(Epr::decode(payload)),
        KVM_EXIT_S390_SIEIC => Exit::S390Sieic(S390Sieic::decode(payload)),
        KVM_EXIT_S390_RESET => {
            let [flags, ..] = *payload;
            Exit::S390Reset(flags)
        }
        KVM_EXIT_S390_UCONTROL => Exit::S390Ucontrol(S390Ucontrol::decode(payload)),
        KVM_EXIT_S390_TSCH => Exit::S390Tsch(S390Tsch::decode(payload)),
        KVM_EXIT_S390_STSI => Exit::S390Stsi(S390Stsi::decode(payload)),
        reason => Exit::Other(Other::decode(reason, payload)),
    })
}

/// Whether decoding gives this reason a variant of its own; asked of the decoder itself.
pub(crate) fn has_variant(reason: ExitReason, payload: &mut Union) -> bool {
    matches!(reason, KVM_EXIT_IO | KVM_EXIT_MMIO)
        || !matches!(rare(Native::default(), reason, payload), Ok(Exit::Other(_)))
}

impl<G: Guest> fmt::Debug for RawExit<'_, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawExit")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

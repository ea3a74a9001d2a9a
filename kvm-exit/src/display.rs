//! Exits as a person reads them.

use core::fmt::{self, Display, Formatter};

use crate::{ArmLdst64b, ArmNisv, Exit, Guest, Hyperv, TdxCall, Xen};

/// One line: the [kind](Exit::kind), then what matters of the payload. Numbers that name a place
/// are hexadecimal, lengths and counts decimal; bytes are in the order of memory, those of one port
/// access together.
impl<G: Guest> Display for Exit<'_, G> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::IoIn(io) => {
                write!(f, " {:#x} len {}", io.port, io.data.len())?;
                match io.size {
                    1 => Ok(()),
                    size => write!(f, " by {size}"),
                }
            }
            Self::IoOut(io) => write!(f, " {:#x} <- {}", io.port, Bytes(io.data, io.size)),
            Self::MmioRead(mmio) => write!(f, " {:#x} len {}", mmio.addr, mmio.data.len()),
            Self::MmioWrite(mmio) => write!(f, " {:#x} <- {}", mmio.addr, Bytes(mmio.data, 1)),
            Self::Debug(debug) => write!(f, " {debug}"),
            Self::Hypercall(call) => {
                write!(f, " {} {}", call.nr, Words(call.args))?;
                match call.flags.bits() {
                    0 => Ok(()),
                    flags => write!(f, " flags {flags:#x}"),
                }
            }
            Self::X86Rdmsr(msr) => write!(f, " {:#x}", msr.index),
            Self::X86Wrmsr(msr) => write!(f, " {:#x} <- {:#x}", msr.index, msr.data),
            Self::FailEntry(failure) => write!(
                f,
                " reason {:#x} on cpu {}",
                failure.hardware_entry_failure_reason, failure.cpu
            ),
            Self::TprAccess(access) => {
                let access_kind = if access.is_write { "write" } else { "read" };
                write!(f, " {access_kind} at {:#x}", access.rip)
            }
            Self::Exception(exception) => write!(
                f,
                " {} error code {:#x}",
                exception.exception, exception.error_code
            ),
            Self::InternalError(error) => {
                write!(f, " {:?}", error.suberror)?;
                match error.emulation_failure().and_then(|failure| failure.insn) {
                    Some(insn) => write!(f, " emulating {}", Bytes(insn, 15)),
                    None if error.data.is_empty() => Ok(()),
                    None => write!(f, " {}", Words(error.data)),
                }
            }
            Self::SystemEvent(event) => {
                write!(f, " {:?}", event.kind)?;
                match event.data {
                    [] => Ok(()),
                    data => write!(f, " {}", Words(data)),
                }
            }
            Self::IoapicEoi(vector) => write!(f, " {vector:#x}"),
            Self::Hyperv(hyperv) => hyperv.fmt(f),
            Self::Xen(xen) => xen.fmt(f),
            Self::Notify(flags) => write!(f, " flags {:#x}", flags.bits()),
            Self::MemoryFault(fault) => write!(
                f,
                " {:#x} len {} flags {:#x}",
                fault.gpa,
                fault.size,
                fault.flags.bits()
            ),
            Self::Tdx(tdx) => tdx.call.fmt(f),
            Self::SnpReqCerts(request) => {
                write!(f, " {:#x} pages {}", request.gpa, request.npages)
            }
            Self::ArmNisv(ArmNisv { esr_iss, fault_ipa })
            | Self::ArmLdst64b(ArmLdst64b { esr_iss, fault_ipa }) => {
                write!(f, " {fault_ipa:#x} iss {esr_iss:#x}")
            }
            Self::ArmSea(abort) => {
                match abort.address() {
                    Some(gpa) => write!(f, " {gpa:#x}")?,
                    None => f.write_str(" nowhere known")?,
                }
                write!(f, " gva {:#x} esr {:#x}", abort.gva, abort.esr)
            }
            Self::RiscvSbi(call) => write!(
                f,
                " {:#x} function {:#x} {}",
                call.extension_id,
                call.function_id,
                Words(call.args)
            ),
            Self::RiscvCsr(access) => {
                write!(f, " {:#x}", access.csr_num)?;
                match access.write_mask {
                    0 => Ok(()),
                    mask => write!(f, " <- {:#x} mask {mask:#x}", access.new_value),
                }
            }
            Self::IocsrRead(iocsr) => write!(f, " {:#x} len {}", iocsr.addr, iocsr.data.len()),
            Self::IocsrWrite(iocsr) => write!(f, " {:#x} <- {}", iocsr.addr, Bytes(iocsr.data, 1)),
            Self::DcrRead(dcr) => write!(f, " {:#x}", dcr.dcrn),
            Self::DcrWrite(dcr) => write!(f, " {:#x} <- {:#x}", dcr.dcrn, dcr.data),
            Self::Osi(osi) => write!(f, " {}", Words(osi.gprs)),
            Self::PaprHcall(call) => write!(f, " {:#x} {}", call.nr, Words(call.args)),
            Self::S390Sieic(intercept) => write!(
                f,
                " code {} instruction {:04x} {:08x}",
                intercept.icptcode, intercept.ipa, intercept.ipb
            ),
            Self::S390Reset(flags) => write!(f, " flags {flags:#x}"),
            Self::S390Ucontrol(fault) => write!(
                f,
                " {:#x} program code {:#x}",
                fault.trans_exc_code, fault.pgm_code
            ),
            Self::S390Tsch(tsch) => {
                write!(f, " ipb {:#x}", tsch.ipb)?;
                if !tsch.dequeued {
                    return Ok(());
                }
                write!(
                    f,
                    " dequeued {:#x} nr {:#x} parameter {:#x} word {:#x}",
                    tsch.subchannel_id, tsch.subchannel_nr, tsch.io_int_parm, tsch.io_int_word
                )
            }
            Self::S390Stsi(stsi) => write!(
                f,
                " {:#x} ar {} code {}.{}.{}",
                stsi.addr, stsi.ar, stsi.fc, stsi.sel1, stsi.sel2
            ),
            Self::Unknown(hardware) => write!(f, " {hardware:#x}"),
            Self::Other(other) => write!(f, " {} ({})", other.reason.0, self.name()),
            Self::Hlt
            | Self::IrqWindowOpen
            | Self::Shutdown
            | Self::Intr
            | Self::SetTpr
            | Self::Nmi
            | Self::DirtyRingFull
            | Self::ApResetHold
            | Self::X86BusLock
            | Self::Watchdog
            | Self::Epr(_)
            | Self::Interrupted
            | Self::Again => Ok(()),
        }
    }
}

/// As [`Display`].
impl<G: Guest> fmt::Debug for Exit<'_, G> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl Hyperv<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synic(synic) => write!(
                f,
                " synic {:#x} control {:#x} events {:#x} messages {:#x}",
                synic.msr, synic.control, synic.evt_page, synic.msg_page
            ),
            Self::Hcall(hcall) => write!(f, " hcall {:#x} {}", hcall.input, Words(hcall.params)),
            Self::Syndbg(syndbg) => {
                write!(f, " syndbg {:#x} control {:#x}", syndbg.msr, syndbg.control)
            }
            Self::Other(other) => write!(f, " {} {}", other.kind.0, Words(other.words)),
        }
    }
}

impl Xen<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hcall(hcall) => write!(
                f,
                " hcall {} {} cpl {}",
                hcall.input,
                Words(hcall.params),
                hcall.cpl
            ),
            Self::Other(other) => write!(f, " {} {}", other.kind.0, Words(other.words)),
        }
    }
}

impl TdxCall<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::VmCallInfo(info) => write!(f, " vm call info leaf {:#x}", info.leaf),
            Self::GetQuote(quote) => write!(f, " get quote {:#x} len {}", quote.gpa, quote.size),
            Self::SetupEventNotify(setup) => {
                write!(f, " setup event notify vector {:#x}", setup.vector)
            }
            Self::Other(other) => write!(f, " {:#x} {}", other.nr, Words(other.data)),
        }
    }
}

/// Bytes in groups, and only the first of many.
struct Bytes<'a>(&'a [u8], u8);

impl Display for Bytes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 32;

        let Self(bytes, group) = *self;
        let shown = bytes.get(..SHOWN).unwrap_or(bytes);
        for (i, access) in shown.chunks(usize::from(group).max(1)).enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            for byte in access {
                write!(f, "{byte:02x}")?;
            }
        }
        if shown.len() < bytes.len() {
            write!(f, " .. ({} bytes)", bytes.len())?;
        }
        Ok(())
    }
}

/// Words as a list: `(0x1, 0x2)`.
struct Words<'a>(&'a [u64]);

impl Display for Words<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, word) in self.0.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{word:#x}")?;
        }
        f.write_str(")")
    }
}

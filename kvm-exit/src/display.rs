//! Exits as a person reads them.

use core::fmt::{self, Display, Formatter};

use crate::{Exit, Hyperv, TdxCall, Xen};

/// One line: the [kind](Exit::kind), then what matters of the payload. Numbers that name a place
/// are hexadecimal, lengths and counts decimal; bytes are in the order of memory, those of one port
/// access together.
impl Display for Exit<'_> {
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
            Self::Debug(debug) => write!(
                f,
                " exception {} at {:#x} dr6 {:#x} dr7 {:#x}",
                debug.exception, debug.pc, debug.dr6, debug.dr7
            ),
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
            | Self::Interrupted
            | Self::Again => Ok(()),
        }
    }
}

/// As [`Display`].
impl fmt::Debug for Exit<'_> {
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

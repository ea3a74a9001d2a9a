//! [`Exits`]: how entries into the guest ended, decoded as records go by.

use std::borrow::Cow;
use std::collections::HashSet;

use kvm_core::Errno;
use kvm_core::kvm_exit::{AnyPage, Exit, Hyperv, Malformed, Xen};
use kvm_mock::Architecture;
use kvm_mock::recording::{Content, Record, Recording, RunPages};
use kvm_sys::{Arch, ExitReason, KVM_EXIT_MEMORY_FAULT};

use crate::text::hex;

/// The vCPUs' run pages, and what they say.
#[derive(Debug)]
pub(crate) struct Exits {
    arch: Option<Arch>,
    pages: RunPages,
    /// The streams of vCPUs whose last entry ended with an exit, which waits for an answer.
    pending: HashSet<u32>,
}

/// How an entry ended.
pub(crate) enum End<'a> {
    /// With an exit.
    Exit(Exit<'a, Arch>),
    /// With an error; `EINTR` when it was interrupted.
    Errno(Errno),
    /// It had not returned when the recording was ended.
    Inside,
    /// With a page that no KVM writes.
    Malformed(Malformed),
    /// With this number in the page, of which no more can be said: the run page was not mapped, or the architecture has
    /// no name.
    Raw(ExitReason),
}

/// Where in the machine an exit was caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    Port(u16),
    Address(u64),
    Msr(u32),
}

impl Exits {
    pub(crate) fn of(recording: &Recording) -> Self {
        Self {
            arch: match recording.architecture() {
                Architecture::X86_64 => Some(Arch::X86_64),
                Architecture::Aarch64 => Some(Arch::Aarch64),
                Architecture::Riscv64 => Some(Arch::Riscv64),
                _ => None,
            },
            pages: RunPages::new(),
            pending: HashSet::new(),
        }
    }

    /// The guest's architecture, if it has a name.
    pub(crate) fn arch(&self) -> Option<Arch> {
        self.arch
    }

    /// Does what a record says, and looks at how its entry ended, if it is of one.
    pub(crate) fn apply<R>(
        &mut self,
        record: &Record<'_>,
        look: impl FnOnce(&End<'_>) -> R,
    ) -> Option<R> {
        self.pages.apply_reply(record);
        self.exit(record, look)
    }

    /// The first half of [`apply`](Self::apply): the VMM's answer to the exit before, if it gave one and it is wanted.
    pub(crate) fn answer(&mut self, record: &Record<'_>, wanted: bool) -> Option<String> {
        self.pages.apply_reply(record);
        let (Content::Entry(entry), Some(stream)) = (&record.content, record.stream) else {
            return None;
        };
        let answered = self.pending.remove(&stream);
        if !wanted {
            return None;
        }
        let len: usize = entry.reply.iter().map(|(_, bytes)| bytes.len()).sum();
        let answer = self.page(stream).and_then(|mut page| match page.decode() {
            Ok(exit) => answer(&exit),
            Err(_) => None,
        });
        match answer {
            Some(answer) if answered => Some(answer),
            _ if len > 0 => Some(format!("{len} bytes of the run page")),
            _ => None,
        }
    }

    /// The second half of [`apply`](Self::apply).
    pub(crate) fn exit<R>(
        &mut self,
        record: &Record<'_>,
        look: impl FnOnce(&End<'_>) -> R,
    ) -> Option<R> {
        self.pages.apply_exit(record);
        let (Content::Entry(entry), Some(stream)) = (&record.content, record.stream) else {
            return None;
        };
        if entry.unfinished {
            return Some(look(&End::Inside));
        }
        if let Some(errno) = entry.errno {
            // The one exit that comes with an errno.
            let is_exit = matches!(errno, Errno::EFAULT | Errno::EHWPOISON)
                && self.reason(stream) == KVM_EXIT_MEMORY_FAULT;
            if !is_exit {
                return Some(look(&End::Errno(errno)));
            }
        }
        self.pending.insert(stream);
        Some(match self.page(stream) {
            Some(mut page) => match page.decode() {
                Ok(exit) => look(&End::Exit(exit)),
                Err(malformed) => look(&End::Malformed(malformed)),
            },
            None => look(&End::Raw(self.reason(stream))),
        })
    }

    fn page(&mut self, stream: u32) -> Option<AnyPage<'_>> {
        AnyPage::from_words(self.arch?, self.pages.words(stream)?).ok()
    }

    /// The number in the page.
    fn reason(&mut self, stream: u32) -> ExitReason {
        let first = self.pages.words(stream).and_then(|words| words.first());
        let bytes = first.map(|word| word.to_ne_bytes());
        let [a, b, c, d, ..] = bytes.unwrap_or_default();
        ExitReason(u32::from_ne_bytes([a, b, c, d]))
    }
}

impl End<'_> {
    /// A word or two, for tables and filters: `io out`, `EINTR`.
    pub(crate) fn kind(&self) -> Cow<'static, str> {
        match self {
            Self::Exit(exit) => exit.kind().into(),
            Self::Errno(errno) => format!("{errno:?}").into(),
            Self::Inside => "inside".into(),
            Self::Malformed(_) => "malformed".into(),
            Self::Raw(reason) => match reason.name() {
                Some(name) => name.into(),
                None => format!("exit reason {}", reason.0).into(),
            },
        }
    }

    /// The kernel's name: `KVM_EXIT_IO`; for what is no exit, as [`kind`](Self::kind).
    pub(crate) fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Exit(exit) => exit.name().into(),
            _ => self.kind(),
        }
    }

    /// One line.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Exit(exit) => exit.to_string(),
            Self::Malformed(malformed) => format!("malformed: {malformed}"),
            Self::Inside => "still inside the guest when the recording was ended".to_owned(),
            Self::Errno(_) | Self::Raw(_) => self.kind().into_owned(),
        }
    }

    /// Where it was caused, if at one place.
    pub(crate) fn place(&self) -> Option<Place> {
        let Self::Exit(exit) = self else {
            return None;
        };
        Some(match exit {
            Exit::IoIn(io) => Place::Port(io.port),
            Exit::IoOut(io) => Place::Port(io.port),
            Exit::MmioRead(mmio) => Place::Address(mmio.addr),
            Exit::MmioWrite(mmio) => Place::Address(mmio.addr),
            Exit::IocsrRead(iocsr) => Place::Address(iocsr.addr),
            Exit::IocsrWrite(iocsr) => Place::Address(iocsr.addr),
            Exit::MemoryFault(fault) => Place::Address(fault.gpa),
            Exit::ArmNisv(abort) => Place::Address(abort.fault_ipa),
            Exit::ArmLdst64b(abort) => Place::Address(abort.fault_ipa),
            Exit::ArmSea(abort) => Place::Address(abort.address()?),
            Exit::X86Rdmsr(msr) => Place::Msr(msr.index),
            Exit::X86Wrmsr(msr) => Place::Msr(msr.index),
            _ => return None,
        })
    }

    /// What the guest writes, if it is text.
    pub(crate) fn ascii(&self) -> Option<String> {
        let data = match self {
            Self::Exit(Exit::IoOut(io)) => io.data,
            Self::Exit(Exit::MmioWrite(mmio)) => mmio.data,
            _ => return None,
        };
        let is_text =
            |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        let text = data.iter().all(is_text);
        text.then(|| format!("\"{}\"", data.escape_ascii()))
    }

    /// One line, with what the guest writes if it is text.
    pub(crate) fn line(&self) -> String {
        match self.ascii() {
            Some(ascii) => format!("{}  {ascii}", self.text()),
            None => self.text(),
        }
    }

    /// How many bytes the guest reads or writes.
    pub(crate) fn bytes(&self) -> usize {
        let Self::Exit(exit) = self else {
            return 0;
        };
        match exit {
            Exit::IoIn(io) => io.data.len(),
            Exit::IoOut(io) => io.data.len(),
            Exit::MmioRead(mmio) => mmio.data.len(),
            Exit::MmioWrite(mmio) => mmio.data.len(),
            Exit::IocsrRead(iocsr) => iocsr.data.len(),
            Exit::IocsrWrite(iocsr) => iocsr.data.len(),
            Exit::ArmLdst64b(_) => 64,
            Exit::X86Rdmsr(_) | Exit::X86Wrmsr(_) => 8,
            _ => 0,
        }
    }
}

/// What the reply fields of an exit hold; nothing for one that has none.
fn answer(exit: &Exit<'_, Arch>) -> Option<String> {
    let error = |error: u8| match error {
        0 => String::new(),
        error => format!("error {error}"),
    };
    let words = |words: &[u64]| {
        let words: Vec<_> = words.iter().map(|word| format!("{word:#x}")).collect();
        words.join(", ")
    };
    Some(match exit {
        Exit::IoIn(io) => hex(io.data),
        Exit::MmioRead(mmio) => hex(mmio.data),
        Exit::IocsrRead(iocsr) => hex(iocsr.data),
        Exit::X86Rdmsr(msr) if *msr.error == 0 => format!("{:#x}", msr.data),
        Exit::X86Rdmsr(msr) => error(*msr.error),
        Exit::X86Wrmsr(msr) => error(*msr.error),
        Exit::Hypercall(call) => format!("{:#x}", call.ret),
        Exit::RiscvSbi(call) => words(call.ret),
        Exit::RiscvCsr(access) => format!("{:#x}", access.ret_value),
        Exit::DcrRead(dcr) => format!("{:#x}", dcr.data),
        Exit::PaprHcall(call) => format!("{:#x}", call.ret),
        Exit::Hyperv(Hyperv::Hcall(call)) => format!("{:#x}", call.result),
        Exit::Xen(Xen::Hcall(call)) => format!("{:#x}", call.result),
        _ => return None,
    })
}

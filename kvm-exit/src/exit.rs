//! Why a vCPU stopped running its guest.

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
    KVM_EXIT_X86_WRMSR, KVM_EXIT_XEN, NotifyFlags,
};

use crate::arch::{Guest, Native};
use crate::{
    ArmLdst64b, ArmNisv, ArmSea, DcrRead, DcrWrite, Epr, Exception, FailEntry, Hypercall, Hyperv,
    InternalError, IoIn, IoOut, IocsrRead, IocsrWrite, MemoryFault, MmioRead, MmioWrite, MsrRead,
    MsrWrite, Osi, Other, PaprHcall, RiscvCsr, RiscvSbi, S390Sieic, S390Stsi, S390Tsch,
    S390Ucontrol, SnpReqCerts, SystemEvent, Tdx, TprAccess, Xen,
};

/// Why a vCPU stopped running its guest, and what the kernel says with it.
///
/// Payloads borrow the run page. Fields that are `&mut` are replies: what they hold when `KVM_RUN`
/// is called next is what the guest gets. Port I/O, MMIO, MSRs, hypercalls and the Hyper-V, Xen and
/// TDX services are only completed by that next `KVM_RUN`; before it, the vCPU's registers are in
/// between (API, the note in section 5).
///
/// Two exits compare equal when they say the same, wherever their pages are.
///
/// ```
/// use kvm_exit::{Exit, MmioWrite};
///
/// fn handle(exit: Exit<'_>) {
///     match exit {
///         Exit::MmioRead(mmio) => mmio.data.fill(0xff),
///         Exit::MmioWrite(mmio) => println!("{:#x} <- {:x?}", mmio.addr, mmio.data),
///         other => println!("{other}"),
///     }
/// }
///
/// handle(Exit::MmioWrite(MmioWrite { addr: 0xd000_0000, data: &[1, 2] }));
/// ```
#[derive(PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit<'a, G: Guest = Native> {
    /// The guest reads a port (`KVM_EXIT_IO`).
    IoIn(IoIn<'a>),
    /// The guest writes a port (`KVM_EXIT_IO`).
    IoOut(IoOut<'a>),
    /// The guest reads an address that has no memory (`KVM_EXIT_MMIO`).
    MmioRead(MmioRead<'a>),
    /// The guest writes an address that has no memory (`KVM_EXIT_MMIO`).
    MmioWrite(MmioWrite<'a>),
    /// The guest halted (`KVM_EXIT_HLT`). Only without an in-kernel local APIC; otherwise KVM waits
    /// for the interrupt itself.
    Hlt,
    /// A debug event (`KVM_EXIT_DEBUG`).
    Debug(G::Debug),
    /// A hypercall of KVM's own (`KVM_EXIT_HYPERCALL`).
    Hypercall(Hypercall<'a>),
    /// The guest reads a model-specific register (`KVM_EXIT_X86_RDMSR`).
    X86Rdmsr(MsrRead<'a>),
    /// The guest writes a model-specific register (`KVM_EXIT_X86_WRMSR`).
    X86Wrmsr(MsrWrite<'a>),
    /// The guest can take an interrupt now, which `request_interrupt_window` asked to be told
    /// (`KVM_EXIT_IRQ_WINDOW_OPEN`).
    IrqWindowOpen,
    /// The guest is beyond help, as after a triple fault (`KVM_EXIT_SHUTDOWN`).
    Shutdown,
    /// The processor refused to enter the guest (`KVM_EXIT_FAIL_ENTRY`).
    FailEntry(FailEntry),
    /// A signal came (`KVM_EXIT_INTR`). `KVM_RUN` fails with `EINTR` then, so this is only met in a
    /// page that is read without regard to that; see [`Interrupted`](Self::Interrupted).
    Intr,
    /// The guest lowered its task priority, CR8 (`KVM_EXIT_SET_TPR`). Only without an in-kernel
    /// local APIC.
    SetTpr,
    /// The guest touched the task priority register (`KVM_EXIT_TPR_ACCESS`).
    TprAccess(TprAccess),
    /// A machine check interrupted the guest (`KVM_EXIT_NMI`). PowerPC only.
    Nmi,
    /// An exception that KVM did not expect (`KVM_EXIT_EXCEPTION`).
    Exception(Exception),
    /// KVM does not know how to go on (`KVM_EXIT_INTERNAL_ERROR`).
    InternalError(InternalError<'a>),
    /// Something that concerns the whole machine (`KVM_EXIT_SYSTEM_EVENT`).
    SystemEvent(SystemEvent<'a>),
    /// The guest signalled the end of a level-triggered interrupt of this vector to an I/O APIC
    /// that is in user space (`KVM_EXIT_IOAPIC_EOI`). Needs `KVM_CAP_SPLIT_IRQCHIP`.
    IoapicEoi(u8),
    /// A service of Hyper-V (`KVM_EXIT_HYPERV`).
    Hyperv(Hyperv<'a>),
    /// A service of Xen (`KVM_EXIT_XEN`).
    Xen(Xen<'a>),
    /// The vCPU's dirty ring is full (`KVM_EXIT_DIRTY_RING_FULL`). It must be harvested and reset
    /// with `KVM_RESET_DIRTY_RINGS`, or `KVM_RUN` comes straight back.
    DirtyRingFull,
    /// An SEV-ES guest parks this vCPU until it gets a startup IPI (`KVM_EXIT_AP_RESET_HOLD`). Only
    /// without an in-kernel local APIC; otherwise KVM waits for it itself.
    ApResetHold,
    /// The guest took a bus lock (`KVM_EXIT_X86_BUS_LOCK`). Needs `KVM_CAP_X86_BUS_LOCK_EXIT`.
    /// Another exit may come in its place; then `KVM_RUN_X86_BUS_LOCK` is among the page's flags.
    X86BusLock,
    /// The guest took no event for longer than `KVM_CAP_X86_NOTIFY_VMEXIT` allows
    /// (`KVM_EXIT_NOTIFY`). With `KVM_NOTIFY_CONTEXT_INVALID` the vCPU can't be run any more.
    Notify(NotifyFlags),
    /// An access that KVM could not resolve (`KVM_EXIT_MEMORY_FAULT`).
    MemoryFault(MemoryFault),
    /// A call of a TDX guest (`KVM_EXIT_TDX`).
    Tdx(Tdx<'a>),
    /// An SEV-SNP guest asks for certificates (`KVM_EXIT_SNP_REQ_CERTS`).
    SnpReqCerts(SnpReqCerts<'a>),
    /// The guest touched an address that no memory slot backs, with an instruction that KVM can't
    /// make an MMIO exit of (`KVM_EXIT_ARM_NISV`).
    ArmNisv(ArmNisv),
    /// The guest loads or stores 64 bytes at once where no memory slot backs the address
    /// (`KVM_EXIT_ARM_LDST64B`).
    ArmLdst64b(ArmLdst64b),
    /// An access of the guest's met a hardware error (`KVM_EXIT_ARM_SEA`).
    ArmSea(ArmSea),
    /// The guest called its supervisor execution environment (`KVM_EXIT_RISCV_SBI`).
    RiscvSbi(RiscvSbi<'a>),
    /// The guest accesses a control and status register (`KVM_EXIT_RISCV_CSR`).
    RiscvCsr(RiscvCsr<'a>),
    /// The guest reads an I/O control and status register (`KVM_EXIT_LOONGARCH_IOCSR`).
    IocsrRead(IocsrRead<'a>),
    /// The guest writes an I/O control and status register (`KVM_EXIT_LOONGARCH_IOCSR`).
    IocsrWrite(IocsrWrite<'a>),
    /// The guest reads a device control register (`KVM_EXIT_DCR`). PowerPC only.
    DcrRead(DcrRead<'a>),
    /// The guest writes a device control register (`KVM_EXIT_DCR`). PowerPC only.
    DcrWrite(DcrWrite),
    /// The guest made a hypercall of Mac-on-Linux's (`KVM_EXIT_OSI`). PowerPC only.
    Osi(Osi<'a>),
    /// A pSeries guest made a hypercall (`KVM_EXIT_PAPR_HCALL`). PowerPC only.
    PaprHcall(PaprHcall<'a>),
    /// The vector of an interrupt has to be fetched (`KVM_EXIT_EPR`). PowerPC only.
    Epr(Epr<'a>),
    /// The guest ran into an instruction that it leaves to the hypervisor (`KVM_EXIT_S390_SIEIC`).
    S390Sieic(S390Sieic),
    /// The guest asks to be reset, in one way or another (`KVM_EXIT_S390_RESET`). The flags say what
    /// is reset: 1 all of it as at power-on, 2 memory too, 4 the subsystem, 8 the initial state of
    /// the CPU, 16 and a program is to be loaded (`KVM_S390_RESET_*` in the API). Nothing is a reply.
    S390Reset(u64),
    /// A page fault of a VM whose memory user space manages (`KVM_EXIT_S390_UCONTROL`).
    S390Ucontrol(S390Ucontrol),
    /// The guest executed `TEST SUBCHANNEL` (`KVM_EXIT_S390_TSCH`).
    S390Tsch(S390Tsch),
    /// The guest executed `STORE SYSTEM INFORMATION` (`KVM_EXIT_S390_STSI`).
    S390Stsi(S390Stsi),
    /// The guest's watchdog ran out (`KVM_EXIT_WATCHDOG`). PowerPC only.
    Watchdog,
    /// The processor left the guest for a reason that KVM does not know, which is given as the
    /// processor gives it (`KVM_EXIT_UNKNOWN`). A page that `KVM_RUN` never wrote has this reason
    /// too.
    Unknown(u64),
    /// An exit that has no variant here.
    Other(Other<'a>),
    /// Not an exit: `KVM_RUN` failed with `EINTR`, because a signal came or `immediate_exit` was
    /// set. Never decoded from a page.
    Interrupted,
    /// Not an exit: `KVM_RUN` failed with `EAGAIN`, because the vCPU has yet to be started by
    /// another one. Never decoded from a page.
    Again,
}

impl<G: Guest> Exit<'_, G> {
    /// The kernel's number for this exit; `None` for the two that are none,
    /// [`Interrupted`](Self::Interrupted) and [`Again`](Self::Again).
    ///
    /// ```
    /// use kvm_exit::{Exit, kvm_sys::{ExitReason, KVM_EXIT_HLT}};
    ///
    /// fn reason(exit: Exit<'_>) -> Option<ExitReason> {
    ///     exit.reason()
    /// }
    ///
    /// assert_eq!(reason(Exit::Hlt), Some(KVM_EXIT_HLT));
    /// assert_eq!(reason(Exit::Interrupted), None);
    /// ```
    pub fn reason(&self) -> Option<ExitReason> {
        Some(match self {
            Self::IoIn(_) | Self::IoOut(_) => KVM_EXIT_IO,
            Self::MmioRead(_) | Self::MmioWrite(_) => KVM_EXIT_MMIO,
            Self::Hlt => KVM_EXIT_HLT,
            Self::Debug(_) => KVM_EXIT_DEBUG,
            Self::Hypercall(_) => KVM_EXIT_HYPERCALL,
            Self::X86Rdmsr(_) => KVM_EXIT_X86_RDMSR,
            Self::X86Wrmsr(_) => KVM_EXIT_X86_WRMSR,
            Self::IrqWindowOpen => KVM_EXIT_IRQ_WINDOW_OPEN,
            Self::Shutdown => KVM_EXIT_SHUTDOWN,
            Self::FailEntry(_) => KVM_EXIT_FAIL_ENTRY,
            Self::Intr => KVM_EXIT_INTR,
            Self::SetTpr => KVM_EXIT_SET_TPR,
            Self::TprAccess(_) => KVM_EXIT_TPR_ACCESS,
            Self::Nmi => KVM_EXIT_NMI,
            Self::Exception(_) => KVM_EXIT_EXCEPTION,
            Self::InternalError(_) => KVM_EXIT_INTERNAL_ERROR,
            Self::SystemEvent(_) => KVM_EXIT_SYSTEM_EVENT,
            Self::IoapicEoi(_) => KVM_EXIT_IOAPIC_EOI,
            Self::Hyperv(_) => KVM_EXIT_HYPERV,
            Self::Xen(_) => KVM_EXIT_XEN,
            Self::DirtyRingFull => KVM_EXIT_DIRTY_RING_FULL,
            Self::ApResetHold => KVM_EXIT_AP_RESET_HOLD,
            Self::X86BusLock => KVM_EXIT_X86_BUS_LOCK,
            Self::Notify(_) => KVM_EXIT_NOTIFY,
            Self::MemoryFault(_) => KVM_EXIT_MEMORY_FAULT,
            Self::Tdx(_) => KVM_EXIT_TDX,
            Self::SnpReqCerts(_) => KVM_EXIT_SNP_REQ_CERTS,
            Self::ArmNisv(_) => KVM_EXIT_ARM_NISV,
            Self::ArmLdst64b(_) => KVM_EXIT_ARM_LDST64B,
            Self::ArmSea(_) => KVM_EXIT_ARM_SEA,
            Self::RiscvSbi(_) => KVM_EXIT_RISCV_SBI,
            Self::RiscvCsr(_) => KVM_EXIT_RISCV_CSR,
            Self::IocsrRead(_) | Self::IocsrWrite(_) => KVM_EXIT_LOONGARCH_IOCSR,
            Self::DcrRead(_) | Self::DcrWrite(_) => KVM_EXIT_DCR,
            Self::Osi(_) => KVM_EXIT_OSI,
            Self::PaprHcall(_) => KVM_EXIT_PAPR_HCALL,
            Self::Epr(_) => KVM_EXIT_EPR,
            Self::S390Sieic(_) => KVM_EXIT_S390_SIEIC,
            Self::S390Reset(_) => KVM_EXIT_S390_RESET,
            Self::S390Ucontrol(_) => KVM_EXIT_S390_UCONTROL,
            Self::S390Tsch(_) => KVM_EXIT_S390_TSCH,
            Self::S390Stsi(_) => KVM_EXIT_S390_STSI,
            Self::Watchdog => KVM_EXIT_WATCHDOG,
            Self::Unknown(_) => KVM_EXIT_UNKNOWN,
            Self::Other(other) => other.reason,
            Self::Interrupted | Self::Again => return None,
        })
    }

    /// The kernel's name for this exit, such as `KVM_EXIT_IO`; `EINTR` and `EAGAIN` for the two
    /// that are none, and `KVM_EXIT_?` for one that is newer than this crate.
    ///
    /// ```
    /// use kvm_exit::{Exit, MmioWrite};
    ///
    /// let exit: Exit<'_> = Exit::MmioWrite(MmioWrite { addr: 0, data: &[0] });
    /// assert_eq!((exit.name(), exit.kind()), ("KVM_EXIT_MMIO", "mmio write"));
    /// ```
    pub fn name(&self) -> &'static str {
        match (self, self.reason()) {
            (_, Some(reason)) => reason.name().unwrap_or("KVM_EXIT_?"),
            (Self::Again, None) => "EAGAIN",
            (_, None) => "EINTR",
        }
    }

    /// A word or two for this kind of exit, such as `io out`: for tables, and what
    /// [`Display`](core::fmt::Display) starts with.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::IoIn(_) => "io in",
            Self::IoOut(_) => "io out",
            Self::MmioRead(_) => "mmio read",
            Self::MmioWrite(_) => "mmio write",
            Self::Hlt => "hlt",
            Self::Debug(_) => "debug",
            Self::Hypercall(_) => "hypercall",
            Self::X86Rdmsr(_) => "rdmsr",
            Self::X86Wrmsr(_) => "wrmsr",
            Self::IrqWindowOpen => "irq window open",
            Self::Shutdown => "shutdown",
            Self::FailEntry(_) => "fail entry",
            Self::Intr => "intr",
            Self::SetTpr => "set tpr",
            Self::TprAccess(_) => "tpr access",
            Self::Nmi => "nmi",
            Self::Exception(_) => "exception",
            Self::InternalError(_) => "internal error",
            Self::SystemEvent(_) => "system event",
            Self::IoapicEoi(_) => "ioapic eoi",
            Self::Hyperv(_) => "hyperv",
            Self::Xen(_) => "xen",
            Self::DirtyRingFull => "dirty ring full",
            Self::ApResetHold => "ap reset hold",
            Self::X86BusLock => "bus lock",
            Self::Notify(_) => "notify",
            Self::MemoryFault(_) => "memory fault",
            Self::Tdx(_) => "tdx",
            Self::SnpReqCerts(_) => "snp req certs",
            Self::ArmNisv(_) => "arm nisv",
            Self::ArmLdst64b(_) => "arm ldst64b",
            Self::ArmSea(_) => "arm sea",
            Self::RiscvSbi(_) => "riscv sbi",
            Self::RiscvCsr(_) => "riscv csr",
            Self::IocsrRead(_) => "iocsr read",
            Self::IocsrWrite(_) => "iocsr write",
            Self::DcrRead(_) => "dcr read",
            Self::DcrWrite(_) => "dcr write",
            Self::Osi(_) => "osi",
            Self::PaprHcall(_) => "papr hcall",
            Self::Epr(_) => "epr",
            Self::S390Sieic(_) => "s390 sieic",
            Self::S390Reset(_) => "s390 reset",
            Self::S390Ucontrol(_) => "s390 ucontrol",
            Self::S390Tsch(_) => "s390 tsch",
            Self::S390Stsi(_) => "s390 stsi",
            Self::Watchdog => "watchdog",
            Self::Unknown(_) => "unknown",
            Self::Other(_) => "other",
            Self::Interrupted => "interrupted",
            Self::Again => "again",
        }
    }
}

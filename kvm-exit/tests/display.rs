//! How exits read in a log.

use kvm_exit::kvm_sys::{
    self, ArmSeaFlags, ExitReason, HypercallExitFlags, HypervExit, MemoryFaultFlags, MsrExitReason,
    NotifyFlags, XenExit,
};
use kvm_exit::{
    ArmLdst64b, ArmNisv, ArmSea, DcrRead, DcrWrite, DebugExit, Epr, Exception, Exit, FailEntry,
    Hypercall, Hyperv, HypervHcall, HypervOther, HypervSyndbg, HypervSynic, InternalError, IoIn,
    IoOut, IocsrRead, IocsrWrite, MemoryFault, MmioRead, MmioWrite, MsrRead, MsrWrite, Osi, Other,
    PaprHcall, RiscvCsr, RiscvSbi, S390Sieic, S390Stsi, S390Tsch, S390Ucontrol, SnpReqCerts,
    SystemEvent, Tdx, TdxCall, TdxGetQuote, TdxOther, TdxSetupEventNotify, TdxVmCallInfo,
    TprAccess, Xen, XenHcall, XenOther,
};

fn is(exit: Exit<'_>, text: &str) {
    assert_eq!(exit.to_string(), text);
    assert_eq!(format!("{exit:?}"), text);
    assert!(text.starts_with(exit.kind()));
}

fn named(exit: Exit<'_>) -> &'static str {
    exit.name()
}

fn io_in(size: u8, data: &mut [u8]) -> Exit<'_> {
    let port = 0x3f8;
    Exit::IoIn(IoIn { port, size, data })
}

fn io_out(size: u8, data: &[u8]) -> Exit<'_> {
    let port = 0x3f8;
    Exit::IoOut(IoOut { port, size, data })
}

fn tdx(call: TdxCall<'_>) -> Exit<'_> {
    Exit::Tdx(Tdx { flags: 0, call })
}

fn error(suberror: u32, data: &[u64]) -> Exit<'_> {
    let suberror = kvm_sys::InternalError(suberror);
    Exit::InternalError(InternalError { suberror, data })
}

fn event(data: &[u64]) -> Exit<'_> {
    let kind = kvm_sys::SystemEvent(6);
    Exit::SystemEvent(SystemEvent { kind, data })
}

#[test]
fn ports_and_memory() {
    is(io_in(1, &mut [0; 3]), "io in 0x3f8 len 3");
    is(io_in(2, &mut [0; 4]), "io in 0x3f8 len 4 by 2");
    is(io_out(1, b"Hel"), "io out 0x3f8 <- 48 65 6c");
    is(io_out(2, b"Hell"), "io out 0x3f8 <- 4865 6c6c");
    is(
        io_out(4, &[0xab; 4096]),
        "io out 0x3f8 <- abababab abababab abababab abababab abababab abababab abababab abababab .. (4096 bytes)",
    );
    is(
        Exit::MmioRead(MmioRead {
            addr: 0xd000_0000,
            data: &mut [0; 4],
        }),
        "mmio read 0xd0000000 len 4",
    );
    is(
        Exit::MmioWrite(MmioWrite {
            addr: 0xd000_0000,
            data: &[1, 0xff],
        }),
        "mmio write 0xd0000000 <- 01 ff",
    );
}

#[test]
fn calls() {
    is(
        Exit::Hypercall(Hypercall {
            nr: 12,
            args: &[0x1000, 1, 0, 0, 0, 0],
            ret: &mut 0,
            flags: HypercallExitFlags::empty(),
        }),
        "hypercall 12 (0x1000, 0x1, 0x0, 0x0, 0x0, 0x0)",
    );
    is(
        Exit::Hypercall(Hypercall {
            nr: 12,
            args: &[0; 6],
            ret: &mut 0,
            flags: HypercallExitFlags::KVM_EXIT_HYPERCALL_LONG_MODE,
        }),
        "hypercall 12 (0x0, 0x0, 0x0, 0x0, 0x0, 0x0) flags 0x1",
    );
    is(
        Exit::Hyperv(Hyperv::Synic(HypervSynic {
            msr: 0x4000_0083,
            control: 1,
            evt_page: 0x2001,
            msg_page: 0x3001,
        })),
        "hyperv synic 0x40000083 control 0x1 events 0x2001 messages 0x3001",
    );
    is(
        Exit::Hyperv(Hyperv::Hcall(HypervHcall {
            input: 0x5c,
            result: &mut 0,
            params: &[1, 2],
        })),
        "hyperv hcall 0x5c (0x1, 0x2)",
    );
    is(
        Exit::Hyperv(Hyperv::Syndbg(HypervSyndbg {
            msr: 0x4000_00f1,
            control: 2,
            status: &mut 0,
            send_page: 0,
            recv_page: 0,
            pending_page: 0,
        })),
        "hyperv syndbg 0x400000f1 control 0x2",
    );
    is(
        Exit::Hyperv(Hyperv::Other(HypervOther {
            kind: HypervExit(9),
            words: &mut [0; 6],
        })),
        "hyperv 9 (0x0, 0x0, 0x0, 0x0, 0x0, 0x0)",
    );
    is(
        Exit::Xen(Xen::Hcall(XenHcall {
            long_mode: true,
            cpl: 3,
            input: 17,
            result: &mut 0,
            params: &[1, 2, 3, 4, 5, 6],
        })),
        "xen hcall 17 (0x1, 0x2, 0x3, 0x4, 0x5, 0x6) cpl 3",
    );
    is(
        Exit::Xen(Xen::Other(XenOther {
            kind: XenExit(2),
            words: &mut [0; 9],
        })),
        "xen 2 (0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)",
    );
}

#[test]
fn confidential_guests() {
    is(
        tdx(TdxCall::VmCallInfo(TdxVmCallInfo {
            leaf: 1,
            ret: &mut 0,
            regs: &mut [0; 4],
        })),
        "tdx vm call info leaf 0x1",
    );
    is(
        tdx(TdxCall::GetQuote(TdxGetQuote {
            gpa: 0x8000,
            size: 8192,
            ret: &mut 0,
        })),
        "tdx get quote 0x8000 len 8192",
    );
    is(
        tdx(TdxCall::SetupEventNotify(TdxSetupEventNotify {
            vector: 0x40,
            ret: &mut 0,
        })),
        "tdx setup event notify vector 0x40",
    );
    is(
        tdx(TdxCall::Other(TdxOther {
            nr: 0x10005,
            ret: &mut 0,
            data: &mut [1, 2, 3, 4, 5],
        })),
        "tdx 0x10005 (0x1, 0x2, 0x3, 0x4, 0x5)",
    );
    is(
        Exit::SnpReqCerts(SnpReqCerts {
            gpa: 0x7000,
            npages: &mut 2,
            ret: &mut 0,
        }),
        "snp req certs 0x7000 pages 2",
    );
    is(
        Exit::MemoryFault(MemoryFault {
            flags: MemoryFaultFlags::KVM_MEMORY_EXIT_FLAG_PRIVATE,
            gpa: 0x10_0000,
            size: 4096,
        }),
        "memory fault 0x100000 len 4096 flags 0x8",
    );
}

#[test]
fn processor() {
    is(
        Exit::Debug(DebugExit {
            exception: 1,
            pc: 0x1000,
            dr6: 0x4ff0,
            dr7: 0x400,
        }),
        "debug exception 1 at 0x1000 dr6 0x4ff0 dr7 0x400",
    );
    is(
        Exit::X86Rdmsr(MsrRead {
            index: 0x1a0,
            reason: MsrExitReason::empty(),
            data: &mut 0,
            error: &mut 0,
        }),
        "rdmsr 0x1a0",
    );
    is(
        Exit::X86Wrmsr(MsrWrite {
            index: 0x1a0,
            reason: MsrExitReason::empty(),
            data: 0x850089,
            error: &mut 0,
        }),
        "wrmsr 0x1a0 <- 0x850089",
    );
    is(
        Exit::TprAccess(TprAccess {
            rip: 0x8000,
            is_write: true,
        }),
        "tpr access write at 0x8000",
    );
    is(Exit::IoapicEoi(0x31), "ioapic eoi 0x31");
    is(
        Exit::Notify(NotifyFlags::KVM_NOTIFY_CONTEXT_INVALID),
        "notify flags 0x1",
    );
}

#[test]
fn what_went_wrong() {
    is(error(2, &[]), "internal error KVM_INTERNAL_ERROR_SIMUL_EX");
    is(
        error(4, &[48, 0x81]),
        "internal error KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON (0x30, 0x81)",
    );
    let insn = u64::from_ne_bytes([2, 0x0f, 0x0b, 0x90, 0x90, 0x90, 0x90, 0x90]);
    is(
        error(1, &[1, insn, 0, 7]),
        "internal error KVM_INTERNAL_ERROR_EMULATION emulating 0f0b",
    );
    is(
        Exit::FailEntry(FailEntry {
            hardware_entry_failure_reason: 0x8000_0021,
            cpu: 3,
        }),
        "fail entry reason 0x80000021 on cpu 3",
    );
    is(
        Exit::Exception(Exception {
            exception: 13,
            error_code: 0x18,
        }),
        "exception 13 error code 0x18",
    );
    is(Exit::Unknown(0x21), "unknown 0x21");
}

#[test]
fn the_rest() {
    is(event(&[]), "system event KVM_SYSTEM_EVENT_SEV_TERM");
    is(event(&[1]), "system event KVM_SYSTEM_EVENT_SEV_TERM (0x1)");
    for (exit, text) in [
        (Exit::Hlt, "hlt"),
        (Exit::IrqWindowOpen, "irq window open"),
        (Exit::Shutdown, "shutdown"),
        (Exit::Intr, "intr"),
        (Exit::SetTpr, "set tpr"),
        (Exit::Nmi, "nmi"),
        (Exit::Watchdog, "watchdog"),
        (Exit::DirtyRingFull, "dirty ring full"),
        (Exit::ApResetHold, "ap reset hold"),
        (Exit::X86BusLock, "bus lock"),
        (Exit::Interrupted, "interrupted"),
        (Exit::Again, "again"),
    ] {
        is(exit, text);
    }
}

#[test]
fn names_are_the_kernels() {
    let name = |number| {
        named(Exit::Other(Other {
            reason: ExitReason(number),
            payload: &mut [0; 256],
        }))
    };
    for (number, expected) in [
        (0, "KVM_EXIT_UNKNOWN"),
        (2, "KVM_EXIT_IO"),
        (9, "KVM_EXIT_FAIL_ENTRY"),
        (19, "KVM_EXIT_PAPR_HCALL"),
        (28, "KVM_EXIT_ARM_NISV"),
        (38, "KVM_EXIT_LOONGARCH_IOCSR"),
        (43, "KVM_EXIT_SNP_REQ_CERTS"),
        (44, "KVM_EXIT_?"),
        (u32::MAX, "KVM_EXIT_?"),
    ] {
        assert_eq!(name(number), expected);
    }
    assert_eq!(named(Exit::Interrupted), "EINTR");
    assert_eq!(named(Exit::Again), "EAGAIN");
    is(
        Exit::Other(Other {
            reason: ExitReason(28),
            payload: &mut [0; 256],
        }),
        "other 28 (KVM_EXIT_ARM_NISV)",
    );
}

#[test]
fn what_other_architectures_exit_for() {
    let (esr_iss, fault_ipa) = (0x40, 0x900_0000);
    is(
        Exit::ArmNisv(ArmNisv { esr_iss, fault_ipa }),
        "arm nisv 0x9000000 iss 0x40",
    );
    is(
        Exit::ArmLdst64b(ArmLdst64b { esr_iss, fault_ipa }),
        "arm ldst64b 0x9000000 iss 0x40",
    );
    let abort = |flags| {
        Exit::ArmSea(ArmSea {
            flags: ArmSeaFlags::from_bits_retain(flags),
            esr: 0x10,
            gva: 0x1000,
            gpa: 0x2000,
        })
    };
    is(abort(1), "arm sea 0x2000 gva 0x1000 esr 0x10");
    is(abort(0), "arm sea nowhere known gva 0x1000 esr 0x10");
    is(
        Exit::RiscvSbi(RiscvSbi {
            extension_id: 0x10,
            function_id: 3,
            args: &[1, 2, 0, 0, 0, 0],
            ret: &mut [0; 2],
        }),
        "riscv sbi 0x10 function 0x3 (0x1, 0x2, 0x0, 0x0, 0x0, 0x0)",
    );
    let mut ret_value = [0; 2];
    let [first, second] = &mut ret_value;
    let csr = |write_mask, ret_value| {
        Exit::RiscvCsr(RiscvCsr {
            csr_num: 0x15,
            new_value: 0xff,
            write_mask,
            ret_value,
        })
    };
    is(csr(0, first), "riscv csr 0x15");
    is(csr(0xf, second), "riscv csr 0x15 <- 0xff mask 0xf");
    is(
        Exit::IocsrRead(IocsrRead {
            addr: 0x1040,
            data: &mut [0; 4],
        }),
        "iocsr read 0x1040 len 4",
    );
    is(
        Exit::IocsrWrite(IocsrWrite {
            addr: 0x1040,
            data: &[1, 2],
        }),
        "iocsr write 0x1040 <- 01 02",
    );
}

#[test]
fn what_powerpc_and_s390_exit_for() {
    is(
        Exit::DcrRead(DcrRead {
            dcrn: 0x10,
            data: &mut 7,
        }),
        "dcr read 0x10",
    );
    is(
        Exit::DcrWrite(DcrWrite {
            dcrn: 0x10,
            data: 7,
        }),
        "dcr write 0x10 <- 0x7",
    );
    let mut gprs = [0; 32];
    let osi = Exit::Osi(Osi { gprs: &mut gprs });
    is(osi, &format!("osi (0x0{})", ", 0x0".repeat(31)));
    is(
        Exit::PaprHcall(PaprHcall {
            nr: 0x58,
            ret: &mut 0,
            args: &mut [0; 9],
        }),
        "papr hcall 0x58 (0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)",
    );
    is(Exit::Epr(Epr { epr: &mut 0 }), "epr");
    is(
        Exit::S390Sieic(S390Sieic {
            icptcode: 4,
            ipa: 0xb233,
            ipb: 0x1000,
        }),
        "s390 sieic code 4 instruction b233 00001000",
    );
    is(Exit::S390Reset(18), "s390 reset flags 0x12");
    is(
        Exit::S390Ucontrol(S390Ucontrol {
            trans_exc_code: 0x1000,
            pgm_code: 0x10,
        }),
        "s390 ucontrol 0x1000 program code 0x10",
    );
    let tsch = |dequeued| {
        Exit::S390Tsch(S390Tsch {
            subchannel_id: 1,
            subchannel_nr: 2,
            io_int_parm: 3,
            io_int_word: 4,
            ipb: 5,
            dequeued,
        })
    };
    is(tsch(false), "s390 tsch ipb 0x5");
    is(
        tsch(true),
        "s390 tsch ipb 0x5 dequeued 0x1 nr 0x2 parameter 0x3 word 0x4",
    );
    is(
        Exit::S390Stsi(S390Stsi {
            addr: 0x2000,
            ar: 1,
            fc: 3,
            sel1: 2,
            sel2: 2,
        }),
        "s390 stsi 0x2000 ar 1 code 3.2.2",
    );
}

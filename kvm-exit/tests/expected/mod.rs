//! What the pages of `cargo xtask exits` say: the values of its `exits.c`.

use kvm_exit::kvm_sys::x86_64::{HypercallExitFlags, RunFlags, SyncRegs};
use kvm_exit::kvm_sys::{self, Arch, ArmSeaFlags, MemoryFaultFlags, MsrExitReason, NotifyFlags};
use kvm_exit::{
    Aarch64Debug, AnyDebug, AnyPage, ArmLdst64b, ArmNisv, ArmSea, DcrRead, DcrWrite, DebugExit,
    Epr, Exception, Exit, FailEntry, Hypercall, Hyperv, HypervHcall, HypervSyndbg, HypervSynic,
    InternalError, IoIn, IoOut, IocsrRead, IocsrWrite, MemoryFault, MipsDebug, MmioRead, MmioWrite,
    MsrRead, MsrWrite, NoDebug, Osi, PaprHcall, PowerpcDebug, RiscvCsr, RiscvSbi, S390Debug,
    S390Sieic, S390Stsi, S390Tsch, S390Ucontrol, SnpReqCerts, SystemEvent, Tdx, TdxCall,
    TdxGetQuote, TdxOther, TdxSetupEventNotify, TdxVmCallInfo, TprAccess, Xen, XenHcall,
};

pub(crate) fn debug(of: Arch) -> AnyDebug {
    match of {
        Arch::Aarch64 => AnyDebug::Aarch64(Aarch64Debug {
            hsr: 0x8200_0022,
            hsr_high: 1,
            far: 0x1000,
        }),
        Arch::Loongarch64 => AnyDebug::Loongarch64(NoDebug),
        Arch::Mips64el => AnyDebug::Mips64el(MipsDebug { epc: 0x1000 }),
        Arch::Powerpc64le => AnyDebug::Powerpc64le(PowerpcDebug {
            address: 0x1000,
            status: 8,
        }),
        Arch::Riscv64 => AnyDebug::Riscv64(NoDebug),
        Arch::S390x => AnyDebug::S390x(S390Debug {
            addr: 0x1000,
            kind: 4,
        }),
        Arch::X86_64 => AnyDebug::X86_64(DebugExit {
            exception: 1,
            pc: 0x1000,
            dr6: 0x4ff0,
            dr7: 0x400,
        }),
    }
}

/// What stands beside the exit.
pub(crate) fn beside(page: &AnyPage<'_>) {
    match page {
        AnyPage::X86_64(page) => {
            assert!(page.ready_for_interrupt_injection() && page.if_flag());
            assert_eq!(page.flags(), RunFlags::KVM_RUN_X86_SMM);
            assert_eq!((page.cr8(), page.apic_base()), (3, 4));
            assert_eq!(page.valid_regs(), SyncRegs::KVM_SYNC_X86_REGS);
            assert_eq!(page.dirty_regs(), SyncRegs::KVM_SYNC_X86_EVENTS);
            let regs = page.sync_regs();
            assert_eq!((regs.regs.rax, regs.events.flags.bits()), (5, 6));
        }
        AnyPage::Aarch64(page) => assert_eq!(page.sync().device_irq_level, 4),
        AnyPage::Powerpc64le(page) => {
            let state = page.state();
            assert_eq!((state.ready_for_interrupt_injection, state.flags), (1, 2));
        }
        AnyPage::S390x(page) => {
            assert_eq!((page.state().psw_mask, page.state().psw_addr), (1, 2));
            assert_eq!((page.sync().valid, page.sync().dirty), (1, 2));
            assert_eq!(page.sync().words.first(), Some(&3));
            assert_eq!(page.sync().words.get(192), Some(&4));
        }
        page => assert_eq!(page.exit_reason().0, u32::MAX, "nothing is beside the exit"),
    }
}

/// Words that are 0 but for these.
fn words<const N: usize>(set: [(usize, u64); 2]) -> [u64; N] {
    let mut words = [0; N];
    for (at, value) in set {
        if let Some(word) = words.get_mut(at) {
            *word = value;
        }
    }
    words
}

/// Compares the exit of the page of this name.
pub(crate) fn says_what_c_says(name: &str, exit: Exit<'_, Arch>) {
    match name {
        "unknown" => assert_eq!(exit, Exit::Unknown(0x0102_0304_0506_0708)),
        "hlt" => assert_eq!(exit, Exit::Hlt),
        "irq_window_open" => assert_eq!(exit, Exit::IrqWindowOpen),
        "shutdown" => assert_eq!(exit, Exit::Shutdown),
        "intr" => assert_eq!(exit, Exit::Intr),
        "set_tpr" => assert_eq!(exit, Exit::SetTpr),
        "nmi" => assert_eq!(exit, Exit::Nmi),
        "watchdog" => assert_eq!(exit, Exit::Watchdog),
        "dirty_ring_full" => assert_eq!(exit, Exit::DirtyRingFull),
        "ap_reset_hold" => assert_eq!(exit, Exit::ApResetHold),
        "bus_lock" => assert_eq!(exit, Exit::X86BusLock),
        "ioapic_eoi" => assert_eq!(exit, Exit::IoapicEoi(0x31)),
        "notify" => assert_eq!(exit, Exit::Notify(NotifyFlags::KVM_NOTIFY_CONTEXT_INVALID)),
        "exception" => assert_eq!(
            exit,
            Exit::Exception(Exception {
                exception: 13,
                error_code: 0x18
            })
        ),
        "fail_entry" => assert_eq!(
            exit,
            Exit::FailEntry(FailEntry {
                hardware_entry_failure_reason: 0x8000_0021,
                cpu: 3
            })
        ),
        "tpr_access" => assert_eq!(
            exit,
            Exit::TprAccess(TprAccess {
                rip: 0xffff_8000,
                is_write: true
            })
        ),
        "internal_error" => assert_eq!(
            exit,
            Exit::InternalError(InternalError {
                suberror: kvm_sys::InternalError(3),
                data: &[0x30, 0x31]
            })
        ),
        "emulation_failure" => {
            let Exit::InternalError(error) = exit else {
                panic!("{exit}")
            };
            let failure = error.emulation_failure().unwrap();
            assert_eq!(failure.insn, Some(&[0x0f, 0x0b][..]));
            assert_eq!((failure.flags.bits(), failure.debug.len()), (1, 0));
        }
        "system_event" => assert_eq!(
            exit,
            Exit::SystemEvent(SystemEvent {
                kind: kvm_sys::SystemEvent(6),
                data: &[0x40, 0x41]
            })
        ),
        "memory_fault" => assert_eq!(
            exit,
            Exit::MemoryFault(MemoryFault {
                flags: MemoryFaultFlags::KVM_MEMORY_EXIT_FLAG_PRIVATE,
                gpa: 0x10_0000,
                size: 0x1000
            })
        ),
        name if name.starts_with("arm") || name.starts_with("riscv") => arm_and_riscv(name, exit),
        name if name.starts_with("s390") => s390(name, exit),
        name if name.starts_with("tdx") => tdx(name, exit),
        name if name.starts_with("hyperv") => hyperv(name, exit),
        "hypercall" | "rdmsr" | "wrmsr" | "xen" | "snp_req_certs" => calls(name, exit),
        name => accesses(name, exit),
    }
}

fn accesses(name: &str, exit: Exit<'_, Arch>) {
    match name {
        "io_in" => assert_eq!(
            exit,
            Exit::IoIn(IoIn {
                port: 0x1f0,
                size: 2,
                data: &mut [0; 6]
            })
        ),
        "io_out" => assert_eq!(
            exit,
            Exit::IoOut(IoOut {
                port: 0xcf8,
                size: 4,
                data: &[0; 4]
            })
        ),
        "mmio_read" => assert_eq!(
            exit,
            Exit::MmioRead(MmioRead {
                addr: 0xd000_0000,
                data: &mut [1, 0, 0, 4]
            })
        ),
        "mmio_write" => assert_eq!(
            exit,
            Exit::MmioWrite(MmioWrite {
                addr: 0xd000_0008,
                data: &[1, 0, 0, 0, 0, 0, 0, 8]
            })
        ),
        "iocsr_read" => assert_eq!(
            exit,
            Exit::IocsrRead(IocsrRead {
                addr: 0x1040,
                data: &mut [1, 0, 0, 4]
            })
        ),
        "iocsr_write" => assert_eq!(
            exit,
            Exit::IocsrWrite(IocsrWrite {
                addr: 0x1048,
                data: &[1, 0, 0, 0, 0, 0, 0, 8]
            })
        ),
        "dcr_read" => assert_eq!(
            exit,
            Exit::DcrRead(DcrRead {
                dcrn: 0x10,
                data: &mut 0x11
            })
        ),
        "dcr_write" => assert_eq!(
            exit,
            Exit::DcrWrite(DcrWrite {
                dcrn: 0x12,
                data: 0x13
            })
        ),
        "osi" => assert_eq!(
            exit,
            Exit::Osi(Osi {
                gprs: &mut words([(0, 0x20), (31, 0x3f)])
            })
        ),
        "papr_hcall" => assert_eq!(
            exit,
            Exit::PaprHcall(PaprHcall {
                nr: 0x58,
                ret: &mut 0x59,
                args: &mut words([(0, 1), (8, 9)])
            })
        ),
        "epr" => assert_eq!(exit, Exit::Epr(Epr { epr: &mut 0x31 })),
        name => panic!("nothing is expected of {name}: {exit}"),
    }
}

fn calls(name: &str, exit: Exit<'_, Arch>) {
    match name {
        "hypercall" => assert_eq!(
            exit,
            Exit::Hypercall(Hypercall {
                nr: 12,
                args: &words([(0, 1), (5, 6)]),
                ret: &mut 7,
                flags: HypercallExitFlags::KVM_EXIT_HYPERCALL_LONG_MODE
            })
        ),
        "rdmsr" => assert_eq!(
            exit,
            Exit::X86Rdmsr(MsrRead {
                index: 0x1a0,
                reason: MsrExitReason::KVM_MSR_EXIT_REASON_FILTER,
                data: &mut 0x85_0089,
                error: &mut 1
            })
        ),
        "wrmsr" => assert_eq!(
            exit,
            Exit::X86Wrmsr(MsrWrite {
                index: 0x1a1,
                reason: MsrExitReason::KVM_MSR_EXIT_REASON_UNKNOWN,
                data: 0x85_008a,
                error: &mut 0
            })
        ),
        "xen" => assert_eq!(
            exit,
            Exit::Xen(Xen::Hcall(XenHcall {
                long_mode: true,
                cpl: 3,
                input: 0x11,
                result: &mut 0x12,
                params: &words([(0, 0x13), (5, 0x18)])
            }))
        ),
        _ => assert_eq!(
            exit,
            Exit::SnpReqCerts(SnpReqCerts {
                gpa: 0x7000,
                npages: &mut 2,
                ret: &mut 5
            })
        ),
    }
}

fn hyperv(name: &str, exit: Exit<'_, Arch>) {
    let expected = |hyperv| assert_eq!(exit, Exit::Hyperv(hyperv));
    match name {
        "hyperv_synic" => expected(Hyperv::Synic(HypervSynic {
            msr: 0x4000_0083,
            control: 1,
            evt_page: 0x2001,
            msg_page: 0x3001,
        })),
        "hyperv_hcall" => expected(Hyperv::Hcall(HypervHcall {
            input: 0x5c,
            result: &mut 0x5d,
            params: &[0x1000, 0x2000],
        })),
        _ => expected(Hyperv::Syndbg(HypervSyndbg {
            msr: 0x4000_00f1,
            control: 1,
            status: &mut 2,
            send_page: 0x3000,
            recv_page: 0x4000,
            pending_page: 0x5000,
        })),
    }
}

fn tdx(name: &str, exit: Exit<'_, Arch>) {
    let expected = |flags, call| assert_eq!(exit, Exit::Tdx(Tdx { flags, call }));
    match name {
        "tdx_info" => expected(
            0x60,
            TdxCall::VmCallInfo(TdxVmCallInfo {
                leaf: 0x62,
                ret: &mut 0x61,
                regs: &mut [0x63, 0, 0, 0x66],
            }),
        ),
        "tdx_quote" => expected(
            0,
            TdxCall::GetQuote(TdxGetQuote {
                gpa: 0x68,
                size: 0x69,
                ret: &mut 0x67,
            }),
        ),
        "tdx_notify" => expected(
            0,
            TdxCall::SetupEventNotify(TdxSetupEventNotify {
                vector: 0x6b,
                ret: &mut 0x6a,
            }),
        ),
        _ => expected(
            0,
            TdxCall::Other(TdxOther {
                nr: 0x10001,
                ret: &mut 0x6c,
                data: &mut [0x6d, 0, 0, 0, 0x71],
            }),
        ),
    }
}

fn arm_and_riscv(name: &str, exit: Exit<'_, Arch>) {
    match name {
        "arm_nisv" => assert_eq!(
            exit,
            Exit::ArmNisv(ArmNisv {
                esr_iss: 0x40,
                fault_ipa: 0x900_0000
            })
        ),
        "arm_ldst64b" => assert_eq!(
            exit,
            Exit::ArmLdst64b(ArmLdst64b {
                esr_iss: 0x41,
                fault_ipa: 0x900_0040
            })
        ),
        "arm_sea" => assert_eq!(
            exit,
            Exit::ArmSea(ArmSea {
                flags: ArmSeaFlags::KVM_EXIT_ARM_SEA_FLAG_GPA_VALID,
                esr: 0x8200_0010,
                gva: 0xffff_0000,
                gpa: 0x4000_0000
            })
        ),
        "riscv_sbi" => assert_eq!(
            exit,
            Exit::RiscvSbi(RiscvSbi {
                extension_id: 0x10,
                function_id: 3,
                args: &words([(0, 1), (5, 6)]),
                ret: &mut [7, 8]
            })
        ),
        _ => assert_eq!(
            exit,
            Exit::RiscvCsr(RiscvCsr {
                csr_num: 0x15,
                new_value: 0xff,
                write_mask: 0x0f,
                ret_value: &mut 9
            })
        ),
    }
}

fn s390(name: &str, exit: Exit<'_, Arch>) {
    match name {
        "s390_sieic" => assert_eq!(
            exit,
            Exit::S390Sieic(S390Sieic {
                icptcode: 4,
                ipa: 0xb233,
                ipb: 0x1020_3040
            })
        ),
        "s390_reset" => assert_eq!(exit, Exit::S390Reset(0x0102_0304_0506_0708)),
        "s390_ucontrol" => assert_eq!(
            exit,
            Exit::S390Ucontrol(S390Ucontrol {
                trans_exc_code: 0x1234_5678_9000,
                pgm_code: 0x10
            })
        ),
        "s390_tsch" => assert_eq!(
            exit,
            Exit::S390Tsch(S390Tsch {
                subchannel_id: 1,
                subchannel_nr: 2,
                io_int_parm: 3,
                io_int_word: 4,
                ipb: 5,
                dequeued: true
            })
        ),
        _ => assert_eq!(
            exit,
            Exit::S390Stsi(S390Stsi {
                addr: 0x2000,
                ar: 1,
                fc: 3,
                sel1: 2,
                sel2: 4
            })
        ),
    }
}

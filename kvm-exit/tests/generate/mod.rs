//! Exits and pages for property tests.

use kvm_exit::kvm_sys::{
    self, Arch, ArmSeaFlags, ExitReason, HypercallExitFlags, HypervExit, MemoryFaultFlags,
    MsrExitReason, NotifyFlags, XenExit,
};
use kvm_exit::{
    Aarch64Debug, AnyDebug, ArmLdst64b, ArmNisv, ArmSea, DcrRead, DcrWrite, DebugExit, Epr,
    Exception, Exit, FailEntry, Guest, Hypercall, Hyperv, HypervHcall, HypervOther, HypervSyndbg,
    HypervSynic, InternalError, IoIn, IoOut, IocsrRead, IocsrWrite, MemoryFault, MipsDebug,
    MmioRead, MmioWrite, MsrRead, MsrWrite, NoDebug, Osi, Other, PaprHcall, PowerpcDebug, RiscvCsr,
    RiscvSbi, S390Debug, S390Sieic, S390Stsi, S390Tsch, S390Ucontrol, SnpReqCerts, SystemEvent,
    Tdx, TdxCall, TdxGetQuote, TdxOther, TdxSetupEventNotify, TdxVmCallInfo, TprAccess, Xen,
    XenHcall, XenOther,
};
use proptest::array::{uniform2, uniform4, uniform5, uniform6, uniform9, uniform32};
use proptest::collection::vec;
use proptest::prelude::*;

/// What an exit is made of.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    number: u32,
    second_number: u32,
    words: [u64; 4],
    reply: u64,
    second_reply: u64,
    error: u8,
    size: u8,
    port_data: Vec<u8>,
    mmio_data: Vec<u8>,
    data: Vec<u64>,
    two: [u64; 2],
    four: [u64; 4],
    five: [u64; 5],
    six: [u64; 6],
    nine: [u64; 9],
    gprs: [u64; 32],
    payload: Vec<u8>,
}

prop_compose! {
    pub(crate) fn parts()(
        size in prop::sample::select(vec![1u8, 2, 4]),
        count in prop_oneof![1usize..4, 1usize..1100],
    )(
        numbers in any::<(u32, u32)>(),
        words in uniform4(any::<u64>()),
        replies in any::<(u64, u64, u8)>(),
        size in Just(size),
        port_data in vec(any::<u8>(), usize::from(size) * count),
        mmio_data in vec(any::<u8>(), 1..=8),
        data in vec(any::<u64>(), 0..=16),
        two in uniform2(any::<u64>()),
        four in uniform4(any::<u64>()),
        five in uniform5(any::<u64>()),
        six in uniform6(any::<u64>()),
        nine in uniform9(any::<u64>()),
        gprs in uniform32(any::<u64>()),
        payload in vec(any::<u8>(), 256),
    ) -> Parts {
        let (number, second_number) = numbers;
        let (reply, second_reply, error) = replies;
        Parts { number, second_number, words, reply, second_reply, error, size, port_data, mmio_data, data, two, four, five, six, nine, gprs, payload }
    }
}

/// A number that stands for none of the things in `known`.
fn other_than(number: u32, known: &[u32]) -> u32 {
    known.iter().fold(
        number,
        |number, &taken| {
            if number == taken { u32::MAX } else { number }
        },
    )
}

/// How many kinds of exit [`exit`] makes.
pub(crate) const VARIANTS: usize = 57;

impl Parts {
    /// The debug payload of an architecture.
    pub(crate) fn debug(&self, of: Arch) -> AnyDebug {
        let [a, b, c, _] = self.words;
        match of {
            Arch::Aarch64 => AnyDebug::Aarch64(Aarch64Debug {
                hsr: self.number,
                hsr_high: self.second_number,
                far: a,
            }),
            Arch::Loongarch64 => AnyDebug::Loongarch64(NoDebug),
            Arch::Mips64el => AnyDebug::Mips64el(MipsDebug { epc: a }),
            Arch::Powerpc64le => AnyDebug::Powerpc64le(PowerpcDebug {
                address: a,
                status: self.number,
            }),
            Arch::Riscv64 => AnyDebug::Riscv64(NoDebug),
            Arch::S390x => AnyDebug::S390x(S390Debug {
                addr: a,
                kind: self.error,
            }),
            Arch::X86_64 => AnyDebug::X86_64(DebugExit {
                exception: self.number,
                pc: a,
                dr6: b,
                dr7: c,
            }),
        }
    }
}

/// An exit of each kind, sub-kinds of services among them.
pub(crate) fn exit<G: Guest>(variant: usize, parts: &mut Parts, debug: G::Debug) -> Exit<'_, G> {
    let [a, b, c, d] = parts.words;
    let second_number = parts.second_number;
    let number = parts.number;
    let [low, high, ..] = number.to_ne_bytes();
    let port = u16::from_ne_bytes([low, high]);
    match variant {
        0 => Exit::IoIn(IoIn {
            port,
            size: parts.size,
            data: &mut parts.port_data,
        }),
        1 => Exit::IoOut(IoOut {
            port,
            size: parts.size,
            data: &parts.port_data,
        }),
        2 => Exit::MmioRead(MmioRead {
            addr: a,
            data: &mut parts.mmio_data,
        }),
        3 => Exit::MmioWrite(MmioWrite {
            addr: a,
            data: &parts.mmio_data,
        }),
        4 => Exit::Hlt,
        5 => Exit::Debug(debug),
        6 => Exit::Hypercall(Hypercall {
            nr: a,
            args: &parts.six,
            ret: &mut parts.reply,
            flags: HypercallExitFlags::from_bits_retain(b),
        }),
        7 => Exit::X86Rdmsr(MsrRead {
            index: number,
            reason: MsrExitReason::from_bits_retain(parts.size.into()),
            data: &mut parts.reply,
            error: &mut parts.error,
        }),
        8 => Exit::X86Wrmsr(MsrWrite {
            index: number,
            reason: MsrExitReason::from_bits_retain(parts.size.into()),
            data: a,
            error: &mut parts.error,
        }),
        9 => Exit::IrqWindowOpen,
        10 => Exit::Shutdown,
        11 => Exit::FailEntry(FailEntry {
            hardware_entry_failure_reason: a,
            cpu: number,
        }),
        12 => Exit::Intr,
        13 => Exit::SetTpr,
        14 => Exit::TprAccess(TprAccess {
            rip: a,
            is_write: b % 2 == 1,
        }),
        15 => Exit::Nmi,
        16 => Exit::Exception(Exception {
            exception: number,
            error_code: number.reverse_bits(),
        }),
        17 => Exit::InternalError(InternalError {
            suberror: kvm_sys::InternalError(other_than(number, &[1])),
            data: &parts.data,
        }),
        18 => {
            parts.four[1] = u64::from_ne_bytes([15, 1, 2, 3, 4, 5, 6, 7]);
            Exit::InternalError(InternalError {
                suberror: kvm_sys::InternalError(1),
                data: &parts.four,
            })
        }
        19 => Exit::SystemEvent(SystemEvent {
            kind: kvm_sys::SystemEvent(number),
            data: &parts.data,
        }),
        20 => Exit::IoapicEoi(parts.error),
        21 => Exit::Hyperv(Hyperv::Synic(HypervSynic {
            msr: number,
            control: a,
            evt_page: b,
            msg_page: c,
        })),
        22 => {
            let [_, _, params @ ..] = &parts.four;
            Exit::Hyperv(Hyperv::Hcall(HypervHcall {
                input: a,
                result: &mut parts.reply,
                params,
            }))
        }
        23 => Exit::Hyperv(Hyperv::Syndbg(HypervSyndbg {
            msr: number,
            control: a,
            status: &mut parts.reply,
            send_page: b,
            recv_page: c,
            pending_page: d,
        })),
        24 => Exit::Hyperv(Hyperv::Other(HypervOther {
            kind: HypervExit(other_than(number, &[1, 2, 3])),
            words: &mut parts.six,
        })),
        25 => Exit::Xen(Xen::Hcall(XenHcall {
            long_mode: a % 2 == 1,
            cpl: number,
            input: b,
            result: &mut parts.reply,
            params: &parts.six,
        })),
        26 => Exit::Xen(Xen::Other(XenOther {
            kind: XenExit(other_than(number, &[1])),
            words: &mut parts.nine,
        })),
        27 => Exit::DirtyRingFull,
        28 => Exit::ApResetHold,
        29 => Exit::X86BusLock,
        30 => Exit::Notify(NotifyFlags::from_bits_retain(number)),
        31 => Exit::MemoryFault(MemoryFault {
            flags: MemoryFaultFlags::from_bits_retain(a),
            gpa: b,
            size: c,
        }),
        32 => Exit::Tdx(Tdx {
            flags: a,
            call: TdxCall::VmCallInfo(TdxVmCallInfo {
                leaf: b,
                ret: &mut parts.reply,
                regs: &mut parts.four,
            }),
        }),
        33 => Exit::Tdx(Tdx {
            flags: a,
            call: TdxCall::GetQuote(TdxGetQuote {
                gpa: b,
                size: c,
                ret: &mut parts.reply,
            }),
        }),
        34 => Exit::Tdx(Tdx {
            flags: a,
            call: TdxCall::SetupEventNotify(TdxSetupEventNotify {
                vector: b,
                ret: &mut parts.reply,
            }),
        }),
        35 => Exit::Tdx(Tdx {
            flags: a,
            call: TdxCall::Other(TdxOther {
                nr: u64::from(number) << 32,
                ret: &mut parts.reply,
                data: &mut parts.five,
            }),
        }),
        36 => Exit::SnpReqCerts(SnpReqCerts {
            gpa: a,
            npages: &mut parts.reply,
            ret: &mut parts.second_reply,
        }),
        37 => Exit::Watchdog,
        38 => Exit::Unknown(a),
        39 => Exit::ArmNisv(ArmNisv {
            esr_iss: a,
            fault_ipa: b,
        }),
        40 => Exit::ArmLdst64b(ArmLdst64b {
            esr_iss: a,
            fault_ipa: b,
        }),
        41 => Exit::ArmSea(ArmSea {
            flags: ArmSeaFlags::from_bits_retain(a),
            esr: b,
            gva: c,
            gpa: d,
        }),
        42 => Exit::RiscvSbi(RiscvSbi {
            extension_id: a,
            function_id: b,
            args: &parts.six,
            ret: &mut parts.two,
        }),
        43 => Exit::RiscvCsr(RiscvCsr {
            csr_num: a,
            new_value: b,
            write_mask: c,
            ret_value: &mut parts.reply,
        }),
        44 => Exit::IocsrRead(IocsrRead {
            addr: a,
            data: &mut parts.mmio_data,
        }),
        45 => Exit::IocsrWrite(IocsrWrite {
            addr: a,
            data: &parts.mmio_data,
        }),
        46 => Exit::DcrRead(DcrRead {
            dcrn: number,
            data: &mut parts.second_number,
        }),
        47 => Exit::DcrWrite(DcrWrite {
            dcrn: number,
            data: second_number,
        }),
        48 => Exit::Osi(Osi {
            gprs: &mut parts.gprs,
        }),
        49 => Exit::PaprHcall(PaprHcall {
            nr: a,
            ret: &mut parts.reply,
            args: &mut parts.nine,
        }),
        50 => Exit::Epr(Epr {
            epr: &mut parts.second_number,
        }),
        51 => Exit::S390Sieic(S390Sieic {
            icptcode: parts.error,
            ipa: port,
            ipb: second_number,
        }),
        52 => Exit::S390Reset(a),
        53 => Exit::S390Ucontrol(S390Ucontrol {
            trans_exc_code: a,
            pgm_code: number,
        }),
        54 => {
            let [_, _, low, high] = number.to_ne_bytes();
            Exit::S390Tsch(S390Tsch {
                subchannel_id: port,
                subchannel_nr: u16::from_ne_bytes([low, high]),
                io_int_parm: second_number,
                io_int_word: number.reverse_bits(),
                ipb: second_number.reverse_bits(),
                dequeued: a % 2 == 1,
            })
        }
        55 => Exit::S390Stsi(S390Stsi {
            addr: a,
            ar: parts.error,
            fc: parts.size,
            sel1: low,
            sel2: port,
        }),
        _ => Exit::Other(Other {
            reason: ExitReason(44 + (number >> 1)),
            payload: parts.payload.as_mut_slice().try_into().unwrap(),
        }),
    }
}

prop_compose! {
    /// The words of a page of any length, near what the kernel writes: reasons that exist, small lengths, offsets
    /// about the edges.
    pub(crate) fn page()(
        tail in 0usize..=730,
        reason in prop_oneof![Just(2u32), Just(6), Just(17), Just(38), 0u32..46, any::<u32>()],
        io in (0u8..3, 0u8..6, any::<u16>(), prop_oneof![0u32..3000, any::<u32>()]),
        offset in prop_oneof![2340u64..2360, 2352u64..8200, any::<u64>()],
        union in uniform32(prop_oneof![0u64..20, any::<u64>()]),
        fill in any::<u64>(),
    ) -> Vec<u64> {
        let mut words = vec![fill; 293 + tail];
        words[0] = word(reason, 0);
        words[3..35].copy_from_slice(&union);
        let (direction, size, port, count) = io;
        if reason == 2 {
            let [low, high] = port.to_ne_bytes();
            words[3] = word(u32::from_ne_bytes([direction, size, low, high]), count);
            words[4] = offset;
        }
        if reason == 6 || reason == 38 {
            words[5] = word(count % 11, direction.into());
        }
        if reason == 17 {
            words[3] = word(1, u32::from(size) * 4);
        }
        words
    }
}

/// Two fields of four bytes in one word.
fn word(first: u32, second: u32) -> u64 {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_ne_bytes(), second.to_ne_bytes());
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

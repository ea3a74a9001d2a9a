//! Exits at offsets written by hand from the kernel's header, and replies where the kernel looks
//! for them.

#[cfg(test)]
mod support;

use kvm_exit::kvm_sys::{
    self, EmulationFailureFlags, ExitReason, MemoryFaultFlags, MsrExitReason, NotifyFlags,
};
use kvm_exit::{
    DebugExit, EmulationFailure, Exception, Exit, FailEntry, InternalError, IoIn, IoOut,
    MemoryFault, MmioRead, MmioWrite, MsrRead, MsrWrite, Other, SystemEvent, TprAccess,
};
use support::Page;

/// A page with a port access whose data are at `data_offset`.
fn io(direction: u8, size: u8, port: u16, count: u32, data_offset: u64) -> Page {
    Page::new(2)
        .u8(32, direction)
        .u8(33, size)
        .u16(34, port)
        .u32(36, count)
        .u64(40, data_offset)
}

fn mmio(addr: u64, data: [u8; 8], len: u32, is_write: u8) -> Page {
    Page::new(6)
        .u64(32, addr)
        .bytes(40, &data)
        .u32(48, len)
        .u8(52, is_write)
}

#[test]
fn exits_without_payload() {
    for (reason, exit) in [
        (5, Exit::Hlt),
        (7, Exit::IrqWindowOpen),
        (8, Exit::Shutdown),
        (10, Exit::Intr),
        (11, Exit::SetTpr),
        (16, Exit::Nmi),
        (21, Exit::Watchdog),
        (31, Exit::DirtyRingFull),
        (32, Exit::ApResetHold),
        (33, Exit::X86BusLock),
    ] {
        assert_eq!(Page::new(reason).decode(), Ok(exit), "{reason}");
    }
}

#[test]
fn unknown() {
    let mut page = Page::new(0).u64(32, 0x8000_0021);
    assert_eq!(page.decode(), Ok(Exit::Unknown(0x8000_0021)));
}

#[test]
fn exception() {
    let mut page = Page::new(1).u32(32, 13).u32(36, 0x18);
    let exception = Exception {
        exception: 13,
        error_code: 0x18,
    };
    assert_eq!(page.decode(), Ok(Exit::Exception(exception)));
}

#[test]
fn io_out() {
    let mut page = io(1, 1, 0x3f8, 3, 4096).bytes(4096, b"Hel");
    let Ok(Exit::IoOut(out)) = page.decode() else {
        panic!()
    };
    assert_eq!(
        out,
        IoOut {
            port: 0x3f8,
            size: 1,
            data: b"Hel"
        }
    );
    assert_eq!(out.count(), 3);
    assert!(out.accesses().eq([b"H", b"e", b"l"]));
}

#[test]
fn io_in_is_answered_at_the_data_offset() {
    let mut page = io(0, 2, 0x1f0, 2, 4096).bytes(4096, &[9, 8, 7, 6, 5]);
    {
        let Ok(Exit::IoIn(mut io)) = page.decode() else {
            panic!()
        };
        assert_eq!(
            io,
            IoIn {
                port: 0x1f0,
                size: 2,
                data: &mut [9, 8, 7, 6]
            }
        );
        assert_eq!(io.count(), 2);
        for (access, value) in io.accesses_mut().zip([[1, 2], [3, 4]]) {
            access.copy_from_slice(&value);
        }
    }
    assert_eq!(page.get_bytes(4096, 5), [1, 2, 3, 4, 5]);
}

#[test]
fn io_data_may_start_right_behind_the_structure_and_end_with_the_page() {
    let mut first = io(1, 4, 0xcf8, 1, 2352).bytes(2352, &[1, 2, 3, 4]);
    let mut last = io(1, 4, 0xcf8, 1, 8188).bytes(8188, &[1, 2, 3, 4]);
    for page in [&mut first, &mut last] {
        let Ok(Exit::IoOut(out)) = page.decode() else {
            panic!()
        };
        assert_eq!(out.data, [1, 2, 3, 4]);
    }
}

#[test]
fn debug() {
    let mut page = Page::new(4)
        .u32(32, 1)
        .u64(40, 0x1000)
        .u64(48, 0x4ff0)
        .u64(56, 0x400);
    let debug = DebugExit {
        exception: 1,
        pc: 0x1000,
        dr6: 0x4ff0,
        dr7: 0x400,
    };
    assert_eq!(page.decode(), Ok(Exit::Debug(debug)));
}

#[test]
fn mmio_read_is_answered_in_place() {
    let mut page = mmio(0xd000_0000, [9; 8], 4, 0);
    {
        let Ok(Exit::MmioRead(read)) = page.decode() else {
            panic!()
        };
        assert_eq!(
            read,
            MmioRead {
                addr: 0xd000_0000,
                data: &mut [9; 4]
            }
        );
        read.data.copy_from_slice(&[1, 2, 3, 4]);
    }
    assert_eq!(page.get_bytes(40, 8), [1, 2, 3, 4, 9, 9, 9, 9]);
}

#[test]
fn mmio_write() {
    for is_write in [1, 0xff] {
        let mut page = mmio(0xfee0_00b0, [1, 2, 3, 4, 5, 6, 7, 8], 8, is_write);
        let write = MmioWrite {
            addr: 0xfee0_00b0,
            data: &[1, 2, 3, 4, 5, 6, 7, 8],
        };
        assert_eq!(page.decode(), Ok(Exit::MmioWrite(write)));
    }
}

#[test]
fn fail_entry() {
    let mut page = Page::new(9).u64(32, 0x8000_0021).u32(40, 3);
    let failure = FailEntry {
        hardware_entry_failure_reason: 0x8000_0021,
        cpu: 3,
    };
    assert_eq!(page.decode(), Ok(Exit::FailEntry(failure)));
}

#[test]
fn tpr_access() {
    let mut page = Page::new(12).u64(32, 0xffff_8000).u32(40, 1);
    let access = TprAccess {
        rip: 0xffff_8000,
        is_write: true,
    };
    assert_eq!(page.decode(), Ok(Exit::TprAccess(access)));
}

#[test]
fn internal_error() {
    let mut page = Page::new(17).u32(32, 4).u32(36, 2).u64s(40, &[48, 0x81]);
    let error = InternalError {
        suberror: kvm_sys::InternalError(4),
        data: &[48, 0x81],
    };
    assert_eq!(error.emulation_failure(), None);
    assert_eq!(page.decode(), Ok(Exit::InternalError(error)));
}

#[test]
fn emulation_failure() {
    let mut page = Page::new(17)
        .u32(32, 1)
        .u32(36, 4)
        .u64(40, 1)
        .u8(48, 3)
        .bytes(49, &[0x0f, 0xc7, 0x08, 0x90])
        .u64(56, u64::from_ne_bytes([0x90; 8]))
        .u64(64, 0xabc);
    let Ok(Exit::InternalError(error)) = page.decode() else {
        panic!()
    };
    let failure = EmulationFailure {
        flags: EmulationFailureFlags::KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES,
        insn: Some(&[0x0f, 0xc7, 0x08]),
        debug: &[0xabc],
    };
    assert_eq!(error.emulation_failure(), Some(failure));
}

#[test]
fn emulation_failure_without_instruction() {
    let mut page = Page::new(17).u32(32, 1).u32(36, 2).u64s(40, &[0, 5]);
    let Ok(Exit::InternalError(error)) = page.decode() else {
        panic!()
    };
    let failure = EmulationFailure {
        flags: EmulationFailureFlags::empty(),
        insn: None,
        debug: &[5],
    };
    assert_eq!(error.emulation_failure(), Some(failure));

    let mut silent = Page::new(17).u32(32, 1).u64(40, 1);
    let Ok(Exit::InternalError(error)) = silent.decode() else {
        panic!()
    };
    assert_eq!(error.emulation_failure(), None);
}

#[test]
fn system_event() {
    let data: Vec<u64> = (1..=16).collect();
    for ndata in [0, 1, 16] {
        let mut page = Page::new(24).u32(32, 6).u32(36, ndata).u64s(40, &data);
        let event = SystemEvent {
            kind: kvm_sys::SystemEvent(6),
            data: &data[..ndata as usize],
        };
        assert_eq!(page.decode(), Ok(Exit::SystemEvent(event)));
    }
}

#[test]
fn ioapic_eoi() {
    let mut page = Page::new(26).u8(32, 0x31).u8(33, 0xff);
    assert_eq!(page.decode(), Ok(Exit::IoapicEoi(0x31)));
}

#[test]
fn rdmsr() {
    let mut page = Page::new(29).u32(40, 4).u32(44, 0x1a0).u64(48, 3);
    {
        let Ok(Exit::X86Rdmsr(msr)) = page.decode() else {
            panic!()
        };
        assert_eq!(
            msr,
            MsrRead {
                index: 0x1a0,
                reason: MsrExitReason::KVM_MSR_EXIT_REASON_FILTER,
                data: &mut 3,
                error: &mut 0
            }
        );
        *msr.data = 0x1234;
        *msr.error = 1;
    }
    assert_eq!(page.get_u64(48), 0x1234);
    assert_eq!(page.get_bytes(32, 2), [1, 0]);
}

#[test]
fn wrmsr() {
    let mut page = Page::new(30).u32(40, 0x12).u32(44, 0x1a0).u64(48, 0x850089);
    {
        let Ok(Exit::X86Wrmsr(msr)) = page.decode() else {
            panic!()
        };
        assert_eq!(
            msr,
            MsrWrite {
                index: 0x1a0,
                reason: MsrExitReason::from_bits_retain(0x12),
                data: 0x850089,
                error: &mut 0
            }
        );
        *msr.error = 1;
    }
    assert_eq!(page.get_bytes(32, 2), [1, 0]);
}

#[test]
fn notify() {
    let mut page = Page::new(37).u32(32, 1);
    assert_eq!(
        page.decode(),
        Ok(Exit::Notify(NotifyFlags::KVM_NOTIFY_CONTEXT_INVALID))
    );
}

#[test]
fn memory_fault() {
    let mut page = Page::new(39).u64s(32, &[8, 0x10_0000, 0x1000]);
    let fault = MemoryFault {
        flags: MemoryFaultFlags::KVM_MEMORY_EXIT_FLAG_PRIVATE,
        gpa: 0x10_0000,
        size: 0x1000,
    };
    assert_eq!(page.decode(), Ok(Exit::MemoryFault(fault)));
}

#[test]
fn reasons_without_a_variant_keep_the_whole_union() {
    let bytes: Vec<u8> = (0..=255).collect();
    for reason in [44, 99, u32::MAX] {
        let mut page = Page::new(reason).bytes(32, &bytes).u64(288, u64::MAX);
        {
            let Ok(Exit::Other(Other {
                reason: ExitReason(number),
                payload,
            })) = page.decode()
            else {
                panic!("{reason}")
            };
            assert_eq!(number, reason);
            assert_eq!(payload, &bytes[..]);
            payload[255] = 0;
        }
        assert_eq!(page.get_bytes(286, 3), [254, 0, 255]);
    }
}

#[test]
fn decode_with_gives_what_decode_gives() {
    for (reason, kind) in [(2, "io in"), (5, "hlt"), (6, "mmio write")] {
        let mut page = Page::new(reason).u64(40, 4096).u32(48, 1).u8(52, 1);
        if reason == 2 {
            page = page.u8(33, 1).u32(36, 1);
        }
        assert_eq!(page.decode().unwrap().kind(), kind);
        assert_eq!(page.page().decode_with(|exit| exit.kind()), Ok(kind));
    }
}

//! Run pages that real KVM wrote, for the truth of kvm-exit: guests that exit once in a known way, and what
//! the exit has to say.

use kvm_core::kvm_exit::{
    DebugExit, InternalError, IoIn, IoOut, MmioRead, MmioWrite, MsrRead, MsrWrite,
};
use kvm_core::kvm_sys::{
    KVM_CAP_X86_USER_SPACE_MSR, KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_USE_HW_BP,
    KVM_INTERNAL_ERROR_EMULATION, KVM_MSR_EXIT_REASON_UNKNOWN, kvm_enable_cap, kvm_guest_debug,
};
use kvm_core::{DevKvm, Error, Exit, Vcpu};

use crate::conformance::x86_64::guest::{CODE, Guest, HIGH_MMIO, MMIO};

/// A guest whose first exit is known.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The name of the file with the page that KVM wrote for it.
    pub name: &'static str,
    /// Runs the guest up to its exit.
    pub make: fn(DevKvm) -> Result<Vcpu, Error>,
    /// Compares the exit with what the guest did.
    pub check: fn(Exit<'_>),
}

/// All of them: what a KVM in software could be made to give. It has no Hyper-V and Xen interfaces (their
/// capabilities are 0), memory attributes, bus locks or notify exits, and no entries that fail; moves of
/// CR8 and accesses of the APIC don't exit, and VMCALL and VMMCALL are no hypercalls there. How many accesses of
/// a string instruction one exit has, and DR7, differ between KVMs, so they are not compared.
pub const PAGES: &[Page] = &[
    Page {
        name: "io_out_1",
        // mov al, 0x41; out 0x10, al
        make: |kvm| run(kvm, &[0xb0, 0x41, 0xe6, 0x10]),
        check: |exit| {
            is(
                exit,
                Exit::IoOut(IoOut {
                    port: 0x10,
                    size: 1,
                    data: b"A",
                }),
            )
        },
    },
    Page {
        name: "io_out_2",
        // mov ax, 0x4241; mov dx, 0x3f8; out dx, ax
        make: |kvm| run(kvm, &[0xb8, 0x41, 0x42, 0xba, 0xf8, 0x03, 0xef]),
        check: |exit| {
            is(
                exit,
                Exit::IoOut(IoOut {
                    port: 0x3f8,
                    size: 2,
                    data: b"AB",
                }),
            )
        },
    },
    Page {
        name: "io_out_4",
        // mov eax, 0x44434241; mov dx, 0xcf8; out dx, eax
        make: |kvm| {
            run(
                kvm,
                &[
                    0x66, 0xb8, 0x41, 0x42, 0x43, 0x44, 0xba, 0xf8, 0x0c, 0x66, 0xef,
                ],
            )
        },
        check: |exit| {
            is(
                exit,
                Exit::IoOut(IoOut {
                    port: 0xcf8,
                    size: 4,
                    data: b"ABCD",
                }),
            )
        },
    },
    Page {
        name: "io_in_1",
        // in al, 0x60
        make: |kvm| run(kvm, &[0xe4, 0x60]),
        check: |exit| {
            is(
                exit,
                Exit::IoIn(IoIn {
                    port: 0x60,
                    size: 1,
                    data: &mut [0],
                }),
            )
        },
    },
    Page {
        name: "io_in_2",
        // mov dx, 0x1f0; in ax, dx
        make: |kvm| run(kvm, &[0xba, 0xf0, 0x01, 0xed]),
        check: |exit| {
            is(
                exit,
                Exit::IoIn(IoIn {
                    port: 0x1f0,
                    size: 2,
                    data: &mut [0; 2],
                }),
            )
        },
    },
    Page {
        name: "io_in_4",
        // mov dx, 0xcfc; in eax, dx
        make: |kvm| run(kvm, &[0xba, 0xfc, 0x0c, 0x66, 0xed]),
        check: |exit| {
            is(
                exit,
                Exit::IoIn(IoIn {
                    port: 0xcfc,
                    size: 4,
                    data: &mut [0; 4],
                }),
            )
        },
    },
    Page {
        name: "io_in_string",
        // mov dx, 0x1f0; mov cx, 6; mov di, 0x3000; rep insw
        make: |kvm| {
            run(
                kvm,
                &[0xba, 0xf0, 0x01, 0xb9, 6, 0, 0xbf, 0x00, 0x30, 0xf3, 0x6d],
            )
        },
        // How many accesses one exit has is KVM's choice.
        check: |exit| match exit {
            Exit::IoIn(io) => {
                assert_eq!((io.port, io.size), (0x1f0, 2));
                assert!((1..=6).contains(&io.count()), "{} accesses", io.count());
                assert!(io.data.iter().all(|byte| *byte == 0), "{:x?}", io.data);
            }
            other => not(&other),
        },
    },
    Page {
        name: "io_out_string",
        // mov dx, 0x3f8; mov cx, 3; mov si, 0x100a; rep outsb; db "Hi!"
        make: |kvm| run(kvm, b"\xba\xf8\x03\xb9\x03\x00\xbe\x0b\x10\xf3\x6eHi!"),
        check: |exit| match exit {
            Exit::IoOut(io) => {
                assert_eq!((io.port, io.size), (0x3f8, 1));
                assert!(
                    b"Hi!".starts_with(io.data) && !io.data.is_empty(),
                    "{:x?}",
                    io.data
                );
            }
            other => not(&other),
        },
    },
    Page {
        name: "mmio_write_1",
        // mov ax, 0x2000; mov ds, ax; mov byte [8], 0x41
        make: |kvm| {
            run(
                kvm,
                &[0xb8, 0x00, 0x20, 0x8e, 0xd8, 0xc6, 0x06, 0x08, 0x00, 0x41],
            )
        },
        check: |exit| {
            is(
                exit,
                Exit::MmioWrite(MmioWrite {
                    addr: MMIO + 8,
                    data: b"A",
                }),
            )
        },
    },
    Page {
        name: "mmio_write_2",
        // mov ax, 0x2000; mov ds, ax; mov word [8], 0x4241
        make: |kvm| {
            run(
                kvm,
                &[
                    0xb8, 0x00, 0x20, 0x8e, 0xd8, 0xc7, 0x06, 0x08, 0x00, 0x41, 0x42,
                ],
            )
        },
        check: |exit| {
            is(
                exit,
                Exit::MmioWrite(MmioWrite {
                    addr: MMIO + 8,
                    data: b"AB",
                }),
            )
        },
    },
    Page {
        name: "mmio_write_4",
        // mov dword [rdi + 4], 0x44434241
        make: |kvm| in_long_mode(kvm, &[0xc7, 0x47, 0x04, 0x41, 0x42, 0x43, 0x44]),
        check: |exit| {
            is(
                exit,
                Exit::MmioWrite(MmioWrite {
                    addr: HIGH_MMIO + 4,
                    data: b"ABCD",
                }),
            )
        },
    },
    Page {
        name: "mmio_write_8",
        // mov rax, 0x4847464544434241; mov [rdi + 16], rax
        make: |kvm| in_long_mode(kvm, b"\x48\xb8ABCDEFGH\x48\x89\x47\x10"),
        check: |exit| {
            is(
                exit,
                Exit::MmioWrite(MmioWrite {
                    addr: HIGH_MMIO + 16,
                    data: b"ABCDEFGH",
                }),
            )
        },
    },
    Page {
        name: "mmio_read_1",
        // mov al, [rdi + 3]
        make: |kvm| in_long_mode(kvm, &[0x8a, 0x47, 0x03]),
        check: |exit| {
            is(
                exit,
                Exit::MmioRead(MmioRead {
                    addr: HIGH_MMIO + 3,
                    data: &mut [0],
                }),
            )
        },
    },
    Page {
        name: "mmio_read_2",
        // mov ax, 0x2000; mov ds, ax; mov ax, [4]
        make: |kvm| run(kvm, &[0xb8, 0x00, 0x20, 0x8e, 0xd8, 0xa1, 0x04, 0x00]),
        check: |exit| {
            is(
                exit,
                Exit::MmioRead(MmioRead {
                    addr: MMIO + 4,
                    data: &mut [0; 2],
                }),
            )
        },
    },
    Page {
        name: "mmio_read_4",
        // mov eax, [rdi + 4]
        make: |kvm| in_long_mode(kvm, &[0x8b, 0x47, 0x04]),
        check: |exit| {
            is(
                exit,
                Exit::MmioRead(MmioRead {
                    addr: HIGH_MMIO + 4,
                    data: &mut [0; 4],
                }),
            )
        },
    },
    Page {
        name: "mmio_read_8",
        // mov rax, [rdi + 8]
        make: |kvm| in_long_mode(kvm, &[0x48, 0x8b, 0x47, 0x08]),
        check: |exit| {
            is(
                exit,
                Exit::MmioRead(MmioRead {
                    addr: HIGH_MMIO + 8,
                    data: &mut [0; 8],
                }),
            )
        },
    },
    Page {
        name: "hlt",
        // hlt
        make: |kvm| run(kvm, &[0xf4]),
        check: |exit| is(exit, Exit::Hlt),
    },
    Page {
        name: "irq_window_open",
        // sti; nop; jmp back to the nop
        make: |kvm| {
            let mut guest = Guest::new(kvm, &[0xfb, 0x90, 0xeb, 0xfd])?;
            guest.vcpu.request_interrupt_window(true);
            guest.vcpu.run()?;
            Ok(guest.vcpu)
        },
        check: |exit| is(exit, Exit::IrqWindowOpen),
    },
    Page {
        name: "shutdown",
        // ud2, without a handler of exceptions
        make: |kvm| in_long_mode(kvm, &[0x0f, 0x0b]),
        check: |exit| is(exit, Exit::Shutdown),
    },
    Page {
        name: "debug_step",
        // nop
        make: |kvm| {
            let mut guest = Guest::new(kvm, &[0x90, 0xf4])?;
            guest.vcpu.set_single_step(true)?;
            guest.vcpu.run()?;
            Ok(guest.vcpu)
        },
        check: |exit| match exit {
            Exit::Debug(debug) => {
                assert_eq!((debug.exception, debug.pc), (1, CODE + 1));
                assert_ne!(
                    debug.dr6 & 1 << 14,
                    0,
                    "dr6 {:#x} says no single step",
                    debug.dr6
                );
            }
            other => not(&other),
        },
    },
    Page {
        name: "debug_breakpoint",
        // nop; nop, with breakpoint 0 at the second one
        make: |kvm| {
            let mut guest = Guest::new(kvm, &[0x90, 0x90, 0xf4])?;
            let mut debug = kvm_guest_debug {
                control: KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
                ..Default::default()
            };
            debug.arch.debugreg[0] = CODE + 1;
            debug.arch.debugreg[7] = 0x402;
            guest.vcpu.set_guest_debug(&debug)?;
            guest.vcpu.run()?;
            Ok(guest.vcpu)
        },
        check: |exit| match exit {
            Exit::Debug(DebugExit {
                exception, pc, dr6, ..
            }) => {
                assert_eq!((exception, pc, dr6 & 0xf), (1, CODE + 1, 1));
            }
            other => not(&other),
        },
    },
    Page {
        name: "internal_error",
        // jmp 0x2000:0, where there is no memory to fetch from
        make: |kvm| run(kvm, &[0xea, 0x00, 0x00, 0x00, 0x20]),
        check: |exit| match exit {
            Exit::InternalError(InternalError { suberror, .. }) => {
                assert_eq!(suberror, KVM_INTERNAL_ERROR_EMULATION);
            }
            other => not(&other),
        },
    },
    Page {
        name: "rdmsr",
        // mov ecx, 0x4b566eff; rdmsr
        make: |kvm| msr_exits(kvm, &[0x66, 0xb9, 0xff, 0x6e, 0x56, 0x4b, 0x0f, 0x32]),
        check: |exit| {
            let reason = KVM_MSR_EXIT_REASON_UNKNOWN;
            let (index, data, error) = (UNKNOWN_MSR, &mut 0, &mut 0);
            is(
                exit,
                Exit::X86Rdmsr(MsrRead {
                    index,
                    reason,
                    data,
                    error,
                }),
            );
        },
    },
    Page {
        name: "wrmsr",
        // mov ecx, 0x4b566eff; mov eax, 0x44332211; mov edx, 0x88776655; wrmsr
        make: |kvm| {
            let code = [
                0x66, 0xb9, 0xff, 0x6e, 0x56, 0x4b, 0x66, 0xb8, 0x11, 0x22, 0x33, 0x44, 0x66, 0xba,
                0x55, 0x66, 0x77, 0x88, 0x0f, 0x30,
            ];
            msr_exits(kvm, &code)
        },
        check: |exit| {
            let reason = KVM_MSR_EXIT_REASON_UNKNOWN;
            let (index, data, error) = (UNKNOWN_MSR, 0x8877_6655_4433_2211, &mut 0);
            is(
                exit,
                Exit::X86Wrmsr(MsrWrite {
                    index,
                    reason,
                    data,
                    error,
                }),
            );
        },
    },
];

const UNKNOWN_MSR: u32 = 0x4b56_6eff;

/// Runs a real-mode guest up to its first exit.
fn run(kvm: DevKvm, code: &[u8]) -> Result<Vcpu, Error> {
    let mut guest = Guest::new(kvm, code)?;
    guest.vcpu.run()?;
    Ok(guest.vcpu)
}

/// Runs a long-mode guest up to its first exit.
fn in_long_mode(kvm: DevKvm, code: &[u8]) -> Result<Vcpu, Error> {
    let mut guest = Guest::in_long_mode(kvm, code)?;
    guest.vcpu.run()?;
    Ok(guest.vcpu)
}

/// Runs a real-mode guest whose accesses of unknown MSRs exit.
fn msr_exits(kvm: DevKvm, code: &[u8]) -> Result<Vcpu, Error> {
    let mut guest = Guest::new(kvm, code)?;
    let mut enable = kvm_enable_cap {
        cap: KVM_CAP_X86_USER_SPACE_MSR,
        ..Default::default()
    };
    enable.args[0] = KVM_MSR_EXIT_REASON_UNKNOWN.bits().into();
    guest.vm.enable_cap(&enable)?;
    guest.vcpu.run()?;
    Ok(guest.vcpu)
}

#[track_caller]
fn is(exit: Exit<'_>, expected: Exit<'_>) {
    assert_eq!(exit, expected);
}

#[expect(clippy::panic, reason = "it is how a check fails")]
#[track_caller]
fn not(exit: &Exit<'_>) {
    panic!("another exit: {exit}");
}

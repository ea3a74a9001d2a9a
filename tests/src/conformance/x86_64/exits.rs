//! Exits that few guests cause: section 5.

use kvm_core::kvm_exit::{DebugExit, FailEntry, Hypercall, InternalError, X86_64};
use kvm_core::kvm_sys::x86_64::{
    KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_USE_HW_BP, KVM_HC_MAP_GPA_RANGE,
    KVM_INTERNAL_ERROR_EMULATION, kvm_guest_debug, kvm_regs,
};
use kvm_core::{Exit, Hypervisor};

use super::guest::{CODE, Guest, regs};
use super::{Model, Outcome, Step, unexpected};

/// A call of the hypervisor, with its arguments in the registers. (The kernel makes it the other maker's where it
/// has to be.)
#[rustfmt::skip]
const CALL: &[u8] = &[
    0x0f, 0x01, 0xd9, // vmmcall
    0xf4,             // hlt
];

const ARGS: [u64; 6] = [0x1000, 1, 1 << 4, 0, 0, 0];

pub(crate) fn hypercall_script(model: &Model) {
    let call = Step::exit(|page| {
        page.encode(&Exit::Hypercall(Hypercall {
            nr: KVM_HC_MAP_GPA_RANGE,
            args: &ARGS,
            ret: &mut 0,
            flags: kvm_core::kvm_sys::x86_64::HypercallExitFlags::KVM_EXIT_HYPERCALL_LONG_MODE,
        }))
    });
    let mut done = regs(CODE + 4);
    done.rax = 7;
    model.script(
        0,
        [
            call.answered(|exit| matches!(exit, Exit::Hypercall(call) if *call.ret == 7)),
            Step::hlt().with_regs(done),
        ],
    );
}

/// A call that the VMM has asked for is its to answer.
pub(crate) fn hypercall<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::in_long_mode(system, CALL)?;
    guest.vm.enable_hypercall_exits(1 << KVM_HC_MAP_GPA_RANGE)?;
    guest.vcpu.set_regs(&kvm_regs {
        rax: KVM_HC_MAP_GPA_RANGE,
        rbx: 0x1000,
        rcx: 1,
        rdx: 1 << 4,
        ..regs(CODE)
    })?;
    match guest.vcpu.run()?.0 {
        Exit::Hypercall(call) => {
            assert_eq!(call.nr, KVM_HC_MAP_GPA_RANGE);
            assert_eq!(call.args.get(..3), ARGS.get(..3));
            assert!(call.long_mode());
            *call.ret = 7;
        }
        other => return unexpected("a hypercall", other),
    }
    guest.halts()?;
    assert_eq!(guest.vcpu.get_regs()?.rax, 7);
    Ok(())
}

pub(crate) fn fail_entry_script(model: &Model) {
    let fails = FailEntry {
        hardware_entry_failure_reason: u64::MAX,
        cpu: 0,
    };
    model.script(
        0,
        [Step::exit(move |page| page.encode(&Exit::FailEntry(fails)))],
    );
}

/// A code segment that has both 64 and 32 bits is none that a processor enters.
pub(crate) fn fail_entry<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::in_long_mode(system, &[0xf4])?;
    let mut sregs = guest.vcpu.get_sregs()?;
    (sregs.cs.l, sregs.cs.db) = (1, 1);
    guest.vcpu.set_sregs(&sregs)?;
    match guest.vcpu.run()?.0 {
        Exit::FailEntry(failed) => assert_ne!(failed.hardware_entry_failure_reason, 0),
        other => return unexpected("an entry that fails", other),
    }
    Ok(())
}

/// `jmp 0x2000:0`, where there is no memory to fetch from.
const NOWHERE: &[u8] = &[0xea, 0x00, 0x00, 0x00, 0x20];

pub(crate) fn internal_error_script(model: &Model) {
    model.script(
        0,
        [Step::exit(|page| {
            page.encode(&Exit::InternalError(InternalError {
                suberror: KVM_INTERNAL_ERROR_EMULATION,
                data: &[],
            }))
        })],
    );
}

/// An instruction that KVM would have to emulate, and can't.
pub(crate) fn internal_error<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, NOWHERE)?;
    match guest.vcpu.run()?.0 {
        Exit::InternalError(error) => assert_eq!(error.suberror, KVM_INTERNAL_ERROR_EMULATION),
        other => return unexpected("an internal error", other),
    }
    Ok(())
}

pub(crate) fn breakpoint_script(model: &Model) {
    let event = DebugExit {
        exception: 1,
        pc: CODE + 1,
        dr6: 0xffff_0ff1,
        dr7: 0x402,
    };
    model.script(
        0,
        [
            Step::debug(event).with_regs(regs(CODE + 1)),
            Step::hlt().with_regs(regs(CODE + 3)),
        ],
    );
}

/// Section 4.87: the guest stops before the instruction at the address in a debug register.
pub(crate) fn breakpoint<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    // nop; nop; hlt
    let mut guest = Guest::new(system, &[0x90, 0x90, 0xf4])?;
    let mut debug = kvm_guest_debug {
        control: KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
        ..Default::default()
    };
    let [address, .., control] = &mut debug.arch.debugreg;
    (*address, *control) = (CODE + 1, 0x402);
    guest.vcpu.set_guest_debug(&debug)?;
    match guest.vcpu.run()?.0 {
        Exit::Debug(event) => assert_eq!((event.exception, event.pc), (1, CODE + 1)),
        other => return unexpected("a breakpoint", other),
    }
    guest.vcpu.set_guest_debug(&kvm_guest_debug::default())?;
    guest.halts()
}

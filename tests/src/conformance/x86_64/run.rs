//! Running: halts, single steps, shutdown; section 4.10.

use kvm_core::kvm_exit::X86_64;
use kvm_core::{Exit, Hypervisor};

use super::guest::{CODE, Guest, regs};
use super::{Model, Outcome, Step, unexpected};

/// Two halts.
const HALT_TWICE: &[u8] = &[0xf4, 0xf4];

pub(crate) fn halt_script(model: &Model) {
    model.script(
        0,
        [
            Step::hlt().with_regs(regs(CODE + 1)),
            Step::hlt().with_regs(regs(CODE + 2)),
        ],
    );
}

/// A halt exits with the instruction done; the next entry goes on behind it.
pub(crate) fn halt<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, HALT_TWICE)?;
    for rip in [CODE + 1, CODE + 2] {
        let (exit, regs) = guest.vcpu.run()?;
        assert_eq!((exit, regs.get_regs()?.rip), (Exit::Hlt, rip));
    }
    Ok(())
}

/// Instructions of several lengths.
#[rustfmt::skip]
const STEPS: &[u8] = &[
    0x90,             // nop
    0xb8, 0x01, 0x00, // mov ax, 1
    0x83, 0xc0, 0x02, // add ax, 2
    0x90,             // nop
    0xf4,             // hlt
];

const RIPS: [u64; 4] = [CODE + 1, CODE + 4, CODE + 7, CODE + 8];

pub(crate) fn single_step_script(model: &Model) {
    model.script(0, RIPS.map(|rip| Step::stepped(rip).with_regs(regs(rip))));
    let mut done = regs(CODE + 9);
    done.rax = 3;
    model.script(0, [Step::hlt().with_regs(done)]);
}

/// Section 4.87: with `KVM_GUESTDBG_SINGLESTEP`, each instruction is an exit, and `pc` is where the next one
/// is. Without it the guest runs on.
pub(crate) fn single_step<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, STEPS)?;
    guest.vcpu.set_single_step(true)?;
    for rip in RIPS {
        match guest.vcpu.run()? {
            (Exit::Debug(event), regs) => {
                assert_eq!((event.exception, event.pc), (1, rip));
                assert_eq!(regs.get_regs()?.rip, rip);
            }
            (other, _) => return unexpected("a single step", other),
        }
    }
    guest.vcpu.set_single_step(false)?;
    guest.halts()?;
    assert_eq!(guest.vcpu.get_regs()?.rax, 3);
    Ok(())
}

/// An instruction that is none.
const UNDEFINED: &[u8] = &[0x0f, 0x0b]; // ud2

pub(crate) fn triple_fault_script(model: &Model) {
    model.script(0, [Step::shutdown()]);
}

/// Section 5, `KVM_EXIT_SHUTDOWN`: an exception that can't be delivered, because the table of handlers is
/// empty, ends in a shutdown.
pub(crate) fn triple_fault<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::in_long_mode(system, UNDEFINED)?;
    assert_eq!(guest.vcpu.run()?.0, Exit::Shutdown);
    Ok(())
}

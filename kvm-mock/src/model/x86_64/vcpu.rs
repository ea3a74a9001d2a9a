//! A vCPU's state.

use kvm_core::kvm_sys::op::{Dir, Op};
use kvm_core::kvm_sys::x86_64::{
    KVM_MP_STATE_AP_RESET_HOLD, KVM_MP_STATE_HALTED, KVM_MP_STATE_INIT_RECEIVED,
    KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_SIPI_RECEIVED, KVM_MP_STATE_UNINITIALIZED,
    KVM_NR_INTERRUPTS, KVM_SET_DEBUGREGS, KVM_SET_LAPIC, kvm_debugregs, kvm_fpu, kvm_interrupt,
    kvm_lapic_state, kvm_mp_state, kvm_regs, kvm_sregs, kvm_vcpu_events,
};
use kvm_core::{Arg, Errno};
use kvm_exit::{Page, X86_64};

use super::synthetic::APIC_BOOT_CPU;
use super::{nested, sync_regs, xsave};
use crate::model::vcpu::{State, Vcpu};
use crate::model::vm;
use crate::model::{args, lock};

/// Sets up a new vCPU.
pub(super) fn start(vm: &vm::State, id: u64, state: &mut State) {
    let boots = id == vm.boot_cpu;
    let has_lapic = vm.irqchips.exist();
    let banks = &mut state.banks;
    if !boots {
        let mut sregs: kvm_sregs = banks.get("sregs");
        sregs.apic_base &= !APIC_BOOT_CPU;
        banks.set("sregs", &sregs);
    }
    if has_lapic {
        let mut lapic: kvm_lapic_state = banks.get("lapic");
        set_register(
            &mut lapic,
            APIC_ID,
            u32::try_from(id).unwrap_or(u32::MAX) << 24,
        );
        if !boots {
            set_register(&mut lapic, LVT0, MASKED);
        }
        banks.set("lapic", &lapic);
    }
    // Section 4.38: without a local APIC in the kernel, a vCPU is always runnable; with one, it waits for
    // the boot CPU to start it.
    let mp_state = if boots || !has_lapic {
        KVM_MP_STATE_RUNNABLE
    } else {
        KVM_MP_STATE_UNINITIALIZED
    };
    banks.set("mp_state", &kvm_mp_state { mp_state });
    banks.set_bytes(nested::BANK, &nested::at_reset(vm.x86.svm));
}

/// Offsets of registers: the id, which is in the upper byte; the local vector of the first pin, which the boot CPU
/// takes external interrupts from.
const APIC_ID: usize = 0x20;
const LVT0: usize = 0x350;
pub(super) const TPR: usize = 0x80;
const MASKED: u32 = 1 << 16;

fn set_register(lapic: &mut kvm_lapic_state, offset: usize, value: u32) {
    if let Some(register) = lapic.regs.get_mut(offset..offset + 4) {
        register.copy_from_slice(&value.to_le_bytes());
    }
}

/// What KVM refuses of the calls that only get and set state.
pub(super) fn check(vcpu: &Vcpu, op: &Op, arg: &Arg<'_>) -> Result<(), Errno> {
    let refused = match (op.bank, op.dir()) {
        // Sections 4.57 and 4.58 have no errno for it; the kernel's is this one.
        (Some("lapic"), _) => !vcpu.vm().has_irqchip(),
        (Some("debugregs"), Some(Dir::In)) => {
            let regs: kvm_debugregs = args::read(arg)?;
            // Section 4.34: "The flags field is unused yet and must be cleared"; the upper halves of both
            // control registers are reserved by the architecture.
            regs.flags != 0 || (regs.dr6 | regs.dr7) >> 32 != 0
        }
        _ => false,
    };
    if refused { Err(Errno::EINVAL) } else { Ok(()) }
}

impl Vcpu {
    /// Section 4.39: what but `RUNNABLE` is "only useful after KVM_CREATE_IRQCHIP".
    pub(super) fn set_mp_state(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_mp_state { mut mp_state } = args::read(arg)?;
        let known = match mp_state {
            KVM_MP_STATE_RUNNABLE => true,
            KVM_MP_STATE_UNINITIALIZED
            | KVM_MP_STATE_INIT_RECEIVED
            | KVM_MP_STATE_HALTED
            | KVM_MP_STATE_SIPI_RECEIVED
            | KVM_MP_STATE_AP_RESET_HOLD => self.vm().has_irqchip(),
            _ => false,
        };
        if !known {
            return Err(Errno::EINVAL);
        }
        let mut state = lock(&self.state);
        let events: kvm_vcpu_events = state.banks.get("vcpu_events");
        // Neither comes through in system management mode, nor when it is about to be entered.
        let started = [KVM_MP_STATE_INIT_RECEIVED, KVM_MP_STATE_SIPI_RECEIVED].contains(&mp_state);
        if started && events.smi.smm | events.smi.pending != 0 {
            return Err(Errno::EINVAL);
        }
        if mp_state == KVM_MP_STATE_SIPI_RECEIVED {
            // The kernel starts the vCPU when it next looks, at the first byte of the vector's page: here vector 0.
            mp_state = KVM_MP_STATE_RUNNABLE;
            let mut sregs: kvm_sregs = state.banks.get("sregs");
            (sregs.cs.selector, sregs.cs.base) = (0, 0);
            state.banks.set("sregs", &sregs);
            let mut regs: kvm_regs = state.banks.get("regs");
            regs.rip = 0;
            state.banks.set("regs", &regs);
        }
        state.banks.set("mp_state", &kvm_mp_state { mp_state });
        Ok(0)
    }

    /// The priority of the task is also a special register.
    pub(super) fn set_lapic(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        check(self, &KVM_SET_LAPIC, arg)?;
        let lapic: kvm_lapic_state = args::read(arg)?;
        let mut state = lock(&self.state);
        let mut sregs: kvm_sregs = state.banks.get("sregs");
        let priority = lapic.regs.get(TPR).copied().unwrap_or_default();
        sregs.cr8 = u64::from(priority >> 4);
        state.banks.set("sregs", &sregs);
        state.banks.set("lapic", &lapic);
        Ok(0)
    }

    /// One flag is always set. An exception that was pending at the old instruction is forgotten.
    pub(super) fn set_regs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        const FIXED: u64 = 1 << 1;

        let mut regs: kvm_regs = args::read(arg)?;
        regs.rflags |= FIXED;
        let mut state = lock(&self.state);
        state.banks.set("regs", &regs);
        let mut events: kvm_vcpu_events = state.banks.get("vcpu_events");
        events.exception.pending = 0;
        state.banks.set("vcpu_events", &events);
        Ok(0)
    }

    /// The kernel takes no control bits of SSE here, but in `KVM_SET_XSAVE`.
    pub(super) fn set_fpu(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let fpu = kvm_fpu {
            pad1: 0,
            mxcsr: 0,
            pad2: 0,
            ..args::read(arg)?
        };
        let mut state = lock(&self.state);
        state.banks.set("fpu", &fpu);
        xsave::follow_fpu(&mut state.banks);
        Ok(0)
    }

    pub(super) fn set_debugregs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        check(self, &KVM_SET_DEBUGREGS, arg)?;
        let regs = kvm_debugregs {
            reserved: [0; 9],
            ..args::read(arg)?
        };
        lock(&self.state).banks.set("debugregs", &regs);
        Ok(0)
    }

    /// Section 4.16: "`EINVAL` the irq number is invalid, `ENXIO` if the PIC is in the kernel".
    pub(super) fn interrupt(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_interrupt { irq } = args::read(arg)?;
        if usize::try_from(irq).map_or(true, |irq| irq >= KVM_NR_INTERRUPTS) {
            return Err(Errno::EINVAL);
        }
        let vm = lock(&self.vm().state);
        let (pics, split) = (vm.irqchips.has_pics(), vm.irqchips.exist());
        drop(vm);
        if pics {
            return Err(Errno::ENXIO);
        }
        let mut state = lock(&self.state);
        if split {
            // The kernel holds one interrupt of the VMM's controller until the guest takes it.
            let waits = std::mem::replace(&mut state.x86.external_interrupt, true);
            return if waits { Err(Errno::EEXIST) } else { Ok(0) };
        }
        let mut events: kvm_vcpu_events = state.banks.get("vcpu_events");
        // There are 256, so no bit is lost.
        let [nr, ..] = irq.to_le_bytes();
        (
            events.interrupt.injected,
            events.interrupt.nr,
            events.interrupt.soft,
        ) = (1, nr, 0);
        state.banks.set("vcpu_events", &events);
        Ok(0)
    }
}

/// A guest takes the interrupt that waits as soon as it is entered. Says whether the VMM set registers in the page.
pub(super) fn enter(page: &mut [u64], state: &mut State, supported: u32) -> Result<bool, Errno> {
    let taken = sync_regs::take(page, state, supported)?;
    state.x86.external_interrupt = false;
    state.x86.smi_asked = false;
    let mut events: kvm_vcpu_events = state.banks.get("vcpu_events");
    if events.interrupt.injected != 0 {
        events.interrupt.injected = 0;
        state.banks.set("vcpu_events", &events);
    }
    Ok(taken)
}

/// What KVM says beside the exit: section 5.
pub(super) fn tell_state(words: &mut [u64], state: &State, vm: &vm::State) {
    /// The interrupt flag in rflags.
    const IF: u64 = 1 << 9;

    // `RunMemory` has made sure that it is one.
    let Ok(page) = Page::<X86_64>::from_words(words) else {
        return;
    };
    let regs: kvm_regs = state.banks.get("regs");
    let sregs: kvm_sregs = state.banks.get("sregs");
    let interruptible = regs.rflags & IF != 0;
    let (_, beside) = page.split();
    beside.state.if_flag = interruptible.into();
    beside.state.ready_for_interrupt_injection = (interruptible || vm.irqchips.exist()).into();
    beside.state.cr8 = sregs.cr8;
    beside.state.apic_base = sregs.apic_base;
}

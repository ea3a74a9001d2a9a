//! A virtual CPU's state. What it runs is in `enter`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use kvm_core::kvm_sys::op::{Dir, Fds, Op};
use kvm_core::kvm_sys::{
    KVM_GET_CPUID2, KVM_GET_MSRS, KVM_INTERRUPT, KVM_MP_STATE_AP_RESET_HOLD, KVM_MP_STATE_HALTED,
    KVM_MP_STATE_INIT_RECEIVED, KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_SIPI_RECEIVED,
    KVM_MP_STATE_UNINITIALIZED, KVM_NR_INTERRUPTS, KVM_SET_CPUID2, KVM_SET_GUEST_DEBUG,
    KVM_SET_MSRS, KVM_SET_SIGNAL_MASK, kvm_cpuid_entry2, kvm_cpuid2, kvm_debugregs, kvm_interrupt,
    kvm_lapic_state, kvm_mp_state, kvm_sregs,
};
use kvm_core::{Arg, Errno, Mapping, Region};

use super::args::{self, List};
use super::banks::Banks;
use super::calls::{self, Call};
use super::lock;
use super::stats::Counters;
use super::synthetic::APIC_BOOT_CPU;
use super::system::{self, MOST_CPUID_ENTRIES};
use super::vm::Vm;
use super::x86_64;
use crate::model::script::Script;
use crate::page::RunMemory;

static CALLS: &[Call<Vcpu>] = &[
    Call(&KVM_GET_CPUID2, Vcpu::get_cpuid2),
    Call(&KVM_SET_CPUID2, Vcpu::set_cpuid2),
    Call(&KVM_GET_MSRS, Vcpu::get_msrs),
    Call(&KVM_SET_MSRS, Vcpu::set_msrs),
    Call(&KVM_SET_GUEST_DEBUG, Vcpu::accept),
    Call(&KVM_SET_SIGNAL_MASK, Vcpu::set_signal_mask),
    Call(&KVM_INTERRUPT, Vcpu::interrupt),
];

const CPUID: List = List::behind::<kvm_cpuid2>();

#[derive(Debug)]
pub(super) struct Vcpu {
    vm: Arc<Vm>,
    pub(super) id: u64,
    number: i32,
    pub(super) script: Arc<Script>,
    pub(super) run: OnceLock<Arc<RunMemory>>,
    pub(super) counters: Counters,
    /// Held while the vCPU runs, as the kernel holds the vCPU's own lock: other calls wait.
    pub(super) state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) banks: Banks,
    pub(super) has_run: bool,
    cpuid: Vec<kvm_cpuid_entry2>,
    msrs: BTreeMap<u32, u64>,
    pub(super) x86: x86_64::VcpuState,
}

impl Vcpu {
    pub(super) fn new(
        vm: &Arc<Vm>,
        id: u64,
        boots: bool,
        has_lapic: bool,
        x86: x86_64::VcpuState,
    ) -> Self {
        let host = vm.system().profile();
        let mut banks = Banks::new(&host.resets);
        if !boots {
            let mut sregs: kvm_sregs = banks.get("sregs");
            sregs.apic_base &= !APIC_BOOT_CPU;
            banks.set("sregs", &sregs);
        }
        if has_lapic {
            let mut lapic: kvm_lapic_state = banks.get("lapic");
            set_apic_id(&mut lapic, id);
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
        Self {
            id,
            number: vm.system().next_number(),
            script: vm.system().claim(id),
            run: OnceLock::new(),
            counters: Counters::default(),
            state: Mutex::new(State {
                banks,
                has_run: false,
                cpuid: Vec::new(),
                msrs: host.msrs.clone(),
                x86,
            }),
            vm: Arc::clone(vm),
        }
    }

    pub(super) fn vm(&self) -> &Vm {
        &self.vm
    }

    pub(super) fn number(&self) -> i32 {
        self.number
    }

    /// Maps the run page. The contract of a mapping leaves no room for a second one.
    pub(super) fn map(&self, region: Region) -> Result<Mapping, Errno> {
        let memory = RunMemory::new(region)?;
        match self.run.set(Arc::clone(&memory)) {
            Ok(()) => Ok(memory.mapping()),
            Err(_) => Err(Errno::EBUSY),
        }
    }

    pub(super) fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let call = calls::find([CALLS, x86_64::VCPU], op, Fds::VCPU, |cap| self.vm.cap(cap))?;
        if let Some(Call(_, call)) = call {
            return call(self, arg);
        }
        self.check(op, arg)?;
        let mut state = lock(&self.state);
        let unknown = Err(calls::unknown(Fds::VCPU));
        state.banks.call(op, arg).unwrap_or(unknown)
    }

    /// What KVM refuses of the calls that only get and set state.
    fn check(&self, op: &Op, arg: &Arg<'_>) -> Result<(), Errno> {
        let refused = match (op.bank, op.dir()) {
            // Sections 4.57 and 4.58 have no errno for it; the kernel's is this one.
            (Some("lapic"), _) => !self.vm.has_irqchip(),
            (Some("mp_state"), Some(Dir::In)) => {
                let kvm_mp_state { mp_state } = args::read(arg)?;
                // Section 4.39: what but `RUNNABLE` is "only useful after KVM_CREATE_IRQCHIP".
                !match mp_state {
                    KVM_MP_STATE_RUNNABLE => true,
                    KVM_MP_STATE_UNINITIALIZED
                    | KVM_MP_STATE_INIT_RECEIVED
                    | KVM_MP_STATE_HALTED
                    | KVM_MP_STATE_SIPI_RECEIVED
                    | KVM_MP_STATE_AP_RESET_HOLD => self.vm.has_irqchip(),
                    _ => false,
                }
            }
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

    /// As `KVM_GET_SUPPORTED_CPUID`, section 4.46.
    fn get_cpuid2(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let state = lock(&self.state);
        if CPUID.count(arg)? < state.cpuid.len() {
            return Err(Errno::E2BIG);
        }
        CPUID.set_elements(arg, &state.cpuid)?;
        CPUID.set_count(arg, state.cpuid.len())?;
        Ok(0)
    }

    /// Section 4.20 warns of changing the leaves after `KVM_RUN`; kernels since 5.16 refuse it.
    fn set_cpuid2(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let count = CPUID.count(arg)?;
        if count > MOST_CPUID_ENTRIES {
            return Err(Errno::E2BIG);
        }
        self.keep_cpuid(CPUID.elements(arg, count)?)
    }

    pub(super) fn keep_cpuid(&self, entries: Vec<kvm_cpuid_entry2>) -> Result<u32, Errno> {
        let mut state = lock(&self.state);
        if state.has_run && state.cpuid != entries {
            return Err(Errno::EINVAL);
        }
        state.cpuid = entries;
        Ok(0)
    }

    fn get_msrs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        system::get_msrs(&lock(&self.state).msrs, arg)
    }

    /// Section 4.19: "number of msrs successfully set"; the first that is refused ends the call.
    fn set_msrs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let entries = system::msr_entries(arg)?;
        let mut state = lock(&self.state);
        let mut done = 0;
        for entry in entries {
            let Some(value) = state.msrs.get_mut(&entry.index) else {
                break;
            };
            *value = entry.data;
            done += 1;
        }
        Ok(done)
    }

    /// Section 4.16: "`EINVAL` the irq number is invalid, `ENXIO` if the PIC is in the kernel". A scripted
    /// guest takes no interrupt.
    fn interrupt(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_interrupt { irq } = args::read(arg)?;
        if usize::try_from(irq).map_or(true, |irq| irq >= KVM_NR_INTERRUPTS) {
            return Err(Errno::EINVAL);
        }
        if self.vm.has_irqchip() {
            return Err(Errno::ENXIO);
        }
        Ok(0)
    }

    /// Calls that change only what a guest does, which its script says.
    fn accept(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        Ok(0)
    }
}

/// The id is the upper byte of the register at 0x20.
fn set_apic_id(lapic: &mut kvm_lapic_state, id: u64) {
    let [low, ..] = id.to_le_bytes();
    if let Some(byte) = lapic.regs.get_mut(0x23) {
        *byte = low;
    }
}

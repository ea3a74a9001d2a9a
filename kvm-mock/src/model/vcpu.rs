//! A virtual CPU's state. What it runs is in `enter`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use kvm_core::kvm_sys::op::{Dir, Fds, Op};
use kvm_core::kvm_sys::x86_64::kvm_cpuid_entry2;
use kvm_core::kvm_sys::{
    KVM_GET_ONE_REG, KVM_PRE_FAULT_MEMORY, KVM_SET_ONE_REG, KVM_SET_SIGNAL_MASK,
};
use kvm_core::{Arg, CoalescedPage, Errno, Mapping};

use super::aarch64;
use super::banks::Banks;
use super::calls::{self, Call};
use super::lock;
use super::one_reg::OneRegs;
use super::stats::Counters;
use super::verdict::PendingIo;
use super::vm::Vm;
use super::x86_64;
use crate::dirty_ring::Ring;
use crate::model::script::{Mismatch, Script};
use crate::page::RunMemory;
use crate::wait::Blocked;

/// The calls that all architectures have.
static CALLS: &[Call<Vcpu>] = &[
    Call(&KVM_SET_SIGNAL_MASK, Vcpu::set_signal_mask),
    Call(&KVM_PRE_FAULT_MEMORY, Vcpu::pre_fault_memory),
];

#[derive(Debug)]
pub(super) struct Vcpu {
    vm: Arc<Vm>,
    pub(super) id: u64,
    number: i32,
    pub(super) script: Arc<Script>,
    pub(super) run: OnceLock<Arc<RunMemory>>,
    pub(super) ring: Option<Arc<Mutex<Ring>>>,
    pub(super) counters: Counters,
    /// Held while the vCPU runs, as the kernel holds the vCPU's own lock: other calls wait.
    pub(super) state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) banks: Banks,
    pub(super) has_run: bool,
    /// The signals that wait while it runs, where the VMM has said so.
    pub(super) blocked: Option<Blocked>,
    /// Registers were set before the access was complete, so that the reply goes nowhere.
    pub(super) reply_lost: bool,
    pub(super) cpuid: Vec<kvm_cpuid_entry2>,
    pub(super) msrs: BTreeMap<u32, u64>,
    /// By id, for architectures that have them one by one.
    pub(super) registers: OneRegs,
    pub(super) x86: x86_64::VcpuState,
    pub(super) arm: aarch64::VcpuState,
}

impl Vcpu {
    pub(super) fn new(vm: &Arc<Vm>, id: u64, ring: Option<Arc<Mutex<Ring>>>) -> Self {
        let system = vm.system();
        let host = system.profile();
        let mut state = State {
            banks: Banks::new(&host.resets),
            has_run: false,
            blocked: None,
            reply_lost: false,
            cpuid: Vec::new(),
            msrs: host.all_msrs(),
            registers: host.registers.clone(),
            x86: lock(&vm.state).x86.vcpu(),
            arm: aarch64::VcpuState::default(),
        };
        (system.platform().start)(&lock(&vm.state), id, &mut state);
        Self {
            id,
            number: system.next_number(),
            script: system.claim(id),
            run: OnceLock::new(),
            ring,
            counters: Counters::default(),
            state: Mutex::new(state),
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
    pub(super) fn map(&self, memory: Arc<RunMemory>) -> Result<Mapping, Errno> {
        match self.run.set(Arc::clone(&memory)) {
            Ok(()) => {
                self.vm.system().verdict.wakes(&memory);
                let mapping = memory.mapping();
                let page = usize::try_from(self.vm.page_size()).map_err(|_| Errno::EINVAL)?;
                let ring = &mut lock(&self.vm.state).coalesced.ring;
                if ring.is_none() {
                    *ring = CoalescedPage::of(&mapping, page);
                }
                Ok(mapping)
            }
            Err(_) => Err(Errno::EBUSY),
        }
    }

    pub(super) fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let platform = self.vm.system().platform();
        let cap = |cap| self.vm.cap(cap);
        let tables = [CALLS, platform.vcpu];
        self.between(op)?;
        if let Some(Call(_, call)) = calls::find(tables, op, platform, Fds::VCPU, cap)? {
            return call(self, arg);
        }
        (platform.check_vcpu)(self, op, arg)?;
        let mut state = lock(&self.state);
        let unknown = Err(calls::unknown(platform, Fds::VCPU));
        state.banks.call(op, arg).unwrap_or(unknown)
    }

    /// Calls that change only what a guest does, which its script says.
    pub(super) fn accept(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        Ok(0)
    }

    /// Looks after calls that touch registers while the VMM is at an exit that it has to answer.
    fn between(&self, op: &'static Op) -> Result<(), Errno> {
        match touches_registers(op) {
            Some(Dir::In) => self.set_registers(op, &mut lock(&self.state)),
            Some(_) if self.vm.system().verdict.pending_io() == PendingIo::Strict => {
                if let Some(failure) = self.script.between(self.id, || Mismatch::Stale { op }) {
                    self.vm.system().verdict.note_stale(failure);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The VMM sets registers.
    pub(super) fn set_registers(&self, op: &'static Op, state: &mut State) -> Result<(), Errno> {
        let failure = self
            .script
            .between(self.id, || Mismatch::SetTooEarly { op });
        let verdict = &self.vm.system().verdict;
        match (failure, verdict.pending_io()) {
            (None, _) => Ok(()),
            (Some(_), PendingIo::AsKernel) => {
                state.reply_lost = true;
                Ok(())
            }
            (Some(failure), _) => Err(verdict.fail(failure)),
        }
    }
}

/// Section 5: the banks of state that an access of the guest's changes when it is complete.
const REGISTERS: [&str; 8] = [
    "regs",
    "sregs",
    "sregs2",
    "fpu",
    "xsave",
    "xcrs",
    "debugregs",
    "vcpu_events",
];

/// Which way registers go in the call, if it moves any.
fn touches_registers(op: &Op) -> Option<Dir> {
    if op == &KVM_SET_ONE_REG {
        Some(Dir::In)
    } else if op == &KVM_GET_ONE_REG {
        Some(Dir::Out)
    } else if op.bank.is_some_and(|bank| REGISTERS.contains(&bank)) {
        op.dir()
    } else {
        None
    }
}

/// A vCPU that goes before the end of its script ends the run, unless that is on its way to end anyhow.
impl Drop for Vcpu {
    fn drop(&mut self) {
        let verdict = &self.vm.system().verdict;
        if verdict.unread_is_fine() || verdict.failed() || thread::panicking() {
            return;
        }
        if let Err(failure) = self.script.left(self.id) {
            verdict.fail(failure);
        }
    }
}

//! Entering a vCPU: its script, one step at a time.
#![expect(unsafe_code, reason = "touches the run page")]

use kvm_core::Errno;
use kvm_core::kvm_sys::{kvm_regs, kvm_sregs};
use kvm_exit::{BadPage, Exit, RunPage};

use super::lock;
use super::vcpu::{State, Vcpu};
use crate::model::script::{Leaves, Mismatch, Step};
use crate::page::RunMemory;

/// What a kick sets in `immediate_exit`. The typed layer has another bit for completing pending I/O, so that
/// the one is not taken for the other.
const KICK: u8 = 1;

/// What a step comes to, besides a failure.
enum Done {
    Exits,
    Fails(Errno),
    Waits,
    /// The kernel takes what the guest does, which goes on.
    Stays,
}

impl Vcpu {
    /// Takes the reply to the last exit and, unless `immediate_exit` is set, the next step.
    ///
    /// # Safety
    ///
    /// No reference into the private bytes of the vCPU's mapping lives, and no other thread is inside
    /// `enter` of it.
    pub(super) unsafe fn enter(&self) -> Result<(), Errno> {
        let mut state = lock(&self.state);
        self.vm().system().outcome().map_err(|_| Errno::DIVERGED)?;
        // Without a mapping nobody could see the exit.
        let run = self.run.get().ok_or(Errno::EINVAL)?;
        // SAFETY: inside `enter`, by the caller's promise.
        let goes_on = unsafe { self.complete(&mut state, run) }?;
        // Section 5, immediate_exit: pending I/O is completed, and the guest not entered. An access that
        // takes several exits is not complete before the last.
        let flag = run.immediate_exit();
        if !goes_on && flag != 0 {
            if flag & KICK != 0 {
                self.script.end_wait();
            }
            return Err(Errno::EINTR);
        }
        state.has_run = true;
        loop {
            // Section 8.29: the guest runs on only once the VMM has harvested the ring.
            if self.ring.as_ref().is_some_and(|ring| lock(ring).is_full()) {
                let full = |page: &mut RunPage| page.encode(&Exit::DirtyRingFull);
                // SAFETY: inside `enter`, by the caller's promise.
                let written = unsafe { with_page(run, full) }?;
                return written.map_err(|_| Errno::EINVAL);
            }
            let Some(pending) = self.script.next() else {
                return Err(run.block());
            };
            // SAFETY: inside `enter`, by the caller's promise.
            let done = unsafe { self.perform(&mut state, run, pending.step()) }
                .map_err(|mismatch| self.vm().system().fail(pending.failure(self.id, mismatch)));
            if !matches!(done, Ok(Done::Stays)) {
                self.script.pend(pending);
            }
            match done? {
                Done::Exits => return Ok(()),
                Done::Fails(errno) => return Err(errno),
                Done::Waits => return Err(run.block()),
                Done::Stays => {}
            }
        }
    }

    /// Takes the reply to the last exit. Says whether the next step belongs to the same access.
    ///
    /// # Safety
    ///
    /// The caller is inside `enter`.
    unsafe fn complete(&self, state: &mut State, run: &RunMemory) -> Result<bool, Errno> {
        let Some(pending) = self.script.finish() else {
            return Ok(false);
        };
        let check = |page: &mut RunPage| pending.check(page);
        // SAFETY: inside `enter`, by the caller's promise.
        unsafe { with_page(run, check) }?
            .map_err(|mismatch| self.vm().system().fail(pending.failure(self.id, mismatch)))?;
        if let Some(regs) = pending.regs_then() {
            state.banks.set("regs", regs);
        }
        Ok(pending.goes_on())
    }

    /// # Safety
    ///
    /// The caller is inside `enter`.
    unsafe fn perform(
        &self,
        state: &mut State,
        run: &RunMemory,
        step: &Step,
    ) -> Result<Done, Mismatch> {
        let irqchip = self.vm().has_irqchip();
        self.touch_memory(step)?;
        for gsi in &step.ended {
            lock(&self.vm().state).events.end_interrupt(*gsi);
        }
        if let Some(regs) = &step.regs {
            state.banks.set("regs", regs);
        }
        if let Leaves::Block = step.leaves {
            return Ok(Done::Waits);
        }
        if self.takes(step)? {
            if let Some(regs) = &step.regs_then {
                state.banks.set("regs", regs);
            }
            return Ok(Done::Stays);
        }
        let write = |page: &mut RunPage| {
            step.encode(page)?;
            tell_state(page, state, irqchip);
            Ok(())
        };
        // SAFETY: inside `enter`, by the caller's promise.
        let written = unsafe { with_page(run, write) };
        // `RunMemory` has made sure that the page is one.
        written.unwrap_or(Ok(())).map_err(Mismatch::Unencodable)?;
        Ok(step.errno.map_or(Done::Exits, Done::Fails))
    }

    /// Whether the kernel takes the step's write, so that there is no exit.
    fn takes(&self, step: &Step) -> Result<bool, Mismatch> {
        let write = step.write();
        let taken = write.is_some_and(|write| lock(&self.vm().state).take(write));
        if step.in_kernel && !taken {
            return Err(Mismatch::Exits);
        }
        Ok(taken)
    }

    /// What the step says about the guest's memory.
    fn touch_memory(&self, step: &Step) -> Result<(), Mismatch> {
        let page = self.vm().page_size();
        let mut vm = lock(&self.vm().state);
        let missing = |address: &u64, bytes: &[u8]| Mismatch::NoMemory {
            address: *address,
            len: bytes.len(),
        };
        for (address, expected) in &step.finds {
            let mut found = vec![0; expected.len()];
            if !vm.slots.read(*address, &mut found) {
                return Err(missing(address, expected));
            }
            if found != *expected {
                return Err(Mismatch::Memory {
                    address: *address,
                    expected: expected.clone(),
                    found,
                });
            }
        }
        for (address, bytes) in &step.writes {
            let mut ring = self.ring.as_deref().map(lock);
            let log = |slot, page| ring.as_mut().map_or(Ok(()), |ring| ring.push(slot, page));
            if !vm.slots.write(*address, bytes, page, log)? {
                return Err(missing(address, bytes));
            }
        }
        Ok(())
    }
}

/// What KVM says beside the exit: section 5.
fn tell_state(page: &mut RunPage, state: &State, irqchip: bool) {
    /// The interrupt flag in rflags.
    const IF: u64 = 1 << 9;

    let regs: kvm_regs = state.banks.get("regs");
    let sregs: kvm_sregs = state.banks.get("sregs");
    let interruptible = regs.rflags & IF != 0;
    let (_, beside) = page.split();
    beside.state.if_flag = interruptible.into();
    beside.state.ready_for_interrupt_injection = (interruptible || irqchip).into();
    beside.state.cr8 = sregs.cr8;
    beside.state.apic_base = sregs.apic_base;
}

/// # Safety
///
/// The caller is inside `enter` of the vCPU.
unsafe fn with_page<R>(run: &RunMemory, look: impl FnOnce(&mut RunPage) -> R) -> Result<R, Errno> {
    let look = |words: &mut [u64]| RunPage::from_words(words).map(look);
    // SAFETY: the caller's promise.
    let looked: Result<R, BadPage> = unsafe { run.with_page(look) };
    looked.map_err(|_| Errno::EINVAL)
}

//! Entering a vCPU: its script, one step at a time.
#![expect(unsafe_code, reason = "touches the run page")]

use std::sync::atomic::Ordering;

use kvm_core::Errno;
use kvm_core::kvm_sys::{KVM_CAP_SYNC_REGS, KVM_EXIT_DIRTY_RING_FULL, KVM_RUN};
use zerocopy::IntoBytes;

use super::vcpu::{State, Vcpu};
use super::{dirty_ring, lock};
use crate::model::script::{Failure, Mismatch, Scripted};
use crate::page::{self, RunMemory};
use crate::wait::{self, Blocked};

/// What a kick sets in `immediate_exit`. The typed layer has another bit for completing pending I/O, so that
/// the one is not taken for the other.
const KICK: u8 = 1;

/// What a step comes to, besides a failure.
enum Done {
    Exits,
    Fails(Errno),
    Waits,
    /// The vCPU is not where the step begins: it stays to be done.
    NotYet(Errno),
    /// The kernel takes what the guest does, which goes on.
    Stays,
}

impl Vcpu {
    /// # Safety
    ///
    /// No reference into the private bytes of the vCPU's mapping lives, and no other thread is inside
    /// `enter` of it.
    pub(super) unsafe fn enter(&self) -> Result<(), Errno> {
        self.vm().running.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller's promise.
        let entered = unsafe { self.run() };
        self.vm().running.fetch_sub(1, Ordering::SeqCst);
        if entered == Err(Errno::EINTR) {
            self.counters.interrupted();
        }
        entered
    }

    /// Takes the registers that the VMM left in the page, enters, and leaves those it asks for.
    ///
    /// # Safety
    ///
    /// As [`enter`](Self::enter).
    unsafe fn run(&self) -> Result<(), Errno> {
        let mut state = lock(&self.state);
        if self.vm().system().verdict.failed() {
            return Err(Errno::DIVERGED);
        }
        // Without a mapping nobody could see the exit.
        let run = self.run.get().ok_or(Errno::EINVAL)?;
        let platform = self.vm().system().platform();
        let supported = self.vm().cap(KVM_CAP_SYNC_REGS);
        let take = |page: &mut [u64]| (platform.before_enter)(page, &mut state, supported);
        // SAFETY: inside `enter`, by the caller's promise.
        let taken = unsafe { run.with_page(take) }?;
        if taken {
            self.set_registers(&KVM_RUN, &mut state)?;
        }
        // SAFETY: inside `enter`, by the caller's promise.
        let entered = unsafe { self.enter_guest(&mut state, run) };
        // SAFETY: inside `enter`, by the caller's promise.
        unsafe { run.with_page(|page| (platform.after_enter)(page, &state)) };
        entered
    }

    /// Takes the reply to the last exit and, unless `immediate_exit` is set, the next step.
    ///
    /// # Safety
    ///
    /// The caller is inside `enter`.
    unsafe fn enter_guest(&self, state: &mut State, run: &RunMemory) -> Result<(), Errno> {
        // SAFETY: inside `enter`, by the caller's promise.
        let goes_on = unsafe { self.complete(state, run) }?;
        // Section 5, immediate_exit: pending I/O is completed, and the guest not entered. An access that
        // takes several exits is not complete before the last.
        let flag = run.immediate_exit();
        if !goes_on && flag != 0 {
            if flag & KICK != 0 {
                self.script.end_wait();
            }
            return Err(Errno::EINTR);
        }
        // Section 4.21: a signal that is blocked by the thread, and here is not.
        if state.blocked.is_some_and(wait::pending) {
            return Err(Errno::EINTR);
        }
        state.has_run = true;
        lock(&self.vm().state).has_run = true;
        loop {
            // Section 8.29: the guest runs on only once the VMM has harvested the ring.
            if self
                .ring
                .as_ref()
                .is_some_and(|ring| dirty_ring::is_full(&lock(ring)))
            {
                // On all architectures a page starts with the reason.
                let full = |page: &mut [u64]| {
                    KVM_EXIT_DIRTY_RING_FULL.write_to_prefix(page.as_mut_bytes())
                };
                // SAFETY: inside `enter`, by the caller's promise.
                return unsafe { run.with_page(full) }.map_err(|_| Errno::EINVAL);
            }
            let Some(pending) = self.script.next() else {
                return Err(self.block(run, state.blocked));
            };
            // SAFETY: inside `enter`, by the caller's promise.
            let done = unsafe { self.perform(state, run, pending.step()) }
                .map_err(|mismatch| self.fail(pending.failure(self.id, mismatch)));
            match done {
                Ok(Done::Stays) => {}
                Ok(Done::NotYet(_)) => self.script.give_back(pending),
                _ => self.script.pend(pending),
            }
            match done? {
                Done::Exits => return Ok(()),
                Done::Fails(errno) | Done::NotYet(errno) => return Err(errno),
                Done::Waits => return Err(self.block(run, state.blocked)),
                Done::Stays => {}
            }
        }
    }

    fn fail(&self, failure: Failure) -> Errno {
        self.vm().system().verdict.fail(failure)
    }

    /// Waits as an idle guest does, and until the run fails.
    fn block(&self, run: &RunMemory, blocked: Option<Blocked>) -> Errno {
        self.block_unless(run, blocked, || false)
    }

    fn block_unless(
        &self,
        run: &RunMemory,
        blocked: Option<Blocked>,
        over: impl Fn() -> bool,
    ) -> Errno {
        let verdict = &self.vm().system().verdict;
        let ended = run.block_unless(blocked, || verdict.failed() || over());
        if verdict.failed() {
            Errno::DIVERGED
        } else {
            ended
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
        // SAFETY: inside `enter`, by the caller's promise.
        unsafe { run.with_page(|page| pending.step().check(page)) }
            .map_err(|mismatch| self.fail(pending.failure(self.id, mismatch)))?;
        if std::mem::take(&mut state.reply_lost) {
            return Ok(false);
        }
        let frame = pending.step().frame();
        for (bank, bytes) in &frame.state_then {
            state.banks.set_bytes(bank, bytes);
        }
        for (id, bytes) in &frame.registers_then {
            state.registers.put(*id, &**bytes);
        }
        Ok(frame.goes_on)
    }

    /// # Safety
    ///
    /// The caller is inside `enter`.
    unsafe fn perform(
        &self,
        state: &mut State,
        run: &RunMemory,
        step: &dyn Scripted,
    ) -> Result<Done, Mismatch> {
        if let (Some(meeting), Some(waiter)) = (step.meeting(), self.run.get()) {
            meeting.come(waiter);
            let ended = self.block_unless(run, state.blocked, || meeting.is_over());
            if !meeting.is_over() {
                return Ok(Done::NotYet(ended));
            }
        }
        let frame = step.frame();
        frame.expects.iter().try_for_each(|holds| holds(state))?;
        self.touch_memory(step)?;
        for gsi in &frame.ended {
            lock(&self.vm().state).events.end_interrupt(*gsi);
        }
        for (bank, bytes) in &frame.state {
            state.banks.set_bytes(bank, bytes);
        }
        for (id, bytes) in &frame.registers {
            state.registers.put(*id, &**bytes);
        }
        if step.blocks() {
            return Ok(Done::Waits);
        }
        let vm = self.vm();
        if step.meeting().is_some() || self.takes(step)? {
            for (bank, bytes) in &frame.state_then {
                state.banks.set_bytes(bank, bytes);
            }
            for (id, bytes) in &frame.registers_then {
                state.registers.put(*id, &**bytes);
            }
            return Ok(Done::Stays);
        }
        let tell_state = vm.system().platform().tell_state;
        let write = |page: &mut [u64]| {
            step.encode(page)?;
            tell_state(page, state, &lock(&vm.state));
            Ok(page::reason(page))
        };
        // SAFETY: inside `enter`, by the caller's promise.
        let reason = unsafe { run.with_page(write) }.map_err(Mismatch::Unencodable)?;
        self.counters.exit(reason);
        Ok(frame.errno.map_or(Done::Exits, Done::Fails))
    }

    /// Whether the kernel takes the step's write, so that there is no exit.
    fn takes(&self, step: &dyn Scripted) -> Result<bool, Mismatch> {
        let write = step.write();
        let taken = write.is_some_and(|write| lock(&self.vm().state).take(write));
        if step.frame().in_kernel && !taken {
            return Err(Mismatch::Exits);
        }
        Ok(taken)
    }

    /// What the step says about the guest's memory.
    fn touch_memory(&self, step: &dyn Scripted) -> Result<(), Mismatch> {
        let page = self.vm().page_size();
        let mut vm = lock(&self.vm().state);
        let missing = |address: &u64, bytes: &[u8]| Mismatch::NoMemory {
            address: *address,
            len: bytes.len(),
        };
        for (address, expected) in &step.frame().finds {
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
        for (address, bytes) in &step.frame().writes {
            let mut ring = self.ring.as_deref().map(lock);
            let log = |slot, page| {
                ring.as_mut()
                    .map_or(Ok(()), |ring| dirty_ring::push(ring, slot, page))
            };
            if !vm.slots.write(*address, bytes, page, log)? {
                return Err(missing(address, bytes));
            }
        }
        Ok(())
    }
}

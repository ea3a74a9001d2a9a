//! Saving and restoring the state of x86_64 vCPUs, in the order that KVM demands.

use alloc::vec::Vec;

use kvm_exit::X86_64;
use kvm_sys::Arch;
use kvm_sys::op::{Fds, Op};
use kvm_sys::x86_64;
use kvm_sys::x86_64::{
    Cap, KVM_CAP_DEBUGREGS, KVM_CAP_EXT_CPUID, KVM_CAP_GET_TSC_KHZ, KVM_CAP_MP_STATE,
    KVM_CAP_NESTED_STATE, KVM_CAP_SREGS2, KVM_CAP_VCPU_EVENTS, KVM_CAP_XCRS, KVM_CAP_XSAVE,
    KVM_GET_CPUID2, KVM_GET_DEBUGREGS, KVM_GET_FPU, KVM_GET_LAPIC, KVM_GET_MP_STATE, KVM_GET_MSRS,
    KVM_GET_NESTED_STATE, KVM_GET_REGS, KVM_GET_SREGS, KVM_GET_SREGS2, KVM_GET_TSC_KHZ,
    KVM_GET_VCPU_EVENTS, KVM_GET_XCRS, KVM_GET_XSAVE2, KVM_SET_DEBUGREGS, KVM_SET_FPU,
    KVM_SET_LAPIC, KVM_SET_MP_STATE, KVM_SET_REGS, KVM_SET_SREGS, KVM_SET_SREGS2,
    KVM_SET_VCPU_EVENTS, KVM_SET_XCRS, kvm_cpuid_entry2, kvm_debugregs, kvm_fpu, kvm_lapic_state,
    kvm_mp_state, kvm_msr_entry, kvm_nested_state, kvm_regs, kvm_sregs, kvm_sregs2,
    kvm_vcpu_events, kvm_xcrs,
};
use zerocopy::FromBytes;

use super::{NestedState, Xsave, save_msrs};
use crate::error::Cause;
use crate::state::{self, Bank, Writer};
use crate::{Errno, Error, Hypervisor, Registers, SavedState, Vcpu};

const REGS: Bank<kvm_regs> = Bank::new(&KVM_GET_REGS, &KVM_SET_REGS);
const SREGS: Bank<kvm_sregs> = Bank::new(&KVM_GET_SREGS, &KVM_SET_SREGS);
const SREGS2: Bank<kvm_sregs2> = Bank::new(&KVM_GET_SREGS2, &KVM_SET_SREGS2);
const FPU: Bank<kvm_fpu> = Bank::new(&KVM_GET_FPU, &KVM_SET_FPU);
const XCRS: Bank<kvm_xcrs> = Bank::new(&KVM_GET_XCRS, &KVM_SET_XCRS);
const DEBUGREGS: Bank<kvm_debugregs> = Bank::new(&KVM_GET_DEBUGREGS, &KVM_SET_DEBUGREGS);
const LAPIC: Bank<kvm_lapic_state> = Bank::new(&KVM_GET_LAPIC, &KVM_SET_LAPIC);
const MP_STATE: Bank<kvm_mp_state> = Bank::new(&KVM_GET_MP_STATE, &KVM_SET_MP_STATE);
const EVENTS: Bank<kvm_vcpu_events> = Bank::new(&KVM_GET_VCPU_EVENTS, &KVM_SET_VCPU_EVENTS);

/// What the state of a vCPU consists of.
const PIECES: [&Op; 14] = [
    &KVM_GET_MP_STATE,
    &KVM_GET_REGS,
    &KVM_GET_SREGS,
    &KVM_GET_SREGS2,
    &KVM_GET_FPU,
    &KVM_GET_XSAVE2,
    &KVM_GET_XCRS,
    &KVM_GET_DEBUGREGS,
    &KVM_GET_LAPIC,
    &KVM_GET_CPUID2,
    &KVM_GET_TSC_KHZ,
    &KVM_GET_MSRS,
    &KVM_GET_NESTED_STATE,
    &KVM_GET_VCPU_EVENTS,
];

impl<H: Hypervisor<Guest = X86_64>> Vcpu<H> {
    /// The vCPU's state, to be [restored](Self::restore) into another one, here or elsewhere.
    ///
    /// Finishes the I/O of the last exit first. Other vCPUs of the VM have to be stopped, and stay so until
    /// [the VM](crate::Vm::save) is saved too; guest memory is the VMM's to copy, after that.
    ///
    /// In the state is all that KVM hands out of a vCPU: registers, FPU, debug registers, local APIC, CPUID,
    /// MSRs (those of `KVM_GET_MSR_INDEX_LIST`, MTRRs and banks of machine checks), the TSC's frequency,
    /// pending events. What this host does not have is noted as absent. Not in it is what the VMM set up and
    /// has to set up again: capabilities it enabled, filters, debugging, Xen and Hyper-V beyond their MSRs.
    ///
    /// # Errors
    ///
    /// [`Cause::Unanswered`] when finishing the I/O gives a further exit, which is in the
    /// [run page](Self::run_page_mut) then: [`complete_with`](Self::complete_with) comes first. Else what the
    /// backend answers.
    pub fn save(&mut self) -> Result<SavedState, Error> {
        self.settle()?;
        let on = self.backend();
        let has = |cap| self.has(cap);
        let mut state = Writer::new(Arch::X86_64, Fds::VCPU);
        // Before all others: reading it has the local APIC act on INIT and SIPI.
        MP_STATE.save(on, has(KVM_CAP_MP_STATE)?, &mut state)?;
        REGS.save(on, true, &mut state)?;
        let with_pdptrs = has(KVM_CAP_SREGS2)?;
        SREGS2.save(on, with_pdptrs, &mut state)?;
        SREGS.save(on, !with_pdptrs, &mut state)?;
        // All that the FPU's own call has, and more.
        let has_xsave = has(KVM_CAP_XSAVE)?;
        if has_xsave {
            state.put(&KVM_GET_XSAVE2, self.get_xsave2()?.as_bytes())?;
        } else {
            state.absent(&KVM_GET_XSAVE2);
        }
        FPU.save(on, !has_xsave, &mut state)?;
        XCRS.save(on, has(KVM_CAP_XCRS)?, &mut state)?;
        DEBUGREGS.save(on, has(KVM_CAP_DEBUGREGS)?, &mut state)?;
        match LAPIC.save(on, true, &mut state) {
            // There is none in the kernel.
            Err(error) if error.errno() == Errno::EINVAL => state.absent(&KVM_GET_LAPIC),
            saved => saved?,
        }
        if has(KVM_CAP_EXT_CPUID)? {
            state.put(&KVM_GET_CPUID2, self.get_cpuid2()?.as_slice())?;
        } else {
            state.absent(&KVM_GET_CPUID2);
        }
        match has(KVM_CAP_GET_TSC_KHZ)?.then(|| self.get_tsc_khz()) {
            Some(Ok(khz)) => state.put(&KVM_GET_TSC_KHZ, &khz)?,
            // The host's own counter is unstable.
            Some(Err(error)) if error.errno() != Errno::EIO => return Err(error),
            Some(Err(_)) | None => state.absent(&KVM_GET_TSC_KHZ),
        }
        if has(KVM_CAP_NESTED_STATE)? {
            let nested = self.get_nested_state()?;
            state.put_two(&KVM_GET_NESTED_STATE, nested.header(), nested.data())?;
        } else {
            state.absent(&KVM_GET_NESTED_STATE);
        }
        state.put(&KVM_GET_MSRS, save_msrs::read(self)?.as_slice())?;
        // After all others, any of which may change them.
        EVENTS.save(on, has(KVM_CAP_VCPU_EVENTS)?, &mut state)?;
        Ok(state.finish())
    }

    /// Gives the vCPU a saved state. It has to be of the same id, has not run yet, and its VM is set up as the
    /// one was whose vCPU was saved: capabilities, interrupt controllers, memory with what was in it. All vCPUs
    /// come before [the VM](crate::Vm::restore), whose interrupt controllers deliver to them.
    ///
    /// When it fails, the vCPU is left with a part of the state, and is good for nothing but another try.
    ///
    /// # Errors
    ///
    /// [`Cause::ForeignState`], [`Cause::StateOfOther`], [`Cause::StateUnknown`], [`Cause::StateMissing`] and
    /// [`Cause::StateLength`] when the bytes are not the state of an x86_64 vCPU; [`Cause::Msr`] when the host
    /// refuses one that has another value. Else what the backend answers: mostly `EINVAL` when the host lacks
    /// what the state needs.
    pub fn restore(&mut self, state: &SavedState) -> Result<(), Error> {
        state.check(Arch::X86_64, Fds::VCPU, &PIECES)?;
        state.require::<kvm_regs>(&KVM_GET_REGS)?;
        self.settle()?;
        let on = self.backend();
        // First, as it says which values are good for the registers behind.
        if let Some(leaves) = state.list::<kvm_cpuid_entry2>(&KVM_GET_CPUID2)? {
            self.set_cpuid2(&leaves)?;
        }
        let msrs: Vec<kvm_msr_entry> = state.list(&KVM_GET_MSRS)?.unwrap_or_default();
        // Whether nested virtualization is on, before what depends on it.
        save_msrs::write(self, &msrs, save_msrs::FIRST)?;
        let with_pdptrs = SREGS2.restore(on, state)?.map(|sregs| sregs.cr8);
        let cr8 = match with_pdptrs {
            Some(cr8) => cr8,
            None => SREGS.restore(on, state)?.ok_or(missing())?.cr8,
        };
        if let Some(nested) = state.all(&KVM_GET_NESTED_STATE).next() {
            self.set_nested_state(&nested_state(nested)?)?;
        }
        REGS.restore(on, state)?;
        FPU.restore(on, state)?;
        if let Some(xsave) = state.all(&KVM_GET_XSAVE2).next() {
            self.set_xsave2(&Xsave::from_bytes(xsave))?;
        }
        XCRS.restore(on, state)?;
        DEBUGREGS.restore(on, state)?;
        // Behind the registers that place it, and before the MSRs that arm its timer.
        LAPIC.restore(on, state)?;
        if let Some(khz) = state.get::<u32>(&KVM_GET_TSC_KHZ)? {
            // Not every host can change it, and most need not.
            if self.get_tsc_khz()? != khz {
                self.set_tsc_khz(khz)?;
            }
        }
        save_msrs::write(self, &msrs, save_msrs::MIDDLE)?;
        save_msrs::write(self, &msrs, save_msrs::LAST)?;
        MP_STATE.restore(on, state)?;
        EVENTS.restore(on, state)?;
        // Without a local APIC in the kernel, each entry takes the register from here.
        self.run_page_mut().set_cr8(cr8);
        self.read_sync_regs()
    }

    /// Finishes the I/O of the last exit.
    fn settle(&mut self) -> Result<(), Error> {
        match self.complete()? {
            None => Ok(()),
            Some(_) => {
                let op = &x86_64::KVM_RUN;
                Err(Error::with(op, Errno::EBUSY, Cause::Unanswered, 0))
            }
        }
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    fn has(&self, cap: Cap) -> Result<bool, Error> {
        Ok(self.vm().system.check_extension(cap)? != 0)
    }
}

fn nested_state(bytes: &[u8]) -> Result<NestedState, Error> {
    match kvm_nested_state::read_from_prefix(bytes) {
        Ok((header, data)) => Ok(NestedState::new(&header, data)),
        Err(_) => Err(state::length(&KVM_GET_NESTED_STATE, bytes)),
    }
}

fn missing() -> Error {
    Error::with(&KVM_GET_SREGS, Errno::ENOENT, Cause::StateMissing, 0)
}

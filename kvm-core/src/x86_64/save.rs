//! Saving and restoring the state of x86_64 vCPUs, in the order that KVM demands.

use alloc::vec::Vec;

use kvm_exit::X86_64;
use kvm_sys::Arch;
use kvm_sys::op::{Fds, Op};
use kvm_sys::x86_64::{
    KVM_CAP_DEBUGREGS, KVM_CAP_EXT_CPUID, KVM_CAP_GET_TSC_KHZ, KVM_CAP_MP_STATE,
    KVM_CAP_NESTED_STATE, KVM_CAP_ONE_REG, KVM_CAP_SREGS2, KVM_CAP_VCPU_EVENTS, KVM_CAP_XCRS,
    KVM_CAP_XSAVE, KVM_GET_CPUID2, KVM_GET_DEBUGREGS, KVM_GET_FPU, KVM_GET_LAPIC, KVM_GET_MP_STATE,
    KVM_GET_MSRS, KVM_GET_NESTED_STATE, KVM_GET_ONE_REG, KVM_GET_REGS, KVM_GET_SREGS,
    KVM_GET_SREGS2, KVM_GET_TSC_KHZ, KVM_GET_VCPU_EVENTS, KVM_GET_XCRS, KVM_GET_XSAVE2,
    KVM_SET_DEBUGREGS, KVM_SET_FPU, KVM_SET_LAPIC, KVM_SET_MP_STATE, KVM_SET_REGS, KVM_SET_SREGS,
    KVM_SET_SREGS2, KVM_SET_VCPU_EVENTS, KVM_SET_XCRS, kvm_cpuid_entry2, kvm_debugregs, kvm_fpu,
    kvm_lapic_state, kvm_mp_state, kvm_msr_entry, kvm_nested_state, kvm_regs, kvm_sregs,
    kvm_sregs2, kvm_vcpu_events, kvm_xcrs,
};
use zerocopy::FromBytes;

use super::{NestedState, Xsave, save_msrs, save_vm};
use crate::device::{Device, Plan};
use crate::error::Cause;
use crate::state::{self, Bank, Writer, restore_registers, save_registers};
use crate::{Errno, Error, Hypervisor, Registers, SavedState, StateGuest, Vcpu, Vm};

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
const PIECES: [&Op; 15] = [
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
    &KVM_GET_ONE_REG,
    &KVM_GET_NESTED_STATE,
    &KVM_GET_VCPU_EVENTS,
];

impl StateGuest for X86_64 {
    fn save_vcpu<H: Hypervisor<Guest = Self>>(vcpu: &mut Vcpu<H>) -> Result<SavedState, Error> {
        vcpu.settle()?;
        let on = vcpu.backend();
        let has = |cap| vcpu.vm().has(cap);
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
            state.put(&KVM_GET_XSAVE2, vcpu.get_xsave2()?.as_bytes())?;
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
            state.put(&KVM_GET_CPUID2, vcpu.get_cpuid2()?.as_slice())?;
        } else {
            state.absent(&KVM_GET_CPUID2);
        }
        match has(KVM_CAP_GET_TSC_KHZ)?.then(|| vcpu.get_tsc_khz()) {
            Some(Ok(khz)) => state.put(&KVM_GET_TSC_KHZ, &khz)?,
            // The host's own counter is unstable.
            Some(Err(error)) if error.errno() != Errno::EIO => return Err(error),
            Some(Err(_)) | None => state.absent(&KVM_GET_TSC_KHZ),
        }
        if has(KVM_CAP_NESTED_STATE)? {
            let nested = vcpu.get_nested_state()?;
            state.put_two(&KVM_GET_NESTED_STATE, nested.header(), nested.data())?;
        } else {
            state.absent(&KVM_GET_NESTED_STATE);
        }
        state.put(&KVM_GET_MSRS, save_msrs::read(vcpu)?.as_slice())?;
        if has(KVM_CAP_ONE_REG)? {
            save_registers(vcpu, &mut state)?;
        } else {
            state.absent(&KVM_GET_ONE_REG);
        }
        // After all others, any of which may change them.
        EVENTS.save(on, has(KVM_CAP_VCPU_EVENTS)?, &mut state)?;
        Ok(state.finish())
    }

    fn restore_vcpu<H: Hypervisor<Guest = Self>>(
        vcpu: &mut Vcpu<H>,
        state: &SavedState,
    ) -> Result<(), Error> {
        state.check(Arch::X86_64, Fds::VCPU, &PIECES)?;
        state.require::<kvm_regs>(&KVM_GET_REGS)?;
        vcpu.settle()?;
        let on = vcpu.backend();
        // First, as it says which values are good for the registers behind.
        if let Some(leaves) = state.list::<kvm_cpuid_entry2>(&KVM_GET_CPUID2)? {
            vcpu.set_cpuid2(&leaves)?;
        }
        let msrs: Vec<kvm_msr_entry> = state.list(&KVM_GET_MSRS)?.unwrap_or_default();
        // Whether nested virtualization is on, before what depends on it.
        save_msrs::write(vcpu, &msrs, save_msrs::FIRST)?;
        let with_pdptrs = SREGS2.restore(on, state)?.map(|sregs| sregs.cr8);
        let cr8 = match with_pdptrs {
            Some(cr8) => cr8,
            None => SREGS.restore(on, state)?.ok_or(missing())?.cr8,
        };
        if let Some(nested) = state.all(&KVM_GET_NESTED_STATE).next() {
            vcpu.set_nested_state(&nested_state(nested)?)?;
        }
        REGS.restore(on, state)?;
        FPU.restore(on, state)?;
        if let Some(xsave) = state.all(&KVM_GET_XSAVE2).next() {
            vcpu.set_xsave2(&Xsave::from_bytes(xsave))?;
        }
        XCRS.restore(on, state)?;
        DEBUGREGS.restore(on, state)?;
        // Behind the registers that place it, and before the MSRs that arm its timer.
        LAPIC.restore(on, state)?;
        if let Some(khz) = state.get::<u32>(&KVM_GET_TSC_KHZ)? {
            // Not every host can change it, and most need not.
            if vcpu.get_tsc_khz()? != khz {
                vcpu.set_tsc_khz(khz)?;
            }
        }
        save_msrs::write(vcpu, &msrs, save_msrs::MIDDLE)?;
        save_msrs::write(vcpu, &msrs, save_msrs::LAST)?;
        // The shadow stack's pointer, which the MSRs that enable it come before.
        restore_registers(vcpu, state, |_| 0)?;
        MP_STATE.restore(on, state)?;
        EVENTS.restore(on, state)?;
        // Without a local APIC in the kernel, each entry takes the register from here.
        vcpu.run_page_mut().set_cr8(cr8);
        vcpu.read_sync_regs()
    }

    fn save_vm<H: Hypervisor<Guest = Self>>(vm: &Vm<H>) -> Result<SavedState, Error> {
        save_vm::save(vm)
    }

    fn restore_vm<H: Hypervisor<Guest = Self>>(
        vm: &Vm<H>,
        state: &SavedState,
    ) -> Result<(), Error> {
        save_vm::restore(vm, state)
    }

    /// The interrupt controllers are the VM's.
    fn device_plan<H: Hypervisor<Guest = Self>>(
        _: &Device<H>,
        _: &[(u64, Option<Registers<H>>)],
    ) -> Result<Option<Plan>, Error> {
        Ok(None)
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

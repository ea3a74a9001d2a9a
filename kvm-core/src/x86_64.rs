//! The calls that x86_64 has.

use alloc::vec::Vec;

use kvm_exit::X86_64;
use kvm_sys::x86_64::{
    self, GuestDebugFlags, KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_SINGLESTEP, kvm_cpuid_entry2,
    kvm_debugregs, kvm_guest_debug, kvm_irq_level, kvm_irqchip, kvm_msr_entry, kvm_regs, kvm_sregs,
};

use crate::error::Cause;
use crate::typed::{Call, Get, Set, SetList, Update, UpdateList};
use crate::{Errno, Error, Hypervisor, Kvm, Registers, Vm};

const GET_SUPPORTED_CPUID: UpdateList<kvm_cpuid_entry2> =
    UpdateList::new(&x86_64::KVM_GET_SUPPORTED_CPUID);
const GET_MSR_INDEX_LIST: UpdateList<u32> = UpdateList::new(&x86_64::KVM_GET_MSR_INDEX_LIST);
const CREATE_IRQCHIP: Call = Call::new(&x86_64::KVM_CREATE_IRQCHIP);
const GET_IRQCHIP: Update<kvm_irqchip> = Update::new(&x86_64::KVM_GET_IRQCHIP);
const SET_IRQCHIP: Set<kvm_irqchip> = Set::new(&x86_64::KVM_SET_IRQCHIP);
const IRQ_LINE: Set<kvm_irq_level> = Set::new(&x86_64::KVM_IRQ_LINE);
const SET_TSS_ADDR: Call = Call::new(&x86_64::KVM_SET_TSS_ADDR);
const SET_GUEST_DEBUG: Set<kvm_guest_debug> = Set::new(&x86_64::KVM_SET_GUEST_DEBUG);
const GET_REGS: Get<kvm_regs> = Get::new(&x86_64::KVM_GET_REGS);
const SET_REGS: Set<kvm_regs> = Set::new(&x86_64::KVM_SET_REGS);
const GET_SREGS: Get<kvm_sregs> = Get::new(&x86_64::KVM_GET_SREGS);
const SET_SREGS: Set<kvm_sregs> = Set::new(&x86_64::KVM_SET_SREGS);
const GET_DEBUGREGS: Get<kvm_debugregs> = Get::new(&x86_64::KVM_GET_DEBUGREGS);
const SET_DEBUGREGS: Set<kvm_debugregs> = Set::new(&x86_64::KVM_SET_DEBUGREGS);
const GET_CPUID2: UpdateList<kvm_cpuid_entry2> = UpdateList::new(&x86_64::KVM_GET_CPUID2);
const SET_CPUID2: SetList<kvm_cpuid_entry2> = SetList::new(&x86_64::KVM_SET_CPUID2);
const GET_MSRS: UpdateList<kvm_msr_entry> = UpdateList::new(&x86_64::KVM_GET_MSRS);
const SET_MSRS: SetList<kvm_msr_entry> = SetList::new(&x86_64::KVM_SET_MSRS);

impl<H: Hypervisor<Guest = X86_64>> Kvm<H> {
    /// The CPUID leaves that the CPU and KVM both support, to give to
    /// [`set_cpuid2`](Registers::set_cpuid2), whole or in part. Section 4.46; needs `KVM_CAP_EXT_CPUID`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_supported_cpuid(&self) -> Result<Vec<kvm_cpuid_entry2>, Error> {
        GET_SUPPORTED_CPUID.get(self.system())
    }

    /// The MSRs whose values make up a vCPU's state. Section 4.3.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_msr_index_list(&self) -> Result<Vec<u32>, Error> {
        GET_MSR_INDEX_LIST.get(self.system())
    }
}

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// Creates interrupt controllers in the kernel: two PICs, an I/O APIC, and a local APIC for each
    /// vCPU created after. Section 4.24; needs `KVM_CAP_IRQCHIP`.
    ///
    /// # Errors
    ///
    /// `EEXIST` when the VM has them, `EINVAL` when it has a vCPU.
    pub fn create_irq_chip(&self) -> Result<(), Error> {
        CREATE_IRQCHIP.call(self.backend()).map(|_| ())
    }

    /// The state of the interrupt controller that `chip.chip_id` names: 0 and 1 are the PICs, 2 is the
    /// I/O APIC. Section 4.26; needs `KVM_CAP_IRQCHIP`.
    ///
    /// # Errors
    ///
    /// `ENXIO` when the VM has none in the kernel, `EINVAL` when the number is unknown.
    pub fn get_irqchip(&self, chip: &mut kvm_irqchip) -> Result<(), Error> {
        GET_IRQCHIP.call(self.backend(), chip).map(|_| ())
    }

    /// Sets the state of the interrupt controller that `chip.chip_id` names. Section 4.27; needs
    /// `KVM_CAP_IRQCHIP`.
    ///
    /// # Errors
    ///
    /// As [`get_irqchip`](Self::get_irqchip).
    pub fn set_irqchip(&self, chip: &kvm_irqchip) -> Result<(), Error> {
        SET_IRQCHIP.call(self.backend(), chip).map(|_| ())
    }

    /// Sets the level of an interrupt line of the in-kernel controllers. Section 4.25; needs
    /// `KVM_CAP_IRQCHIP`.
    ///
    /// # Errors
    ///
    /// `ENXIO` when the VM has none in the kernel.
    pub fn set_irq_line(&self, irq: u32, active: bool) -> Result<(), Error> {
        let level = kvm_irq_level {
            irq,
            level: active.into(),
        };
        IRQ_LINE.call(self.backend(), &level).map(|_| ())
    }

    /// Gives KVM three pages of guest-physical address space, below 4 GiB and in no slot, that Intel
    /// CPUs need for real mode. Section 4.36; needs `KVM_CAP_SET_TSS_ADDR`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when they reach past 4 GiB.
    pub fn set_tss_address(&self, address: u64) -> Result<(), Error> {
        SET_TSS_ADDR.with(self.backend(), address).map(|_| ())
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// Turns debugging of the guest on or off: single-stepping, breakpoints. Section 4.87; needs
    /// `KVM_CAP_SET_GUEST_DEBUG`.
    ///
    /// # Errors
    ///
    /// `EINVAL` for flags that this architecture lacks, `EBUSY` when an exception is to be injected and
    /// another one is pending.
    pub fn set_guest_debug(&self, debug: &kvm_guest_debug) -> Result<(), Error> {
        SET_GUEST_DEBUG.call(self.backend(), debug).map(|_| ())
    }

    /// The general registers, instruction pointer and flags. Section 4.11.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_regs(&self) -> Result<kvm_regs, Error> {
        GET_REGS.call(self.backend())
    }

    /// Sets the general registers, instruction pointer and flags. Section 4.12.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let regs = kvm_sys::kvm_regs { rip: 0x1000, rflags: 2, ..Default::default() };
    /// vcpu.set_regs(&regs)?;
    /// assert_eq!(vcpu.get_regs()?, regs);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn set_regs(&self, regs: &kvm_regs) -> Result<(), Error> {
        SET_REGS.call(self.backend(), regs).map(|_| ())
    }

    /// The segment, descriptor table and control registers, and pending interrupts. Section 4.13.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_sregs(&self) -> Result<kvm_sregs, Error> {
        GET_SREGS.call(self.backend())
    }

    /// Sets the segment, descriptor table and control registers, and pending interrupts. Section 4.14.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the registers contradict each other, or CPUID lacks what they use.
    pub fn set_sregs(&self, sregs: &kvm_sregs) -> Result<(), Error> {
        SET_SREGS.call(self.backend(), sregs).map(|_| ())
    }

    /// The debug registers. Section 4.33; needs `KVM_CAP_DEBUGREGS`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_debug_regs(&self) -> Result<kvm_debugregs, Error> {
        GET_DEBUGREGS.call(self.backend())
    }

    /// Sets the debug registers. Section 4.34; needs `KVM_CAP_DEBUGREGS`.
    ///
    /// # Errors
    ///
    /// `EINVAL` for flags, or bits of DR6 and DR7 above 31.
    pub fn set_debug_regs(&self, regs: &kvm_debugregs) -> Result<(), Error> {
        SET_DEBUGREGS.call(self.backend(), regs).map(|_| ())
    }

    /// Makes the guest exit with [`Exit::Debug`](crate::Exit::Debug) after each instruction, or no longer.
    /// Ends all other debugging of the guest. Section 4.87; needs `KVM_CAP_SET_GUEST_DEBUG`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn set_single_step(&self, on: bool) -> Result<(), Error> {
        let control = if on {
            KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP
        } else {
            GuestDebugFlags::empty()
        };
        self.set_guest_debug(&kvm_guest_debug {
            control,
            ..Default::default()
        })
    }

    /// The CPUID leaves that the guest sees. Needs `KVM_CAP_EXT_CPUID`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_cpuid2(&self) -> Result<Vec<kvm_cpuid_entry2>, Error> {
        GET_CPUID2.get(self.backend())
    }

    /// Sets the CPUID leaves that the guest sees; before the first run. Needs `KVM_CAP_EXT_CPUID`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the vCPU has run and the leaves differ, or KVM can't serve them; `E2BIG` when
    /// there are more than 256.
    pub fn set_cpuid2(&self, entries: &[kvm_cpuid_entry2]) -> Result<(), Error> {
        SET_CPUID2.call(self.backend(), entries).map(|_| ())
    }

    /// Reads the MSRs whose `index` each entry names, into its `data`. Section 4.18.
    ///
    /// # Errors
    ///
    /// [`Cause::Msr`] with the index of the first one that can't be read; those before it were.
    pub fn get_msrs(&self, entries: &mut [kvm_msr_entry]) -> Result<(), Error> {
        let done = GET_MSRS.update(self.backend(), entries)?;
        all_done(&x86_64::KVM_GET_MSRS, entries, done)
    }

    /// Writes the MSRs. Section 4.19.
    ///
    /// # Errors
    ///
    /// [`Cause::Msr`] with the index of the first one that was refused; those before it are set.
    pub fn set_msrs(&self, entries: &[kvm_msr_entry]) -> Result<(), Error> {
        let done = SET_MSRS.call(self.backend(), entries)?;
        all_done(&x86_64::KVM_SET_MSRS, entries, done)
    }
}

/// The call stops at the first MSR it can't serve, and returns how many it did.
fn all_done(
    op: &'static kvm_sys::op::Op,
    entries: &[kvm_msr_entry],
    done: u32,
) -> Result<(), Error> {
    match entries.get(done as usize) {
        None => Ok(()),
        Some(refused) => Err(Error::with(op, Errno::EINVAL, Cause::Msr, refused.index)),
    }
}

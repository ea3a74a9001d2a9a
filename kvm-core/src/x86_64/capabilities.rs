//! The capabilities of x86_64 that are off until a VMM enables them, by what they do.

use kvm_sys::x86_64::{
    BusLockDetection, Cap, DisableExits, KVM_CAP_DISABLE_QUIRKS2, KVM_CAP_ENFORCE_PV_FEATURE_CPUID,
    KVM_CAP_EXCEPTION_PAYLOAD, KVM_CAP_EXIT_HYPERCALL, KVM_CAP_EXIT_ON_EMULATION_FAILURE,
    KVM_CAP_HYPERV_ENFORCE_CPUID, KVM_CAP_HYPERV_SYNIC2, KVM_CAP_PMU_CAPABILITY,
    KVM_CAP_SPLIT_IRQCHIP, KVM_CAP_VM_DISABLE_NX_HUGE_PAGES, KVM_CAP_X2APIC_API,
    KVM_CAP_X86_APIC_BUS_CYCLES_NS, KVM_CAP_X86_BUS_LOCK_EXIT, KVM_CAP_X86_DISABLE_EXITS,
    KVM_CAP_X86_NOTIFY_VMEXIT, KVM_CAP_X86_TRIPLE_FAULT_EVENT, KVM_CAP_X86_USER_SPACE_MSR,
    MsrExitReason, NotifyVmexitFlags, PmuCap, Quirks, X2apicFlags,
};

use crate::capability::enable;
use crate::{Error, Hypervisor, Registers, Vm};
use kvm_exit::X86_64;

fn with<H: Hypervisor>(on: &H, cap: Cap, value: u64) -> Result<(), Error> {
    enable(on, cap, 0, [value, 0, 0, 0]).map(|_| ())
}

/// What the capabilities of section 7 are for. All of them are `EINVAL` where the host lacks the capability, or
/// what is asked of it.
impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// Puts local APICs into the kernel, and leaves the PICs and the I/O APIC to the VMM. `routes` is how many
    /// GSIs, from 0 on, are kept for its pins: an end of interrupt on them is
    /// [`Exit::IoapicEoi`](crate::Exit::IoapicEoi). Needs `KVM_CAP_SPLIT_IRQCHIP`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.enable_split_irqchip(24)?;
    /// vm.create_vcpu(0)?.get_lapic()?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EEXIST` when the VM has interrupt controllers in the kernel, or a vCPU; `EINVAL` for more routes than a VM can have.
    pub fn enable_split_irqchip(&self, routes: u32) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_SPLIT_IRQCHIP, routes.into())
    }

    /// Lets the guest do things without an exit, such as wait in `hlt`. What can be asked for is the capability's
    /// value. Needs `KVM_CAP_X86_DISABLE_EXITS`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::KVM_X86_DISABLE_EXITS_HLT;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.disable_exits(KVM_X86_DISABLE_EXITS_HLT)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when not all of that can be asked for, or the VM has a vCPU.
    pub fn disable_exits(&self, exits: DisableExits) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_X86_DISABLE_EXITS, exits.bits())
    }

    /// Makes accesses to MSRs that KVM would answer with a fault exit, for these reasons. Needs
    /// `KVM_CAP_X86_USER_SPACE_MSR`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::{KVM_MSR_EXIT_REASON_FILTER, KVM_MSR_EXIT_REASON_UNKNOWN};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.enable_msr_exits(KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for unknown reasons.
    pub fn enable_msr_exits(&self, reasons: MsrExitReason) -> Result<(), Error> {
        let reasons = reasons.bits().into();
        with(self.backend(), KVM_CAP_X86_USER_SPACE_MSR, reasons)
    }

    /// Makes the hypercalls whose numbers have their bit set exit. Which can is the capability's value. Needs
    /// `KVM_CAP_EXIT_HYPERCALL`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::KVM_HC_MAP_GPA_RANGE;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.enable_hypercall_exits(1 << KVM_HC_MAP_GPA_RANGE)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for hypercalls that can't exit.
    pub fn enable_hypercall_exits(&self, hypercalls: u64) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_EXIT_HYPERCALL, hypercalls)
    }

    /// Makes an instruction that KVM fails to emulate always exit, where it would be a fault in user mode, and gives the
    /// instruction's bytes with the exit; or no longer. Needs `KVM_CAP_EXIT_ON_EMULATION_FAILURE`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.exit_on_emulation_failure(true)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`enable_cap`](Self::enable_cap).
    pub fn exit_on_emulation_failure(&self, on: bool) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_EXIT_ON_EMULATION_FAILURE, on.into())
    }

    /// Makes bus locks, by which a guest can slow down the whole host, exit with
    /// [`Exit::X86BusLock`](crate::Exit::X86BusLock), or not. The modes that the processor has are the
    /// capability's value. Needs `KVM_CAP_X86_BUS_LOCK_EXIT`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::x86_64::{KVM_BUS_LOCK_DETECTION_EXIT, KVM_CAP_X86_BUS_LOCK_EXIT};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// // Where the processor tells of such locks.
    /// if vm.check_extension(KVM_CAP_X86_BUS_LOCK_EXIT)? != 0 {
    ///     vm.set_bus_lock_detection(KVM_BUS_LOCK_DETECTION_EXIT)?;
    /// }
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for a mode that the processor lacks, or more than one.
    pub fn set_bus_lock_detection(&self, mode: BusLockDetection) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_X86_BUS_LOCK_EXIT, mode.bits())
    }

    /// Makes the processor leave a guest that lets no event in for `window` cycles of the TSC. Needs
    /// `KVM_CAP_X86_NOTIFY_VMEXIT`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::x86_64::{KVM_CAP_X86_NOTIFY_VMEXIT, KVM_X86_NOTIFY_VMEXIT_ENABLED};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// // Where the processor notices such guests.
    /// if vm.check_extension(KVM_CAP_X86_NOTIFY_VMEXIT)? != 0 {
    ///     vm.enable_notify_vmexit(0, KVM_X86_NOTIFY_VMEXIT_ENABLED)?;
    /// }
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for unknown flags, or when the processor can't.
    pub fn enable_notify_vmexit(&self, window: u32, flags: NotifyVmexitFlags) -> Result<(), Error> {
        let value = u64::from(window) << 32 | flags.bits();
        with(self.backend(), KVM_CAP_X86_NOTIFY_VMEXIT, value)
    }

    /// Turns off behaviour that KVM keeps for old VMMs only. What can be turned off is the capability's value. Needs
    /// `KVM_CAP_DISABLE_QUIRKS2`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::KVM_X86_QUIRK_LINT0_REENABLED;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.disable_quirks(KVM_X86_QUIRK_LINT0_REENABLED)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for quirks that KVM does not know or can't turn off.
    pub fn disable_quirks(&self, quirks: Quirks) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_DISABLE_QUIRKS2, quirks.bits())
    }

    /// Sets how APIC ids of more than 8 bits are passed and meant, which more than 255 vCPUs need. Needs
    /// `KVM_CAP_X2APIC_API`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::KVM_X2APIC_API_USE_32BIT_IDS;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.enable_x2apic_api(KVM_X2APIC_API_USE_32BIT_IDS)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for unknown flags.
    pub fn enable_x2apic_api(&self, flags: X2apicFlags) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_X2APIC_API, flags.bits())
    }

    /// Gives the address of a page fault, or the bits of a debug exception, with
    /// [`get_vcpu_events`](Registers::get_vcpu_events) until the exception is delivered, and tells pending exceptions
    /// from those being delivered; or no longer. Needs `KVM_CAP_EXCEPTION_PAYLOAD`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.enable_exception_payload(true)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`enable_cap`](Self::enable_cap).
    pub fn enable_exception_payload(&self, on: bool) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_EXCEPTION_PAYLOAD, on.into())
    }

    /// Gives pending triple faults with [`get_vcpu_events`](Registers::get_vcpu_events), or no longer. Needs
    /// `KVM_CAP_X86_TRIPLE_FAULT_EVENT`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.enable_triple_fault_event(true)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`enable_cap`](Self::enable_cap).
    pub fn enable_triple_fault_event(&self, on: bool) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_X86_TRIPLE_FAULT_EVENT, on.into())
    }

    /// Sets what performance monitor the guest has: none, with
    /// [`KVM_PMU_CAP_DISABLE`](kvm_sys::KVM_PMU_CAP_DISABLE). Needs `KVM_CAP_PMU_CAPABILITY`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::KVM_PMU_CAP_DISABLE;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.set_pmu_capability(KVM_PMU_CAP_DISABLE)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` for unknown flags, or when the VM has a vCPU.
    pub fn set_pmu_capability(&self, pmu: PmuCap) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_PMU_CAPABILITY, pmu.bits())
    }

    /// Sets the period of the local APICs' timers in nanoseconds for a divisor of 1; without this it is 1. Needs
    /// `KVM_CAP_X86_APIC_BUS_CYCLES_NS`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// vm.set_apic_bus_cycle(40)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ENXIO` when the local APICs are not in the kernel, `EINVAL` for 0, or when the VM has a vCPU.
    pub fn set_apic_bus_cycle(&self, nanoseconds: u64) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_X86_APIC_BUS_CYCLES_NS, nanoseconds)
    }

    /// Turns off, for this VM, the splitting of huge pages against a bug of some processors. Needs
    /// `KVM_CAP_VM_DISABLE_NX_HUGE_PAGES`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// // A process that may reboot the host may do that.
    /// if vm.check_extension(kvm_sys::KVM_CAP_VM_DISABLE_NX_HUGE_PAGES)? != 0 {
    ///     vm.disable_nx_huge_pages()?;
    /// }
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EPERM` without the privilege to reboot the host, `EINVAL` when the VM has a vCPU.
    pub fn disable_nx_huge_pages(&self) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_VM_DISABLE_NX_HUGE_PAGES, 0)
    }
}

/// What the capabilities of section 6 are for. All of them are `EINVAL` where the host lacks the capability.
impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// Lets the guest use only the paravirtual features that its CPUID has; or all. Needs
    /// `KVM_CAP_ENFORCE_PV_FEATURE_CPUID`.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// vcpu.enforce_pv_features(true)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`enable_cap`](Self::enable_cap).
    pub fn enforce_pv_features(&self, on: bool) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_ENFORCE_PV_FEATURE_CPUID, on.into())
    }

    /// Lets the guest use only the Hyper-V features that its CPUID has; or all. Needs
    /// `KVM_CAP_HYPERV_ENFORCE_CPUID`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::KVM_CAP_HYPERV_ENFORCE_CPUID;
    ///
    /// let kvm = kvm_core::Kvm::with(kvm_mock::Model::new())?;
    /// let vcpu = kvm.create_vm()?.create_vcpu(0)?;
    /// let can_be = kvm.check_extension(KVM_CAP_HYPERV_ENFORCE_CPUID)? != 0;
    /// assert_eq!(vcpu.enforce_hyperv_features(true).is_ok(), can_be);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`enable_cap`](Self::enable_cap).
    pub fn enforce_hyperv_features(&self, on: bool) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_HYPERV_ENFORCE_CPUID, on.into())
    }

    /// Gives the guest Hyper-V's synthetic interrupt controller. Needs `KVM_CAP_HYPERV_SYNIC2`.
    ///
    /// ```
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// let vcpu = vm.create_vcpu(0)?;
    /// let can_be = vm.check_extension(kvm_sys::KVM_CAP_HYPERV_SYNIC2)? != 0;
    /// assert_eq!(vcpu.enable_hyperv_synic().is_ok(), can_be);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the local APIC is not in the kernel.
    pub fn enable_hyperv_synic(&self) -> Result<(), Error> {
        with(self.backend(), KVM_CAP_HYPERV_SYNIC2, 0)
    }
}

//! The local APIC in the kernel, and accesses to its task priority.

use kvm_exit::X86_64;
use kvm_sys::x86_64;
use kvm_sys::x86_64::{kvm_lapic_state, kvm_tpr_access_ctl, kvm_vapic_addr};

use crate::typed::{Get, Set, Update};
use crate::{Error, GuestAddress, Hypervisor, Registers};

const GET_LAPIC: Get<kvm_lapic_state> = Get::new(&x86_64::KVM_GET_LAPIC);
const SET_LAPIC: Set<kvm_lapic_state> = Set::new(&x86_64::KVM_SET_LAPIC);
const TPR_ACCESS_REPORTING: Update<kvm_tpr_access_ctl> =
    Update::new(&x86_64::KVM_TPR_ACCESS_REPORTING);
const SET_VAPIC_ADDR: Set<kvm_vapic_addr> = Set::new(&x86_64::KVM_SET_VAPIC_ADDR);

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// The registers of the vCPU's local APIC, as they lie on its page. Section 4.57; needs
    /// `KVM_CAP_IRQCHIP`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the local APIC is not in the kernel.
    pub fn get_lapic(&self) -> Result<kvm_lapic_state, Error> {
        GET_LAPIC.call(self.backend())
    }

    /// Sets the registers of the vCPU's local APIC. Section 4.58; needs `KVM_CAP_IRQCHIP`.
    ///
    /// The APIC's base address and mode, which are in an MSR, decide how some are read: set that first.
    ///
    /// ```
    /// const TASK_PRIORITY: usize = 0x80;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// let vcpu = vm.create_vcpu(0)?;
    /// let mut lapic = vcpu.get_lapic()?;
    /// lapic.regs[TASK_PRIORITY] = 0x20;
    /// vcpu.set_lapic(&lapic)?;
    /// assert_eq!(vcpu.get_lapic()?.regs[TASK_PRIORITY], 0x20);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the local APIC is not in the kernel, or the APIC id contradicts the vCPU's in x2APIC mode.
    pub fn set_lapic(&self, lapic: &kvm_lapic_state) -> Result<(), Error> {
        SET_LAPIC.call(self.backend(), lapic).map(|_| ())
    }

    /// Makes the guest's accesses to the task priority exit with
    /// [`Exit::TprAccess`](crate::Exit::TprAccess), or no longer: for VMMs that patch the guest's
    /// code. Needs `KVM_CAP_VAPIC`; the API document has no section on it.
    ///
    /// ```
    /// use kvm_core::{AnonymousMemory, GuestAddress, Slot};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x4000)?)?;
    /// let vcpu = vm.create_vcpu(0)?;
    /// vcpu.set_tpr_access_reporting(true)?;
    /// vcpu.set_vapic_addr(GuestAddress(0x1000))?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers. Without a local APIC in the kernel it has no effect.
    pub fn set_tpr_access_reporting(&self, on: bool) -> Result<(), Error> {
        let mut control = kvm_tpr_access_ctl {
            enabled: on.into(),
            ..Default::default()
        };
        TPR_ACCESS_REPORTING
            .call(self.backend(), &mut control)
            .map(|_| ())
    }

    /// Says where in guest memory the patched code keeps the task priority; 0 for nowhere. Needs
    /// `KVM_CAP_VAPIC`; the API document has no section on it.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the local APIC is not in the kernel, or the address is in no slot.
    pub fn set_vapic_addr(&self, address: GuestAddress) -> Result<(), Error> {
        let vapic = kvm_vapic_addr {
            vapic_addr: address.0,
        };
        SET_VAPIC_ADDR.call(self.backend(), &vapic).map(|_| ())
    }
}

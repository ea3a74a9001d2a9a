//! Capabilities that are off until a VMM enables them.

use kvm_sys::{
    Cap, KVM_CAP_DIRTY_LOG_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
    KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, KVM_CAP_HYPERV_ENLIGHTENED_VMCS, KVM_CAP_IRQ_MPIC,
    KVM_CAP_IRQ_XICS, KVM_CAP_PPC_IRQ_XIVE, KVM_CAP_SGX_ATTRIBUTE, KVM_CAP_SW_TLB,
    KVM_CAP_VM_COPY_ENC_CONTEXT_FROM, KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM, KVM_ENABLE_CAP,
    kvm_enable_cap,
};

use crate::error::Cause;
use crate::typed::Set;
use crate::{Errno, Error, Hypervisor, Registers, Vm};

const ENABLE_CAP: Set<kvm_enable_cap> = Set::new(&KVM_ENABLE_CAP);

/// The capabilities with an address or a descriptor among their arguments. The kernel writes to the
/// address that the first one is given, and keeps that of the second.
const NOT_PLAIN: [Cap; 8] = [
    KVM_CAP_HYPERV_ENLIGHTENED_VMCS,
    KVM_CAP_SW_TLB,
    KVM_CAP_IRQ_MPIC,
    KVM_CAP_IRQ_XICS,
    KVM_CAP_PPC_IRQ_XIVE,
    KVM_CAP_SGX_ATTRIBUTE,
    KVM_CAP_VM_COPY_ENC_CONTEXT_FROM,
    KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM,
];

/// Enables a capability whose arguments are plain numbers.
pub(crate) fn enable<H: Hypervisor>(
    on: &H,
    cap: Cap,
    flags: u32,
    args: [u64; 4],
) -> Result<u32, Error> {
    // One that no header of ours has may take an address too.
    if cap.name().is_none() || NOT_PLAIN.contains(&cap) {
        let cause = Cause::NotPlain;
        return Err(Error::with(&KVM_ENABLE_CAP, Errno::EINVAL, cause, cap.0));
    }
    let enable = kvm_enable_cap {
        cap,
        flags,
        args,
        ..Default::default()
    };
    ENABLE_CAP.call(on, &enable)
}

/// Capabilities that have methods of their own, which keep account of them.
const RINGS: [Cap; 3] = [
    KVM_CAP_DIRTY_LOG_RING,
    KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
    KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP,
];

impl<H: Hypervisor> Vm<H> {
    /// Enables a capability of the VM, with the flags and arguments that its section in chapter 7 of the
    /// API document names. Section 4.37; needs `KVM_CAP_ENABLE_CAP_VM`.
    ///
    /// ```
    /// use kvm_core::{Cause, Kvm};
    /// use kvm_core::kvm_sys::{
    ///     KVM_CAP_HYPERV_ENLIGHTENED_VMCS, KVM_CAP_X86_APIC_BUS_CYCLES_NS, kvm_enable_cap,
    /// };
    ///
    /// let vm = Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// let mut enable = kvm_enable_cap { cap: KVM_CAP_X86_APIC_BUS_CYCLES_NS, ..Default::default() };
    /// enable.args[0] = 40;
    /// vm.enable_cap(&enable)?;
    ///
    /// // The kernel would write to the address in this one's argument.
    /// enable.cap = KVM_CAP_HYPERV_ENLIGHTENED_VMCS;
    /// assert_eq!(vm.enable_cap(&enable).unwrap_err().cause(), Cause::NotPlain);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the capability is not there, is none to be enabled, or not with these arguments or
    /// any more. [`Cause::NotPlain`] when it takes an address or a descriptor, or is newer
    /// than this crate; [`ioctl`](Self::ioctl) makes such a call. [`Cause::OwnMethod`] for the dirty ring, whose
    /// size has to be known: [`enable_dirty_ring`](Self::enable_dirty_ring).
    pub fn enable_cap(&self, cap: &kvm_enable_cap) -> Result<(), Error> {
        if RINGS.contains(&cap.cap) {
            let (errno, cause) = (Errno::EINVAL, Cause::OwnMethod);
            return Err(Error::with(&KVM_ENABLE_CAP, errno, cause, cap.cap.0));
        }
        enable(self.backend(), cap.cap, cap.flags, cap.args).map(|_| ())
    }
}

impl<H: Hypervisor> Registers<H> {
    /// Enables a capability of the vCPU, with the flags and arguments that its section in chapter 6 of
    /// the API document names. Section 4.37; needs `KVM_CAP_ENABLE_CAP`.
    ///
    /// # Errors
    ///
    /// As [`Vm::enable_cap`].
    pub fn enable_cap(&self, cap: &kvm_enable_cap) -> Result<(), Error> {
        enable(self.backend(), cap.cap, cap.flags, cap.args).map(|_| ())
    }
}

//! What is said of a VM: where its devices lie, and what its counters show.

use kvm_exit::Aarch64;
use kvm_sys::aarch64::{
    KVM_ARM_SET_COUNTER_OFFSET, KVM_ARM_SET_DEVICE_ADDR, kvm_arm_counter_offset,
    kvm_arm_device_addr,
};

use crate::typed::Set;
use crate::{Error, Hypervisor, Vm};

const SET_DEVICE_ADDR: Set<kvm_arm_device_addr> = Set::new(&KVM_ARM_SET_DEVICE_ADDR);
const SET_COUNTER_OFFSET: Set<kvm_arm_counter_offset> = Set::new(&KVM_ARM_SET_COUNTER_OFFSET);

impl<H: Hypervisor<Guest = Aarch64>> Vm<H> {
    /// Says where in guest memory a part of an interrupt controller lies that the VM has in the kernel. A call of
    /// older programs, for the GICv2; others set attributes of the device. Section 4.85; needs
    /// `KVM_CAP_ARM_SET_DEVICE_ADDR`.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_core::kvm_sys::aarch64::{
    ///     KVM_ARM_DEVICE_VGIC_V2, KVM_VGIC_V2_ADDR_TYPE_DIST, kvm_arm_device_addr,
    /// };
    ///
    /// let vm = Kvm::with(kvm_mock::Model::<Aarch64>::default())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// vm.set_device_addr(&kvm_arm_device_addr {
    ///     id: u64::from(KVM_ARM_DEVICE_VGIC_V2) << 16 | KVM_VGIC_V2_ADDR_TYPE_DIST,
    ///     addr: 0x800_0000,
    /// })?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ENODEV` when the device or its part is unknown, `ENXIO` when the host has no such device, `EEXIST` when the
    /// address is set already, `E2BIG` when it lies outside of the guest's address space, `EBUSY` when it
    /// overlaps another device, `EINVAL` when it is not aligned.
    pub fn set_device_addr(&self, address: &kvm_arm_device_addr) -> Result<(), Error> {
        SET_DEVICE_ADDR.call(self.backend(), address).map(|_| ())
    }

    /// Has the virtual and physical counters of all vCPUs be this many cycles behind the host's. From then
    /// on a write to a vCPU's counter registers has no effect. Section 4.138; needs
    /// `KVM_CAP_COUNTER_OFFSET`.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_mock::Model;
    ///
    /// let vm = Kvm::with(Model::<Aarch64>::default())?.create_vm()?;
    /// vm.set_counter_offset(1_000_000)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EBUSY` while a vCPU runs.
    pub fn set_counter_offset(&self, cycles: u64) -> Result<(), Error> {
        let offset = kvm_arm_counter_offset {
            counter_offset: cycles,
            reserved: 0,
        };
        SET_COUNTER_OFFSET.call(self.backend(), &offset).map(|_| ())
    }
}

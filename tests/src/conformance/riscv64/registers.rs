//! Registers by id: sections 4.68, 4.69 and 4.84.

use std::mem::offset_of;

use kvm_core::kvm_exit::Riscv64;
use kvm_core::kvm_sys::riscv64::{
    KVM_RISCV_ISA_EXT_I, KVM_RISCV_SBI_EXT_HSM, kvm_riscv_csr, kvm_riscv_timer,
};
use kvm_core::riscv64::register;
use kvm_core::{Hypervisor, Kvm};

use super::Outcome;

/// Each register of the list can be read, and has the size that its id says.
pub(crate) fn readable<H: Hypervisor<Guest = Riscv64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let ids = vcpu.get_reg_list()?;
    assert!(ids.contains(&register::PC) && ids.contains(&register::A0));
    for id in &ids {
        let mut bytes = [0; 256];
        let size = 1 << (id >> 52 & 15);
        let place = bytes
            .get_mut(..size)
            .ok_or("a register of over 256 bytes")?;
        assert_eq!(vcpu.get_one_reg(*id, place)?, size, "{id:#x}");
    }
    Ok(())
}

/// What is set is got back.
pub(crate) fn general<H: Hypervisor<Guest = Riscv64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    let scratch = register::csr(offset_of!(kvm_riscv_csr, sscratch));
    for (id, value) in [(register::PC, 0x8000), (register::A0, 7), (scratch, 0x1234)] {
        vcpu.set_reg::<u64>(id, &value)?;
        assert_eq!(vcpu.get_reg::<u64>(id)?, value);
    }
    Ok(())
}

/// What the processor and the firmware have is told: the base instructions and the starting of processors.
pub(crate) fn extensions<H: Hypervisor<Guest = Riscv64>>(system: H) -> Outcome {
    let vcpu = Kvm::with(system)?.create_vm()?.create_vcpu(0)?;
    assert_eq!(
        vcpu.get_reg::<u64>(register::isa_ext(KVM_RISCV_ISA_EXT_I))?,
        1
    );
    assert_eq!(
        vcpu.get_reg::<u64>(register::sbi_ext(KVM_RISCV_SBI_EXT_HSM))?,
        1
    );
    let frequency = register::timer(offset_of!(kvm_riscv_timer, frequency));
    assert!(vcpu.get_reg::<u64>(frequency)? > 0);
    Ok(())
}

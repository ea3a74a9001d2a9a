//! Registers by id: sections 4.68, 4.69 and 4.84.

use kvm_core::aarch64::register;
use kvm_core::kvm_exit::Aarch64;
use kvm_core::kvm_sys::aarch64::KVM_REG_ARM_PSCI_VERSION;
use kvm_core::{Errno, Hypervisor};

use super::Outcome;
use super::guest::{guest, vcpu_with, vm};

/// Each register of the list can be read, and has the size that its id says.
pub(crate) fn readable<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let vm = vm(system, &[], &[])?;
    let vcpu = vcpu_with(&vm, 0, 0)?;
    let ids = vcpu.get_reg_list()?;
    assert!(ids.contains(&register::PC) && ids.contains(&KVM_REG_ARM_PSCI_VERSION));
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

/// What is set is got back, each register by itself.
pub(crate) fn general<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let guest = guest(system, &[])?;
    for n in 0..31 {
        guest.vcpu.set_reg(register::x(n), &(n as u64 + 100))?;
    }
    for n in 0..32 {
        guest.vcpu.set_reg(register::v(n), &(n as u128 + 200))?;
    }
    for n in 0..31 {
        assert_eq!(guest.vcpu.get_reg::<u64>(register::x(n))?, n as u64 + 100);
    }
    for n in 0..32 {
        assert_eq!(guest.vcpu.get_reg::<u128>(register::v(n))?, n as u128 + 200);
    }
    Ok(())
}

/// Section 4.82: nothing works before the vCPU is initialised.
pub(crate) fn before_init<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let mut vcpu = vm(system, &[], &[])?.create_vcpu(0)?;
    let early = Some(Errno::ENOEXEC);
    assert_eq!(vcpu.run().err().map(|error| error.errno()), early);
    let got = vcpu.get_reg::<u64>(register::PC);
    assert_eq!(got.err().map(|error| error.errno()), early);
    Ok(())
}

/// Section 4.82: to initialise a vCPU again resets it, but for what an exception would have left for the return from it.
pub(crate) fn initialised_again<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let vm = vm(system, &[], &[])?;
    let vcpu = vm.create_vcpu(0)?;
    let target = vm.get_preferred_target()?;
    vcpu.vcpu_init(&target)?;
    let kept = [register::SP_EL1, register::ELR_EL1, register::spsr(0)];
    for (id, value) in kept.into_iter().zip(1_u64..) {
        vcpu.set_reg(id, &value)?;
    }
    vcpu.set_reg(register::x(1), &7_u64)?;
    vcpu.vcpu_init(&target)?;
    for (id, value) in kept.into_iter().zip(1_u64..) {
        assert_eq!(vcpu.get_reg::<u64>(id)?, value, "{id:#x}");
    }
    assert_eq!(vcpu.get_reg::<u64>(register::x(1))?, 0);
    Ok(())
}

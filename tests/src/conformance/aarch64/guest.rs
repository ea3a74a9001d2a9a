//! Guests of aarch64 from instructions.

use kvm_core::aarch64::register;
use kvm_core::kvm_exit::Aarch64;
use kvm_core::kvm_sys::aarch64::{KVM_ARM_VCPU_PSCI_0_2, kvm_vcpu_init};
use kvm_core::{Error, GuestAddress, Hypervisor, Kvm, Vcpu, Vm};

use crate::conformance::common::machine::{self, CODE, Guest, Machine};

/// Where handlers are, or what another vCPU runs.
pub(crate) const SECOND: u64 = 0x9000;

/// A VM with these instructions at [`CODE`], and those at [`SECOND`].
pub(crate) fn vm<H: Hypervisor<Guest = Aarch64>>(
    system: H,
    code: &[u32],
    second: &[u32],
) -> Result<Vm<H>, Error> {
    let vm = machine::vm_of_code(&Kvm::with(system)?, &machine::words(code))?;
    vm.write_memory(GuestAddress(SECOND), &machine::words(second))?;
    Ok(vm)
}

/// A guest about to run these instructions.
pub(crate) fn guest<H: Hypervisor<Guest = Aarch64>>(
    system: H,
    code: &[u32],
) -> Result<Guest<H>, Error> {
    let vm = vm(system, code, &[])?;
    let vcpu = Aarch64::vcpu(&vm, 0)?;
    Ok(Guest { vm, vcpu })
}

/// A vCPU with PSCI and other features, about to run what is at [`CODE`].
pub(crate) fn vcpu_with<H: Hypervisor<Guest = Aarch64>>(
    vm: &Vm<H>,
    id: u64,
    features: u32,
) -> Result<Vcpu<H>, Error> {
    let vcpu = vm.create_vcpu(id)?;
    let preferred = vm.get_preferred_target()?;
    let [first, others @ ..] = preferred.features;
    let first = first | 1 << KVM_ARM_VCPU_PSCI_0_2 | features;
    let [a, b, c, d, e, f] = others;
    vcpu.vcpu_init(&kvm_vcpu_init {
        features: [first, a, b, c, d, e, f],
        ..preferred
    })?;
    vcpu.set_reg(register::PC, &CODE)?;
    Ok(vcpu)
}

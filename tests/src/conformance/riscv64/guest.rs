//! Guests of riscv64 from instructions.

use kvm_core::kvm_exit::Riscv64;
use kvm_core::{Error, GuestAddress, Hypervisor, Kvm, Vm};

use crate::conformance::common::machine::{self, Guest, Machine};

/// Where handlers are, or what another vCPU runs.
pub(crate) const SECOND: u64 = 0x9000;

/// A VM with these instructions at [`CODE`](machine::CODE), and those at [`SECOND`].
pub(crate) fn vm<H: Hypervisor<Guest = Riscv64>>(
    system: H,
    code: &[u32],
    second: &[u32],
) -> Result<Vm<H>, Error> {
    let vm = machine::vm_of_code(&Kvm::with(system)?, &machine::words(code))?;
    vm.write_memory(GuestAddress(SECOND), &machine::words(second))?;
    Ok(vm)
}

/// A guest about to run the first.
pub(crate) fn guest<H: Hypervisor<Guest = Riscv64>>(
    system: H,
    code: &[u32],
    second: &[u32],
) -> Result<Guest<H>, Error> {
    let vm = vm(system, code, second)?;
    let vcpu = Riscv64::vcpu(&vm, 0)?;
    Ok(Guest { vm, vcpu })
}

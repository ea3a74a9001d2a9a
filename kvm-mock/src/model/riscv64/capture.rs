//! Takes from a host what only riscv64 has.

use kvm_core::{Error, Hypervisor, Kvm};
use kvm_exit::Riscv64;

use crate::model::guest::Rules;
use crate::model::host::Host;
use crate::model::profile::Twins;

pub(super) fn capture<H: Hypervisor<Guest = Riscv64>>(
    kvm: &Kvm<H>,
    host: &mut Host,
) -> Result<(), Error> {
    let twins = Twins::new(kvm, |vm| vm.create_vcpu(0))?;
    host.registers = twins.registers(host)?;
    host.resets = twins.banks(Riscv64::platform())?;
    Ok(())
}

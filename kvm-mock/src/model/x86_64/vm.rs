//! Where the pages that KVM needs lie, and which vCPU boots.

use kvm_core::kvm_sys::op::Op;
use kvm_core::kvm_sys::x86_64::{KVM_CAP_VM_TYPES, KVM_GET_PIT2, KVM_X86_DEFAULT_VM};
use kvm_core::{Arg, Errno};

use crate::model::args;
use crate::model::host::Host;
use crate::model::lock;
use crate::model::vm::{State, Vm, most_vcpu_ids};

impl Vm {
    /// Section 4.36: "a three-page region ... within the first 4GB".
    pub(super) fn set_tss_addr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let pages = 3 * u64::from(self.system().profile().page_size);
        let end = args::value(arg)?.checked_add(pages).ok_or(Errno::EINVAL)?;
        if end > 1 << 32 {
            return Err(Errno::EINVAL);
        }
        Ok(0)
    }

    /// Section 4.40: "Fails if any VCPU has already been created."
    pub(super) fn set_identity_map_addr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        // The kernel looks at this before the argument.
        if !lock(&self.state).vcpus.is_empty() {
            return Err(Errno::EINVAL);
        }
        args::read::<u64>(arg).map(|_| 0)
    }

    /// Section 4.41: "has to be called before vcpu creation, otherwise it will return EBUSY error".
    pub(super) fn set_boot_cpu_id(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let id = args::value(arg)?;
        let mut state = lock(&self.state);
        if !state.vcpus.is_empty() {
            return Err(Errno::EBUSY);
        }
        let most = most_vcpu_ids(self.system().profile());
        if id > state.x86.most_vcpu_ids.unwrap_or(most) {
            return Err(Errno::EINVAL);
        }
        state.boot_cpu = id;
        Ok(0)
    }
}

/// Section 4.2: the type is 0, or one of those whose bit is in `KVM_CAP_VM_TYPES`.
pub(super) fn knows_type(host: &Host, vm_type: u64) -> bool {
    let types = u64::from(host.system_cap(KVM_CAP_VM_TYPES));
    let bit = u32::try_from(vm_type).ok();
    let offered = bit
        .and_then(|bit| types.checked_shr(bit))
        .is_some_and(|types| types & 1 != 0);
    vm_type == KVM_X86_DEFAULT_VM || offered
}

/// Section 4.72: "Only valid after KVM_CREATE_PIT2"; the kernel's errno is `ENXIO`. All of these calls but one look first
/// whether there is an argument.
pub(super) fn check(state: &State, op: &Op, arg: &Arg<'_>) -> Result<(), Errno> {
    if matches!(op.bank, Some("pit" | "pit2")) && !state.irqchips.has_pit() {
        if *op != KVM_GET_PIT2 {
            args::bytes(arg)?;
        }
        return Err(Errno::ENXIO);
    }
    Ok(())
}

//! Accesses to the local APIC's task priority. The API has no section on them; the errnos are the kernel's.

use kvm_core::kvm_sys::x86_64::{kvm_tpr_access_ctl, kvm_vapic_addr};
use kvm_core::{Arg, Errno};

use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

impl Vcpu {
    #[expect(clippy::unused_self, reason = "an entry of the table of calls")]
    pub(super) fn tpr_access_reporting(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let control: kvm_tpr_access_ctl = args::read(arg)?;
        if control.flags == 0 {
            Ok(0)
        } else {
            Err(Errno::EINVAL)
        }
    }

    pub(super) fn set_vapic_addr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        if !self.vm().has_irqchip() {
            return Err(Errno::EINVAL);
        }
        let kvm_vapic_addr { vapic_addr } = args::read(arg)?;
        if vapic_addr == 0 || lock(&self.vm().state).slots.is_writable(vapic_addr, 4) {
            Ok(0)
        } else {
            Err(Errno::EINVAL)
        }
    }
}

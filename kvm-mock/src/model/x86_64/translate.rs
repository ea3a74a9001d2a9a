//! What a vCPU's paging does: section 4.15.

use kvm_core::kvm_sys::x86_64::{kvm_sregs, kvm_translation};
use kvm_core::{Arg, Errno};

use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

/// Paging is on.
const CR0_PG: u64 = 1 << 31;

impl Vcpu {
    /// Without paging, linear addresses are physical ones. With it, the model, which walks no tables, knows of
    /// no translation.
    pub(super) fn translate(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut translation: kvm_translation = args::read(arg)?;
        let sregs: kvm_sregs = lock(&self.state).banks.get("sregs");
        let paging = sregs.cr0 & CR0_PG != 0;
        translation.physical_address = if paging {
            u64::MAX
        } else {
            translation.linear_address
        };
        // The kernel's mark of an address that is none.
        translation.valid = (translation.physical_address != u64::MAX).into();
        translation.writeable = 1;
        translation.usermode = 0;
        args::write(arg, &translation)?;
        Ok(0)
    }
}

//! Which features a vCPU's registers may be made to deny.

use alloc::vec::Vec;
use core::fmt;

use kvm_exit::Aarch64;
use kvm_sys::aarch64::{
    KVM_ARM_FEATURE_ID_RANGE, KVM_ARM_FEATURE_ID_RANGE_IDX, KVM_ARM_FEATURE_ID_RANGE_SIZE,
    KVM_ARM_GET_REG_WRITABLE_MASKS, reg_mask_range,
};
use zerocopy::IntoBytes;

use crate::pointed::Pointed;
use crate::{Error, Hypervisor, Vm};

const GET_MASKS: Pointed<reg_mask_range> = Pointed::new(&KVM_ARM_GET_REG_WRITABLE_MASKS);

/// Which bits of the registers that tell features can be changed, by
/// [`Registers::set_reg`](crate::Registers::set_reg) before the vCPU first runs.
#[derive(Clone, PartialEq, Eq)]
pub struct IdRegisterMasks(Vec<u64>);

impl IdRegisterMasks {
    /// The bits of the register with this encoding that can be changed; none for what is no such register: `op0` 3, `op1`
    /// 0, 1 or 3, `crn` 0, `crm` and `op2` up to 7.
    pub fn of(&self, op0: u64, op1: u64, crn: u64, crm: u64, op2: u64) -> u64 {
        if op0 != 3 || !matches!(op1, 0 | 1 | 3) || crn != 0 || crm > 7 || op2 > 7 {
            return 0;
        }
        let index = KVM_ARM_FEATURE_ID_RANGE_IDX(op0, op1, crn, crm, op2);
        let index = usize::try_from(index).ok();
        index
            .and_then(|index| self.0.get(index))
            .copied()
            .unwrap_or(0)
    }
}

/// Only those that are not 0.
impl fmt::Debug for IdRegisterMasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masks = self.0.iter().enumerate().filter(|(_, mask)| **mask != 0);
        f.debug_map().entries(masks).finish()
    }
}

impl<H: Hypervisor<Guest = Aarch64>> Vm<H> {
    /// Which bits of the registers that tell features can be changed. Section 4.139; needs
    /// `KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES`.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_mock::Model;
    ///
    /// let vm = Kvm::with(Model::<Aarch64>::default())?.create_vm()?;
    /// // ID_AA64PFR0_EL1: the model lets SVE be denied.
    /// let masks = vm.get_reg_writable_masks()?;
    /// assert_eq!(masks.of(3, 0, 0, 4, 0), 0xf << 32);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_reg_writable_masks(&self) -> Result<IdRegisterMasks, Error> {
        let mut masks = alloc::vec![0u64; KVM_ARM_FEATURE_ID_RANGE_SIZE];
        let range = reg_mask_range {
            range: KVM_ARM_FEATURE_ID_RANGE,
            ..Default::default()
        };
        GET_MASKS.get(self.backend(), &range, masks.as_mut_bytes())?;
        Ok(IdRegisterMasks(masks))
    }
}

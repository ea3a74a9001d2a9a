//! Machine checks: sections 4.104 to 4.106.

use kvm_core::kvm_sys::x86_64::{KVM_CAP_MCE, kvm_x86_mce};
use kvm_core::{Arg, Errno};

use super::msrs::{MCE_BANKS, MCG_CAP};
use crate::model::system::System;
use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

/// Fields of `IA32_MCG_CAP` that are numbers: banks and extended registers.
const NUMBERS: u64 = 0xff | 0xff << 16;
const BANKS: u64 = 0xff;
/// `IA32_MCi_STATUS`: the bank holds a check.
const VALID: u64 = 1 << 63;

/// As many banks as a vCPU can have, and has before the first call.
pub(super) const MOST_BANKS: u64 = 32;

impl System {
    pub(super) fn get_mce_cap_supported(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        args::write(arg, &self.profile().mce_cap)?;
        Ok(0)
    }
}

impl Vcpu {
    /// The capability's value is the greatest number of banks.
    pub(super) fn setup_mce(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let mcg_cap: u64 = args::read(arg)?;
        let most = self.vm().cap(KVM_CAP_MCE).into();
        let supported = self.vm().system().profile().mce_cap;
        if !(1..=most).contains(&(mcg_cap & BANKS)) || mcg_cap & !(supported | NUMBERS) != 0 {
            return Err(Errno::EINVAL);
        }
        let mut state = lock(&self.state);
        state.x86.mcg_cap = mcg_cap;
        // Observed: the controls of all banks are turned on.
        let controls = MCE_BANKS.step_by(4).zip(0..mcg_cap & BANKS);
        let changed = controls.map(|(index, _)| (index, u64::MAX));
        for (index, value) in changed.chain([(MCG_CAP, mcg_cap)]) {
            if let Some(msr) = state.msrs.get_mut(&index) {
                *msr = value;
            }
        }
        Ok(0)
    }

    /// What a guest does about it, its script says.
    pub(super) fn set_mce(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let check: kvm_x86_mce = args::read(arg)?;
        let banks = lock(&self.state).x86.mcg_cap & BANKS;
        if u64::from(check.bank) >= banks || check.status & VALID == 0 {
            return Err(Errno::EINVAL);
        }
        Ok(0)
    }
}

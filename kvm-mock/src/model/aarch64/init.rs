//! Making a vCPU a processor: sections 4.82 and 4.119.

use kvm_core::kvm_sys::aarch64::{
    KVM_ARM_TARGET_GENERIC_V8, KVM_ARM_VCPU_POWER_OFF, KVM_ARM_VCPU_PSCI_0_2, KVM_ARM_VCPU_SVE,
    KVM_CAP_ARM_INJECT_SERROR_ESR, KVM_CAP_ARM_PSCI_0_2, KVM_CAP_ARM_SVE, KVM_MP_STATE_RUNNABLE,
    KVM_MP_STATE_STOPPED, kvm_mp_state, kvm_vcpu_events, kvm_vcpu_init,
};
use kvm_core::{Arg, Errno};

use super::registers::{add_vectors, affinity, at_reset};
use crate::model::vcpu::{State, Vcpu};
use crate::model::{args, lock};

/// Features that a kernel knows: bits 0 to 8.
const KNOWN: u32 = (1 << 9) - 1;

/// What a vCPU has on aarch64 only.
#[derive(Debug, Default)]
pub(in crate::model) struct VcpuState {
    init: Option<kvm_vcpu_init>,
    finalized: bool,
    /// Where the guest is told of stolen time.
    pub(super) stolen_time: Option<u64>,
}

impl VcpuState {
    /// Section 4.82: "KVM_RUN and others fail with ENOEXEC".
    pub(super) fn initialised(&self) -> Result<(), Errno> {
        self.init.map(|_| ()).ok_or(Errno::ENOEXEC)
    }

    pub(super) fn has(&self, feature: u32) -> bool {
        let [low, ..] = self.init.unwrap_or_default().features;
        low & 1 << feature != 0
    }

    /// Section 4.119: without the call some registers are not there, and the vCPU can't run.
    pub(super) fn complete(&self) -> Result<(), Errno> {
        self.initialised()?;
        if self.has(KVM_ARM_VCPU_SVE) && !self.finalized {
            return Err(Errno::EPERM);
        }
        Ok(())
    }

    pub(super) fn is_final(&self) -> bool {
        self.finalized
    }
}

/// As `KVM_RUN` looks at it first.
pub(super) fn check_enter(_: &mut [u64], state: &mut State, _: u32) -> Result<bool, Errno> {
    state.arm.complete()?;
    Ok(false)
}

impl Vcpu {
    /// "`EINVAL` the target is unknown, or the combination of features is invalid. `ENOENT` a features bit
    /// specified is unknown." Features and target are the same in each call, and for all vCPUs of a VM.
    pub(super) fn arm_vcpu_init(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let init: kvm_vcpu_init = args::read(arg)?;
        let [low, rest @ ..] = init.features;
        let host = self.vm().system().profile();
        if ![KVM_ARM_TARGET_GENERIC_V8, host.target.target].contains(&init.target) {
            return Err(Errno::EINVAL);
        }
        if rest != [0; 6] || low & !KNOWN != 0 {
            return Err(Errno::ENOENT);
        }
        let offered = |feature, cap| u32::from(self.vm().cap(cap) != 0) << feature;
        let offered = 1 << KVM_ARM_VCPU_POWER_OFF
            | offered(KVM_ARM_VCPU_PSCI_0_2, KVM_CAP_ARM_PSCI_0_2)
            | offered(KVM_ARM_VCPU_SVE, KVM_CAP_ARM_SVE);
        if low & !offered != 0 {
            return Err(Errno::EINVAL);
        }
        // Whether it starts is each vCPU's own affair.
        let mut shared = init.features;
        if let Some(low) = shared.first_mut() {
            *low &= !(1 << KVM_ARM_VCPU_POWER_OFF);
        }
        let mut state = lock(&self.state);
        let mut vm = lock(&self.vm().state);
        if *vm.arm.features.get_or_insert(shared) != shared {
            return Err(Errno::EINVAL);
        }
        vm.arm.affinities.insert(self.id, affinity(self.id));
        drop(vm);
        state.arm.init = Some(init);
        state.registers = at_reset(host, self.id, &state.arm, &state.registers);
        let mp_state = if low & 1 << KVM_ARM_VCPU_POWER_OFF != 0 {
            KVM_MP_STATE_STOPPED
        } else {
            KVM_MP_STATE_RUNNABLE
        };
        let mut events = kvm_vcpu_events::default();
        events.exception.serror_has_esr =
            (self.vm().cap(KVM_CAP_ARM_INJECT_SERROR_ESR) != 0).into();
        state.banks.set("vcpu_events", &events);
        state.banks.set("mp_state", &kvm_mp_state { mp_state });
        Ok(0)
    }

    /// "`EPERM` feature not enabled, needs configuration, or already finalized; `EINVAL` feature unknown or not
    /// present".
    pub(super) fn arm_vcpu_finalize(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let feature: u32 = args::read(arg)?;
        let mut state = lock(&self.state);
        state.arm.initialised()?;
        if feature != KVM_ARM_VCPU_SVE || self.vm().cap(KVM_CAP_ARM_SVE) == 0 {
            return Err(Errno::EINVAL);
        }
        if !state.arm.has(KVM_ARM_VCPU_SVE) || state.arm.finalized {
            return Err(Errno::EPERM);
        }
        state.arm.finalized = true;
        add_vectors(&mut state.registers);
        Ok(0)
    }
}

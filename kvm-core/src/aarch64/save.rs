//! Saving and restoring the state of aarch64 vCPUs, in the order that KVM demands.

use kvm_exit::Aarch64;
use kvm_sys::aarch64::{
    ARM64_SYS_REG, KVM_ARM_VCPU_INIT, KVM_ARM_VCPU_SVE, KVM_CAP_MP_STATE, KVM_CAP_VCPU_EVENTS,
    KVM_GET_MP_STATE, KVM_GET_ONE_REG, KVM_GET_VCPU_EVENTS, KVM_REG_ARM_COPROC_MASK,
    KVM_REG_ARM_FW, KVM_REG_ARM_FW_FEAT_BMAP, KVM_REG_ARM_PTIMER_CNT, KVM_REG_ARM_TIMER_CNT,
    KVM_REG_ARM64_SVE_VLS, KVM_SET_MP_STATE, KVM_SET_VCPU_EVENTS, kvm_mp_state, kvm_vcpu_events,
    kvm_vcpu_init,
};
use kvm_sys::op::{Fds, Op};
use kvm_sys::{
    Arch, KVM_DEV_TYPE_ARM_VGIC_ITS, KVM_DEV_TYPE_ARM_VGIC_V2, KVM_DEV_TYPE_ARM_VGIC_V3,
};

use super::{save_its, save_vgic_v2, save_vgic_v3};
use crate::device::{Device, Plan};
use crate::error::Cause;
use crate::state::{Bank, Writer, restore_registers, save_registers};
use crate::{Errno, Error, Hypervisor, Registers, SavedState, StateGuest, Vcpu, Vm};

const MP_STATE: Bank<kvm_mp_state> = Bank::new(&KVM_GET_MP_STATE, &KVM_SET_MP_STATE);
const EVENTS: Bank<kvm_vcpu_events> = Bank::new(&KVM_GET_VCPU_EVENTS, &KVM_SET_VCPU_EVENTS);

/// What the state of a vCPU consists of.
const PIECES: [&Op; 4] = [
    &KVM_ARM_VCPU_INIT,
    &KVM_GET_MP_STATE,
    &KVM_GET_ONE_REG,
    &KVM_GET_VCPU_EVENTS,
];

impl StateGuest for Aarch64 {
    fn save_vcpu<H: Hypervisor<Guest = Self>>(vcpu: &mut Vcpu<H>) -> Result<SavedState, Error> {
        let op = &KVM_ARM_VCPU_INIT;
        let unknown = Error::with(op, Errno::ENOEXEC, Cause::NotInitialised, 0);
        let init = vcpu.initialised_as().ok_or(unknown)?;
        vcpu.settle()?;
        let on = vcpu.backend();
        let has = |cap| vcpu.vm().has(cap);
        let mut state = Writer::new(Arch::Aarch64, Fds::VCPU);
        state.put(&KVM_ARM_VCPU_INIT, &init)?;
        MP_STATE.save(on, has(KVM_CAP_MP_STATE)?, &mut state)?;
        save_registers(vcpu, &mut state)?;
        EVENTS.save(on, has(KVM_CAP_VCPU_EVENTS)?, &mut state)?;
        Ok(state.finish())
    }

    fn restore_vcpu<H: Hypervisor<Guest = Self>>(
        vcpu: &mut Vcpu<H>,
        state: &SavedState,
    ) -> Result<(), Error> {
        state.check(Arch::Aarch64, Fds::VCPU, &PIECES)?;
        let init: kvm_vcpu_init = state.require(&KVM_ARM_VCPU_INIT)?;
        vcpu.vcpu_init(&init)?;
        finalize(vcpu, state)?;
        restore_registers(vcpu, state, turn)?;
        MP_STATE.restore(vcpu.backend(), state)?;
        EVENTS.restore(vcpu.backend(), state)?;
        Ok(())
    }

    /// All that there is to save is in vCPUs and devices.
    fn save_vm<H: Hypervisor<Guest = Self>>(_: &Vm<H>) -> Result<SavedState, Error> {
        Ok(Writer::new(Arch::Aarch64, Fds::VM).finish())
    }

    fn restore_vm<H: Hypervisor<Guest = Self>>(_: &Vm<H>, state: &SavedState) -> Result<(), Error> {
        state.check(Arch::Aarch64, Fds::VM, &[])
    }

    fn device_plan<H: Hypervisor<Guest = Self>>(
        device: &Device<H>,
        vcpus: &[(u64, Option<Registers<H>>)],
    ) -> Result<Option<Plan>, Error> {
        match device.kind() {
            KVM_DEV_TYPE_ARM_VGIC_V2 => save_vgic_v2::plan(device, vcpus).map(Some),
            KVM_DEV_TYPE_ARM_VGIC_V3 => save_vgic_v3::plan(device, vcpus).map(Some),
            KVM_DEV_TYPE_ARM_VGIC_ITS => Ok(Some(save_its::plan())),
            _ => Ok(None),
        }
    }
}

/// Sets what has to be set before the vCPU is final, and makes it so.
fn finalize<H: Hypervisor<Guest = Aarch64>>(
    vcpu: &Registers<H>,
    state: &SavedState,
) -> Result<(), Error> {
    match vcpu.get_reg_list() {
        Err(error) if error.errno() == Errno::EPERM => {}
        // It needs no more, or has got it already: if another, the register refuses.
        listed => return listed.map(|_| ()),
    }
    let mut registers = state.all(&KVM_GET_ONE_REG);
    let lengths = registers.find_map(|piece| {
        let (id, value) = piece.split_first_chunk()?;
        (u64::from_ne_bytes(*id) == KVM_REG_ARM64_SVE_VLS).then_some(value)
    });
    if let Some(lengths) = lengths {
        vcpu.set_one_reg(KVM_REG_ARM64_SVE_VLS, lengths)?;
    }
    vcpu.vcpu_finalize(KVM_ARM_VCPU_SVE)
}

/// Registers that clear bits of those that set them. Some kernels take the value that is read from them for what
/// is to be cleared.
const CLEARING: [u64; 3] = [
    ARM64_SYS_REG(3, 3, 9, 12, 2), // PMCNTENCLR_EL0
    ARM64_SYS_REG(3, 3, 9, 12, 3), // PMOVSCLR_EL0
    ARM64_SYS_REG(3, 0, 9, 14, 2), // PMINTENCLR_EL1
];

/// When a register is restored.
fn turn(id: u64) -> u32 {
    match id {
        // The counters of the time go on from when they are set.
        KVM_REG_ARM_TIMER_CNT | KVM_REG_ARM_PTIMER_CNT => 3,
        id if CLEARING.contains(&id) => 1,
        // What the firmware offers has a say in what the guest is told of.
        id if [KVM_REG_ARM_FW, KVM_REG_ARM_FW_FEAT_BMAP]
            .contains(&(id & KVM_REG_ARM_COPROC_MASK)) =>
        {
            0
        }
        _ => 2,
    }
}

//! Saving and restoring the state of riscv64 vCPUs, in the order that KVM demands.

use core::mem::offset_of;

use kvm_exit::Riscv64;
use kvm_sys::op::{Fds, Op};
use kvm_sys::riscv64::{
    KVM_CAP_MP_STATE, KVM_GET_MP_STATE, KVM_GET_ONE_REG, KVM_REG_RISCV_CONFIG,
    KVM_REG_RISCV_ISA_EXT, KVM_REG_RISCV_SBI_EXT, KVM_REG_RISCV_TIMER, KVM_REG_RISCV_TYPE_MASK,
    KVM_SET_MP_STATE, kvm_mp_state, kvm_riscv_timer,
};
use kvm_sys::{Arch, KVM_DEV_TYPE_RISCV_AIA};

use super::{register, save_aia};
use crate::device::{Device, Plan};
use crate::error::Cause;
use crate::state::{Bank, Writer, restore_registers, save_registers};
use crate::{Errno, Error, Hypervisor, Registers, SavedState, StateGuest, Vcpu, Vm};

const MP_STATE: Bank<kvm_mp_state> = Bank::new(&KVM_GET_MP_STATE, &KVM_SET_MP_STATE);

/// What the state of a vCPU consists of.
const PIECES: [&Op; 2] = [&KVM_GET_MP_STATE, &KVM_GET_ONE_REG];

/// Whether the timer is armed.
const TIMER_STATE: u64 = register::timer(offset_of!(kvm_riscv_timer, state));

impl StateGuest for Riscv64 {
    fn save_vcpu<H: Hypervisor<Guest = Self>>(vcpu: &mut Vcpu<H>) -> Result<SavedState, Error> {
        vcpu.settle()?;
        let mut state = Writer::new(Arch::Riscv64, Fds::VCPU);
        let has_mp_state = vcpu.vm().has(KVM_CAP_MP_STATE)?;
        MP_STATE.save(vcpu.backend(), has_mp_state, &mut state)?;
        save_registers(vcpu, &mut state)?;
        Ok(state.finish())
    }

    fn restore_vcpu<H: Hypervisor<Guest = Self>>(
        vcpu: &mut Vcpu<H>,
        state: &SavedState,
    ) -> Result<(), Error> {
        state.check(Arch::Riscv64, Fds::VCPU, &PIECES)?;
        let op = &KVM_GET_ONE_REG;
        let missing = Error::with(op, Errno::ENOENT, Cause::StateMissing, 0);
        state.all(op).next().ok_or(missing)?;
        restore_registers(vcpu, state, turn)?;
        // Last: it may reset the vCPU.
        MP_STATE.restore(vcpu.backend(), state)?;
        Ok(())
    }

    /// All that there is to save is in vCPUs and devices.
    fn save_vm<H: Hypervisor<Guest = Self>>(_: &Vm<H>) -> Result<SavedState, Error> {
        Ok(Writer::new(Arch::Riscv64, Fds::VM).finish())
    }

    fn restore_vm<H: Hypervisor<Guest = Self>>(_: &Vm<H>, state: &SavedState) -> Result<(), Error> {
        state.check(Arch::Riscv64, Fds::VM, &[])
    }

    fn device_plan<H: Hypervisor<Guest = Self>>(
        device: &Device<H>,
        vcpus: &[(u64, Option<Registers<H>>)],
    ) -> Result<Option<Plan>, Error> {
        match device.kind() {
            KVM_DEV_TYPE_RISCV_AIA => save_aia::plan(device, vcpus).map(Some),
            _ => Ok(None),
        }
    }
}

/// When a register is restored. Which there are depends on the extensions, and the size of vectors on
/// the control registers before them in the list.
fn turn(id: u64) -> u32 {
    match id & KVM_REG_RISCV_TYPE_MASK {
        KVM_REG_RISCV_CONFIG | KVM_REG_RISCV_ISA_EXT | KVM_REG_RISCV_SBI_EXT => 0,
        // Armed at a time, by a clock that goes on from when it is set.
        KVM_REG_RISCV_TIMER if id == TIMER_STATE => 3,
        KVM_REG_RISCV_TIMER => 2,
        _ => 1,
    }
}

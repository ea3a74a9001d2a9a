//! The registers of a vCPU, and the line of its external interrupt.

use std::mem::offset_of;

use kvm_core::kvm_sys::op::{Dir, Op};
use kvm_core::kvm_sys::riscv64::*;
use kvm_core::riscv64::register;
use kvm_core::{Arg, Errno};

use crate::model::one_reg::{self, OneRegs};
use crate::model::vcpu::{State, Vcpu};
use crate::model::vm::{self, Vm};
use crate::model::{args, lock};

/// The letters of the extensions that a vCPU has.
const CONFIG_ISA: u64 = register::config(offset_of!(kvm_riscv_config, isa));

/// Registers that hold what the host has: only that can be set.
const HOSTS: [u64; 4] = [
    register::timer(offset_of!(kvm_riscv_timer, frequency)),
    register::config(offset_of!(kvm_riscv_config, satp_mode)),
    register::config(offset_of!(kvm_riscv_config, zicbom_block_size)),
    register::config(offset_of!(kvm_riscv_config, zicboz_block_size)),
];

/// Whether a register says of one extension if the vCPU has it.
fn is_extension(id: u64, family: u64) -> bool {
    id & (KVM_REG_RISCV_TYPE_MASK | KVM_REG_RISCV_SUBTYPE_MASK) == family
}

/// A new vCPU has its id in a0.
pub(super) fn start(vm: &vm::State, id: u64, state: &mut State) {
    if state.registers.has(register::A0) {
        state.registers.put(register::A0, &id);
    }
    // The first vCPU runs; the guest starts the others.
    let mp_state = if vm.vcpus.len() == 1 {
        KVM_MP_STATE_RUNNABLE
    } else {
        KVM_MP_STATE_STOPPED
    };
    state.banks.set("mp_state", &kvm_mp_state { mp_state });
}

/// What KVM refuses of the calls that only get and set state.
pub(super) fn check(_: &Vcpu, op: &Op, arg: &Arg<'_>) -> Result<(), Errno> {
    if op.bank == Some("mp_state") && op.dir() == Some(Dir::In) {
        let kvm_mp_state { mp_state } = args::read(arg)?;
        // Section 4.39.
        if !matches!(mp_state, KVM_MP_STATE_RUNNABLE | KVM_MP_STATE_STOPPED) {
            return Err(Errno::EINVAL);
        }
    }
    Ok(())
}

/// The kernel's errno for a register of another size is `EINVAL`, for ids that it does not know, those of other
/// architectures too, `ENOENT`.
fn check_id(id: u64, registers: &OneRegs) -> Result<(), Errno> {
    let long = id & !KVM_REG_SIZE_MASK | KVM_REG_SIZE_U64;
    if registers.has(id) {
        Ok(())
    } else if registers.has(long) {
        Err(Errno::EINVAL)
    } else {
        Err(Errno::ENOENT)
    }
}

impl Vcpu {
    pub(super) fn riscv_get_one_reg(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let state = lock(&self.state);
        check_id(one_reg::id(arg)?, &state.registers)?;
        state.registers.get(arg)
    }

    /// Section 4.68: what the vCPU is can be changed before it runs; "the RISC-V config registers ... EBUSY"
    /// after.
    pub(super) fn riscv_set_one_reg(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let id = one_reg::id(arg)?;
        let host = self.vm().system().profile();
        let mut state = lock(&self.state);
        check_id(id, &state.registers)?;
        let value = one_reg::given(arg)?;
        let value = value
            .first_chunk()
            .map_or(0, |value| u64::from_ne_bytes(*value));
        let before = state.registers.long(id).unwrap_or(0);
        if HOSTS.contains(&id) && value != before {
            return Err(Errno::EINVAL);
        }
        let isa = is_extension(id, KVM_REG_RISCV_ISA_EXT | KVM_REG_RISCV_ISA_SINGLE);
        let sbi = is_extension(id, KVM_REG_RISCV_SBI_EXT | KVM_REG_RISCV_SBI_SINGLE);
        if (isa || sbi) && value > 1 {
            return Err(Errno::EINVAL);
        }
        if (isa || sbi || id == CONFIG_ISA) && value != before {
            if state.has_run {
                return Err(Errno::EBUSY);
            }
            let most = host.registers.long(CONFIG_ISA).unwrap_or(0);
            // The base can't be taken away, and nothing added that the host has not.
            let base = register::isa_ext(KVM_RISCV_ISA_EXT_I) == id;
            if base || (id == CONFIG_ISA && value & !most != 0) {
                return Err(Errno::EINVAL);
            }
        }
        // The kernel keeps one bit of it.
        if id == register::MODE {
            let supervisor = u64::from(value == u64::from(KVM_RISCV_MODE_S));
            state.registers.put(id, &supervisor);
            return Ok(0);
        }
        state.registers.set(arg)
    }

    pub(super) fn riscv_get_reg_list(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let ids: Vec<u64> = lock(&self.state).registers.ids().collect();
        one_reg::list(&ids, arg)
    }

    /// Section 4.16: the line is up or, for every other value, down. A scripted guest takes no interrupt.
    #[expect(clippy::unused_self, reason = "an entry of the table of calls")]
    pub(super) fn riscv_interrupt(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let _: kvm_interrupt = args::read(arg)?;
        Ok(0)
    }
}

impl Vm {
    /// Section 4.37, with chapter 7.
    pub(super) fn riscv_enable_cap(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_enable_cap {
            cap, flags, args, ..
        } = args::read(arg)?;
        let [value, ..] = args;
        if flags != 0 || self.cap(cap) == 0 {
            return Err(Errno::EINVAL);
        }
        match cap {
            KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 => self.protect_dirty_log(value),
            // Nanoseconds, in 32 bits.
            KVM_CAP_HALT_POLL if u32::try_from(value).is_ok() => Ok(0),
            _ => Err(Errno::EINVAL),
        }
    }
}

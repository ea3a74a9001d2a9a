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

/// Extensions A, C, D, F, I and M, by their letters.
const ISA: u64 = 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 8 | 1 << 12;

/// Extensions, and whether a vCPU has them at first. (I can't be taken away.)
const EXTENSIONS: [(RiscvIsaExt, u64); 7] = [
    (KVM_RISCV_ISA_EXT_A, 1),
    (KVM_RISCV_ISA_EXT_C, 1),
    (KVM_RISCV_ISA_EXT_D, 1),
    (KVM_RISCV_ISA_EXT_F, 1),
    (KVM_RISCV_ISA_EXT_I, 1),
    (KVM_RISCV_ISA_EXT_M, 1),
    (KVM_RISCV_ISA_EXT_SVPBMT, 1),
];

const SBI: [(RiscvSbiExt, u64); 6] = [
    (KVM_RISCV_SBI_EXT_V01, 1),
    (KVM_RISCV_SBI_EXT_TIME, 1),
    (KVM_RISCV_SBI_EXT_IPI, 1),
    (KVM_RISCV_SBI_EXT_RFENCE, 1),
    (KVM_RISCV_SBI_EXT_SRST, 1),
    (KVM_RISCV_SBI_EXT_HSM, 1),
];

const CONFIG_ISA: u64 = register::config(offset_of!(kvm_riscv_config, isa));
const FREQUENCY: u64 = register::timer(offset_of!(kvm_riscv_timer, frequency));

/// Registers that hold what the host has: only that can be set.
const HOSTS: [(u64, u64); 2] = [
    (FREQUENCY, 10_000_000),
    // Paging of three levels.
    (register::config(offset_of!(kvm_riscv_config, satp_mode)), 8),
];

/// The registers of a new vCPU. KVM starts it in supervisor mode, with its id in a0 and nothing in a1.
pub(super) fn start(vm: &vm::State, id: u64, state: &mut State) {
    let registers = &mut state.registers;
    for offset in (0..size_of::<kvm_riscv_core>()).step_by(8) {
        registers.put(register::core(offset), &0u64);
    }
    registers.put(register::MODE, &u64::from(KVM_RISCV_MODE_S));
    registers.put(register::A0, &id);
    for offset in (0..size_of::<kvm_riscv_csr>()).step_by(8) {
        registers.put(register::csr(offset), &0u64);
    }
    for offset in (0..size_of::<kvm_riscv_timer>()).step_by(8) {
        registers.put(register::timer(offset), &0u64);
    }
    for id in [
        offset_of!(kvm_riscv_config, mvendorid),
        offset_of!(kvm_riscv_config, marchid),
        offset_of!(kvm_riscv_config, mimpid),
    ] {
        registers.put(register::config(id), &0u64);
    }
    registers.put(CONFIG_ISA, &ISA);
    for (id, value) in HOSTS {
        registers.put(id, &value);
    }
    for n in 0..32 {
        registers.put(register::fp_f(n), &0u32);
        registers.put(register::fp_d(n), &0u64);
    }
    registers.put(register::FP_F_FCSR, &0u32);
    registers.put(register::FP_D_FCSR, &0u32);
    for (extension, has) in EXTENSIONS {
        registers.put(register::isa_ext(extension), &has);
    }
    for (extension, has) in SBI {
        registers.put(register::sbi_ext(extension), &has);
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

/// The kernel's errno for ids of other architectures is `EINVAL`, for others that it does not know
/// `ENOENT`.
fn check_id(id: u64, registers: &OneRegs) -> Result<(), Errno> {
    if id >> 56 != KVM_REG_RISCV >> 56 {
        Err(Errno::EINVAL)
    } else if registers.has(id) {
        Ok(())
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
        let mut state = lock(&self.state);
        check_id(id, &state.registers)?;
        let value = one_reg::given(arg)?;
        let value = value
            .first_chunk()
            .map_or(0, |value| u64::from_ne_bytes(*value));
        let before = state.registers.long(id).unwrap_or(0);
        if HOSTS.iter().any(|(host, _)| *host == id) && value != before {
            return Err(Errno::EINVAL);
        }
        let mut families = EXTENSIONS
            .iter()
            .map(|(extension, _)| register::isa_ext(*extension));
        let isa = families.any(|extension| extension == id);
        let sbi = SBI
            .iter()
            .any(|(extension, _)| register::sbi_ext(*extension) == id);
        if (isa || sbi) && value > 1 {
            return Err(Errno::EINVAL);
        }
        if (isa || sbi || id == CONFIG_ISA) && value != before {
            if state.has_run {
                return Err(Errno::EBUSY);
            }
            // The base can't be taken away, and nothing added that the host has not.
            let base = register::isa_ext(KVM_RISCV_ISA_EXT_I) == id;
            if base || (id == CONFIG_ISA && value & !ISA != 0) {
                return Err(Errno::EINVAL);
            }
        }
        state.registers.set(arg)
    }

    pub(super) fn riscv_get_reg_list(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let ids: Vec<u64> = lock(&self.state).registers.ids().collect();
        one_reg::list(&ids, arg)
    }

    /// Section 4.16: the line is up or down. A scripted guest takes no interrupt.
    #[expect(clippy::unused_self, reason = "an entry of the table of calls")]
    pub(super) fn riscv_interrupt(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        match args::read(arg)? {
            kvm_interrupt {
                irq: KVM_INTERRUPT_SET | KVM_INTERRUPT_UNSET,
            } => Ok(0),
            _ => Err(Errno::EINVAL),
        }
    }
}

impl Vm {
    /// Section 4.37, with chapter 7.
    pub(super) fn riscv_enable_cap(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_enable_cap {
            cap, flags, args, ..
        } = args::read(arg)?;
        let [value, ..] = args;
        if flags != 0 || self.cap(cap) == 0 || cap != KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 {
            return Err(Errno::EINVAL);
        }
        self.protect_dirty_log(value)
    }
}

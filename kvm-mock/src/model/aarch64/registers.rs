//! The registers of a vCPU, and the exceptions that are pending.

use kvm_core::aarch64::register;
use kvm_core::kvm_sys::KVM_REG_SIZE;
use kvm_core::kvm_sys::aarch64::{
    ARM64_SYS_REG, KVM_ARM_VCPU_PSCI_0_2, KVM_ARM_VCPU_SVE, KVM_ARM64_SVE_NUM_PREGS,
    KVM_ARM64_SVE_NUM_ZREGS, KVM_CAP_ARM_INJECT_SERROR_ESR, KVM_GUESTDBG_ENABLE,
    KVM_GUESTDBG_SINGLESTEP, KVM_GUESTDBG_USE_HW, KVM_GUESTDBG_USE_SW_BP, KVM_MP_STATE_RUNNABLE,
    KVM_MP_STATE_STOPPED, KVM_MP_STATE_SUSPENDED, KVM_REG_ARM_COPROC_MASK, KVM_REG_ARM_CORE,
    KVM_REG_ARM_PSCI_VERSION, KVM_REG_ARM64, KVM_REG_ARM64_SVE, KVM_REG_ARM64_SVE_FFR,
    KVM_REG_ARM64_SVE_PREG, KVM_REG_ARM64_SVE_VLS, KVM_REG_ARM64_SVE_ZREG, kvm_guest_debug,
    kvm_mp_state, kvm_regs, kvm_vcpu_events,
};
use kvm_core::kvm_sys::op::{Dir, Op};
use kvm_core::{Arg, Errno};

use super::VcpuState;
use crate::model::host::Host;
use crate::model::one_reg::{self, OneRegs};
use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

/// ID_AA64PFR0_EL1.
pub(super) const PFR0: u64 = ARM64_SYS_REG(3, 0, 0, 4, 0);
/// Its field SVE.
pub(super) const PFR0_SVE: u64 = 0xf << 32;

/// MPIDR_EL1, of which bit 31 is always set.
pub(super) const MPIDR: u64 = ARM64_SYS_REG(3, 0, 0, 0, 5);

/// Bits 0 to 3 of the id are Aff0, the next eight Aff1, and so on.
pub(super) fn affinity(id: u64) -> u64 {
    (id & 0xf) | (id >> 4 & 0xff) << 8 | (id >> 12 & 0xff) << 16
}

/// What no reset changes: with which state the guest would return from an exception, observed on Linux 6.12.
const KEPT: [u64; 3] = [register::SP_EL1, register::ELR_EL1, register::spsr(0)];

/// The registers after a reset: the host's, but for what the vCPU's id and features make of them, and what they were
/// `before` that a reset does not change. The lengths of vectors that the VMM configured before, it keeps.
pub(super) fn at_reset(host: &Host, id: u64, state: &VcpuState, before: &OneRegs) -> OneRegs {
    let mut registers = host.registers.clone();
    for kept in KEPT {
        if let Some(value) = before.bytes(kept).filter(|_| registers.has(kept)) {
            registers.put(kept, value);
        }
    }
    if registers.has(MPIDR) {
        registers.put(MPIDR, &(1 << 31 | affinity(id)));
    }
    if !state.has(KVM_ARM_VCPU_PSCI_0_2) {
        registers.remove(KVM_REG_ARM_PSCI_VERSION);
    }
    let sve = state.has(KVM_ARM_VCPU_SVE);
    if let Some(pfr0) = registers.long(PFR0) {
        registers.put(PFR0, &(pfr0 & !PFR0_SVE | u64::from(sve) << 32));
    }
    if !sve {
        registers.remove(KVM_REG_ARM64_SVE_VLS);
        return registers;
    }
    for n in 0..32 {
        registers.remove(register::v(n));
    }
    if state.is_final() {
        if let Some(lengths) = before.bytes(KVM_REG_ARM64_SVE_VLS) {
            registers.put(KVM_REG_ARM64_SVE_VLS, lengths);
        }
        add_vectors(&mut registers);
    }
    registers
}

/// Those of SVE, which are there once the vCPU is finalised.
pub(super) fn add_vectors(registers: &mut OneRegs) {
    // One slice holds vectors of up to 2048 bits.
    for n in 0..KVM_ARM64_SVE_NUM_ZREGS {
        registers.put(KVM_REG_ARM64_SVE_ZREG(n.into(), 0), &[0u8; 256]);
    }
    for n in 0..KVM_ARM64_SVE_NUM_PREGS {
        registers.put(KVM_REG_ARM64_SVE_PREG(n.into(), 0), &[0u8; 32]);
    }
    registers.put(KVM_REG_ARM64_SVE_FFR(0), &[0u8; 32]);
}

/// The syndrome of an error of which nothing is known: `ESR_ELx.ISV`, "implementation defined".
const UNKNOWN: u64 = 1 << 24;

/// What KVM refuses of the calls that only get and set state.
pub(super) fn check(vcpu: &Vcpu, op: &Op, arg: &Arg<'_>) -> Result<(), Errno> {
    match (op.bank, op.dir()) {
        (Some("vcpu_events"), _) => lock(&vcpu.state).arm.initialised(),
        (Some("mp_state"), Some(Dir::In)) => match args::read(arg)? {
            // Section 4.39.
            kvm_mp_state {
                mp_state: KVM_MP_STATE_RUNNABLE | KVM_MP_STATE_STOPPED | KVM_MP_STATE_SUSPENDED,
            } => Ok(()),
            _ => Err(Errno::EINVAL),
        },
        _ => Ok(()),
    }
}

/// Section 4.139: registers with op0 3, op1 0, crn 0 and crm from 1 tell features; those with crm 0 which
/// processor it is.
fn tells_features(id: u64) -> bool {
    (1..8).any(|crm| (0..8).any(|op2| id == ARM64_SYS_REG(3, 0, 0, crm, op2)))
}

fn is_sve(id: u64) -> bool {
    id & KVM_REG_ARM_COPROC_MASK == KVM_REG_ARM64_SVE
}

/// Section 4.68: the id of a core register says where in `kvm_regs` it is, in words of 32 bits.
fn is_core(id: u64) -> bool {
    let words = size_of::<kvm_regs>() as u64 / 4;
    id & KVM_REG_ARM_COPROC_MASK == KVM_REG_ARM_CORE && id & 0xffff < words
}

/// Sections 4.68 and 4.119: an id of another architecture is `EINVAL`, and so is a core register of another
/// size; vectors are there once their lengths are final.
fn check_id(id: u64, state: &VcpuState, registers: &OneRegs) -> Result<(), Errno> {
    state.initialised()?;
    if id >> 56 != KVM_REG_ARM64 >> 56 {
        return Err(Errno::EINVAL);
    }
    if state.has(KVM_ARM_VCPU_SVE) && is_sve(id) && id != KVM_REG_ARM64_SVE_VLS {
        state.complete()?;
    }
    match registers.has(id) {
        true => Ok(()),
        false if is_core(id) => Err(Errno::EINVAL),
        false => Err(Errno::ENOENT),
    }
}

impl Vcpu {
    pub(super) fn arm_get_one_reg(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let state = lock(&self.state);
        check_id(one_reg::id(arg)?, &state.arm, &state.registers)?;
        state.registers.get(arg)
    }

    /// Section 4.68: what tells features can be changed before the vCPU runs, as far as it is writable; the
    /// lengths of vectors until they are final, to some that the host has.
    pub(super) fn arm_set_one_reg(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let id = one_reg::id(arg)?;
        let host = self.vm().system().profile();
        let mut state = lock(&self.state);
        check_id(id, &state.arm, &state.registers)?;
        let len = usize::try_from(KVM_REG_SIZE(id)).map_err(|_| Errno::EINVAL)?;
        let value = one_reg::given(arg)?.get(..len).ok_or(Errno::EFAULT)?;
        let low = value
            .first_chunk()
            .map_or(0, |low| u64::from_ne_bytes(*low));
        let before = state.registers.long(id).unwrap_or(0);
        if id == KVM_REG_ARM64_SVE_VLS {
            if state.arm.is_final() {
                return Err(Errno::EPERM);
            }
            let rest = value.get(8..).unwrap_or_default();
            let lengths = host.registers.long(id).unwrap_or(0);
            let fits = low & !lengths == 0 && low & 1 != 0 && rest.iter().all(|byte| *byte == 0);
            if !fits {
                return Err(Errno::EINVAL);
            }
        }
        if tells_features(id) && low != before {
            if state.has_run {
                return Err(Errno::EBUSY);
            }
            let writable = host.writable.get(&id).copied().unwrap_or(0);
            if (low ^ before) & !writable != 0 {
                return Err(Errno::EINVAL);
            }
        }
        if id == MPIDR {
            lock(&self.vm().state).arm.affinities.insert(self.id, low);
        }
        state.registers.set(arg)
    }

    pub(super) fn arm_get_reg_list(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let state = lock(&self.state);
        state.arm.complete()?;
        let ids: Vec<u64> = state.registers.ids().collect();
        one_reg::list(&ids, arg)
    }

    /// Section 4.32: "`EINVAL` if ... the reserved fields are not zero"; a syndrome has 25 bits and needs the
    /// host's support. What is pending stays so, and an external abort is never read back.
    pub(super) fn arm_set_vcpu_events(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut events: kvm_vcpu_events = args::read(arg)?;
        let mut state = lock(&self.state);
        state.arm.initialised()?;
        let tells = self.vm().cap(KVM_CAP_ARM_INJECT_SERROR_ESR) != 0;
        let exception = &mut events.exception;
        let is_pending = exception.serror_pending != 0;
        let has_syndrome = is_pending && exception.serror_has_esr != 0;
        if events.reserved != [0; 12]
            || exception.pad != [0; 5]
            || has_syndrome && (!tells || exception.serror_esr >> 25 != 0)
        {
            return Err(Errno::EINVAL);
        }
        if !is_pending {
            return Ok(0);
        }
        exception.serror_pending = 1;
        exception.serror_has_esr = tells.into();
        if !has_syndrome {
            exception.serror_esr = if tells { UNKNOWN } else { 0 };
        }
        exception.ext_dabt_pending = 0;
        state.banks.set("vcpu_events", &events);
        Ok(0)
    }

    /// Section 4.87; what it does, a script says.
    pub(super) fn arm_set_guest_debug(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_guest_debug { control, .. } = args::read(arg)?;
        let known = KVM_GUESTDBG_ENABLE
            | KVM_GUESTDBG_SINGLESTEP
            | KVM_GUESTDBG_USE_SW_BP
            | KVM_GUESTDBG_USE_HW;
        if known.contains(control) {
            Ok(0)
        } else {
            Err(Errno::EINVAL)
        }
    }
}

//! The registers of a vCPU, and the exceptions that are pending.

use kvm_core::aarch64::register;
use kvm_core::kvm_sys::KVM_REG_SIZE;
use kvm_core::kvm_sys::aarch64::{
    ARM64_SYS_REG, KVM_ARM_VCPU_PSCI_0_2, KVM_ARM_VCPU_SVE, KVM_ARM64_SVE_NUM_PREGS,
    KVM_ARM64_SVE_NUM_ZREGS, KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_SINGLESTEP, KVM_GUESTDBG_USE_HW,
    KVM_GUESTDBG_USE_SW_BP, KVM_MP_STATE_RUNNABLE, KVM_MP_STATE_STOPPED, KVM_MP_STATE_SUSPENDED,
    KVM_REG_ARM_COPROC_MASK, KVM_REG_ARM_PSCI_VERSION, KVM_REG_ARM_TIMER_CNT,
    KVM_REG_ARM_TIMER_CTL, KVM_REG_ARM_TIMER_CVAL, KVM_REG_ARM64, KVM_REG_ARM64_SVE,
    KVM_REG_ARM64_SVE_FFR, KVM_REG_ARM64_SVE_PREG, KVM_REG_ARM64_SVE_VLS, KVM_REG_ARM64_SVE_ZREG,
    kvm_guest_debug, kvm_mp_state, kvm_vcpu_events,
};
use kvm_core::kvm_sys::op::{Dir, Op};
use kvm_core::{Arg, Errno};

use super::VcpuState;
use crate::model::one_reg::{self, OneRegs};
use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

/// ID_AA64PFR0_EL1.
const PFR0: u64 = ARM64_SYS_REG(3, 0, 0, 4, 0);
/// The field SVE, which may be made 0.
pub(super) const PFR0_WRITABLE: u64 = 0xf << 32;

/// Vectors of 128 and of 256 bits.
const LENGTHS: u64 = 0b11;

/// AArch64, EL1 with its own stack pointer; all interrupts masked.
const PSTATE: u64 = 0x3c5;

/// System registers and their values at reset.
const SYSTEM: [(u64, u64); 11] = [
    (ARM64_SYS_REG(3, 0, 0, 0, 0), 0x410f_d0f0), // MIDR_EL1
    (ARM64_SYS_REG(3, 0, 1, 0, 0), 0x00c5_0078), // SCTLR_EL1
    (ARM64_SYS_REG(3, 0, 1, 0, 2), 0),           // CPACR_EL1
    (ARM64_SYS_REG(3, 0, 2, 0, 0), 0),           // TTBR0_EL1
    (ARM64_SYS_REG(3, 0, 2, 0, 1), 0),           // TTBR1_EL1
    (ARM64_SYS_REG(3, 0, 2, 0, 2), 0),           // TCR_EL1
    (ARM64_SYS_REG(3, 0, 10, 2, 0), 0),          // MAIR_EL1
    (ARM64_SYS_REG(3, 0, 12, 0, 0), 0),          // VBAR_EL1
    (KVM_REG_ARM_TIMER_CTL, 0),
    (KVM_REG_ARM_TIMER_CVAL, 0),
    (KVM_REG_ARM_TIMER_CNT, 0),
];

/// MPIDR_EL1, of which bit 31 is always set.
const MPIDR: u64 = ARM64_SYS_REG(3, 0, 0, 0, 5);

/// The registers after a reset. What the VMM configured before, it keeps.
pub(super) fn at_reset(id: u64, state: &VcpuState, before: Option<OneRegs>) -> OneRegs {
    let mut registers = OneRegs::default();
    for n in 0..31 {
        registers.put(register::x(n), &0u64);
    }
    for id in [
        register::SP_EL0,
        register::PC,
        register::SP_EL1,
        register::ELR_EL1,
    ] {
        registers.put(id, &0u64);
    }
    registers.put(register::PSTATE, &PSTATE);
    for n in 0..register::SPSRS {
        registers.put(register::spsr(n), &0u64);
    }
    registers.put(register::FPSR, &0u32);
    registers.put(register::FPCR, &0u32);
    for (id, value) in SYSTEM {
        registers.put(id, &value);
    }
    // Bits 0 to 3 of the id are Aff0, the next eight Aff1.
    registers.put(MPIDR, &(1 << 31 | (id & 0xf) | (id >> 4 & 0xff) << 8));
    if state.has(KVM_ARM_VCPU_PSCI_0_2) {
        // Version 1.3.
        registers.put(KVM_REG_ARM_PSCI_VERSION, &0x1_0003_u64);
    }
    let sve = state.has(KVM_ARM_VCPU_SVE);
    registers.put(PFR0, &(0x11 | u64::from(sve) << 32));
    if !sve {
        for n in 0..32 {
            registers.put(register::v(n), &0u128);
        }
        return registers;
    }
    let lengths = before.and_then(|before| before.long(KVM_REG_ARM64_SVE_VLS));
    let lengths = lengths.unwrap_or(LENGTHS);
    registers.put(KVM_REG_ARM64_SVE_VLS, &[lengths, 0, 0, 0, 0, 0, 0, 0]);
    if state.is_final() {
        // One slice holds vectors of up to 2048 bits.
        for n in 0..KVM_ARM64_SVE_NUM_ZREGS {
            registers.put(KVM_REG_ARM64_SVE_ZREG(n.into(), 0), &[0u8; 256]);
        }
        for n in 0..KVM_ARM64_SVE_NUM_PREGS {
            registers.put(KVM_REG_ARM64_SVE_PREG(n.into(), 0), &[0u8; 32]);
        }
        registers.put(KVM_REG_ARM64_SVE_FFR(0), &[0u8; 32]);
    }
    registers
}

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

fn is_sve(id: u64) -> bool {
    id & KVM_REG_ARM_COPROC_MASK == KVM_REG_ARM64_SVE
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
    if !registers.has(id) {
        return Err(Errno::ENOENT);
    }
    Ok(())
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
            let fits = low & !LENGTHS == 0 && low & 1 != 0 && rest.iter().all(|byte| *byte == 0);
            if !fits {
                return Err(Errno::EINVAL);
            }
        }
        if id == PFR0 && low != before {
            if state.has_run {
                return Err(Errno::EBUSY);
            }
            if (low ^ before) & !PFR0_WRITABLE != 0 {
                return Err(Errno::EINVAL);
            }
        }
        state.registers.set(arg)
    }

    pub(super) fn arm_get_reg_list(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let state = lock(&self.state);
        state.arm.complete()?;
        let ids: Vec<u64> = state.registers.ids().collect();
        one_reg::list(&ids, arg)
    }

    /// Section 4.32: "`EINVAL` if ... the reserved fields are not zero"; a syndrome has 25 bits, and an external
    /// abort is never read back.
    pub(super) fn arm_set_vcpu_events(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut events: kvm_vcpu_events = args::read(arg)?;
        let mut state = lock(&self.state);
        state.arm.initialised()?;
        let exception = &mut events.exception;
        let flags = [
            exception.serror_pending,
            exception.serror_has_esr,
            exception.ext_dabt_pending,
        ];
        let syndrome_alone = exception.serror_has_esr != 0 && exception.serror_pending == 0;
        if events.reserved != [0; 12]
            || exception.pad != [0; 5]
            || flags.iter().any(|flag| *flag > 1)
            || exception.serror_esr >> 25 != 0
            || syndrome_alone
        {
            return Err(Errno::EINVAL);
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

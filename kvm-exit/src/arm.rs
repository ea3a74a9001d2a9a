//! What only Arm has.

use core::fmt;

use kvm_sys::{ArmSeaFlags, kvm_run_arm_nisv, kvm_run_arm_sea};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::arch::{architecture, sync_rest};
use crate::member::{Member, Union, halves, word};
use crate::state::PlainState;

architecture! {
    /// 64-bit Arm.
    Aarch64: PlainState, Aarch64Sync, Aarch64Debug;
}

/// `KVM_EXIT_ARM_NISV`: the guest touched an address that no memory slot backs, with an
/// instruction that the processor does not describe, so KVM can make no MMIO exit of it.
///
/// Nothing is a reply. Whoever emulates the instruction fetches it from the guest, writes registers
/// with `KVM_SET_ONE_REG`, and moves the program counter past it; if nothing is done, the
/// next `KVM_RUN` runs it again. Needs `KVM_CAP_ARM_NISV_TO_USER`; without it, `KVM_RUN` fails with
/// `ENOSYS`.
///
/// ```
/// use kvm_exit::ArmNisv;
///
/// /// Whether the access was a write: WnR, bit 6 of the syndrome.
/// fn is_write(access: ArmNisv) -> bool {
///     access.esr_iss & 1 << 6 != 0
/// }
/// # assert!(is_write(ArmNisv { esr_iss: 0x40, fault_ipa: 0 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArmNisv {
    /// The instruction specific syndrome of `ESR_EL2`, bits 0 to 24.
    pub esr_iss: u64,
    /// The guest-physical address in bytes.
    pub fault_ipa: u64,
}

impl ArmNisv {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let member = kvm_run_arm_nisv::of(payload);
        Self {
            esr_iss: member.esr_iss,
            fault_ipa: member.fault_ipa,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_arm_nisv::of(payload);
        member.esr_iss = self.esr_iss;
        member.fault_ipa = self.fault_ipa;
    }
}

/// `KVM_EXIT_ARM_LDST64B`: the guest loads or stores 64 bytes at once (`LD64B`, `ST64B`, `ST64BV`,
/// `ST64BV0`) where no memory slot backs the address.
///
/// Nothing is a reply: user space reads the operands and writes the results with
/// `KVM_GET_ONE_REG` and `KVM_SET_ONE_REG`, makes the access as one, and moves the program counter
/// past the instruction; if nothing is done, the next `KVM_RUN` runs it again. Only guests that are
/// told of the feature (`ID_AA64ISAR1_EL1.LS64`) get here.
///
/// ```
/// use kvm_exit::ArmLdst64b;
///
/// fn is_write(access: ArmLdst64b) -> bool {
///     access.esr_iss & 1 << 6 != 0
/// }
/// # assert!(!is_write(ArmLdst64b { esr_iss: 0, fault_ipa: 0 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArmLdst64b {
    /// The instruction specific syndrome of `ESR_EL2`, bits 0 to 24.
    pub esr_iss: u64,
    /// The guest-physical address in bytes.
    pub fault_ipa: u64,
}

impl ArmLdst64b {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let ArmNisv { esr_iss, fault_ipa } = ArmNisv::decode(payload);
        Self { esr_iss, fault_ipa }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let Self { esr_iss, fault_ipa } = *self;
        ArmNisv { esr_iss, fault_ipa }.encode(payload);
    }
}

/// `KVM_EXIT_ARM_SEA`: an access of the guest's met a hardware error that the host could not handle
/// (a synchronous external abort). Needs `KVM_CAP_ARM_SEA_TO_USER`.
///
/// Nothing is a reply. User space may hand the abort to the guest (`KVM_SET_VCPU_EVENTS`); if
/// nothing is done, the next `KVM_RUN` repeats the access.
///
/// ```
/// use kvm_exit::ArmSea;
///
/// fn tell(abort: ArmSea) {
///     match abort.address() {
///         Some(gpa) => println!("memory is broken at {gpa:#x}"),
///         None => println!("memory is broken somewhere"),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArmSea {
    /// Which of the following hold.
    pub flags: ArmSeaFlags,
    /// `ESR_EL2`: those of its fields that say what the abort was.
    pub esr: u64,
    /// The guest-virtual address; unknown if bit 10 (FnV) of `esr` is set.
    pub gva: u64,
    /// The guest-physical address, if the flags say so; see [`address`](Self::address).
    pub gpa: u64,
}

impl ArmSea {
    /// The guest-physical address, if it is known.
    pub fn address(&self) -> Option<u64> {
        self.flags
            .contains(ArmSeaFlags::KVM_EXIT_ARM_SEA_FLAG_GPA_VALID)
            .then_some(self.gpa)
    }

    pub(crate) fn decode(payload: &mut Union) -> Self {
        let member = kvm_run_arm_sea::of(payload);
        Self {
            flags: member.flags,
            esr: member.esr,
            gva: member.gva,
            gpa: member.gpa,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_arm_sea::of(payload);
        member.flags = self.flags;
        member.esr = self.esr;
        member.gva = self.gva;
        member.gpa = self.gpa;
    }
}

/// The payload of `KVM_EXIT_DEBUG` for an Arm guest. Nothing is a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aarch64Debug {
    /// Bits 0 to 31 of `ESR_EL2`: which kind of debug event.
    pub hsr: u32,
    /// Bits 32 to 61 of `ESR_EL2`, from kernels that have them.
    pub hsr_high: u32,
    /// For a watchpoint the guest-virtual address that was touched.
    pub far: u64,
}

impl Aarch64Debug {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let [hsr, far, ..] = *payload;
        let [hsr, hsr_high] = halves(hsr);
        Self { hsr, hsr_high, far }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let [hsr, far, ..] = payload;
        *hsr = word([self.hsr, self.hsr_high]);
        *far = self.far;
    }
}

impl fmt::Display for Aarch64Debug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hsr {:#x}", self.hsr)?;
        match self.hsr_high {
            0 => {}
            high => write!(f, " high {high:#x}")?,
        }
        write!(f, " far {:#x}", self.far)
    }
}

/// What an Arm vCPU shares behind the exit, from byte 288 of `kvm_run` to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Aarch64Sync {
    /// Not used on Arm; 0.
    pub valid: u64,
    /// Not used on Arm; 0.
    pub dirty: u64,
    /// The levels of the interrupt lines of devices that KVM has in the kernel (`KVM_ARM_DEV_*`:
    /// bit 0 the virtual timer, bit 1 the physical timer, bit 2 the PMU), for an interrupt controller
    /// in user space. Needs `KVM_CAP_ARM_USER_IRQ`.
    pub device_irq_level: u64,
    rest: sync_rest!(8),
}

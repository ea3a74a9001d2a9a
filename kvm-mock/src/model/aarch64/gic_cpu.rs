//! [`CpuInterface`]: what a vCPU sees of an interrupt controller beside distributor and redistributor.

use std::collections::BTreeMap;

use kvm_core::Errno;

/// The registers of a vCPU's interface, by offset (GICv2) or by how their instruction encodes them (GICv3).
#[derive(Clone, Debug, Default)]
pub(super) struct CpuInterface(BTreeMap<u32, u64>);

/// A register of GICv3 that is had by an instruction: its encoding, and the bits that a guest can write.
struct SysReg(u32, u64);

const fn sysreg(crn: u32, crm: u32, op2: u32) -> u32 {
    3 << 14 | crn << 7 | crm << 3 | op2
}

const CTLR: u32 = sysreg(12, 12, 4);
const SRE: u32 = sysreg(12, 12, 5);

/// Five bits of priority, and interrupts of 16 bits.
const CTLR_FIXED: u64 = 4 << 8;
/// Common binary points, and two steps at the end of an interrupt.
const CTLR_WRITABLE: u64 = 0b11;
/// System registers are all there is.
const SRE_FIXED: u64 = 0b111;

/// `Documentation/virt/kvm/devices/arm-vgic-v3.rst`, `KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS`. With five bits of priority,
/// one register of active priorities of each group is there.
const SYSREGS: [SysReg; 9] = [
    SysReg(sysreg(4, 6, 0), 0xf8),         // ICC_PMR_EL1
    SysReg(sysreg(12, 8, 3), 0b111),       // ICC_BPR0_EL1
    SysReg(sysreg(12, 8, 4), 0xffff_ffff), // ICC_AP0R0_EL1
    SysReg(sysreg(12, 9, 0), 0xffff_ffff), // ICC_AP1R0_EL1
    SysReg(sysreg(12, 12, 3), 0b111),      // ICC_BPR1_EL1
    SysReg(CTLR, CTLR_WRITABLE),           // ICC_CTLR_EL1
    SysReg(SRE, 0),                        // ICC_SRE_EL1
    SysReg(sysreg(12, 12, 6), 1),          // ICC_IGRPEN0_EL1
    SysReg(sysreg(12, 12, 7), 1),          // ICC_IGRPEN1_EL1
];

/// Those of active priorities that more bits of priority would need.
const MORE_PRIORITIES: [u32; 6] = [
    sysreg(12, 8, 5),
    sysreg(12, 8, 6),
    sysreg(12, 8, 7),
    sysreg(12, 9, 1),
    sysreg(12, 9, 2),
    sysreg(12, 9, 3),
];

/// `Documentation/virt/kvm/devices/arm-vgic.rst`, `KVM_DEV_ARM_VGIC_GRP_CPU_REGS`: offsets, and the bits that can be
/// written. "userspace must always use the lower 5 bits" of the priority mask.
const V2: [(u32, u64); 8] = [
    (0x0, 0x21f),        // GICC_CTLR
    (0x4, 0x1f),         // GICC_PMR
    (0x8, 0b111),        // GICC_BPR
    (0x1c, 0b111),       // GICC_ABPR
    (0xd0, 0xffff_ffff), // GICC_APRn
    (0xd4, 0),
    (0xd8, 0),
    (0xdc, 0),
];

/// "-ENXIO Getting or setting this register is not yet supported".
pub(super) fn has_sysreg(instruction: u32) -> Result<(), Errno> {
    let known = SYSREGS.iter().any(|SysReg(known, _)| *known == instruction);
    if known || MORE_PRIORITIES.contains(&instruction) {
        Ok(())
    } else {
        Err(Errno::ENXIO)
    }
}

pub(super) fn has_v2(offset: u32) -> Result<(), Errno> {
    let mut known = V2.iter().map(|(known, _)| *known);
    known
        .any(|known| known == offset)
        .then_some(())
        .ok_or(Errno::ENXIO)
}

fn writable(instruction: u32) -> Result<u64, Errno> {
    has_sysreg(instruction)?;
    let mut known = SYSREGS.iter();
    let register = known.find(|SysReg(known, _)| *known == instruction);
    register.map(|SysReg(_, bits)| *bits).ok_or(Errno::EINVAL)
}

impl CpuInterface {
    fn value(&self, register: u32) -> u64 {
        self.0.get(&register).copied().unwrap_or(0)
    }

    /// "-EINVAL Invalid mpidr or register value supplied".
    pub(super) fn get_sysreg(&self, instruction: u32) -> Result<u64, Errno> {
        writable(instruction)?;
        let fixed = match instruction {
            CTLR => CTLR_FIXED,
            SRE => SRE_FIXED,
            _ => 0,
        };
        Ok(self.value(instruction) | fixed)
    }

    pub(super) fn set_sysreg(&mut self, instruction: u32, value: u64) -> Result<(), Errno> {
        let bits = writable(instruction)?;
        let refused = match instruction {
            // Fewer bits than there are would do, and the rest has to agree.
            CTLR => value >> 8 & 0b111 > 4 || value & !(CTLR_WRITABLE | 0x700) != 0,
            SRE => value & 1 == 0,
            _ => false,
        };
        if refused {
            return Err(Errno::EINVAL);
        }
        self.0.insert(instruction, value & bits);
        Ok(())
    }

    pub(super) fn get_v2(&self, offset: u32) -> Result<u32, Errno> {
        has_v2(offset)?;
        Ok(u32::try_from(self.value(offset)).unwrap_or(u32::MAX))
    }

    pub(super) fn set_v2(&mut self, offset: u32, value: u32) -> Result<(), Errno> {
        has_v2(offset)?;
        let mut known = V2.iter();
        let bits = known
            .find(|(known, _)| *known == offset)
            .map_or(0, |(_, bits)| *bits);
        self.0.insert(offset, u64::from(value) & bits);
        Ok(())
    }
}

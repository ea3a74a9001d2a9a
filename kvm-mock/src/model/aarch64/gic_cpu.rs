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

const BPR0: u32 = sysreg(12, 8, 3);
const BPR1: u32 = sysreg(12, 12, 3);
const CTLR: u32 = sysreg(12, 12, 4);
const SRE: u32 = sysreg(12, 12, 5);

/// Five bits of priority, interrupts of 24 bits, and affinities of four levels: as on the emulated machine from which the
/// model's rules were observed.
const CTLR_RESET: u64 = 1 << 15 | 1 << 11 | 4 << 8;
/// Common binary points, and two steps at the end of an interrupt.
const CTLR_WRITABLE: u64 = 0b11;
/// How many bits there are, of which the VMM can have fewer.
const CTLR_BITS: [u64; 2] = [0b111 << 8, 0b111 << 11];
/// System errors of the interface's own, and affinities.
const CTLR_HOST: u64 = 0b11 << 14;
/// System registers are all there is.
const SRE_FIXED: u64 = 0b111;

/// `Documentation/virt/kvm/devices/arm-vgic-v3.rst`, `KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS`. With five bits of priority,
/// one register of active priorities of each group is there.
const SYSREGS: [SysReg; 9] = [
    SysReg(sysreg(4, 6, 0), 0xff),         // ICC_PMR_EL1
    SysReg(BPR0, 0b111),                   // ICC_BPR0_EL1
    SysReg(sysreg(12, 8, 4), 0xffff_ffff), // ICC_AP0R0_EL1
    SysReg(sysreg(12, 9, 0), 0xffff_ffff), // ICC_AP1R0_EL1
    SysReg(BPR1, 0b111),                   // ICC_BPR1_EL1
    SysReg(CTLR, 0),                       // ICC_CTLR_EL1, by rules of its own
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
    has_sysreg(instruction).map_err(|_| Errno::ENOENT)?;
    let mut known = SYSREGS.iter();
    let register = known.find(|SysReg(known, _)| *known == instruction);
    register.map(|SysReg(_, bits)| *bits).ok_or(Errno::EINVAL)
}

impl CpuInterface {
    fn value(&self, register: u32) -> u64 {
        self.0.get(&register).copied().unwrap_or(0)
    }

    /// "-EINVAL Invalid mpidr or register value supplied". What is no register is `ENOENT`, observed on Linux 6.12.
    pub(super) fn get_sysreg(&self, instruction: u32) -> Result<u64, Errno> {
        writable(instruction)?;
        Ok(match instruction {
            CTLR => self.ctlr(),
            SRE => SRE_FIXED,
            // A common binary point is that of group 0, and one more.
            BPR1 if self.ctlr() & 1 != 0 => (self.value(BPR0) + 1).min(7),
            _ => self.value(instruction),
        })
    }

    fn ctlr(&self) -> u64 {
        self.0.get(&CTLR).copied().unwrap_or(CTLR_RESET)
    }

    /// KVM takes one field after the other: those before the one that is refused are changed. Observed on Linux 6.12.
    fn set_ctlr(&mut self, value: u64) -> Result<(), Errno> {
        let mut ctlr = self.ctlr();
        for bits in CTLR_BITS {
            if value & bits > ctlr & bits {
                return Err(Errno::EINVAL);
            }
            ctlr = ctlr & !bits | value & bits;
            self.0.insert(CTLR, ctlr);
        }
        if (value ^ ctlr) & CTLR_HOST != 0 {
            return Err(Errno::EINVAL);
        }
        let kept = ctlr & !CTLR_WRITABLE | value & CTLR_WRITABLE;
        self.0.insert(CTLR, kept);
        Ok(())
    }

    pub(super) fn set_sysreg(&mut self, instruction: u32, value: u64) -> Result<(), Errno> {
        let bits = writable(instruction)?;
        match instruction {
            CTLR => return self.set_ctlr(value),
            SRE if value & 1 == 0 => return Err(Errno::EINVAL),
            BPR1 if self.ctlr() & 1 != 0 => {}
            _ => {
                self.0.insert(instruction, value & bits);
            }
        }
        Ok(())
    }

    /// The register's value, if there is one.
    pub(super) fn get_v2(&self, offset: u32) -> Option<u32> {
        has_v2(offset).ok()?;
        u32::try_from(self.value(offset)).ok()
    }

    pub(super) fn set_v2(&mut self, offset: u32, value: u32) {
        let mut known = V2.iter();
        let bits = known
            .find(|(known, _)| *known == offset)
            .map_or(0, |(_, bits)| *bits);
        self.0.insert(offset, u64::from(value) & bits);
    }
}

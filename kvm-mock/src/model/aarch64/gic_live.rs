//! [`Live`]: the registers of an interrupt controller that is initialised.

use std::collections::BTreeMap;

use kvm_core::kvm_sys::aarch64::{
    KVM_DEV_ARM_VGIC_CPUID_MASK, KVM_DEV_ARM_VGIC_CPUID_SHIFT, KVM_DEV_ARM_VGIC_GRP_CPU_REGS,
    KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
    KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
    KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT, KVM_DEV_ARM_VGIC_LINE_LEVEL_INTID_MASK,
    KVM_DEV_ARM_VGIC_OFFSET_MASK, KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT, VGIC_LEVEL_INFO_LINE_LEVEL,
};
use kvm_core::kvm_sys::kvm_device_attr;
use kvm_core::{Arg, Errno};

use super::gic::Gic;
use super::gic_cpu::{self, CpuInterface};
use super::gic_files::{File, PRIVATE, V2, V3};
use crate::model::args;
use crate::model::vm::{State, Vm};

const GICD_CTLR: u32 = 0x0;
const GICD_TYPER: u32 = 0x4;
const GICD_IIDR: u32 = 0x8;
const GICD_TYPER2: u32 = 0xc;
const STATUSR: u32 = 0x10;

const GICR_CTLR: u32 = 0x0;
const GICR_IIDR: u32 = 0x4;
const GICR_TYPER: u32 = 0x8;
const GICR_TYPER_HIGH: u32 = 0xc;
const GICR_WAKER: u32 = 0x14;
const GICR_PROPBASER: u32 = 0x70;
const GICR_PENDBASER: u32 = 0x78;
const GICR_SGI: u32 = 0x1_0000;

/// KVM's own product of Arm's, in revision 3.
const IIDR: u32 = 0x4b00_343b;
const REVISION: u32 = 0xf000;

/// Low half of each register of 64 bits that has two, in the redistributor.
const WIDE: [u32; 4] = [
    GICR_PROPBASER,
    GICR_PROPBASER + 4,
    GICR_PENDBASER,
    GICR_PENDBASER + 4,
];

/// The registers of an interrupt controller that is initialised.
#[derive(Debug)]
pub(super) struct Live {
    interrupts: u32,
    shared: File,
    ctlr: u32,
    revision: u32,
    routes: BTreeMap<u32, u32>,
    /// Levels of shared lines, 32 to a word.
    lines: BTreeMap<u32, u32>,
    vcpus: BTreeMap<u64, Own>,
}

/// What each vCPU has.
#[derive(Debug)]
struct Own {
    private: File,
    cpu: CpuInterface,
    lines: u32,
    ctlr: u32,
    wide: BTreeMap<u32, u32>,
}

/// Where `IROUTER` of the first shared interrupt is, and as many behind.
const ROUTES: std::ops::Range<u32> = 0x6000 + 8 * PRIVATE..0x6000 + 8 * 1024;

impl Live {
    pub(super) fn new(is_v3: bool, interrupts: u32, vcpus: impl Iterator<Item = u64>) -> Self {
        let table = if is_v3 { V3 } else { V2 };
        // In GICv3 they begin in group 1.
        let group = if is_v3 { u32::MAX } else { 0 };
        let mut shared = File::new(table, PRIVATE, interrupts);
        for word in 1..interrupts / 32 {
            shared.put(0x80 + 4 * word, group);
        }
        let own = |id| {
            let mut private = File::new(table, 0, PRIVATE);
            private.put(0x80, group);
            // Those of software are enabled.
            private.put(0x100, 0xffff);
            if !is_v3 {
                // Each is the vCPU's that asks.
                let targets = 0x0101_0101_u32 << (id & 7);
                (0..8).for_each(|word| private.put(0x800 + 4 * word, targets));
            }
            let own = Own {
                private,
                cpu: CpuInterface::default(),
                lines: 0,
                ctlr: 0,
                wide: BTreeMap::new(),
            };
            (id, own)
        };
        Self {
            interrupts,
            shared,
            ctlr: 0,
            revision: IIDR & REVISION,
            routes: BTreeMap::new(),
            lines: BTreeMap::new(),
            vcpus: vcpus.map(own).collect(),
        }
    }

    /// KVM initialises a GICv2 by itself when it has to; a GICv3 is `EBUSY` until then.
    pub(super) fn prepare(vm: &Vm, state: &mut State) -> Result<(), Errno> {
        let _ = vm;
        match &state.arm.gic {
            Some(gic) if gic.live().is_some() => Ok(()),
            Some(gic) if !gic.is_v3() => Gic::init(state),
            _ => Err(Errno::EBUSY),
        }
    }

    /// Whether attributes of this group are registers.
    pub(super) fn has_group(is_v3: bool, group: u32) -> bool {
        match group {
            KVM_DEV_ARM_VGIC_GRP_DIST_REGS => true,
            KVM_DEV_ARM_VGIC_GRP_CPU_REGS => !is_v3,
            KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
            | KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS
            | KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO => is_v3,
            _ => false,
        }
    }

    /// "-ENXIO Getting or setting this register is not yet supported; -EINVAL Invalid mpidr".
    pub(super) fn has(is_v3: bool, state: &State, attr: &kvm_device_attr) -> Result<(), Errno> {
        let offset = offset(attr);
        let table = if is_v3 { V3 } else { V2 };
        let any = File::new(table, 0, PRIVATE);
        let known = match attr.group {
            KVM_DEV_ARM_VGIC_GRP_DIST_REGS => {
                vcpu(is_v3, state, attr)?;
                let named = [GICD_CTLR, GICD_TYPER, GICD_IIDR].contains(&offset);
                let v3 = [GICD_TYPER2, STATUSR].contains(&offset) || ROUTES.contains(&offset);
                offset % 4 == 0 && (named || any.has(offset) || is_v3 && v3)
            }
            KVM_DEV_ARM_VGIC_GRP_CPU_REGS if !is_v3 => return gic_cpu::has_v2(offset),
            KVM_DEV_ARM_VGIC_GRP_REDIST_REGS if is_v3 => {
                vcpu(is_v3, state, attr)?;
                offset % 4 == 0 && has_redist(offset, &any)
            }
            KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS if is_v3 => {
                vcpu(is_v3, state, attr)?;
                return gic_cpu::has_sysreg(offset & 0xffff);
            }
            KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO if is_v3 => info(attr) == VGIC_LEVEL_INFO_LINE_LEVEL,
            _ => false,
        };
        known.then_some(()).ok_or(Errno::ENXIO)
    }

    pub(super) fn get(
        state: &State,
        attr: &kvm_device_attr,
        arg: &mut Arg<'_>,
    ) -> Result<(), Errno> {
        let gic = state.arm.gic.as_ref().ok_or(Errno::ENXIO)?;
        let live = gic.live().ok_or(Errno::EBUSY)?;
        let id = vcpu(gic.is_v3(), state, attr)?;
        let own = live.vcpus.get(&id).ok_or(Errno::EINVAL)?;
        let offset = offset(attr);
        if attr.group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS && gic.is_v3() {
            return args::set_attribute(arg, &own.cpu.get_sysreg(offset & 0xffff)?);
        }
        let value = match (attr.group, gic.is_v3()) {
            (KVM_DEV_ARM_VGIC_GRP_DIST_REGS, true) => live.get_dist_v3(state, offset),
            (KVM_DEV_ARM_VGIC_GRP_DIST_REGS, false) => live.get_dist_v2(state, own, offset),
            (KVM_DEV_ARM_VGIC_GRP_CPU_REGS, false) => Some(own.cpu.get_v2(offset)?),
            (KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, true) => live.get_redist(state, id, own, offset),
            (KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, true) => Some(live.levels(own, attr)?),
            _ => None,
        };
        args::set_attribute(arg, &value.ok_or(Errno::ENXIO)?)
    }

    pub(super) fn set(
        state: &mut State,
        attr: &kvm_device_attr,
        arg: &mut Arg<'_>,
    ) -> Result<(), Errno> {
        let has_its = state.arm.has_its;
        let gic = state.arm.gic.as_ref().ok_or(Errno::ENXIO)?;
        let is_v3 = gic.is_v3();
        let id = vcpu(is_v3, state, attr)?;
        let gic = state.arm.gic.as_mut().ok_or(Errno::ENXIO)?;
        let live = gic.live_mut().ok_or(Errno::EBUSY)?;
        let offset = offset(attr);
        let own = live.vcpus.get_mut(&id).ok_or(Errno::EINVAL)?;
        if attr.group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS && is_v3 {
            return own.cpu.set_sysreg(offset & 0xffff, args::attribute(arg)?);
        }
        let value: u32 = args::attribute(arg)?;
        let known = match (attr.group, is_v3) {
            (KVM_DEV_ARM_VGIC_GRP_DIST_REGS, _) => live.set_dist(is_v3, id, offset, value)?,
            (KVM_DEV_ARM_VGIC_GRP_CPU_REGS, false) => {
                own.cpu.set_v2(offset, value)?;
                true
            }
            (KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, true) => own.set_redist(has_its, offset, value),
            (KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, true) => {
                live.set_levels(id, attr, value)?;
                true
            }
            _ => false,
        };
        known.then_some(()).ok_or(Errno::ENXIO)
    }

    fn get_dist_v3(&self, state: &State, offset: u32) -> Option<u32> {
        const ARE_DS: u32 = 1 << 4 | 1 << 6;
        let ids = if state.arm.has_its { 16 } else { 10 };
        let lpis = u32::from(state.arm.has_its) << 17;
        Some(match offset {
            // Affinities route, and there is one security state.
            GICD_CTLR => self.ctlr | ARE_DS,
            GICD_TYPER => (self.interrupts / 32 - 1) | (ids - 1) << 19 | lpis,
            GICD_IIDR => IIDR & !REVISION | self.revision,
            GICD_TYPER2 => 0,
            // Kernels so far answer so, whatever is written.
            STATUSR => u32::MAX,
            offset if ROUTES.contains(&offset) => self.routes.get(&offset).copied().unwrap_or(0),
            offset => return self.shared.get(offset),
        })
    }

    fn get_dist_v2(&self, state: &State, own: &Own, offset: u32) -> Option<u32> {
        let vcpus = u32::try_from(state.vcpus.len()).unwrap_or(1);
        Some(match offset {
            GICD_CTLR => self.ctlr,
            GICD_TYPER => (self.interrupts / 32 - 1) | (vcpus - 1) << 5,
            GICD_IIDR => IIDR & !REVISION | self.revision,
            offset => self.shared.get(offset)? | own.private.get(offset)?,
        })
    }

    fn set_dist(&mut self, is_v3: bool, id: u64, offset: u32, value: u32) -> Result<bool, Errno> {
        match offset {
            GICD_CTLR => self.ctlr = value & if is_v3 { 0b10 } else { 0b1 },
            // "Userspace should read GICD_IIDR from KVM and write back the read value".
            GICD_IIDR => {
                if (value ^ IIDR) & !REVISION != 0 || value & REVISION > IIDR & REVISION {
                    return Err(Errno::EINVAL);
                }
                self.revision = value & REVISION;
            }
            GICD_TYPER => {}
            GICD_TYPER2 | STATUSR if is_v3 => {}
            offset if is_v3 && ROUTES.contains(&offset) => {
                // Three affinities: the high half stays 0.
                let bits = if offset % 8 == 0 { 0xff_ffff } else { 0 };
                self.routes.insert(offset, value & bits);
            }
            offset => {
                let known = self.shared.set(offset, value);
                let own = self.vcpus.get_mut(&id).filter(|_| !is_v3);
                // Those that say which vCPU reads them can't be written.
                let targets = (0x800..0x820).contains(&offset);
                if let Some(own) = own.filter(|_| !targets) {
                    own.private.set(offset, value);
                }
                return Ok(known);
            }
        }
        Ok(true)
    }

    fn get_redist(&self, state: &State, id: u64, own: &Own, offset: u32) -> Option<u32> {
        let last = self.vcpus.keys().next_back() == Some(&id);
        let number = u32::try_from(id & 0xffff).unwrap_or(0);
        let has_its = u32::from(state.arm.has_its);
        Some(match offset {
            // Since revision 3 it can be disabled again.
            GICR_CTLR if self.revision >= 3 << 12 => own.ctlr | 0b110,
            GICR_CTLR => own.ctlr,
            GICR_IIDR => IIDR & !REVISION,
            GICR_TYPER => number << 8 | u32::from(last) << 4 | has_its,
            GICR_TYPER_HIGH => affinity_of(state, id),
            STATUSR | GICR_WAKER => 0,
            offset if WIDE.contains(&offset) => own.wide.get(&offset).copied().unwrap_or(0),
            offset => return own.private.get(offset.checked_sub(GICR_SGI)?),
        })
    }

    /// The levels of 32 lines: "vINTID must be a multiple of 32"; software's interrupts and those that there are
    /// not "will be RAZ/WI".
    fn levels(&self, own: &Own, attr: &kvm_device_attr) -> Result<u32, Errno> {
        match first_line(attr)? {
            0 => Ok(own.lines),
            first => Ok(self.lines.get(&first).copied().unwrap_or(0)),
        }
    }

    fn set_levels(&mut self, id: u64, attr: &kvm_device_attr, levels: u32) -> Result<(), Errno> {
        match first_line(attr)? {
            0 => {
                if let Some(own) = self.vcpus.get_mut(&id) {
                    own.lines = levels & !0xffff;
                }
            }
            first if first < self.interrupts => {
                self.lines.insert(first, levels);
            }
            _ => {}
        }
        Ok(())
    }

    /// Raises or lowers a line: of a vCPU's own, or a shared one. An edge makes its interrupt pending.
    pub(super) fn line(&mut self, id: u64, interrupt: u32, level: bool) -> Result<(), Errno> {
        if interrupt >= self.interrupts {
            return Err(Errno::EINVAL);
        }
        let own = self.vcpus.get_mut(&id).ok_or(Errno::EINVAL)?;
        let (file, lines) = if interrupt < PRIVATE {
            (&mut own.private, &mut own.lines)
        } else {
            let lines = self.lines.entry(interrupt / 32 * 32).or_default();
            (&mut self.shared, lines)
        };
        let bit = 1 << (interrupt % 32);
        let rises = level && *lines & bit == 0;
        if level {
            *lines |= bit;
        } else {
            *lines &= !bit;
        }
        let trigger = file.get(0xc00 + interrupt / 16 * 4).unwrap_or(0);
        if rises && trigger >> (interrupt % 16 * 2 + 1) & 1 != 0 {
            let pending = 0x200 + interrupt / 32 * 4;
            let word = file.word(pending);
            file.put(pending, word | bit);
        }
        Ok(())
    }
}

impl Own {
    /// "Writes to read-only registers are ignored".
    fn set_redist(&mut self, has_its: bool, offset: u32, value: u32) -> bool {
        match offset {
            // Without an ITS there are no LPIs to enable.
            GICR_CTLR => self.ctlr = value & u32::from(has_its),
            GICR_IIDR | GICR_TYPER | GICR_TYPER_HIGH | STATUSR | GICR_WAKER => {}
            offset if WIDE.contains(&offset) => {
                // While LPIs are enabled their tables stay where they are.
                if self.ctlr & 1 == 0 {
                    self.wide.insert(offset, value & wide_bits(offset));
                }
            }
            offset => {
                return offset
                    .checked_sub(GICR_SGI)
                    .is_some_and(|offset| self.private.set(offset, value));
            }
        }
        true
    }
}

/// The bits of such a half that are not reserved.
fn wide_bits(offset: u32) -> u32 {
    match offset {
        GICR_PROPBASER => 0xffff_ff9f,
        GICR_PENDBASER => 0xffff_0f80,
        // Bits 56 to 58 and 32 to 51 of either.
        _ => 0x070f_ffff,
    }
}

fn has_redist(offset: u32, any: &File) -> bool {
    let named = [
        GICR_CTLR,
        GICR_IIDR,
        GICR_TYPER,
        GICR_TYPER_HIGH,
        STATUSR,
        GICR_WAKER,
    ];
    let sgi = offset.checked_sub(GICR_SGI);
    // Only the first words: there are 32 interrupts.
    let one = |offset: u32| any.get(offset).is_some();
    named.contains(&offset) || WIDE.contains(&offset) || sgi.is_some_and(one)
}

fn offset(attr: &kvm_device_attr) -> u32 {
    u32::try_from(attr.attr & KVM_DEV_ARM_VGIC_OFFSET_MASK).unwrap_or(0)
}

fn info(attr: &kvm_device_attr) -> u32 {
    offset(attr) >> KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT
}

fn first_line(attr: &kvm_device_attr) -> Result<u32, Errno> {
    let first = attr.attr & KVM_DEV_ARM_VGIC_LINE_LEVEL_INTID_MASK;
    if info(attr) != VGIC_LEVEL_INFO_LINE_LEVEL || first % 32 != 0 {
        return Err(Errno::EINVAL);
    }
    u32::try_from(first).map_err(|_| Errno::EINVAL)
}

/// Affinities of a vCPU, lowest first in the bytes: 0 before it is initialised, observed on Linux 6.12.
fn affinity_of(state: &State, id: u64) -> u32 {
    let mpidr = state.arm.affinities.get(&id).copied().unwrap_or(0);
    u32::try_from(mpidr & 0xff_ffff | mpidr >> 8 & 0xff00_0000).unwrap_or(0)
}

/// The vCPU that an attribute names. "The mpidr is ignored for the distributor"; "-EINVAL Invalid mpidr",
/// "Invalid vcpu_index supplied".
fn vcpu(is_v3: bool, state: &State, attr: &kvm_device_attr) -> Result<u64, Errno> {
    let mut ids = state.vcpus.iter().copied();
    let found = if !is_v3 {
        let index = (attr.attr & KVM_DEV_ARM_VGIC_CPUID_MASK) >> KVM_DEV_ARM_VGIC_CPUID_SHIFT;
        ids.find(|id| *id == index)
    } else if attr.group == KVM_DEV_ARM_VGIC_GRP_DIST_REGS {
        ids.next()
    } else {
        let mpidr = attr.attr >> KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT;
        ids.find(|id| u64::from(affinity_of(state, *id)) == mpidr)
    };
    found.ok_or(Errno::EINVAL)
}

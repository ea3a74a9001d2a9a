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
use super::gic_files::{EDGES, File, PRIVATE, V2, V3};
use super::gic_tables::Access;
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
const GICR_PROPBASER_HIGH: u32 = 0x74;
const GICR_PENDBASER: u32 = 0x78;
const GICR_PENDBASER_HIGH: u32 = 0x7c;
const GICR_SGI: u32 = 0x1_0000;

/// Where registers say how tables of LPIs are accessed.
const LPIS: Access = Access {
    inner: 7,
    shareable: 10,
    outer: 56,
};

/// Which product and revision a part is, of which only the last is not 0: `PIDR2`, of a third version.
const IDENTITY: std::ops::Range<u32> = 0xffd0..0x1_0000;
const PIDR2: u32 = 0xffe8;
const VERSION_3: u32 = 0x3b;

/// KVM's own product of Arm's, in revision 3.
const IIDR: u32 = 0x4b00_343b;
const REVISION: u32 = 0xf000;

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
    /// `GICR_PROPBASER`, which all redistributors share.
    properties: u64,
    vcpus: BTreeMap<u64, Own>,
}

/// What each vCPU has.
#[derive(Debug)]
struct Own {
    private: File,
    cpu: CpuInterface,
    lines: u32,
    ctlr: u32,
    /// `GICR_PENDBASER`.
    pending: u64,
}

/// Where `IROUTER` of interrupt 0 is, and as many behind.
const ROUTES: u32 = 0x6000;

/// The bits of `GICR_PROPBASER` and of `GICR_PENDBASER` that are not reserved; of the latter, one that reads as zero
/// is left out.
const PROPERTIES: u64 = 0x070f_ffff_ffff_ff9f;
const PENDING: u64 = 0x070f_ffff_ffff_0f80;

impl Live {
    pub(super) fn new(
        is_v3: bool,
        has_its: bool,
        interrupts: u32,
        vcpus: impl Iterator<Item = u64>,
    ) -> Self {
        let table = if is_v3 { V3 } else { V2 };
        // In GICv3 they begin in group 1.
        let group = if is_v3 { u32::MAX } else { 0 };
        let mut shared = File::new(table, PRIVATE, interrupts);
        for word in 1..interrupts / 32 {
            shared.put(0x80 + 4 * word, group);
        }
        for word in 2..interrupts / 16 {
            shared.put(0xc00 + 4 * word, EDGES);
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
                pending: LPIS.at_first(),
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
            properties: if has_its { LPIS.at_first() } else { 0 },
            vcpus: vcpus.map(own).collect(),
        }
    }

    /// Whose messages there are tables for.
    pub(super) fn its_comes(&mut self) {
        self.properties = LPIS.at_first();
    }

    /// KVM initialises a GICv2 by itself when it has to; a GICv3 is `EBUSY` until then.
    fn prepare(state: &mut State) -> Result<(), Errno> {
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

    /// "-ENXIO Getting or setting this register is not yet supported; -EINVAL Invalid mpidr". Of more interrupts than
    /// there are, KVM has no registers.
    pub(super) fn has(
        is_v3: bool,
        interrupts: u32,
        state: &State,
        attr: &kvm_device_attr,
    ) -> Result<(), Errno> {
        let offset = offset(attr);
        let table = if is_v3 { V3 } else { V2 };
        let any = File::new(table, 0, interrupts);
        let known = match attr.group {
            KVM_DEV_ARM_VGIC_GRP_DIST_REGS => {
                vcpu(is_v3, state, attr)?;
                let named = [GICD_CTLR, GICD_TYPER, GICD_IIDR].contains(&offset);
                let v3 = [GICD_TYPER2, STATUSR].contains(&offset)
                    || IDENTITY.contains(&offset)
                    || (ROUTES..ROUTES + 8 * interrupts).contains(&offset);
                offset % 4 == 0 && (named || any.has(offset) || is_v3 && v3)
            }
            KVM_DEV_ARM_VGIC_GRP_CPU_REGS if !is_v3 => return gic_cpu::has_v2(offset),
            KVM_DEV_ARM_VGIC_GRP_REDIST_REGS if is_v3 => {
                vcpu(is_v3, state, attr)?;
                offset % 4 == 0 && has_redist(offset)
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

    /// What has no register reads as zero and ignores writes, for which the document has an errno that only
    /// `KVM_HAS_DEVICE_ATTR` gives: observed on Linux 6.12.
    pub(super) fn get(
        vm: &Vm,
        state: &mut State,
        attr: &kvm_device_attr,
        arg: &mut Arg<'_>,
    ) -> Result<(), Errno> {
        let id = Self::begin(vm, state, attr)?;
        let gic = state.arm.gic.as_ref().ok_or(Errno::ENXIO)?;
        let live = gic.live().ok_or(Errno::EBUSY)?;
        let own = live.vcpus.get(&id).ok_or(Errno::EINVAL)?;
        let offset = offset(attr);
        if attr.group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS && gic.is_v3() {
            return args::set_attribute(arg, &own.cpu.get_sysreg(offset & 0xffff)?);
        }
        let value = match (attr.group, gic.is_v3()) {
            (KVM_DEV_ARM_VGIC_GRP_DIST_REGS, true) => live.get_dist_v3(state, offset),
            (KVM_DEV_ARM_VGIC_GRP_DIST_REGS, false) => live.get_dist_v2(state, own, offset),
            (KVM_DEV_ARM_VGIC_GRP_CPU_REGS, false) => own.cpu.get_v2(offset),
            (KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, true) => live.get_redist(state, id, own, offset),
            (KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, true) => Some(live.levels(own, attr)?),
            _ => None,
        };
        args::set_attribute(arg, &value.unwrap_or(0))
    }

    /// The vCPU that an attribute names, once there are registers.
    fn begin(vm: &Vm, state: &mut State, attr: &kvm_device_attr) -> Result<u64, Errno> {
        let gic = state.arm.gic.as_ref().ok_or(Errno::ENXIO)?;
        let id = vcpu(gic.is_v3(), state, attr)?;
        vm.stopped()?;
        Self::prepare(state)?;
        Ok(id)
    }

    pub(super) fn set(
        vm: &Vm,
        state: &mut State,
        attr: &kvm_device_attr,
        arg: &mut Arg<'_>,
    ) -> Result<(), Errno> {
        let id = Self::begin(vm, state, attr)?;
        let has_its = state.arm.has_its;
        let gic = state.arm.gic.as_mut().ok_or(Errno::ENXIO)?;
        let is_v3 = gic.is_v3();
        let live = gic.live_mut().ok_or(Errno::EBUSY)?;
        let offset = offset(attr);
        let own = live.vcpus.get_mut(&id).ok_or(Errno::EINVAL)?;
        if attr.group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS && is_v3 {
            return own.cpu.set_sysreg(offset & 0xffff, args::attribute(arg)?);
        }
        let value: u32 = args::attribute(arg)?;
        match (attr.group, is_v3) {
            (KVM_DEV_ARM_VGIC_GRP_DIST_REGS, _) => live.set_dist(is_v3, id, offset, value),
            (KVM_DEV_ARM_VGIC_GRP_CPU_REGS, false) => {
                own.cpu.set_v2(offset, value);
                Ok(())
            }
            (KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, true) => {
                if [GICR_PROPBASER, GICR_PROPBASER_HIGH].contains(&offset) {
                    // While LPIs are enabled their tables stay where they are.
                    if own.ctlr & 1 == 0 {
                        let all = with_half(live.properties, offset, value);
                        live.properties = LPIS.taken(all & PROPERTIES);
                    }
                } else {
                    own.set_redist(has_its, offset, value);
                }
                Ok(())
            }
            (KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, true) => live.set_levels(id, attr, value),
            _ => Err(Errno::ENXIO),
        }
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
            PIDR2 => VERSION_3,
            offset => {
                let route = self.routes.get(&offset).copied();
                return route.or_else(|| self.shared.get(offset));
            }
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

    fn set_dist(&mut self, is_v3: bool, id: u64, offset: u32, value: u32) -> Result<(), Errno> {
        // Those of a vCPU's own interrupts are its redistributor's.
        let routes = ROUTES + 8 * PRIVATE..ROUTES + 8 * self.interrupts;
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
            // What it says can't be changed, nor tried to be.
            GICD_TYPER2 if is_v3 && value != 0 => return Err(Errno::EINVAL),
            GICD_TYPER2 | STATUSR if is_v3 => {}
            offset if is_v3 && routes.contains(&offset) && offset % 4 == 0 => {
                // Three affinities: the high half stays 0.
                let bits = if offset % 8 == 0 { 0xff_ffff } else { 0 };
                self.routes.insert(offset, value & bits);
            }
            offset => {
                self.shared.set(offset, value);
                let own = self.vcpus.get_mut(&id).filter(|_| !is_v3);
                // Those that say which vCPU reads them can't be written.
                let targets = (0x800..0x820).contains(&offset);
                if let Some(own) = own.filter(|_| !targets) {
                    own.private.set(offset, value);
                }
            }
        }
        Ok(())
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
            PIDR2 => VERSION_3,
            GICR_PROPBASER | GICR_PROPBASER_HIGH => half(self.properties, offset),
            GICR_PENDBASER | GICR_PENDBASER_HIGH => half(own.pending, offset),
            offset => return own.private.get(offset.checked_sub(GICR_SGI)?),
        })
    }

    /// The levels of 32 lines: "vINTID must be a multiple of 32"; software's interrupts and those that there are
    /// not "will be RAZ/WI", and KVM leaves out those that edges trigger.
    fn levels(&self, own: &Own, attr: &kvm_device_attr) -> Result<u32, Errno> {
        Ok(match first_line(attr)? {
            0 => own.lines & !own.private.edges(0),
            first => self.lines.get(&first).copied().unwrap_or(0) & !self.shared.edges(first),
        })
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
        if rises && file.edges(interrupt / 32 * 32) & bit != 0 {
            let pending = 0x200 + interrupt / 32 * 4;
            let word = file.word(pending);
            file.put(pending, word | bit);
        }
        Ok(())
    }
}

impl Own {
    /// "Writes to read-only registers are ignored".
    fn set_redist(&mut self, has_its: bool, offset: u32, value: u32) {
        match offset {
            // Without an ITS there are no LPIs to enable.
            GICR_CTLR => self.ctlr = value & u32::from(has_its),
            GICR_PENDBASER | GICR_PENDBASER_HIGH if self.ctlr & 1 == 0 => {
                let all = with_half(self.pending, offset, value);
                self.pending = LPIS.taken(all & PENDING);
            }
            offset => {
                if let Some(offset) = offset.checked_sub(GICR_SGI) {
                    self.private.set(offset, value);
                }
            }
        }
    }
}

fn half(register: u64, offset: u32) -> u32 {
    let [low, high] = [register, register >> 32].map(|half| half & u64::from(u32::MAX));
    u32::try_from(if offset & 4 == 0 { low } else { high }).unwrap_or(0)
}

fn with_half(register: u64, offset: u32, value: u32) -> u64 {
    let shift = 8 * (offset & 4);
    register & !(u64::from(u32::MAX) << shift) | u64::from(value) << shift
}

fn has_redist(offset: u32) -> bool {
    /// With the bytes that each has. KVM does not find `STATUSR`, which its table has out of order.
    const REGISTERS: [(u32, u32); 18] = [
        (GICR_CTLR, 4),
        (GICR_IIDR, 4),
        (GICR_TYPER, 8),
        (GICR_WAKER, 4),
        (GICR_PROPBASER, 8),
        (GICR_PENDBASER, 8),
        (IDENTITY.start, IDENTITY.end - IDENTITY.start),
        (GICR_SGI + 0x80, 4),  // groups
        (GICR_SGI + 0x100, 4), // enabled, to set and to clear
        (GICR_SGI + 0x180, 4),
        (GICR_SGI + 0x200, 4), // pending
        (GICR_SGI + 0x280, 4),
        (GICR_SGI + 0x300, 4), // active
        (GICR_SGI + 0x380, 4),
        (GICR_SGI + 0x400, 32), // priorities
        (GICR_SGI + 0xc00, 8),  // triggers
        (GICR_SGI + 0xd00, 4),  // further groups
        (GICR_SGI + 0xe00, 4),  // access from the other world
    ];
    let mut all = REGISTERS.iter();
    all.any(|(first, len)| (*first..first + len).contains(&offset))
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

//! [`Its`]: an interrupt translation service, by `Documentation/virt/kvm/devices/arm-vgic-its.rst`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use kvm_core::kvm_sys::aarch64::{
    KVM_DEV_ARM_ITS_CTRL_RESET, KVM_DEV_ARM_ITS_RESTORE_TABLES, KVM_DEV_ARM_ITS_SAVE_TABLES,
    KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_DEV_ARM_VGIC_GRP_CTRL,
    KVM_DEV_ARM_VGIC_GRP_ITS_REGS, KVM_VGIC_ITS_ADDR_TYPE,
};
use kvm_core::kvm_sys::kvm_device_attr;
use kvm_core::{Arg, Errno};

use super::gic::{check_range, unplaced};
use super::gic_tables::Access;
use crate::model::device::Kind;
use crate::model::vm::Vm;
use crate::model::{args, lock};

const GITS_CTLR: u64 = 0x0;
const GITS_IIDR: u64 = 0x4;
const GITS_TYPER: u64 = 0x8;
const GITS_CBASER: u64 = 0x80;
const GITS_CWRITER: u64 = 0x88;
const GITS_CREADR: u64 = 0x90;
const GITS_BASER: u64 = 0x100;
const GITS_BASERS: u64 = 8;
/// Which product and revision it is, in registers of 32 bits.
const IDENTITY: std::ops::Range<u64> = 0xffd0..0x1_0000;

/// KVM's own product of Arm's, with tables of revision 0.
const IIDR: u64 = 0x4b00_043b;
/// Entries of 8 bytes, identifiers of 16 bits, collections in memory only.
const TYPER: u64 = 1 | 7 << 4 | 15 << 8 | 15 << 13;
/// In a queue of at most 1 MiB, at whole commands.
const QUEUE: u64 = 0xf_ffe0;
const VALID: u64 = 1 << 63;
/// Pages of the queue of commands, less one.
const QUEUE_PAGES: u64 = 0xff;
const QUEUE_ALIGN: u64 = 0xf << 12;
const ADDRESS: u64 = 0x000f_ffff_ffff_0000;
/// What a table is of, and the size of its entries.
const TABLE_FIXED: u64 = 0b111 << 56 | 0b1_1111 << 48;
/// Of devices, and of collections, with entries of 8 bytes.
const TABLES: [u64; 2] = [1 << 56 | 7 << 48, 4 << 56 | 7 << 48];
/// A table of tables.
const INDIRECT: u64 = 1 << 62;
/// In pages of 64 KiB.
const PAGES: u64 = 0b11 << 8;
const PAGES_64K: u64 = 0b10 << 8;
/// Where registers say how tables, and the queue of commands, are accessed.
const ACCESS: Access = Access {
    inner: 59,
    shareable: 10,
    outer: 53,
};

/// An interrupt translation service.
#[derive(Debug, Default)]
pub(super) struct Its(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    base: Option<u64>,
    registers: BTreeMap<u64, u64>,
}

impl Kind for Its {
    fn has(&self, _: &Vm, attr: &kvm_device_attr) -> Result<(), Errno> {
        match (attr.group, attr.attr) {
            (KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE)
            | (
                KVM_DEV_ARM_VGIC_GRP_CTRL,
                KVM_DEV_ARM_VGIC_CTRL_INIT
                | KVM_DEV_ARM_ITS_CTRL_RESET
                | KVM_DEV_ARM_ITS_SAVE_TABLES
                | KVM_DEV_ARM_ITS_RESTORE_TABLES,
            ) => Ok(()),
            (KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset) => check_offset(offset),
            _ => Err(Errno::ENXIO),
        }
    }

    fn get(&self, vm: &Vm, attr: &kvm_device_attr, arg: &mut Arg<'_>) -> Result<(), Errno> {
        let state = lock(&self.0);
        match (attr.group, attr.attr) {
            (KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE) => {
                args::set_attribute(arg, &state.base.unwrap_or(u64::MAX))
            }
            (KVM_DEV_ARM_VGIC_GRP_ADDR, _) => Err(Errno::ENODEV),
            (KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset) => {
                state.ready(vm, offset)?;
                args::set_attribute(arg, &state.get(offset))
            }
            _ => Err(Errno::ENXIO),
        }
    }

    fn set(&self, vm: &Vm, attr: &kvm_device_attr, arg: &mut Arg<'_>) -> Result<(), Errno> {
        let mut state = lock(&self.0);
        match (attr.group, attr.attr) {
            (KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE) => {
                let base = args::attribute(arg)?;
                unplaced(state.base)?;
                check_range(vm, base, 0x1_0000, 0x2_0000)?;
                state.base = Some(base);
                Ok(())
            }
            // "-ENODEV Incorrect attribute or the ITS is not supported".
            (KVM_DEV_ARM_VGIC_GRP_ADDR, _) => Err(Errno::ENODEV),
            (KVM_DEV_ARM_VGIC_GRP_CTRL, number) => {
                vm.stopped()?;
                match number {
                    KVM_DEV_ARM_ITS_CTRL_RESET => {
                        state.reset();
                        Ok(())
                    }
                    KVM_DEV_ARM_ITS_SAVE_TABLES | KVM_DEV_ARM_ITS_RESTORE_TABLES => {
                        state.tables(vm)
                    }
                    // There is nothing to initialise, and Linux 6.12 was observed to take any other number.
                    _ => Ok(()),
                }
            }
            (KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset) => {
                state.ready(vm, offset)?;
                state.set(offset, args::attribute(arg)?)
            }
            _ => Err(Errno::ENXIO),
        }
    }
}

/// "-EINVAL Offset is not 64-bit aligned", but for registers of 32 bits.
fn check_align(offset: u64) -> Result<(), Errno> {
    let is_wide = (GITS_TYPER..IDENTITY.start).contains(&offset);
    let align = if is_wide { 8 } else { 4 };
    (offset % align == 0).then_some(()).ok_or(Errno::EINVAL)
}

/// "-ENXIO Offset does not correspond to any supported register".
fn check_offset(offset: u64) -> Result<(), Errno> {
    check_align(offset)?;
    let basers = GITS_BASER..GITS_BASER + 8 * GITS_BASERS;
    let known = [
        GITS_CTLR,
        GITS_IIDR,
        GITS_TYPER,
        GITS_CBASER,
        GITS_CWRITER,
        GITS_CREADR,
    ];
    if known.contains(&offset) || basers.contains(&offset) || IDENTITY.contains(&offset) {
        Ok(())
    } else {
        Err(Errno::ENXIO)
    }
}

/// What the table of this register is of; 0 for no table.
fn table(offset: u64) -> u64 {
    let n = offset.checked_sub(GITS_BASER).map(|behind| behind / 8);
    let n = n.and_then(|n| usize::try_from(n).ok());
    n.and_then(|n| TABLES.get(n)).copied().unwrap_or(0)
}

/// KVM's registers of identity.
fn identity(offset: u64) -> u64 {
    match offset {
        // PIDR4, and PIDR0 to PIDR2.
        0xffd0 => 0x40,
        0xffe0 => 0x92,
        0xffe4 => 0xb4,
        0xffe8 => 0x3b,
        // CIDR0 to CIDR3.
        0xfff0 => 0x0d,
        0xfff4 => 0xf0,
        0xfff8 => 0x05,
        0xfffc => 0xb1,
        _ => 0,
    }
}

impl State {
    /// "-ENXIO ITS not properly configured as required prior to setting this attribute; -EBUSY One or more VCPUS
    /// are running".
    fn ready(&self, vm: &Vm, offset: u64) -> Result<(), Errno> {
        check_align(offset)?;
        vm.stopped()?;
        self.base.ok_or(Errno::ENXIO)?;
        check_offset(offset)
    }

    fn value(&self, offset: u64) -> u64 {
        let at_first = if table(offset) == 0 {
            0
        } else {
            ACCESS.at_first() | PAGES_64K
        };
        self.registers.get(&offset).copied().unwrap_or(at_first)
    }

    fn is_enabled(&self) -> bool {
        self.value(GITS_CTLR) & 1 != 0
    }

    fn get(&self, offset: u64) -> u64 {
        let value = self.value(offset);
        match offset {
            // All commands are done.
            GITS_CTLR if self.value(GITS_CREADR) == self.value(GITS_CWRITER) => value | 1 << 31,
            GITS_IIDR => IIDR,
            GITS_TYPER => TYPER,
            offset if IDENTITY.contains(&offset) => identity(offset),
            offset => value | table(offset),
        }
    }

    /// "Writes to read-only registers are ignored by the kernel except for GITS_CREADR" and "GITS_IIDR. The Revision
    /// field encodes the table layout ABI revision", of which there is one.
    fn set(&mut self, offset: u64, value: u64) -> Result<(), Errno> {
        let queue = ((self.value(GITS_CBASER) & QUEUE_PAGES) + 1) << 12;
        let command = value & QUEUE;
        let value = match offset {
            // Without a queue and tables it is not enabled.
            GITS_CTLR => value & u64::from(self.is_enabled() || self.is_complete()),
            GITS_IIDR if value >> 12 & 0xf != 0 => return Err(Errno::EINVAL),
            GITS_CREADR if self.is_enabled() => return Err(Errno::EBUSY),
            GITS_CREADR if command >= queue => return Err(Errno::EINVAL),
            GITS_CREADR => command,
            GITS_CWRITER if command < queue => command,
            GITS_CBASER if !self.is_enabled() => {
                // "a write to GITS_CBASER resets GITS_CREADR", and there is no command behind it.
                self.registers.insert(GITS_CREADR, 0);
                self.registers.insert(GITS_CWRITER, 0);
                ACCESS.taken(value) & !QUEUE_ALIGN
            }
            offset if table(offset) != 0 && !self.is_enabled() => {
                // Only that of devices has two levels.
                let levels = if offset == GITS_BASER { 0 } else { INDIRECT };
                ACCESS.taken(value) & !(TABLE_FIXED | PAGES | levels) | PAGES_64K
            }
            _ => return Ok(()),
        };
        self.registers.insert(offset, value);
        Ok(())
    }

    /// Whether it has all that it needs in memory.
    fn is_complete(&self) -> bool {
        [GITS_CBASER, GITS_BASER, GITS_BASER + 8]
            .iter()
            .all(|offset| self.value(*offset) & VALID != 0)
    }

    /// How tables are accessed is kept, observed on Linux 6.12.
    fn reset(&mut self) {
        self.registers.retain(|offset, _| table(*offset) != 0);
        self.registers
            .values_mut()
            .for_each(|table| *table &= !VALID);
    }

    /// "-EFAULT Invalid guest ram access". No scripted guest maps an event, so there is nothing to write, and what
    /// memory holds stays.
    fn tables(&self, vm: &Vm) -> Result<(), Errno> {
        let slots = &lock(&vm.state).slots;
        let mut valid = (0..GITS_BASERS)
            .map(|n| self.value(GITS_BASER + 8 * n))
            .filter(|table| table & VALID != 0);
        if valid.all(|table| slots.read(table & ADDRESS, &mut [0])) {
            Ok(())
        } else {
            Err(Errno::EFAULT)
        }
    }
}

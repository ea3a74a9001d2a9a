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

/// KVM's own product of Arm's, with tables of revision 0.
const IIDR: u64 = 0x4b00_043b;
/// Entries of 8 bytes, identifiers of 16 bits, collections in memory only.
const TYPER: u64 = 1 | 7 << 4 | 15 << 8 | 15 << 13;
/// In a queue of at most 1 MiB, at whole commands.
const QUEUE: u64 = 0xf_ffe0;
const VALID: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_0000;
/// What a table is of, and the size of its entries.
const TABLE_FIXED: u64 = 0b111 << 56 | 0b1_1111 << 48;
/// Of devices, and of collections, with entries of 8 bytes.
const TABLES: [u64; 2] = [1 << 56 | 7 << 48, 4 << 56 | 7 << 48];

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
                state.ready(vm)?;
                check_offset(offset)?;
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
            (KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT) => {
                state.base.map(|_| ()).ok_or(Errno::ENXIO)
            }
            (KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_CTRL_RESET) => {
                state.ready(vm)?;
                state.registers.clear();
                Ok(())
            }
            (
                KVM_DEV_ARM_VGIC_GRP_CTRL,
                KVM_DEV_ARM_ITS_SAVE_TABLES | KVM_DEV_ARM_ITS_RESTORE_TABLES,
            ) => {
                state.ready(vm)?;
                state.tables(vm)
            }
            (KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset) => {
                state.ready(vm)?;
                check_offset(offset)?;
                state.set(offset, args::attribute(arg)?)
            }
            _ => Err(Errno::ENXIO),
        }
    }
}

/// "-ENXIO Offset does not correspond to any supported register; -EINVAL Offset is not 64-bit aligned", but for the
/// two of 32 bits.
fn check_offset(offset: u64) -> Result<(), Errno> {
    let basers = GITS_BASER..GITS_BASER + 8 * GITS_BASERS;
    let align = if offset < GITS_TYPER { 4 } else { 8 };
    if offset % align != 0 {
        return Err(Errno::EINVAL);
    }
    let known = [
        GITS_CTLR,
        GITS_IIDR,
        GITS_TYPER,
        GITS_CBASER,
        GITS_CWRITER,
        GITS_CREADR,
    ];
    if known.contains(&offset) || basers.contains(&offset) {
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

impl State {
    /// "-ENXIO ITS not properly configured as required prior to setting this attribute; -EBUSY One or more VCPUS
    /// are running".
    fn ready(&self, vm: &Vm) -> Result<(), Errno> {
        self.base.ok_or(Errno::ENXIO)?;
        vm.stopped()
    }

    fn value(&self, offset: u64) -> u64 {
        self.registers.get(&offset).copied().unwrap_or(0)
    }

    fn get(&self, offset: u64) -> u64 {
        let value = self.value(offset);
        match offset {
            // "GITS_CTLR.Enabled = 0 .Quiescent=1"
            GITS_CTLR if value == 0 => 1 << 31,
            GITS_IIDR => IIDR,
            GITS_TYPER => TYPER,
            offset if offset >= GITS_BASER => value | table(offset),
            _ => value,
        }
    }

    /// "Writes to read-only registers are ignored by the kernel except for GITS_CREADR" and "GITS_IIDR. The Revision
    /// field encodes the table layout ABI revision", of which there is one.
    fn set(&mut self, offset: u64, value: u64) -> Result<(), Errno> {
        let value = match offset {
            GITS_CTLR => value & 1,
            GITS_IIDR if value >> 12 & 0xf != 0 => return Err(Errno::EINVAL),
            GITS_IIDR | GITS_TYPER => return Ok(()),
            GITS_CBASER => {
                // "a write to GITS_CBASER resets GITS_CREADR"
                self.registers.insert(GITS_CREADR, 0);
                value
            }
            GITS_CWRITER | GITS_CREADR => value & QUEUE,
            offset if table(offset) != 0 => value & !TABLE_FIXED,
            _ => 0,
        };
        self.registers.insert(offset, value);
        Ok(())
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

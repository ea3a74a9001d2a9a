//! What the state of a vGIC of version 3 consists of. Offsets are those of the specification of GICv3 and
//! GICv4.

use kvm_exit::Aarch64;
use kvm_sys::KVM_GET_ONE_REG;
use kvm_sys::aarch64::ARM64_SYS_REG;

use crate::device::aarch64::vgic_v3::{
    NR_IRQS, SAVE_PENDING_TABLES, cpu_sysreg, dist, line_levels, redist,
};
use crate::device::{Device, DeviceAttributes, Plan};
use crate::error::Cause;
use crate::{Errno, Error, Hypervisor, Registers};

const GICD_CTLR: u32 = 0x0;
const GICD_TYPER: u32 = 0x4;
const GICD_IIDR: u32 = 0x8;
const GICD_STATUSR: u32 = 0x10;
const GICD_IROUTER: u32 = 0x6000;

const GICR_CTLR: u32 = 0x0;
const GICR_STATUSR: u32 = 0x10;
const GICR_WAKER: u32 = 0x14;
const GICR_PROPBASER: u32 = 0x70;
const GICR_PENDBASER: u32 = 0x78;
/// The second frame of a redistributor, of private interrupts, is laid out as the distributor.
const GICR_SGI: u32 = 0x1_0000;

const IGROUPR: u32 = 0x80;
const ISENABLER: u32 = 0x100;
const ICENABLER: u32 = 0x180;
const ISPENDR: u32 = 0x200;
const ISACTIVER: u32 = 0x300;
const ICACTIVER: u32 = 0x380;
const IPRIORITYR: u32 = 0x400;
const ICFGR: u32 = 0xc00;

/// LPIs are supported, in `GICD_TYPER`.
const TYPER_LPIS: u32 = 1 << 17;

/// Interrupts of a vCPU's own.
const PRIVATE: u32 = 32;

/// How an instruction encodes a register of the CPU interface.
const fn sysreg(op1: u16, crn: u16, crm: u16, op2: u16) -> u16 {
    3 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
}

const ICC_PMR: u16 = sysreg(0, 4, 6, 0);
const ICC_BPR0: u16 = sysreg(0, 12, 8, 3);
const ICC_AP0R: u16 = sysreg(0, 12, 8, 4);
const ICC_AP1R: u16 = sysreg(0, 12, 9, 0);
const ICC_BPR1: u16 = sysreg(0, 12, 12, 3);
const ICC_CTLR: u16 = sysreg(0, 12, 12, 4);
const ICC_SRE: u16 = sysreg(0, 12, 12, 5);
const ICC_IGRPEN0: u16 = sysreg(0, 12, 12, 6);
const ICC_IGRPEN1: u16 = sysreg(0, 12, 12, 7);

const MPIDR: u64 = ARM64_SYS_REG(3, 0, 0, 0, 5);

/// `Documentation/virt/kvm/devices/arm-vgic-v3.rst`: the identification comes first, since it says how the others
/// behave. Tables of LPIs are set before LPIs are enabled, and the vCPU that an interrupt goes to and what it is
/// triggered by before it is pending.
pub(super) fn plan<H: Hypervisor<Guest = Aarch64>>(
    device: &Device<H>,
    vcpus: &[(u64, Option<Registers<H>>)],
) -> Result<Plan, Error> {
    let interrupts = device.get_device_attr(&NR_IRQS)?;
    let lpis = device.get_device_attr(&dist(GICD_TYPER))? & TYPER_LPIS != 0;
    let mut affinities = alloc::vec::Vec::new();
    for (id, vcpu) in vcpus {
        affinities.push(affinity(*id, vcpu.as_ref())?);
    }
    let mut plan = Plan::default();
    if lpis {
        plan.before_saving(SAVE_PENDING_TABLES);
    }
    plan.word(dist(GICD_IIDR));
    plan.word(dist(GICD_CTLR));
    for mpidr in affinities.iter().copied().filter(|_| lpis) {
        for offset in [GICR_PROPBASER, GICR_PENDBASER] {
            plan.word(redist(mpidr, offset));
            plan.word(redist(mpidr, offset + 4));
        }
    }
    for &mpidr in &affinities {
        for offset in [GICR_CTLR, GICR_STATUSR, GICR_WAKER] {
            plan.word(redist(mpidr, offset));
        }
        let registers = |offset| redist(mpidr, GICR_SGI + offset);
        interrupts_of(&mut plan, 0, PRIVATE, mpidr, registers);
    }
    plan.word(dist(GICD_STATUSR));
    for interrupt in PRIVATE..interrupts {
        let offset = GICD_IROUTER + 8 * interrupt;
        plan.word(dist(offset));
        plan.word(dist(offset + 4));
    }
    // The levels of shared lines are the same for all vCPUs.
    let any = affinities.first().copied().unwrap_or_default();
    interrupts_of(&mut plan, PRIVATE, interrupts, any, dist);
    for mpidr in affinities {
        cpu_interface(&mut plan, device, mpidr)?;
    }
    Ok(plan)
}

/// The registers of some interrupts, in the distributor or a redistributor.
fn interrupts_of(
    plan: &mut Plan,
    first: u32,
    end: u32,
    mpidr: u32,
    registers: impl Fn(u32) -> crate::device::Attr<u32>,
) {
    // Offsets of the words that have `bits` for each interrupt.
    let words = |bits: u32| (first * bits / 8..end * bits / 8).step_by(4);
    for offset in words(1) {
        plan.word(registers(IGROUPR + offset));
        plan.set_bits(registers(ICENABLER + offset), registers(ISENABLER + offset));
    }
    for offset in words(2) {
        plan.word(registers(ICFGR + offset));
    }
    for offset in words(1) {
        let interrupt = u16::try_from(8 * offset).unwrap_or_default();
        plan.word(line_levels(mpidr, interrupt));
        // Sets the latch of each, and clears it.
        plan.word(registers(ISPENDR + offset));
        plan.set_bits(registers(ICACTIVER + offset), registers(ISACTIVER + offset));
    }
    for offset in words(8) {
        plan.word(registers(IPRIORITYR + offset));
    }
}

fn cpu_interface<H: Hypervisor<Guest = Aarch64>>(
    plan: &mut Plan,
    device: &Device<H>,
    mpidr: u32,
) -> Result<(), Error> {
    let ctlr = device.get_device_attr(&cpu_sysreg(mpidr, ICC_CTLR))?;
    // The more bits a priority has, the more of these registers there are.
    let active_priorities = match (ctlr >> 8 & 7) + 1 {
        7.. => 4,
        6 => 2,
        _ => 1,
    };
    for register in [
        ICC_SRE,
        ICC_CTLR,
        ICC_IGRPEN0,
        ICC_IGRPEN1,
        ICC_PMR,
        ICC_BPR0,
        ICC_BPR1,
    ] {
        plan.long(cpu_sysreg(mpidr, register));
    }
    for n in 0..active_priorities {
        plan.long(cpu_sysreg(mpidr, ICC_AP0R + n));
        plan.long(cpu_sysreg(mpidr, ICC_AP1R + n));
    }
    Ok(())
}

/// What the device calls a vCPU.
fn affinity<H: Hypervisor<Guest = Aarch64>>(
    id: u64,
    vcpu: Option<&Registers<H>>,
) -> Result<u32, Error> {
    let id = u32::try_from(id).unwrap_or(u32::MAX);
    let (errno, cause) = (Errno::ENOENT, Cause::VcpuDropped);
    let dropped = Error::with(&KVM_GET_ONE_REG, errno, cause, id);
    let mpidr: u64 = vcpu.ok_or(dropped)?.get_reg(MPIDR)?;
    // Affinities 0 to 2 are the lowest three bytes, 3 is the fifth.
    let affinity = mpidr & 0xff_ffff | mpidr >> 8 & 0xff00_0000;
    Ok(u32::try_from(affinity).unwrap_or_default())
}

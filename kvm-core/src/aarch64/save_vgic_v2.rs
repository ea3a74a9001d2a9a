//! What the state of a vGIC of version 2 consists of. Offsets are those of the GICv2's specification.

use kvm_exit::Aarch64;

use crate::device::aarch64::vgic_v2::{NR_IRQS, cpu, dist};
use crate::device::{Device, DeviceAttributes, Plan};
use crate::{Error, Hypervisor, Registers};

const GICD_CTLR: u32 = 0x0;
const GICD_IIDR: u32 = 0x8;
const GICD_IGROUPR: u32 = 0x80;
const GICD_ISENABLER: u32 = 0x100;
const GICD_ICENABLER: u32 = 0x180;
const GICD_ISPENDR: u32 = 0x200;
const GICD_ICPENDR: u32 = 0x280;
const GICD_ISACTIVER: u32 = 0x300;
const GICD_ICACTIVER: u32 = 0x380;
const GICD_IPRIORITYR: u32 = 0x400;
const GICD_ITARGETSR: u32 = 0x800;
const GICD_ICFGR: u32 = 0xc00;
const GICD_CPENDSGIR: u32 = 0xf10;
const GICD_SPENDSGIR: u32 = 0xf20;

const GICC_CTLR: u32 = 0x0;
const GICC_PMR: u32 = 0x4;
const GICC_BPR: u32 = 0x8;
const GICC_ABPR: u32 = 0x1c;
const GICC_APR: u32 = 0xd0;

/// Interrupts of a vCPU's own: 16 that software generates, and 16 of devices.
const PRIVATE: u32 = 32;
const SGIS: u32 = 16;

/// `Documentation/virt/kvm/devices/arm-vgic.rst`: the identification comes first, since it says how the others
/// behave.
pub(super) fn plan<H: Hypervisor<Guest = Aarch64>>(
    device: &Device<H>,
    vcpus: &[(u64, Option<Registers<H>>)],
) -> Result<Plan, Error> {
    let interrupts = device.get_device_attr(&NR_IRQS)?;
    let mut plan = Plan::default();
    plan.word(dist(0, GICD_IIDR));
    plan.word(dist(0, GICD_CTLR));
    for (id, _) in vcpus {
        let Ok(vcpu) = u8::try_from(*id) else {
            continue;
        };
        interrupts_of(&mut plan, vcpu, 0, PRIVATE);
        for offset in (0..SGIS).step_by(4) {
            let clear = dist(vcpu, GICD_CPENDSGIR + offset);
            plan.set_bits(clear, dist(vcpu, GICD_SPENDSGIR + offset));
        }
    }
    interrupts_of(&mut plan, 0, PRIVATE, interrupts);
    for (id, _) in vcpus {
        let Ok(vcpu) = u8::try_from(*id) else {
            continue;
        };
        for offset in [GICC_PMR, GICC_BPR, GICC_ABPR, GICC_CTLR] {
            plan.word(cpu(vcpu, offset));
        }
        for n in 0..4 {
            plan.word(cpu(vcpu, GICC_APR + 4 * n));
        }
    }
    Ok(plan)
}

/// The registers of some interrupts. What they are triggered by and where they go comes before what is pending.
fn interrupts_of(plan: &mut Plan, vcpu: u8, first: u32, end: u32) {
    // Offsets of the words that have `bits` for each interrupt.
    let words = |bits: u32| (first * bits / 8..end * bits / 8).step_by(4);
    for offset in words(1) {
        plan.word(dist(vcpu, GICD_IGROUPR + offset));
        let clear = dist(vcpu, GICD_ICENABLER + offset);
        plan.set_bits(clear, dist(vcpu, GICD_ISENABLER + offset));
    }
    for offset in words(8) {
        // Those of the private interrupts say which vCPU reads them.
        if first >= PRIVATE {
            plan.word(dist(vcpu, GICD_ITARGETSR + offset));
        }
        plan.word(dist(vcpu, GICD_IPRIORITYR + offset));
    }
    for offset in words(2) {
        plan.word(dist(vcpu, GICD_ICFGR + offset));
    }
    for offset in words(1) {
        let clear = dist(vcpu, GICD_ICPENDR + offset);
        plan.set_bits(clear, dist(vcpu, GICD_ISPENDR + offset));
        let clear = dist(vcpu, GICD_ICACTIVER + offset);
        plan.set_bits(clear, dist(vcpu, GICD_ISACTIVER + offset));
    }
}

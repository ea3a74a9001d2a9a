//! The interrupt controller of aarch64, of version 3, in the kernel.

use kvm_core::kvm_sys::aarch64::*;

use super::Draft;
use super::objects::{attribute_of, create_device, set_attribute, use_attribute};
use crate::differential::step::{Given, Looks, On};

/// What it is known as.
const GIC: On = On::Device(100);
/// Where its parts are.
const ADDRESSES: [u64; 2] = [0x800_0000, 0x80a_0000];
/// The service that translates messages.
const ITS: On = On::Device(101);
const ITS_ADDRESS: u64 = 0x808_0000;

/// One that is placed and initialised, if nothing has gone wrong before.
pub(super) fn ready(draft: &mut Draft) {
    create_device(draft, KVM_DEV_TYPE_ARM_VGIC_V3, GIC);
    let [dist, redist] = ADDRESSES;
    let numbers = draft.one_of(&[64, 96]);
    for (group, attr, value) in [
        (KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, numbers),
        (KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, dist),
        (
            KVM_DEV_ARM_VGIC_GRP_ADDR,
            KVM_VGIC_V3_ADDR_TYPE_REDIST,
            redist,
        ),
        (KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0),
    ] {
        set_attribute(draft, GIC, attribute_of(group, attr), value);
    }
    if draft.chance(40) {
        create_device(draft, KVM_DEV_TYPE_ARM_VGIC_ITS, ITS);
        let place = attribute_of(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE);
        set_attribute(draft, ITS, place, ITS_ADDRESS);
    }
}

/// Its addresses, how many interrupts it has, and that it is to start.
pub(super) fn device(draft: &mut Draft) {
    let (attr, value) = match draft.rng.u32(0..8) {
        0 | 1 => return create_device(draft, KVM_DEV_TYPE_ARM_VGIC_V3, GIC),
        2 | 3 => {
            let part = draft.mostly(90, &[2, 3], &[0, 1, 4, 99]);
            let at = draft.mostly(80, &ADDRESSES, &[0x800_1000, 1 << 60]);
            (attribute_of(KVM_DEV_ARM_VGIC_GRP_ADDR, part), at)
        }
        4 => {
            let number = draft.mostly(80, &[64, 96, 128, 1024], &[0, 32, 65, 1056]);
            (attribute_of(KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0), number)
        }
        5 => {
            let does = draft.mostly(85, &[0], &[1, 3, 99]);
            (attribute_of(KVM_DEV_ARM_VGIC_GRP_CTRL, does), 0)
        }
        _ => {
            let group = draft.one_of(&[0, 3, 4, 99]);
            (
                attribute_of(group, draft.one_of(&[0, 2, 3])),
                draft.number(),
            )
        }
    };
    use_attribute(draft, GIC, attr, value);
}

/// A register of the distributor, of a redistributor or of a vCPU's interface, or the levels of lines.
pub(super) fn register(draft: &mut Draft) {
    let whose =
        u64::from(draft.mostly(95, &[0_u32, 0, 1], &[2, 0x100])) << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT;
    let attr = match draft.rng.u32(0..8) {
        0..=2 => {
            let offset = match draft.rng.u32(0..4) {
                0 => draft.one_of(&[0, 4, 8, 0xc, 0x10, 0xffe8]),
                1 => {
                    0x6000
                        + 8 * u64::from(draft.mostly(85, &[32_u32, 33, 63], &[0, 31, 64, 96, 1020]))
                }
                _ => banked(draft),
            };
            attribute_of(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, whose | offset)
        }
        3 | 4 => {
            let offset = if draft.chance(40) {
                draft.one_of(&[0, 4, 8, 0xc, 0x10, 0x14, 0x70, 0x74, 0x78, 0x7c, 0xffe8])
            } else {
                0x1_0000 + banked(draft)
            };
            attribute_of(KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, whose | offset)
        }
        5 | 6 => {
            let encoding = draft.mostly(90, &INTERFACE, &[0, 0xffff, 0xc000]);
            attribute_of(KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, whose | encoding)
        }
        _ => {
            let first = draft.mostly(85, &[0, 32, 64], &[1, 33, 96, 992]);
            let info = draft.mostly(90, &[0], &[1 << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT]);
            attribute_of(KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, whose | info | first)
        }
    };
    let value = draft.number();
    use_attribute(draft, GIC, attr, value);
}

const fn sysreg(crn: u64, crm: u64, op2: u64) -> u64 {
    3 << 14 | crn << 7 | crm << 3 | op2
}

/// The registers of a vCPU's interface, from `ICC_PMR_EL1` to `ICC_IGRPEN1_EL1`.
const INTERFACE: [u64; 11] = [
    sysreg(4, 6, 0),
    sysreg(12, 8, 3),
    sysreg(12, 8, 4),
    sysreg(12, 8, 5),
    sysreg(12, 9, 0),
    sysreg(12, 9, 3),
    sysreg(12, 12, 3),
    sysreg(12, 12, 4),
    sysreg(12, 12, 5),
    sysreg(12, 12, 6),
    sysreg(12, 12, 7),
];

/// A register with some bits for each interrupt.
fn banked(draft: &mut Draft) -> u64 {
    const FAMILIES: [u64; 13] = [
        0x80, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400, 0x800, 0xc00, 0xd00, 0xe00, 0xf10,
    ];
    let word = draft.mostly(90, &[0, 1, 2, 4, 8], &[3, 31, 32]);
    let base = draft.one_of(&FAMILIES);
    base + 4 * word + draft.mostly(97, &[0], &[1, 2])
}

/// An interrupt translation service, where it is, and its registers.
pub(super) fn its(draft: &mut Draft) {
    let (attr, value) = match draft.rng.u32(0..8) {
        0 => return create_device(draft, KVM_DEV_TYPE_ARM_VGIC_ITS, ITS),
        1 | 2 => {
            let part = draft.mostly(90, &[KVM_VGIC_ITS_ADDR_TYPE], &[0, 2, 5]);
            let at = draft.mostly(80, &[ITS_ADDRESS], &[0x808_1000, 1 << 60]);
            (attribute_of(KVM_DEV_ARM_VGIC_GRP_ADDR, part), at)
        }
        3 => {
            // With the tables and commands of no guest there is nothing to read or to write.
            let does = draft.mostly(
                80,
                &[KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_ITS_CTRL_RESET],
                &[3, 99],
            );
            (attribute_of(KVM_DEV_ARM_VGIC_GRP_CTRL, does), 0)
        }
        _ => {
            let offset = draft.mostly(
                85,
                &[0, 4, 8, 0x80, 0x88, 0x90, 0x100, 0x108, 0x110, 0x138],
                &[0xc, 0x84, 0x98, 0x140, 0x1000, 0xffe8, 0x81],
            );
            let value = draft.number();
            // One that is enabled reads commands.
            let value = if offset == 0 { value & !1 } else { value };
            (attribute_of(KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset), value)
        }
    };
    use_attribute(draft, ITS, attr, value);
}

/// A line of a vCPU's own or a shared one.
pub(super) fn line(draft: &mut Draft) {
    let interrupt = draft.mostly(85, &[16, 27, 31, 32, 40, 63], &[0, 15, 64, 100, 1020]);
    let kind = draft.mostly(
        90,
        &[KVM_ARM_IRQ_TYPE_SPI, KVM_ARM_IRQ_TYPE_PPI],
        &[KVM_ARM_IRQ_TYPE_CPU, 3],
    );
    let vcpu = draft.mostly(85, &[0, 0, 1], &[2, 255]);
    let line = kvm_irq_level {
        irq: kind << KVM_ARM_IRQ_TYPE_SHIFT | vcpu << KVM_ARM_IRQ_VCPU_SHIFT | interrupt,
        level: draft.one_of(&[0, 1]),
    };
    draft.call(On::Vm, &KVM_IRQ_LINE, Given::of(&line), Looks::SUCCESS);
}

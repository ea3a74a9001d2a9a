//! The interrupt controller of riscv64 in the kernel.

use kvm_core::kvm_sys::riscv64::*;

use super::Draft;
use super::objects::{attribute_of, create_device, set_attribute, use_attribute};
use crate::differential::step::{Given, Looks, On};

/// What it is known as.
const AIA: On = On::Device(100);
const APLIC: u64 = 0xd00_0000;
const IMSIC: u64 = 0x2800_0000;

/// One that is placed and initialised, if nothing has gone wrong before.
pub(super) fn ready(draft: &mut Draft) {
    create_device(draft, KVM_DEV_TYPE_RISCV_AIA, AIA);
    let sources = draft.mostly(80, &[31, 63, 96], &[0]);
    let harts = draft.mostly(80, &[1], &[0, 2]);
    let config = KVM_DEV_RISCV_AIA_GRP_CONFIG;
    let place = KVM_DEV_RISCV_AIA_GRP_ADDR;
    for (group, attr, value) in [
        (
            config,
            KVM_DEV_RISCV_AIA_CONFIG_MODE,
            u64::from(KVM_DEV_RISCV_AIA_MODE_EMUL),
        ),
        (config, KVM_DEV_RISCV_AIA_CONFIG_SRCS, sources),
        (config, KVM_DEV_RISCV_AIA_CONFIG_HART_BITS, harts),
        (place, KVM_DEV_RISCV_AIA_ADDR_APLIC, APLIC),
        (place, KVM_DEV_RISCV_AIA_ADDR_IMSIC(0), IMSIC),
        (place, KVM_DEV_RISCV_AIA_ADDR_IMSIC(1), IMSIC + 0x1000),
        (KVM_DEV_RISCV_AIA_GRP_CTRL, KVM_DEV_RISCV_AIA_CTRL_INIT, 0),
    ] {
        set_attribute(draft, AIA, attribute_of(group, attr), value);
    }
}

/// What it is to be like, where its parts are, and that it is to start.
pub(super) fn device(draft: &mut Draft) {
    let (group, attr, value) = match draft.rng.u32(0..8) {
        0 => return create_device(draft, KVM_DEV_TYPE_RISCV_AIA, AIA),
        1..=3 => {
            let which = draft.mostly(95, &[0, 1, 2, 3, 4, 5, 6], &[7, 99]);
            let value = draft.mostly(
                80,
                &[0, 1, 2, 63, 127, 255],
                &[3, 8, 16, 24, 56, 62, 64, 256, 1023, 2047, 2048, u64::MAX],
            );
            (KVM_DEV_RISCV_AIA_GRP_CONFIG, which, value)
        }
        4 | 5 => {
            let part = draft.mostly(90, &[0, 1, 2], &[3, 100, u64::MAX]);
            let at = draft.mostly(80, &[APLIC, IMSIC], &[1, 0x1000, 0x2000, u64::MAX]);
            (KVM_DEV_RISCV_AIA_GRP_ADDR, part, at)
        }
        6 => (KVM_DEV_RISCV_AIA_GRP_CTRL, draft.mostly(90, &[0], &[1]), 0),
        _ => (draft.one_of(&[5, 99]), 0, 0),
    };
    use_attribute(draft, AIA, attribute_of(group, attr), value);
}

/// A register of the platform's controller, or of a vCPU's.
pub(super) fn register(draft: &mut Draft) {
    let value = draft.number();
    if draft.chance(60) {
        let offset = aplic(draft);
        return use_attribute(
            draft,
            AIA,
            attribute_of(KVM_DEV_RISCV_AIA_GRP_APLIC, offset),
            value,
        );
    }
    let vcpu = draft.mostly(95, &[0, 0, 1], &[2, 7]);
    let isel = draft.mostly(
        85,
        &[0x70, 0x72, 0x80, 0x82, 0xc0, 0xc2],
        &[0, 0x71, 0x81, 0x88, 0xbe, 0xc1, 0xfe, 0xff, 0x100],
    );
    let which = KVM_DEV_RISCV_AIA_IMSIC_MKATTR(vcpu, isel);
    use_attribute(
        draft,
        AIA,
        attribute_of(KVM_DEV_RISCV_AIA_GRP_IMSIC, which),
        value,
    );
}

fn aplic(draft: &mut Draft) -> u64 {
    /// What has a register for each source, and what has one for 32 of them.
    const SOURCES: [u64; 2] = [0, 0x3000];
    const WORDS: [u64; 4] = [0x1c00, 0x1d00, 0x1e00, 0x1f00];
    /// Numbers of sources, and the domain's own.
    const SINGLE: [u64; 10] = [
        0, 0x1cdc, 0x1ddc, 0x1edc, 0x1fdc, 0x2000, 0x2004, 0x3000, 0x1bc0, 0x4000,
    ];
    let offset = match draft.rng.u32(0..3) {
        0 => {
            let source = draft.mostly(85, &[1, 2, 31, 32], &[63, 64, 96, 97, 1023]);
            draft.one_of(&SOURCES) + 4 * source
        }
        1 => draft.one_of(&WORDS) + 4 * draft.mostly(90, &[0, 1], &[2, 3, 31]),
        _ => draft.one_of(&SINGLE),
    };
    offset + draft.mostly(97, &[0], &[1, 2])
}

/// The line of a source.
pub(super) fn line(draft: &mut Draft) {
    let line = kvm_irq_level {
        irq: draft.mostly(90, &[1, 2, 31, 32], &[0, 63, 64, 97, u32::MAX]),
        level: draft.one_of(&[0, 1]),
    };
    draft.call(On::Vm, &KVM_IRQ_LINE, Given::of(&line), Looks::SUCCESS);
}

/// A message to a vCPU. Section 4.71 has more than 0 for one that is delivered; KVM never says so here.
pub(super) fn message(draft: &mut Draft) {
    let message = kvm_msi {
        address_lo: draft.mostly(
            90,
            &[0x2800_0000, 0x2800_1000],
            &[0, 0x2800_0004, 0x2800_2000],
        ),
        data: draft.mostly(90, &[1, 5, 63, 64, 255], &[0, 256, u32::MAX]),
        ..Default::default()
    };
    draft.call(On::Vm, &KVM_SIGNAL_MSI, Given::of(&message), Looks::ALL);
}

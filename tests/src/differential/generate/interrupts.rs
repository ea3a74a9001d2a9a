//! Eventfds, routes, messages and lines.

use std::mem::offset_of;

use kvm_core::kvm_sys::*;
use zerocopy::IntoBytes;

use super::Draft;
use crate::differential::step::{EVENTFDS, Given, Looks, On, Own};

fn eventfd(draft: &mut Draft) -> Own {
    if draft.chance(95) {
        Own::Eventfd(draft.rng.usize(0..EVENTFDS))
    } else {
        Own::NoEventfd
    }
}

pub(super) fn irqfd(draft: &mut Draft) {
    let irqfd = kvm_irqfd {
        gsi: draft.mostly(
            90,
            &[0, 1, 4, 5, 23, 24],
            &[1023, 1024, 4095, 4096, u32::MAX],
        ),
        flags: IrqfdFlags(draft.mostly(90, &[0, 0, 1, 2], &[3, 4, 1 << 31])),
        ..Default::default()
    };
    let own = [
        (offset_of!(kvm_irqfd, fd), eventfd(draft)),
        (offset_of!(kvm_irqfd, resamplefd), eventfd(draft)),
    ];
    draft.call(On::Vm, &KVM_IRQFD, Given::with(&irqfd, own), Looks::SUCCESS);
}

pub(super) fn ioeventfd(draft: &mut Draft) {
    let ioeventfd = kvm_ioeventfd {
        datamatch: draft.one_of(&[0, 1, 0x100, u64::MAX]),
        addr: draft.mostly(90, &[0x1000, 0x1004, 0x60], &[u64::MAX, u64::MAX - 3]),
        len: draft.mostly(85, &[1, 2, 4, 8, 0], &[3, 5, 16, u32::MAX]),
        flags: IoeventfdFlags(draft.mostly(
            90,
            &[0, 1, 2, 3, 4, 5, 6, 7],
            &[8, 0x10, 0x20, 1 << 31],
        )),
        ..Default::default()
    };
    let own = [(offset_of!(kvm_ioeventfd, fd), eventfd(draft))];
    draft.call(
        On::Vm,
        &KVM_IOEVENTFD,
        Given::with(&ioeventfd, own),
        Looks::SUCCESS,
    );
}

/// A route to one of a controller's pins, to a message, or to what there is not.
fn entry(draft: &mut Draft) -> kvm_irq_routing_entry {
    let mut entry = kvm_irq_routing_entry {
        gsi: draft.mostly(
            92,
            &[0, 1, 4, 23, 24, 100],
            &[1023, 1024, 4095, 4096, u32::MAX],
        ),
        type_: IrqRouting(draft.mostly(92, &[1, 1, 2], &[0, 3, 4, 5, 6, 99])),
        ..Default::default()
    };
    if draft.chance(5) {
        entry.flags = draft.one_of(&[1, 2, 8]);
    }
    if entry.type_ == KVM_IRQ_ROUTING_IRQCHIP {
        let pin = entry.u.as_irqchip_mut();
        pin.irqchip = draft.mostly(95, &[0, 1, 2], &[3, u32::MAX]);
        pin.pin = draft.mostly(90, &[0, 1, 4, 7], &[8, 23, 24, 255, 1024, u32::MAX]);
    }
    entry
}

pub(super) fn routing(draft: &mut Draft) {
    let count = draft.rng.usize(0..5);
    let entries: Vec<_> = (0..count).map(|_| entry(draft)).collect();
    let head = kvm_irq_routing {
        nr: u32::try_from(entries.len()).unwrap_or_default(),
        flags: draft.mostly(95, &[0], &[1]),
    };
    let given = Given::list(&head, entries.as_slice());
    draft.call(On::Vm, &KVM_SET_GSI_ROUTING, given, Looks::SUCCESS);
}

/// A message. How many local interrupt controllers took it depends on the guest.
pub(super) fn message(draft: &mut Draft) {
    let message = kvm_msi {
        address_lo: draft.mostly(90, &[0xfee0_0000, 0xfee0_1000], &[0, 0x1000]),
        data: draft.one_of(&[0x20, 0x30, 0xff]),
        flags: MsiFlags(draft.mostly(90, &[0], &[1, 2])),
        ..Default::default()
    };
    draft.call(On::Vm, &KVM_SIGNAL_MSI, Given::of(&message), Looks::SUCCESS);
}

pub(super) fn line(draft: &mut Draft) {
    let mut level = kvm_irq_level {
        irq: draft.mostly(80, &[0, 1, 4, 23], &[24, 1023, 1024, 4096, u32::MAX]),
        level: draft.one_of(&[0, 1]),
    };
    // On aarch64 the upper bits say of what kind the line is.
    if draft.chance(30) {
        level.irq |= draft.rng.u32(0..4) << 24;
    }
    let op = if draft.chance(60) {
        &KVM_IRQ_LINE
    } else {
        &KVM_IRQ_LINE_STATUS
    };
    let given = Given::of(&level);
    debug_assert_eq!(level.as_bytes().len(), op.size());
    draft.call(On::Vm, op, given, Looks::SUCCESS);
}

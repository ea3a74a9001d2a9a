//! What KVM of x86_64 ignores.

use kvm_sys::common::{kvm_clock_data, kvm_pit_config};
use kvm_sys::x86_64::{
    KVM_CREATE_PIT2, KVM_GUESTDBG_USE_HW_BP, KVM_IRQCHIP_IOAPIC, KVM_SET_CLOCK, KVM_SET_DEBUGREGS,
    KVM_SET_FPU, KVM_SET_GUEST_DEBUG, KVM_SET_IRQCHIP, KVM_SET_MSRS, KVM_SET_PIT2, KVM_SET_SREGS,
    KVM_SET_SREGS2, KVM_SET_VCPU_EVENTS, KVM_SET_XCRS, KVM_SREGS2_FLAGS_PDPTRS_VALID,
    KVM_VCPUEVENT_VALID_PAYLOAD, KVM_VCPUEVENT_VALID_SMM, KVM_VCPUEVENT_VALID_TRIPLE_FAULT,
    kvm_debugregs, kvm_dtable, kvm_fpu, kvm_guest_debug, kvm_ioapic_state, kvm_irqchip,
    kvm_msr_entry, kvm_msrs, kvm_pic_state, kvm_pit_state2, kvm_segment, kvm_sregs, kvm_sregs2,
    kvm_vcpu_events, kvm_xcrs,
};

use super::{Rule, edit};

pub(super) static RULES: [Rule; 12] = [
    (&KVM_CREATE_PIT2, |head| {
        edit(head, |pit: &mut kvm_pit_config| pit.pad.fill(0));
    }),
    (&KVM_SET_CLOCK, |head| edit(head, clock)),
    (&KVM_SET_DEBUGREGS, |head| {
        edit(head, |registers: &mut kvm_debugregs| {
            registers.reserved.fill(0);
        });
    }),
    (&KVM_SET_FPU, |head| edit(head, fpu)),
    (&KVM_SET_GUEST_DEBUG, |head| edit(head, guest_debug)),
    (&KVM_SET_IRQCHIP, irqchip),
    (&KVM_SET_MSRS, msrs),
    (&KVM_SET_PIT2, |head| edit(head, pit)),
    (&KVM_SET_SREGS, |head| edit(head, sregs)),
    (&KVM_SET_SREGS2, |head| edit(head, sregs2)),
    (&KVM_SET_VCPU_EVENTS, |head| edit(head, events)),
    (&KVM_SET_XCRS, |head| edit(head, xcrs)),
];

fn clock(clock: &mut kvm_clock_data) {
    clock.pad0 = 0;
    clock.pad.fill(0);
}

fn fpu(fpu: &mut kvm_fpu) {
    fpu.pad1 = 0;
    fpu.pad2 = 0;
}

fn guest_debug(debug: &mut kvm_guest_debug) {
    debug.pad = 0;
    if !debug.control.contains(KVM_GUESTDBG_USE_HW_BP) {
        debug.arch.debugreg.fill(0);
    }
}

/// Of what is behind the state of the chip, too, which is shorter than the room for one.
fn irqchip(head: &mut [u8]) {
    edit(head, |irqchip: &mut kvm_irqchip| irqchip.pad = 0);
    let is_ioapic = head.first_chunk() == Some(&KVM_IRQCHIP_IOAPIC.to_ne_bytes());
    let start = std::mem::offset_of!(kvm_irqchip, chip);
    let chip = head.get_mut(start..).unwrap_or_default();
    let state = if is_ioapic {
        edit(chip, |ioapic: &mut kvm_ioapic_state| ioapic.pad = 0);
        size_of::<kvm_ioapic_state>()
    } else {
        size_of::<kvm_pic_state>()
    };
    if let Some(rest) = chip.get_mut(state..) {
        rest.fill(0);
    }
}

fn msrs(head: &mut [u8]) {
    edit(head, |msrs: &mut kvm_msrs| msrs.pad = 0);
    let entries = head.get_mut(size_of::<kvm_msrs>()..).unwrap_or_default();
    for entry in entries.chunks_mut(size_of::<kvm_msr_entry>()) {
        edit(entry, |entry: &mut kvm_msr_entry| entry.reserved = 0);
    }
}

/// KVM itself takes the time at which a counter starts, or keeps it in a timer.
fn pit(pit: &mut kvm_pit_state2) {
    pit.reserved.fill(0);
    for channel in &mut pit.channels {
        channel.count_load_time = 0;
    }
}

fn segments(segments: [&mut kvm_segment; 8], tables: [&mut kvm_dtable; 2]) {
    for segment in segments {
        segment.padding = 0;
    }
    for table in tables {
        table.padding.fill(0);
    }
}

fn sregs(sregs: &mut kvm_sregs) {
    let kvm_sregs {
        cs,
        ds,
        es,
        fs,
        gs,
        ss,
        tr,
        ldt,
        gdt,
        idt,
        ..
    } = sregs;
    segments([cs, ds, es, fs, gs, ss, tr, ldt], [gdt, idt]);
}

fn sregs2(sregs: &mut kvm_sregs2) {
    if !sregs.flags.contains(KVM_SREGS2_FLAGS_PDPTRS_VALID) {
        sregs.pdptrs.fill(0);
    }
    let kvm_sregs2 {
        cs,
        ds,
        es,
        fs,
        gs,
        ss,
        tr,
        ldt,
        gdt,
        idt,
        ..
    } = sregs;
    segments([cs, ds, es, fs, gs, ss, tr, ldt], [gdt, idt]);
}

fn events(events: &mut kvm_vcpu_events) {
    events.nmi.pad = 0;
    events.reserved.fill(0);
    if !events.flags.contains(KVM_VCPUEVENT_VALID_PAYLOAD) {
        events.exception.pending = 0;
        events.exception_has_payload = 0;
        events.exception_payload = 0;
    }
    if !events.flags.contains(KVM_VCPUEVENT_VALID_SMM) {
        events.smi = Default::default();
    }
    if !events.flags.contains(KVM_VCPUEVENT_VALID_TRIPLE_FAULT) {
        events.triple_fault = Default::default();
    }
}

fn xcrs(xcrs: &mut kvm_xcrs) {
    xcrs.padding.fill(0);
    for (n, xcr) in (0..).zip(&mut xcrs.xcrs) {
        if n < xcrs.nr_xcrs {
            xcr.reserved = 0;
        } else {
            *xcr = Default::default();
        }
    }
}

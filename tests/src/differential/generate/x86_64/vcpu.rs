//! The state of a vCPU.

use std::mem::offset_of;

use kvm_core::kvm_sys::x86_64::*;
use zerocopy::FromZeros;

use crate::differential::generate::Draft;
use crate::differential::step::{Change, Given, Looks, change};
use crate::differential::world::{ATTRIBUTE_ROOM, PAGE};

pub(super) fn regs(draft: &mut Draft) {
    let regs = kvm_regs {
        rax: draft.number(),
        rsp: draft.number(),
        r15: draft.number(),
        rip: draft.number(),
        rflags: draft.one_of(&[0, 2, 0x202, 0x246, 0x3000, 0x8d5]),
        ..Default::default()
    };
    let on = draft.a_vcpu();
    if draft.chance(70) {
        draft.call(on, &KVM_SET_REGS, Given::of(&regs), Looks::SUCCESS);
    }
    draft.call(
        on,
        &KVM_GET_REGS,
        Given::room(size_of::<kvm_regs>()),
        Looks::ALL,
    );
}

/// A change of the special registers, valid or not.
fn special(draft: &mut Draft) -> Vec<Change> {
    match draft.rng.u32(0..11) {
        0 => vec![change!(
            kvm_sregs,
            cr0,
            draft.one_of(&[
                0x6000_0010_u64,
                0x10,
                0x11,
                0x8000_0011,
                0x2000_0000,
                1 << 31,
                1 << 32
            ])
        )],
        1 => vec![change!(
            kvm_sregs,
            cr4,
            draft.one_of(&[0_u64, 0x20, 0x10, 0x620, 0x2000, 1 << 15, 1 << 40])
        )],
        2 => vec![change!(
            kvm_sregs,
            cr3,
            draft.one_of(&[0_u64, 0x1000, 0x1018, 1 << 51, 1 << 63, u64::MAX])
        )],
        3 => vec![change!(
            kvm_sregs,
            efer,
            draft.one_of(&[0_u64, 0x100, 0x500, 0x901, 0x400, 1 << 20, u64::MAX])
        )],
        4 => vec![change!(
            kvm_sregs,
            apic_base,
            draft.one_of(&[
                0xfee0_0900_u64,
                0xfee0_0800,
                0xfee0_0d00,
                0xfee0_0c00,
                0xfee0_0400,
                0xfee0_0000,
                0xfec0_0900,
                u64::MAX
            ])
        )],
        5 => vec![change!(kvm_sregs, cr8, draft.one_of(&[0_u64, 1, 15]))],
        6 => vec![change!(kvm_sregs, cr2, draft.number())],
        7 => vec![
            change!(kvm_sregs, gdt.base, draft.one_of(&[0_u64, 0x1000])),
            change!(kvm_sregs, gdt.limit, draft.rng.u16(..)),
        ],
        // Protected mode.
        8 => vec![
            change!(kvm_sregs, cr0, 0x11_u64),
            change!(kvm_sregs, cs, flat(0xb)),
            change!(kvm_sregs, ds, flat(3)),
            change!(kvm_sregs, ss, flat(3)),
        ],
        // Long mode, with or without what it needs.
        9 => vec![
            change!(kvm_sregs, cr0, 0x8000_0011_u64),
            change!(kvm_sregs, cr3, 0x1000_u64),
            change!(kvm_sregs, cr4, draft.one_of(&[0_u64, 0x20])),
            change!(kvm_sregs, efer, draft.one_of(&[0_u64, 0x100, 0x500])),
            change!(
                kvm_sregs,
                cs,
                kvm_segment {
                    l: 1,
                    db: 0,
                    ..flat(0xb)
                }
            ),
        ],
        _ => vec![
            change!(kvm_sregs, es.base, draft.one_of(&[0_u64, 0xf_0000])),
            change!(kvm_sregs, es.selector, draft.rng.u16(..)),
        ],
    }
}

/// A segment of all addresses.
fn flat(type_: u8) -> kvm_segment {
    kvm_segment {
        base: 0,
        limit: u32::MAX,
        selector: if type_ & 8 != 0 { 8 } else { 16 },
        type_,
        present: 1,
        dpl: 0,
        db: 1,
        s: 1,
        l: 0,
        g: 1,
        avl: 0,
        unusable: 0,
        padding: 0,
    }
}

/// A pending interrupt is part of what `KVM_GET_VCPU_EVENTS` says, and compared there.
fn without_pending(bytes: &mut [u8]) {
    if let Some(bitmap) = bytes.get_mut(offset_of!(kvm_sregs, interrupt_bitmap)..) {
        bitmap.fill(0);
    }
}

pub(super) fn sregs(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let changes = special(draft);
    draft.set(
        on,
        (&KVM_GET_SREGS, &KVM_SET_SREGS),
        changes,
        Looks::only(without_pending),
    );
}

pub(super) fn sregs2(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let changes = [change!(kvm_sregs2, cr2, draft.number())];
    draft.set(on, (&KVM_GET_SREGS2, &KVM_SET_SREGS2), changes, Looks::ALL);
}

pub(super) fn fpu(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let changes = match draft.rng.u32(0..4) {
        0 => vec![change!(kvm_fpu, fcw, draft.one_of(&[0x37f_u16, 0x27f, 0]))],
        1 => vec![change!(
            kvm_fpu,
            mxcsr,
            draft.one_of(&[0x1f80_u32, 0x1fbf, 0])
        )],
        2 => vec![change!(kvm_fpu, xmm, [[draft.rng.u8(..); 16]; 16])],
        _ => vec![change!(kvm_fpu, fpr, [[draft.rng.u8(..); 16]; 8])],
    };
    draft.set(on, (&KVM_GET_FPU, &KVM_SET_FPU), changes, Looks::ALL);
}

/// Without the processor's priority, which follows from the rest, and the requests that messages made, which a guest
/// takes.
fn without_requests(bytes: &mut [u8]) {
    const PPR: usize = 0xa0;
    const TMR: usize = 0x180;
    const IRR_END: usize = 0x280;

    for range in [PPR..PPR + 4, TMR..IRR_END] {
        if let Some(registers) = bytes.get_mut(range) {
            registers.fill(0);
        }
    }
}

pub(super) fn lapic(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let changes = match draft.rng.u32(0..4) {
        0 => vec![Change::new("TPR", 0x80, &draft.one_of(&[0_u8, 0x10, 0xf0]))],
        1 => vec![
            Change::new("SVR", 0xf0, &0xff_u8),
            Change::new("SVR", 0xf1, &draft.one_of(&[0_u8, 1])),
        ],
        2 => vec![
            Change::new("LVT0", 0x351, &draft.one_of(&[0_u8, 7])),
            Change::new("LVT0", 0x352, &draft.one_of(&[0_u8, 1])),
        ],
        _ => vec![Change::new("LDR", 0xd3, &draft.rng.u8(..))],
    };
    draft.set(
        on,
        (&KVM_GET_LAPIC, &KVM_SET_LAPIC),
        changes,
        Looks::only(without_requests),
    );
}

pub(super) fn events(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let changes = match draft.rng.u32(0..9) {
        0 => vec![
            change!(kvm_vcpu_events, exception.injected, 1_u8),
            change!(
                kvm_vcpu_events,
                exception.nr,
                draft.one_of(&[0_u8, 2, 3, 4, 13, 14, 31, 32, 255])
            ),
            change!(
                kvm_vcpu_events,
                exception.has_error_code,
                draft.one_of(&[0_u8, 1])
            ),
        ],
        1 => vec![change!(
            kvm_vcpu_events,
            nmi.masked,
            draft.one_of(&[0_u8, 1])
        )],
        2 => vec![change!(kvm_vcpu_events, nmi.pending, 1_u8)],
        3 => vec![change!(
            kvm_vcpu_events,
            interrupt.shadow,
            draft.one_of(&[0_u8, 1, 2])
        )],
        4 => vec![
            change!(kvm_vcpu_events, interrupt.injected, 1_u8),
            change!(kvm_vcpu_events, interrupt.nr, draft.rng.u8(32..)),
        ],
        5 => vec![change!(kvm_vcpu_events, flags, draft.rng.u32(..))],
        6 => vec![change!(kvm_vcpu_events, flags, draft.rng.u32(0..0x80))],
        7 => vec![change!(kvm_vcpu_events, exception.pending, 1_u8)],
        _ => vec![change!(
            kvm_vcpu_events,
            sipi_vector,
            draft.rng.u32(0..0x100)
        )],
    };
    draft.set(
        on,
        (&KVM_GET_VCPU_EVENTS, &KVM_SET_VCPU_EVENTS),
        changes,
        Looks::ALL,
    );
}

pub(super) fn debugregs(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let changes = match draft.rng.u32(0..5) {
        0 => vec![change!(
            kvm_debugregs,
            db,
            [draft.one_of(&[0_u64, 0x1000, u64::MAX]); 4]
        )],
        1 => vec![change!(
            kvm_debugregs,
            dr6,
            draft.one_of(&[0xffff_0ff0_u64, 0xffff_0ff1, 0, 1 << 32, u64::MAX])
        )],
        2 => vec![change!(
            kvm_debugregs,
            dr7,
            draft.one_of(&[0x400_u64, 0x401, 0, 1 << 32])
        )],
        3 => vec![change!(kvm_debugregs, flags, draft.one_of(&[0_u64, 1]))],
        _ => vec![change!(kvm_debugregs, reserved, [1_u64; 9])],
    };
    draft.set(
        on,
        (&KVM_GET_DEBUGREGS, &KVM_SET_DEBUGREGS),
        changes,
        Looks::ALL,
    );
}

pub(super) fn xcrs(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let changes = match draft.rng.u32(0..4) {
        0 => vec![Change::new(
            "xcr0",
            offset_of!(kvm_xcrs, xcrs) + offset_of!(kvm_xcr, value),
            &draft.one_of(&[1_u64, 3, 7, 0, 2, u64::MAX]),
        )],
        1 => vec![change!(kvm_xcrs, flags, draft.one_of(&[0_u32, 1]))],
        2 => vec![change!(
            kvm_xcrs,
            nr_xcrs,
            draft.one_of(&[0_u32, 1, 16, 17])
        )],
        _ => vec![],
    };
    draft.set(on, (&KVM_GET_XCRS, &KVM_SET_XCRS), changes, Looks::SUCCESS);
}

pub(super) fn xsave(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let changes = match draft.rng.u32(0..5) {
        0 => vec![Change::new(
            "mxcsr",
            24,
            &draft.one_of(&[0x1f80_u32, 0x1fbf, u32::MAX]),
        )],
        1 => vec![Change::new(
            "xstate_bv",
            512,
            &draft.one_of(&[0_u64, 1, 3, 1 << 62, u64::MAX]),
        )],
        2 => vec![Change::new(
            "xcomp_bv",
            520,
            &draft.one_of(&[0_u64, 1, 1 << 63]),
        )],
        3 => vec![Change::new("xmm", 160, &[draft.rng.u8(..); 16])],
        _ => vec![],
    };
    draft.call(
        on,
        &KVM_SET_XSAVE,
        Given::changed(&KVM_GET_XSAVE, changes),
        Looks::SUCCESS,
    );
    draft.call(
        on,
        &KVM_GET_FPU,
        Given::room(size_of::<kvm_fpu>()),
        Looks::SUCCESS,
    );
}

pub(super) fn cpuid(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let entry = |function, eax| kvm_cpuid_entry2 {
        function,
        eax,
        ..Default::default()
    };
    // None of the leaves that KVM itself looks at, or keeps up to date.
    const FIRST: u32 = 0x8fff_0000;
    let count = draft.mostly(90, &[0, 1, 2, 3], &[256, 257]);
    let entries: Vec<_> = (0..count)
        .map(|n| entry(FIRST + n, draft.rng.u32(0..4)))
        .collect();
    let head = kvm_cpuid2 {
        nent: count,
        padding: 0,
    };
    draft.call(
        on,
        &KVM_SET_CPUID2,
        Given::list(&head, entries.as_slice()),
        Looks::SUCCESS,
    );
    let head = kvm_cpuid2 {
        nent: draft.one_of(&[256, count, 0]),
        padding: 0,
    };
    let room = vec![kvm_cpuid_entry2::default(); 257];
    draft.call(
        on,
        &KVM_GET_CPUID2,
        Given::list(&head, room.as_slice()),
        Looks::ALL,
    );
}

/// MSRs that every KVM has, and one that none has.
const MSRS: [u32; 9] = [
    0x174,
    0x175,
    0x176,
    0xc000_0081,
    0xc000_0082,
    0xc000_0084,
    0xc000_0102,
    0x277,
    0x4000_00ff,
];

pub(super) fn msrs(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let count = draft.rng.usize(0..4);
    let entries: Vec<_> = (0..count)
        .map(|_| kvm_msr_entry {
            index: draft.one_of(&MSRS),
            data: draft.one_of(&[0, 0x1000, 6, 0x0007_0406_0007_0406, 1 << 63]),
            ..Default::default()
        })
        .collect();
    let head = kvm_msrs {
        nmsrs: u32::try_from(count).unwrap_or_default(),
        pad: 0,
    };
    let given = Given::list(&head, entries.as_slice());
    draft.call(
        on,
        &KVM_SET_MSRS,
        given,
        Looks {
            bytes: None,
            ..Looks::ALL
        },
    );
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| kvm_msr_entry { data: 0, ..*entry })
        .collect();
    let given = Given::list(&head, entries.as_slice());
    draft.call(on, &KVM_GET_MSRS, given, Looks::ALL);
}

pub(super) fn mce(draft: &mut Draft) {
    let on = draft.a_vcpu();
    if draft.chance(50) {
        let cap = draft.mostly(
            80,
            &[10_u64, 1, 0, 32, 0x10a],
            &[33, 0xff, u64::MAX, 1 << 24],
        );
        draft.call(on, &KVM_X86_SETUP_MCE, Given::of(&cap), Looks::SUCCESS);
    } else {
        let mce = kvm_x86_mce {
            status: draft.one_of(&[1 << 63, 0, 1 << 63 | 1 << 61]),
            bank: draft.mostly(80, &[0, 1, 9], &[10, 32, 255]),
            ..Default::default()
        };
        draft.call(on, &KVM_X86_SET_MCE, Given::of(&mce), Looks::SUCCESS);
    }
}

pub(super) fn queue(draft: &mut Draft) {
    let on = draft.a_vcpu();
    match draft.rng.u32(0..4) {
        0 => draft.call(on, &KVM_NMI, Given::Value(0), Looks::SUCCESS),
        1 => draft.call(on, &KVM_SMI, Given::Value(0), Looks::SUCCESS),
        2 => draft.call(on, &KVM_KVMCLOCK_CTRL, Given::Value(0), Looks::SUCCESS),
        _ => {
            let irq = draft.mostly(80, &[0_u32, 32, 255], &[256, u32::MAX]);
            let interrupt = kvm_interrupt { irq };
            draft.call(on, &KVM_INTERRUPT, Given::of(&interrupt), Looks::SUCCESS);
        }
    }
}

pub(super) fn nested(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let size = draft.one_of(&[128, 4224, 0, 127]);
    let mut state = kvm_nested_state::new_zeroed();
    state.size = size;
    if draft.chance(50) {
        state.flags = NestedStateFlags(draft.one_of(&[0, 1, 2, 4, 0x100]));
        state.format = draft.one_of(&[0, 1, 2]);
    }
    let op = if draft.chance(50) {
        &KVM_SET_NESTED_STATE
    } else {
        &KVM_GET_NESTED_STATE
    };
    let given = Given::list(&state, [0_u8; 4224].as_slice());
    draft.call(on, op, given, Looks::SUCCESS);
}

pub(super) fn debug(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let debug = kvm_guest_debug {
        control: GuestDebugFlags(draft.mostly(
            90,
            &[0, 1, 3, 0x10001, 0x20001],
            &[2, 0x40001, 0x80001, 0x4],
        )),
        ..Default::default()
    };
    draft.call(on, &KVM_SET_GUEST_DEBUG, Given::of(&debug), Looks::SUCCESS);
}

pub(super) fn apic_services(draft: &mut Draft) {
    let on = draft.a_vcpu();
    if draft.chance(50) {
        let control = kvm_tpr_access_ctl {
            enabled: draft.one_of(&[0, 1]),
            flags: draft.mostly(90, &[0], &[1]),
            ..Default::default()
        };
        draft.call(
            on,
            &KVM_TPR_ACCESS_REPORTING,
            Given::of(&control),
            Looks::SUCCESS,
        );
    } else {
        let address = kvm_vapic_addr {
            vapic_addr: draft.one_of(&[0, PAGE, 1 << 60]),
        };
        draft.call(on, &KVM_SET_VAPIC_ADDR, Given::of(&address), Looks::SUCCESS);
    }
}

pub(super) fn tsc_offset(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let attr = kvm_device_attr {
        group: draft.mostly(90, &[0], &[1]),
        attr: draft.mostly(90, &[0], &[1]),
        ..Default::default()
    };
    let mut value = vec![0; ATTRIBUTE_ROOM];
    if let Some(first) = value.first_chunk_mut() {
        *first = draft.number().to_ne_bytes();
    }
    draft.call(
        on,
        &KVM_SET_DEVICE_ATTR,
        Given::pointer(&attr, value),
        Looks::SUCCESS,
    );
    let room = Given::pointer(&attr, vec![0; ATTRIBUTE_ROOM]);
    draft.call(on, &KVM_GET_DEVICE_ATTR, room, Looks::ALL);
}

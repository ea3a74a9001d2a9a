//! What only x86_64 has.

use std::mem::offset_of;

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::*;
use zerocopy::{FromZeros, IntoBytes};

use super::objects::{enable, new_vcpu};
use super::{Draft, Kind, Sequences};
use crate::differential::step::{Change, Given, Looks, On, change};
use crate::differential::world::{ATTRIBUTE_ROOM, PAGE};

impl Sequences for X86_64 {
    const KINDS: &'static [(u32, Kind)] = &[
        (2, irqchip),
        (1, split_irqchip),
        (2, pit),
        (2, pit_state),
        (3, chip_state),
        (1, reinject),
        (2, pages),
        (1, boot_cpu),
        (2, tsc),
        (2, clock),
        (3, regs),
        (4, sregs),
        (1, sregs2),
        (3, fpu),
        (2, lapic),
        (3, events),
        (3, debugregs),
        (2, xcrs),
        (2, xsave),
        (3, cpuid),
        (3, msrs),
        (2, mce),
        (2, queue),
        (2, nested),
        (2, debug),
        (2, apic_services),
        (2, tsc_offset),
        (5, capability),
        (2, lists),
        (2, msr_filter),
        (1, hyperv),
        (1, translate),
    ];

    fn begin(draft: &mut Draft) {
        if draft.chance(60) {
            irqchip(draft);
        }
        if draft.chance(80) {
            new_vcpu(draft, 0);
        }
        if draft.chance(20) {
            new_vcpu(draft, 1);
        }
    }
}

fn irqchip(draft: &mut Draft) {
    draft.call(On::Vm, &KVM_CREATE_IRQCHIP, Given::Value(0), Looks::SUCCESS);
}

fn split_irqchip(draft: &mut Draft) {
    let pins = draft.mostly(80, &[0, 24], &[4096, 4097, u64::MAX]);
    enable(draft, On::Vm, KVM_CAP_SPLIT_IRQCHIP, pins);
}

/// Those whose effect ends with the VM.
const CAPS: [Cap; 22] = [
    KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
    KVM_CAP_EXCEPTION_PAYLOAD,
    KVM_CAP_X86_DISABLE_EXITS,
    KVM_CAP_X2APIC_API,
    KVM_CAP_DISABLE_QUIRKS,
    KVM_CAP_DISABLE_QUIRKS2,
    KVM_CAP_X86_USER_SPACE_MSR,
    KVM_CAP_EXIT_HYPERCALL,
    KVM_CAP_EXIT_ON_EMULATION_FAILURE,
    KVM_CAP_PMU_CAPABILITY,
    KVM_CAP_MAX_VCPU_ID,
    KVM_CAP_X86_TRIPLE_FAULT_EVENT,
    KVM_CAP_HALT_POLL,
    KVM_CAP_DIRTY_LOG_RING,
    KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
    KVM_CAP_X86_APIC_BUS_CYCLES_NS,
    KVM_CAP_MSR_PLATFORM_INFO,
    KVM_CAP_X86_BUS_LOCK_EXIT,
    KVM_CAP_VM_DISABLE_NX_HUGE_PAGES,
    KVM_CAP_HYPERV_SYNIC,
    KVM_CAP_ENFORCE_PV_FEATURE_CPUID,
    KVM_CAP_IRQCHIP,
];

fn capability(draft: &mut Draft) {
    let on = if draft.chance(80) {
        On::Vm
    } else {
        draft.a_vcpu()
    };
    let cap = draft.mostly(95, &CAPS, &[Cap(0), Cap(1000), Cap(u32::MAX)]);
    let value = draft.mostly(
        85,
        &[0, 1, 2, 3, 4, 0x1000],
        &[0xff, 0x1_0000, u64::MAX, 100],
    );
    enable(draft, on, cap, value);
}

fn pit(draft: &mut Draft) {
    let config = kvm_pit_config {
        flags: PitConfigFlags(draft.mostly(90, &[0, 1], &[2, 3])),
        ..Default::default()
    };
    if draft.chance(70) {
        draft.call(On::Vm, &KVM_CREATE_PIT2, Given::of(&config), Looks::SUCCESS);
    } else {
        draft.call(On::Vm, &KVM_CREATE_PIT, Given::Value(0), Looks::SUCCESS);
    }
}

/// The time at which a channel's count was loaded is the host's.
fn pit_without_time(bytes: &mut [u8]) {
    for channel in bytes.chunks_mut(size_of::<kvm_pit_channel_state>()).take(3) {
        let at = offset_of!(kvm_pit_channel_state, count_load_time);
        if let Some(time) = channel.get_mut(at..at + 8) {
            time.fill(0);
        }
    }
}

fn pit_state(draft: &mut Draft) {
    const LOOKS: Looks = Looks::only(pit_without_time);
    if draft.chance(60) {
        let mode = draft.rng.u8(0..6);
        let count = draft.rng.u32(1..0x1_0000);
        let changes = [
            change!(kvm_pit_channel_state, mode, mode),
            change!(kvm_pit_channel_state, count, count),
        ];
        draft.set(On::Vm, (&KVM_GET_PIT2, &KVM_SET_PIT2), changes, LOOKS);
    } else {
        let room = Given::room(KVM_GET_PIT.size());
        draft.call(On::Vm, &KVM_GET_PIT, room, LOOKS);
    }
}

fn chip_state(draft: &mut Draft) {
    const CHIP: usize = offset_of!(kvm_irqchip, chip);

    let chip = kvm_irqchip {
        chip_id: draft.mostly(93, &[0, 1, 2], &[3, u32::MAX]),
        ..kvm_irqchip::new_zeroed()
    };
    if draft.chance(50) {
        let mut changes = Vec::new();
        if chip.chip_id == KVM_IRQCHIP_IOAPIC {
            let at = CHIP + offset_of!(kvm_ioapic_state, id);
            changes.push(Change::new("id", at, &draft.rng.u32(0..16)));
        } else {
            let at = CHIP + offset_of!(kvm_pic_state, imr);
            changes.push(Change::new("imr", at, &draft.rng.u8(..)));
        }
        let given = Given::Changed {
            get: &KVM_GET_IRQCHIP,
            input: chip.as_bytes().to_vec(),
            changes,
        };
        draft.call(On::Vm, &KVM_SET_IRQCHIP, given, Looks::SUCCESS);
    }
    let given = Given::Struct {
        bytes: chip.as_bytes().to_vec(),
        own: Vec::new(),
        behind: Vec::new(),
        says: format!("chip {}", chip.chip_id),
    };
    draft.call(On::Vm, &KVM_GET_IRQCHIP, given, Looks::ALL);
}

fn reinject(draft: &mut Draft) {
    let control = kvm_reinject_control {
        pit_reinject: draft.one_of(&[0, 1]),
        ..Default::default()
    };
    draft.call(
        On::Vm,
        &KVM_REINJECT_CONTROL,
        Given::of(&control),
        Looks::SUCCESS,
    );
}

/// Where KVM may put pages of its own, and how many it may use.
fn pages(draft: &mut Draft) {
    let address = draft.mostly(
        80,
        &[0xfffb_d000, 0xfeff_c000],
        &[0xffff_d000, 0xffff_f000, 1 << 32, 0x800],
    );
    match draft.rng.u32(0..4) {
        0 => draft.call(
            On::Vm,
            &KVM_SET_TSS_ADDR,
            Given::Value(address),
            Looks::SUCCESS,
        ),
        1 => draft.call(
            On::Vm,
            &KVM_SET_IDENTITY_MAP_ADDR,
            Given::of(&address),
            Looks::SUCCESS,
        ),
        _ => {
            let pages = draft.one_of(&[0, 1, 19, 20, 64, 1000]);
            draft.call(
                On::Vm,
                &KVM_SET_NR_MMU_PAGES,
                Given::Value(pages),
                Looks::SUCCESS,
            );
        }
    }
}

fn boot_cpu(draft: &mut Draft) {
    let id = draft.mostly(80, &[0, 1, 2], &[255, 4096, u64::MAX]);
    draft.call(
        On::Vm,
        &KVM_SET_BOOT_CPU_ID,
        Given::Value(id),
        Looks::SUCCESS,
    );
}

fn tsc(draft: &mut Draft) {
    let on = if draft.chance(40) {
        On::Vm
    } else {
        draft.a_vcpu()
    };
    if draft.chance(40) {
        draft.call(on, &KVM_SET_TSC_KHZ, Given::Value(0), Looks::SUCCESS);
    }
    draft.call(on, &KVM_GET_TSC_KHZ, Given::Value(0), Looks::ALL);
}

fn clock(draft: &mut Draft) {
    let clock = kvm_clock_data {
        clock: draft.one_of(&[0, 1, 1 << 40]),
        flags: ClockFlags(draft.mostly(80, &[0, 2, 4, 8], &[1, 16, 1 << 31])),
        ..Default::default()
    };
    if draft.chance(60) {
        draft.call(On::Vm, &KVM_SET_CLOCK, Given::of(&clock), Looks::SUCCESS);
    } else {
        let room = Given::room(size_of::<kvm_clock_data>());
        draft.call(On::Vm, &KVM_GET_CLOCK, room, Looks::SUCCESS);
    }
}

fn regs(draft: &mut Draft) {
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

fn sregs(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let changes = special(draft);
    draft.set(
        on,
        (&KVM_GET_SREGS, &KVM_SET_SREGS),
        changes,
        Looks::only(without_pending),
    );
}

fn sregs2(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let changes = [change!(kvm_sregs2, cr2, draft.number())];
    draft.set(on, (&KVM_GET_SREGS2, &KVM_SET_SREGS2), changes, Looks::ALL);
}

fn fpu(draft: &mut Draft) {
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

fn lapic(draft: &mut Draft) {
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

fn events(draft: &mut Draft) {
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

fn debugregs(draft: &mut Draft) {
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

fn xcrs(draft: &mut Draft) {
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

fn xsave(draft: &mut Draft) {
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

fn cpuid(draft: &mut Draft) {
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

fn msrs(draft: &mut Draft) {
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

fn mce(draft: &mut Draft) {
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

fn queue(draft: &mut Draft) {
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

fn nested(draft: &mut Draft) {
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

fn debug(draft: &mut Draft) {
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

fn apic_services(draft: &mut Draft) {
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

fn tsc_offset(draft: &mut Draft) {
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

/// The count stays, the indices are sorted.
fn in_any_order(bytes: &mut [u8]) {
    let words = bytes.chunks_exact(4).skip(1);
    let mut indices: Vec<_> = words.map(<[u8]>::to_vec).collect();
    indices.sort_unstable();
    for (to, from) in bytes.chunks_exact_mut(4).skip(1).zip(indices) {
        to.copy_from_slice(&from);
    }
}

/// What the system lists: how much there is, and what.
fn lists(draft: &mut Draft) {
    let count = draft.one_of(&[0, 1, 256, 1024]);
    match draft.rng.u32(0..4) {
        0 => {
            let head = kvm_msr_list { nmsrs: count };
            let given = Given::list(&head, vec![0_u32; 1024].as_slice());
            draft.call(
                On::System,
                &KVM_GET_MSR_INDEX_LIST,
                given,
                Looks::only(in_any_order),
            );
        }
        1 => {
            let head = kvm_msr_list { nmsrs: count };
            let given = Given::list(&head, vec![0_u32; 1024].as_slice());
            draft.call(
                On::System,
                &KVM_GET_MSR_FEATURE_INDEX_LIST,
                given,
                Looks::only(in_any_order),
            );
        }
        n => {
            let head = kvm_cpuid2 {
                nent: count,
                padding: 0,
            };
            let room = vec![kvm_cpuid_entry2::default(); 1024];
            let op = if n == 2 {
                &KVM_GET_SUPPORTED_CPUID
            } else {
                &KVM_GET_EMULATED_CPUID
            };
            draft.call(
                On::System,
                op,
                Given::list(&head, room.as_slice()),
                Looks::SUCCESS,
            );
        }
    }
}

/// A filter with one range, or none.
fn msr_filter(draft: &mut Draft) {
    let mut filter = kvm_msr_filter {
        flags: MsrFilterFlags(draft.mostly(85, &[0, 1], &[2, u32::MAX])),
        ..kvm_msr_filter::new_zeroed()
    };
    let range = kvm_msr_filter_range {
        flags: MsrFilterRangeFlags(draft.mostly(85, &[1, 2, 3], &[0, 4])),
        nmsrs: draft.mostly(90, &[0, 1, 64, 65], &[0x600 * 8, 0x600 * 8 + 1]),
        base: draft.one_of(&[0x10, 0xc000_0080]),
        ..Default::default()
    };
    if let Some(first) = filter.ranges.first_mut() {
        *first = range;
    }
    let given = Given::Struct {
        bytes: filter.as_bytes().to_vec(),
        own: Vec::new(),
        behind: vec![vec![0; 0x700]],
        says: format!("{:?}, {range:?}", filter.flags),
    };
    draft.call(On::Vm, &KVM_X86_SET_MSR_FILTER, given, Looks::SUCCESS);
}

fn hyperv(draft: &mut Draft) {
    let eventfd = kvm_hyperv_eventfd {
        conn_id: draft.mostly(80, &[0, 1], &[1 << 24, u32::MAX]),
        flags: HypervEventfdFlags(draft.mostly(90, &[0, 1], &[2, 3])),
        ..Default::default()
    };
    let own = (
        offset_of!(kvm_hyperv_eventfd, fd),
        crate::differential::step::Own::Eventfd(0),
    );
    draft.call(
        On::Vm,
        &KVM_HYPERV_EVENTFD,
        Given::with(&eventfd, [own]),
        Looks::SUCCESS,
    );
}

fn translate(draft: &mut Draft) {
    let on = draft.a_vcpu();
    let translation = kvm_translation {
        linear_address: draft.one_of(&[0, 0x1000, 0xf_f000]),
        ..Default::default()
    };
    draft.call(on, &KVM_TRANSLATE, Given::of(&translation), Looks::SUCCESS);
}

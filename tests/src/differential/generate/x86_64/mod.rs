//! What only x86_64 has. Of a vCPU, that is in its own file.

mod vcpu;

use std::mem::offset_of;

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::*;
use zerocopy::{FromZeros, IntoBytes};

use super::objects::{enable, new_vcpu};
use super::{Draft, Kind, Sequences};
use crate::differential::step::{Change, Given, Looks, On, change};

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
        (3, vcpu::regs),
        (4, vcpu::sregs),
        (1, vcpu::sregs2),
        (3, vcpu::fpu),
        (2, vcpu::lapic),
        (3, vcpu::events),
        (3, vcpu::debugregs),
        (2, vcpu::xcrs),
        (2, vcpu::xsave),
        (3, vcpu::cpuid),
        (3, vcpu::msrs),
        (2, vcpu::mce),
        (2, vcpu::queue),
        (2, vcpu::nested),
        (2, vcpu::debug),
        (2, vcpu::apic_services),
        (2, vcpu::tsc_offset),
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

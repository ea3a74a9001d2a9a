//! The synthetic x86_64 host.

use std::collections::{BTreeMap, BTreeSet};

use kvm_core::kvm_sys::x86_64::*;
use zerocopy::FromZeros;

use super::mce::MOST_BANKS;
use super::msrs::{MCG_CAP, unlisted};
use crate::model::host::Host;

/// What [`Profile::synthetic`](crate::Profile::synthetic) gives.
pub(super) fn host() -> Host {
    let (regs, sregs) = (regs(), sregs());
    Host {
        caps: CAPS.iter().copied().collect(),
        devices: BTreeSet::from([KVM_DEV_TYPE_VFIO]),
        tsc_khz: 2_000_000,
        mce_cap: MCG_CAP_SUPPORTED,
        cpuid: CPUID.iter().map(cpuid).collect(),
        emulated_cpuid: EMULATED_CPUID.iter().map(cpuid).collect(),
        hv_cpuid: HV_CPUID.iter().map(cpuid).collect(),
        msrs: MSRS.iter().copied().collect(),
        unlisted_msrs: unlisted_msrs(),
        feature_msrs: FEATURE_MSRS.into(),
        ..Host::synthetic("synthetic x86_64")
    }
    .reset(&KVM_GET_REGS, &regs)
    .reset(&KVM_GET_SREGS, &sregs)
    .reset(&KVM_GET_SREGS2, &sregs2(&sregs))
    .reset(&KVM_GET_FPU, &fpu())
    .reset(&KVM_GET_DEBUGREGS, &debugregs())
    .reset(&KVM_GET_XCRS, &xcrs())
    .reset(&KVM_GET_LAPIC, &lapic())
    .reset(&KVM_GET_VCPU_EVENTS, &vcpu_events())
    .reset(&KVM_GET_XSAVE, &xsave())
}

/// Only what the model also does: a capability here is a promise.
const CAPS: &[(Cap, u32)] = &[
    (KVM_CAP_IRQCHIP, 1),
    (KVM_CAP_HLT, 1),
    (KVM_CAP_USER_MEMORY, 1),
    (KVM_CAP_SET_TSS_ADDR, 1),
    (KVM_CAP_EXT_CPUID, 1),
    (KVM_CAP_NR_VCPUS, 8),
    (KVM_CAP_NR_MEMSLOTS, 32764),
    (KVM_CAP_MP_STATE, 1),
    // The page of the mapping that the ring is on.
    (KVM_CAP_COALESCED_MMIO, 2),
    (KVM_CAP_SYNC_MMU, 1),
    (KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1),
    (KVM_CAP_USER_NMI, 1),
    (KVM_CAP_SET_GUEST_DEBUG, 1),
    (KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1),
    (KVM_CAP_PIT2, 1),
    (KVM_CAP_SET_BOOT_CPU_ID, 1),
    (KVM_CAP_PIT_STATE2, 1),
    (KVM_CAP_SET_IDENTITY_MAP_ADDR, 1),
    (KVM_CAP_ADJUST_CLOCK, 1),
    (KVM_CAP_INTERNAL_ERROR_DATA, 1),
    (KVM_CAP_VCPU_EVENTS, 1),
    (KVM_CAP_DEBUGREGS, 1),
    (KVM_CAP_X86_ROBUST_SINGLESTEP, 1),
    (KVM_CAP_XSAVE, 1),
    (KVM_CAP_XCRS, 1),
    (KVM_CAP_MAX_VCPUS, 1024),
    (KVM_CAP_SYNC_REGS, 7),
    (KVM_CAP_READONLY_MEM, 1),
    (KVM_CAP_CHECK_EXTENSION_VM, 1),
    // That of system management mode is the second.
    (KVM_CAP_MULTI_ADDRESS_SPACE, 2),
    (KVM_CAP_MAX_VCPU_ID, 4096),
    (KVM_CAP_IMMEDIATE_EXIT, 1),
    (KVM_CAP_GET_MSR_FEATURES, 1),
    (KVM_CAP_USER_MEMORY2, 1),
    (KVM_CAP_GUEST_MEMFD, 1),
    (KVM_CAP_GUEST_MEMFD_FLAGS, 3),
    // Private memory.
    (KVM_CAP_MEMORY_ATTRIBUTES, 1 << 3),
    (KVM_CAP_PRE_FAULT_MEMORY, 1),
    // The most bytes of a ring.
    (KVM_CAP_DIRTY_LOG_RING, 1 << 20),
    (KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 1 << 20),
    // Both flags.
    (KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 3),
    (KVM_CAP_SREGS2, 1),
    (KVM_CAP_BINARY_STATS_FD, 1),
    (KVM_CAP_DEVICE_CTRL, 1),
    (KVM_CAP_VCPU_ATTRIBUTES, 1),
    (KVM_CAP_SYS_ATTRIBUTES, 1),
    (KVM_CAP_IRQFD, 1),
    (KVM_CAP_IRQFD_RESAMPLE, 1),
    (KVM_CAP_IOEVENTFD, 1),
    (KVM_CAP_IOEVENTFD_NO_LENGTH, 1),
    (KVM_CAP_IOEVENTFD_ANY_LENGTH, 1),
    // So many entries.
    (KVM_CAP_IRQ_ROUTING, 4096),
    (KVM_CAP_SIGNAL_MSI, 1),
    (KVM_CAP_IRQ_INJECT_STATUS, 1),
    (KVM_CAP_ENABLE_CAP, 1),
    (KVM_CAP_GET_TSC_KHZ, 1),
    (KVM_CAP_TSC_CONTROL, 1),
    (KVM_CAP_VM_TSC_CONTROL, 1),
    (KVM_CAP_ENABLE_CAP_VM, 1),
    (KVM_CAP_SPLIT_IRQCHIP, 1),
    // These are masks: 32-bit ids, no broadcast quirk; hlt; lint0 reenabled; off.
    (KVM_CAP_X2APIC_API, 0b11),
    (KVM_CAP_X86_DISABLE_EXITS, 0b10),
    (KVM_CAP_EXCEPTION_PAYLOAD, 1),
    (KVM_CAP_X86_USER_SPACE_MSR, 1),
    (KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1),
    (KVM_CAP_EXIT_HYPERCALL, 1 << KVM_HC_MAP_GPA_RANGE),
    (KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1),
    (KVM_CAP_DISABLE_QUIRKS2, 1),
    (KVM_CAP_PMU_CAPABILITY, 1),
    (KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1),
    (KVM_CAP_X86_APIC_BUS_CYCLES_NS, 1),
    (KVM_CAP_MMU_SHADOW_CACHE_CONTROL, 1),
    (KVM_CAP_VAPIC, 1),
    (KVM_CAP_PIT, 1),
    (KVM_CAP_REINJECT_CONTROL, 1),
    (KVM_CAP_MCE, 32),
    // Interception of hypercalls, and sending events.
    (KVM_CAP_XEN_HVM, 0b10_0010),
    (KVM_CAP_KVMCLOCK_CTRL, 1),
    (KVM_CAP_EXT_EMUL_CPUID, 1),
    (KVM_CAP_HYPERV_CPUID, 1),
    (KVM_CAP_HYPERV_EVENTFD, 1),
    (KVM_CAP_SYS_HYPERV_CPUID, 1),
    (KVM_CAP_X86_SMM, 1),
    (KVM_CAP_NESTED_STATE, 128),
    (KVM_CAP_PMU_EVENT_FILTER, 1),
    (KVM_CAP_X86_MSR_FILTER, 1),
    (KVM_CAP_XSAVE2, 4096),
    // One bit for each type: only the default one.
    (KVM_CAP_VM_TYPES, 1 << KVM_X86_DEFAULT_VM),
];

/// `IA32_MCG_CAP`: control registers, software recovery.
const MCG_CAP_SUPPORTED: u64 = 1 << 8 | 1 << 24;

const IA32_ARCH_CAPABILITIES: u32 = 0x10a;
const IA32_PERF_CAPABILITIES: u32 = 0x345;

/// No feature is promised by them.
const FEATURE_MSRS: [(u32, u64); 2] = [(IA32_ARCH_CAPABILITIES, 0), (IA32_PERF_CAPABILITIES, 0)];

/// Index and value at reset, as the manuals of both makers have it.
const MSRS: [(u32, u64); 13] = [
    (0x10, 0),        // IA32_TIME_STAMP_COUNTER
    (0x174, 0),       // IA32_SYSENTER_CS
    (0x175, 0),       // IA32_SYSENTER_ESP
    (0x176, 0),       // IA32_SYSENTER_EIP
    (0x1a0, 1),       // IA32_MISC_ENABLE: fast strings
    (0x1d9, 0),       // IA32_DEBUGCTL
    (0x277, PAT),     // IA32_PAT
    (0xc000_0081, 0), // STAR
    (0xc000_0082, 0), // LSTAR
    (0xc000_0083, 0), // CSTAR
    (0xc000_0084, 0), // SYSCALL_MASK
    (0xc000_0102, 0), // KERNEL_GS_BASE
    (0xc000_0103, 0), // TSC_AUX
];

/// No types of memory, and banks of machine checks with nothing in them.
fn unlisted_msrs() -> BTreeMap<u32, u64> {
    let reset = |index| if index == MCG_CAP { MOST_BANKS } else { 0 };
    unlisted().map(|index| (index, reset(index))).collect()
}

/// Write-back, write-through, uncached-, uncached, twice.
const PAT: u64 = 0x0007_0406_0007_0406;

/// Leaf and its four registers: eax, ebx, ecx, edx.
const CPUID: [(u32, [u32; 4]); 9] = [
    (0, [1, word(b"KvmM"), word(b"odel"), word(b"ockM")]),
    // Family 6; the features that long mode rests on.
    (1, [0x600, 0x0001_0800, 0x8000_0001, 0x0783_fbff]),
    (
        KVM_CPUID_SIGNATURE,
        [
            KVM_CPUID_FEATURES,
            word(b"KVMK"),
            word(b"VMKV"),
            word(b"M\0\0\0"),
        ],
    ),
    (KVM_CPUID_FEATURES, [0, 0, 0, 0]),
    (0x8000_0000, [0x8000_0008, 0, 0, 0]),
    // syscall, nx, long mode
    (0x8000_0001, [0x600, 0, 1, 1 << 11 | 1 << 20 | 1 << 29]),
    (
        0x8000_0002,
        [word(b"kvm-"), word(b"mock"), word(b" syn"), word(b"thet")],
    ),
    (0x8000_0003, [word(b"ic C"), word(b"PU\0\0"), 0, 0]),
    // 40 bits of physical, 48 of linear address
    (0x8000_0008, [0x3028, 0, 0, 0]),
];

/// What KVM emulates everywhere: movbe, and rdpid.
const EMULATED_CPUID: [(u32, [u32; 4]); 3] = [
    (0, [7, 0, 0, 0]),
    (1, [0, 0, 1 << 22, 0]),
    (7, [0, 0, 1 << 22, 0]),
];

/// KVM's name and interface, as Hyper-V's specification wants them, and no feature.
const HV_CPUID: [(u32, [u32; 4]); 2] = [
    (
        0x4000_0000,
        [0x4000_0001, word(b"Linu"), word(b"x KV"), word(b"M Hv")],
    ),
    (0x4000_0001, [word(b"Hv#1"), 0, 0, 0]),
];

const fn word(text: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*text)
}

fn cpuid(&(function, [eax, ebx, ecx, edx]): &(u32, [u32; 4])) -> kvm_cpuid_entry2 {
    kvm_cpuid_entry2 {
        function,
        eax,
        ebx,
        ecx,
        edx,
        ..Default::default()
    }
}

/// The first instruction is 16 bytes below the end of the first 4 GiB; the one flag is always set.
/// KVM leaves the processor's signature in rdx, and takes this one before it was given a CPUID.
fn regs() -> kvm_regs {
    kvm_regs {
        rdx: 0x600,
        rip: 0xfff0,
        rflags: 2,
        ..Default::default()
    }
}

fn sregs() -> kvm_sregs {
    let data = kvm_segment {
        limit: 0xffff,
        type_: 3,
        present: 1,
        s: 1,
        ..Default::default()
    };
    let table = kvm_dtable {
        limit: 0xffff,
        ..Default::default()
    };
    kvm_sregs {
        cs: kvm_segment {
            base: 0xffff_0000,
            selector: 0xf000,
            type_: 0xb,
            ..data
        },
        ds: data,
        es: data,
        fs: data,
        gs: data,
        ss: data,
        tr: kvm_segment {
            type_: 0xb,
            s: 0,
            ..data
        },
        ldt: kvm_segment {
            type_: 2,
            s: 0,
            ..data
        },
        gdt: table,
        idt: table,
        cr0: 0x6000_0010,
        apic_base: 0xfee0_0000 | APIC_ENABLED | APIC_BOOT_CPU,
        ..Default::default()
    }
}

const APIC_ENABLED: u64 = 1 << 11;
pub(super) const APIC_BOOT_CPU: u64 = 1 << 8;

fn sregs2(sregs: &kvm_sregs) -> kvm_sregs2 {
    kvm_sregs2 {
        cs: sregs.cs,
        ds: sregs.ds,
        es: sregs.es,
        fs: sregs.fs,
        gs: sregs.gs,
        ss: sregs.ss,
        tr: sregs.tr,
        ldt: sregs.ldt,
        gdt: sregs.gdt,
        idt: sregs.idt,
        cr0: sregs.cr0,
        apic_base: sregs.apic_base,
        ..Default::default()
    }
}

/// KVM leaves MXCSR out of this structure; it is in the XSAVE area.
fn fpu() -> kvm_fpu {
    kvm_fpu {
        fcw: 0x37f,
        ..Default::default()
    }
}

fn debugregs() -> kvm_debugregs {
    kvm_debugregs {
        dr6: 0xffff_0ff0,
        dr7: 0x400,
        ..Default::default()
    }
}

/// What is always given.
fn vcpu_events() -> kvm_vcpu_events {
    kvm_vcpu_events {
        flags: super::events::GIVEN,
        ..Default::default()
    }
}

/// Word and value; the others are 0.
const XSAVE: [(usize, u32); 4] = [
    (0, 0x37f),  // control of the x87 unit
    (6, 0x1f80), // MXCSR, all exceptions masked
    (7, 0xffff), // the bits that it has
    (116, 0b11), // which components the host has: x87 and SSE
];

fn xsave() -> kvm_xsave {
    let mut xsave = kvm_xsave::new_zeroed();
    for (word, value) in XSAVE {
        if let Some(to) = xsave.region.get_mut(word) {
            *to = value;
        }
    }
    xsave
}

/// XCR0 with the x87 state enabled, which can't be turned off.
fn xcrs() -> kvm_xcrs {
    let mut xcrs = kvm_xcrs {
        nr_xcrs: 1,
        ..Default::default()
    };
    if let Some(xcr0) = xcrs.xcrs.first_mut() {
        xcr0.value = 1;
    }
    xcrs
}

/// Offset of a register and its value; the others are 0.
const LAPIC: [(usize, u32); 9] = [
    (0x30, 0x0005_0014), // version, and five more local vectors
    (0xe0, 0xffff_ffff), // destination format
    (0xf0, 0xff),        // spurious vector, disabled
    (0x320, 1 << 16),    // local vectors, masked
    (0x330, 1 << 16),
    (0x340, 1 << 16),
    (0x350, 0b111 << 8), // of the boot CPU: external interrupts
    (0x360, 1 << 16),
    (0x370, 1 << 16),
];

fn lapic() -> kvm_lapic_state {
    let mut lapic = kvm_lapic_state {
        regs: [0; KVM_APIC_REG_SIZE],
    };
    for (offset, value) in LAPIC {
        if let Some(reg) = lapic.regs.get_mut(offset..offset + 4) {
            reg.copy_from_slice(&value.to_le_bytes());
        }
    }
    lapic
}

//! Bootstrap.
#![allow(missing_docs, non_camel_case_types, clippy::all, clippy::panic)]
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
#[repr(transparent)]
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct Cap(pub u32);
#[repr(transparent)]
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct ExitReason(pub u32);
#[repr(transparent)]
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct MpState(pub u32);
#[repr(transparent)]
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct InternalError(pub u32);
#[repr(transparent)]
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct SystemEvent(pub u32);
#[repr(transparent)]
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct HypervExit(pub u32);
#[repr(transparent)]
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct XenExit(pub u32);
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct CpuidFlags(u32);
bitflags::bitflags! { impl CpuidFlags: u32 { const KVM_CPUID_FLAG_SIGNIFCANT_INDEX = 1; const KVM_CPUID_FLAG_STATEFUL_FUNC = 2; const KVM_CPUID_FLAG_STATE_READ_NEXT = 4; const _ = !0; } }
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct GuestDebugFlags(u32);
bitflags::bitflags! { impl GuestDebugFlags: u32 { const KVM_GUESTDBG_BLOCKIRQ = 1048576; const KVM_GUESTDBG_ENABLE = 1; const KVM_GUESTDBG_INJECT_BP = 524288; const KVM_GUESTDBG_INJECT_DB = 262144; const KVM_GUESTDBG_SINGLESTEP = 2; const KVM_GUESTDBG_USE_HW_BP = 131072; const KVM_GUESTDBG_USE_SW_BP = 65536; const _ = !0; } }
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct MemoryFaultFlags(u64);
bitflags::bitflags! { impl MemoryFaultFlags: u64 { const KVM_MEMORY_EXIT_FLAG_PRIVATE = 8; const _ = !0; } }
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct MemFlags(u32);
bitflags::bitflags! { impl MemFlags: u32 { const KVM_MEM_GUEST_MEMFD = 4; const KVM_MEM_LOG_DIRTY_PAGES = 1; const KVM_MEM_READONLY = 2; const _ = !0; } }
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct MsrExitReason(u32);
bitflags::bitflags! { impl MsrExitReason: u32 { const KVM_MSR_EXIT_REASON_FILTER = 4; const KVM_MSR_EXIT_REASON_INVAL = 1; const KVM_MSR_EXIT_REASON_UNKNOWN = 2; const KVM_MSR_EXIT_REASON_VALID_MASK = 7; const _ = !0; } }
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct NotifyFlags(u32);
bitflags::bitflags! { impl NotifyFlags: u32 { const KVM_NOTIFY_CONTEXT_INVALID = 1; const _ = !0; } }
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct RunFlags(u16);
bitflags::bitflags! { impl RunFlags: u16 { const KVM_RUN_X86_BUS_LOCK = 2; const KVM_RUN_X86_GUEST_MODE = 4; const KVM_RUN_X86_SMM = 1; const _ = !0; } }
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct SyncRegs(u64);
bitflags::bitflags! { impl SyncRegs: u64 { const KVM_SYNC_X86_EVENTS = 4; const KVM_SYNC_X86_REGS = 1; const KVM_SYNC_X86_SREGS = 2; const KVM_SYNC_X86_VALID_FIELDS = 7; const _ = !0; } }
#[repr(transparent)]
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct VcpuEventFlags(u32);
bitflags::bitflags! { impl VcpuEventFlags: u32 { const KVM_VCPUEVENT_VALID_NMI_PENDING = 1; const KVM_VCPUEVENT_VALID_PAYLOAD = 16; const KVM_VCPUEVENT_VALID_SHADOW = 4; const KVM_VCPUEVENT_VALID_SIPI_VECTOR = 2; const KVM_VCPUEVENT_VALID_SMM = 8; const KVM_VCPUEVENT_VALID_TRIPLE_FAULT = 32; const _ = !0; } }
pub const GUEST_MEMFD_FLAG_INIT_SHARED: u32 = 2;
pub const GUEST_MEMFD_FLAG_MMAP: u32 = 1;
pub const KVMIO: u32 = 174;
pub const KVM_APIC_REG_SIZE: u32 = 1024;
pub const KVM_API_VERSION: u32 = 12;
pub const KVM_ASYNC_PF_DELIVERY_AS_INT: u32 = 8;
pub const KVM_ASYNC_PF_DELIVERY_AS_PF_VMEXIT: u32 = 4;
pub const KVM_ASYNC_PF_ENABLED: u32 = 1;
pub const KVM_ASYNC_PF_SEND_ALWAYS: u32 = 2;
pub const KVM_ASYNC_PF_VEC_MASK: u32 = 255;
pub const KVM_BUS_LOCK_DETECTION_EXIT: u32 = 2;
pub const KVM_BUS_LOCK_DETECTION_OFF: u32 = 1;
pub const KVM_CAP_ADJUST_CLOCK: Cap = Cap(39);
pub const KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED: Cap = Cap(243);
pub const KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE: Cap = Cap(228);
pub const KVM_CAP_ARM_EL1_32BIT: Cap = Cap(93);
pub const KVM_CAP_ARM_EL2: Cap = Cap(240);
pub const KVM_CAP_ARM_EL2_E2H0: Cap = Cap(241);
pub const KVM_CAP_ARM_INJECT_EXT_DABT: Cap = Cap(178);
pub const KVM_CAP_ARM_INJECT_SERROR_ESR: Cap = Cap(158);
pub const KVM_CAP_ARM_IRQ_LINE_LAYOUT_2: Cap = Cap(174);
pub const KVM_CAP_ARM_MTE: Cap = Cap(205);
pub const KVM_CAP_ARM_NISV_TO_USER: Cap = Cap(177);
pub const KVM_CAP_ARM_PMU_V3: Cap = Cap(126);
pub const KVM_CAP_ARM_PMU_V3_STRICT: Cap = Cap(251);
pub const KVM_CAP_ARM_PSCI: Cap = Cap(87);
pub const KVM_CAP_ARM_PSCI_0_2: Cap = Cap(102);
pub const KVM_CAP_ARM_PTRAUTH_ADDRESS: Cap = Cap(171);
pub const KVM_CAP_ARM_PTRAUTH_GENERIC: Cap = Cap(172);
pub const KVM_CAP_ARM_SEA_TO_USER: Cap = Cap(245);
pub const KVM_CAP_ARM_SET_DEVICE_ADDR: Cap = Cap(88);
pub const KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES: Cap = Cap(229);
pub const KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES: Cap = Cap(230);
pub const KVM_CAP_ARM_SVE: Cap = Cap(170);
pub const KVM_CAP_ARM_SYSTEM_SUSPEND: Cap = Cap(216);
pub const KVM_CAP_ARM_USER_IRQ: Cap = Cap(144);
pub const KVM_CAP_ARM_VM_IPA_SIZE: Cap = Cap(165);
pub const KVM_CAP_ARM_WRITABLE_IMP_ID_REGS: Cap = Cap(239);
pub const KVM_CAP_ASSIGN_DEV_IRQ: Cap = Cap(29);
pub const KVM_CAP_ASYNC_PF: Cap = Cap(59);
pub const KVM_CAP_ASYNC_PF_INT: Cap = Cap(183);
pub const KVM_CAP_BINARY_STATS_FD: Cap = Cap(203);
pub const KVM_CAP_CHECK_EXTENSION_VM: Cap = Cap(105);
pub const KVM_CAP_CLOCKSOURCE: Cap = Cap(8);
pub const KVM_CAP_COALESCED_MMIO: Cap = Cap(15);
pub const KVM_CAP_COALESCED_PIO: Cap = Cap(162);
pub const KVM_CAP_COUNTER_OFFSET: Cap = Cap(227);
pub const KVM_CAP_DEBUGREGS: Cap = Cap(50);
pub const KVM_CAP_DESTROY_MEMORY_REGION_WORKS: Cap = Cap(21);
pub const KVM_CAP_DEVICE_CTRL: Cap = Cap(89);
pub const KVM_CAP_DIRTY_LOG_RING: Cap = Cap(192);
pub const KVM_CAP_DIRTY_LOG_RING_ACQ_REL: Cap = Cap(223);
pub const KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP: Cap = Cap(225);
pub const KVM_CAP_DISABLE_QUIRKS: Cap = Cap(116);
pub const KVM_CAP_DISABLE_QUIRKS2: Cap = Cap(213);
pub const KVM_CAP_ENABLE_CAP: Cap = Cap(54);
pub const KVM_CAP_ENABLE_CAP_VM: Cap = Cap(98);
pub const KVM_CAP_ENFORCE_PV_FEATURE_CPUID: Cap = Cap(190);
pub const KVM_CAP_EXCEPTION_PAYLOAD: Cap = Cap(164);
pub const KVM_CAP_EXIT_HYPERCALL: Cap = Cap(201);
pub const KVM_CAP_EXIT_ON_EMULATION_FAILURE: Cap = Cap(204);
pub const KVM_CAP_EXT_CPUID: Cap = Cap(7);
pub const KVM_CAP_EXT_EMUL_CPUID: Cap = Cap(95);
pub const KVM_CAP_GET_MSR_FEATURES: Cap = Cap(153);
pub const KVM_CAP_GET_TSC_KHZ: Cap = Cap(61);
pub const KVM_CAP_GUEST_DEBUG_HW_BPS: Cap = Cap(119);
pub const KVM_CAP_GUEST_DEBUG_HW_WPS: Cap = Cap(120);
pub const KVM_CAP_GUEST_MEMFD: Cap = Cap(234);
pub const KVM_CAP_GUEST_MEMFD_FLAGS: Cap = Cap(244);
pub const KVM_CAP_HALT_POLL: Cap = Cap(182);
pub const KVM_CAP_HLT: Cap = Cap(1);
pub const KVM_CAP_HYPERV: Cap = Cap(44);
pub const KVM_CAP_HYPERV_CPUID: Cap = Cap(167);
pub const KVM_CAP_HYPERV_DIRECT_TLBFLUSH: Cap = Cap(175);
pub const KVM_CAP_HYPERV_ENFORCE_CPUID: Cap = Cap(199);
pub const KVM_CAP_HYPERV_ENLIGHTENED_VMCS: Cap = Cap(163);
pub const KVM_CAP_HYPERV_EVENTFD: Cap = Cap(154);
pub const KVM_CAP_HYPERV_SEND_IPI: Cap = Cap(161);
pub const KVM_CAP_HYPERV_SPIN: Cap = Cap(46);
pub const KVM_CAP_HYPERV_SYNIC: Cap = Cap(123);
pub const KVM_CAP_HYPERV_SYNIC2: Cap = Cap(148);
pub const KVM_CAP_HYPERV_TIME: Cap = Cap(96);
pub const KVM_CAP_HYPERV_TLBFLUSH: Cap = Cap(155);
pub const KVM_CAP_HYPERV_VAPIC: Cap = Cap(45);
pub const KVM_CAP_HYPERV_VP_INDEX: Cap = Cap(149);
pub const KVM_CAP_IMMEDIATE_EXIT: Cap = Cap(136);
pub const KVM_CAP_INTERNAL_ERROR_DATA: Cap = Cap(40);
pub const KVM_CAP_INTR_SHADOW: Cap = Cap(49);
pub const KVM_CAP_IOAPIC_POLARITY_IGNORED: Cap = Cap(97);
pub const KVM_CAP_IOEVENTFD: Cap = Cap(36);
pub const KVM_CAP_IOEVENTFD_ANY_LENGTH: Cap = Cap(122);
pub const KVM_CAP_IOEVENTFD_NO_LENGTH: Cap = Cap(100);
pub const KVM_CAP_IOMMU: Cap = Cap(18);
pub const KVM_CAP_IRQCHIP: Cap = Cap(0);
pub const KVM_CAP_IRQFD: Cap = Cap(32);
pub const KVM_CAP_IRQFD_RESAMPLE: Cap = Cap(82);
pub const KVM_CAP_IRQ_INJECT_STATUS: Cap = Cap(26);
pub const KVM_CAP_IRQ_MPIC: Cap = Cap(90);
pub const KVM_CAP_IRQ_ROUTING: Cap = Cap(25);
pub const KVM_CAP_IRQ_XICS: Cap = Cap(92);
pub const KVM_CAP_JOIN_MEMORY_REGIONS_WORKS: Cap = Cap(30);
pub const KVM_CAP_KVMCLOCK_CTRL: Cap = Cap(76);
pub const KVM_CAP_LAST_CPU: Cap = Cap(184);
pub const KVM_CAP_MANUAL_DIRTY_LOG_PROTECT: Cap = Cap(166);
pub const KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: Cap = Cap(168);
pub const KVM_CAP_MAX_VCPUS: Cap = Cap(66);
pub const KVM_CAP_MAX_VCPU_ID: Cap = Cap(128);
pub const KVM_CAP_MCE: Cap = Cap(31);
pub const KVM_CAP_MEMORY_ATTRIBUTES: Cap = Cap(233);
pub const KVM_CAP_MEMORY_FAULT_INFO: Cap = Cap(232);
pub const KVM_CAP_MIPS_64BIT: Cap = Cap(139);
pub const KVM_CAP_MIPS_FPU: Cap = Cap(111);
pub const KVM_CAP_MIPS_MSA: Cap = Cap(112);
pub const KVM_CAP_MIPS_TE: Cap = Cap(138);
pub const KVM_CAP_MIPS_VZ: Cap = Cap(137);
pub const KVM_CAP_MMU_SHADOW_CACHE_CONTROL: Cap = Cap(2);
pub const KVM_CAP_MP_STATE: Cap = Cap(14);
pub const KVM_CAP_MSI_DEVID: Cap = Cap(131);
pub const KVM_CAP_MSR_PLATFORM_INFO: Cap = Cap(159);
pub const KVM_CAP_MULTI_ADDRESS_SPACE: Cap = Cap(118);
pub const KVM_CAP_NESTED_STATE: Cap = Cap(157);
pub const KVM_CAP_NOP_IO_DELAY: Cap = Cap(12);
pub const KVM_CAP_NR_MEMSLOTS: Cap = Cap(10);
pub const KVM_CAP_NR_VCPUS: Cap = Cap(9);
pub const KVM_CAP_ONE_REG: Cap = Cap(70);
pub const KVM_CAP_PCI_2_3: Cap = Cap(75);
pub const KVM_CAP_PCI_SEGMENT: Cap = Cap(47);
pub const KVM_CAP_PIT: Cap = Cap(11);
pub const KVM_CAP_PIT2: Cap = Cap(33);
pub const KVM_CAP_PIT_STATE2: Cap = Cap(35);
pub const KVM_CAP_PMU_CAPABILITY: Cap = Cap(212);
pub const KVM_CAP_PMU_EVENT_FILTER: Cap = Cap(173);
pub const KVM_CAP_PMU_EVENT_MASKED_EVENTS: Cap = Cap(226);
pub const KVM_CAP_PPC_AIL_MODE_3: Cap = Cap(210);
pub const KVM_CAP_PPC_ALLOC_HTAB: Cap = Cap(80);
pub const KVM_CAP_PPC_BOOKE_SREGS: Cap = Cap(62);
pub const KVM_CAP_PPC_BOOKE_WATCHDOG: Cap = Cap(83);
pub const KVM_CAP_PPC_COMPAT_CAPS: Cap = Cap(250);
pub const KVM_CAP_PPC_DAWR1: Cap = Cap(194);
pub const KVM_CAP_PPC_ENABLE_HCALL: Cap = Cap(104);
pub const KVM_CAP_PPC_EPR: Cap = Cap(86);
pub const KVM_CAP_PPC_FIXUP_HCALL: Cap = Cap(103);
pub const KVM_CAP_PPC_FWNMI: Cap = Cap(146);
pub const KVM_CAP_PPC_GET_CPU_CHAR: Cap = Cap(151);
pub const KVM_CAP_PPC_GET_PVINFO: Cap = Cap(57);
pub const KVM_CAP_PPC_GET_SMMU_INFO: Cap = Cap(78);
pub const KVM_CAP_PPC_GUEST_DEBUG_SSTEP: Cap = Cap(176);
pub const KVM_CAP_PPC_HIOR: Cap = Cap(67);
pub const KVM_CAP_PPC_HTAB_FD: Cap = Cap(84);
pub const KVM_CAP_PPC_HTM: Cap = Cap(132);
pub const KVM_CAP_PPC_HWRNG: Cap = Cap(115);
pub const KVM_CAP_PPC_IRQ_LEVEL: Cap = Cap(58);
pub const KVM_CAP_PPC_IRQ_XIVE: Cap = Cap(169);
pub const KVM_CAP_PPC_MMU_HASH_V3: Cap = Cap(135);
pub const KVM_CAP_PPC_MMU_RADIX: Cap = Cap(134);
pub const KVM_CAP_PPC_NESTED_HV: Cap = Cap(160);
pub const KVM_CAP_PPC_OSI: Cap = Cap(52);
pub const KVM_CAP_PPC_PAIRED_SINGLES: Cap = Cap(48);
pub const KVM_CAP_PPC_PAPR: Cap = Cap(68);
pub const KVM_CAP_PPC_RMA: Cap = Cap(65);
pub const KVM_CAP_PPC_RPT_INVALIDATE: Cap = Cap(202);
pub const KVM_CAP_PPC_RTAS: Cap = Cap(91);
pub const KVM_CAP_PPC_SECURE_GUEST: Cap = Cap(181);
pub const KVM_CAP_PPC_SEGSTATE: Cap = Cap(43);
pub const KVM_CAP_PPC_SMT: Cap = Cap(64);
pub const KVM_CAP_PPC_SMT_POSSIBLE: Cap = Cap(147);
pub const KVM_CAP_PPC_UNSET_IRQ: Cap = Cap(53);
pub const KVM_CAP_PRE_FAULT_MEMORY: Cap = Cap(236);
pub const KVM_CAP_PTP_KVM: Cap = Cap(198);
pub const KVM_CAP_PV_MMU: Cap = Cap(13);
pub const KVM_CAP_READONLY_MEM: Cap = Cap(81);
pub const KVM_CAP_REINJECT_CONTROL: Cap = Cap(24);
pub const KVM_CAP_RISCV_MP_STATE_RESET: Cap = Cap(242);
pub const KVM_CAP_S390_AIS: Cap = Cap(141);
pub const KVM_CAP_S390_AIS_MIGRATION: Cap = Cap(150);
pub const KVM_CAP_S390_BPB: Cap = Cap(152);
pub const KVM_CAP_S390_CMMA_MIGRATION: Cap = Cap(145);
pub const KVM_CAP_S390_COW: Cap = Cap(79);
pub const KVM_CAP_S390_CPU_TOPOLOGY: Cap = Cap(222);
pub const KVM_CAP_S390_CSS_SUPPORT: Cap = Cap(85);
pub const KVM_CAP_S390_DIAG318: Cap = Cap(186);
pub const KVM_CAP_S390_GMAP: Cap = Cap(71);
pub const KVM_CAP_S390_GS: Cap = Cap(140);
pub const KVM_CAP_S390_HPAGE_1M: Cap = Cap(156);
pub const KVM_CAP_S390_HPAGE_2G: Cap = Cap(249);
pub const KVM_CAP_S390_INJECT_IRQ: Cap = Cap(113);
pub const KVM_CAP_S390_IRQCHIP: Cap = Cap(99);
pub const KVM_CAP_S390_IRQ_STATE: Cap = Cap(114);
pub const KVM_CAP_S390_KEYOP: Cap = Cap(247);
pub const KVM_CAP_S390_MEM_OP: Cap = Cap(108);
pub const KVM_CAP_S390_MEM_OP_EXTENSION: Cap = Cap(211);
pub const KVM_CAP_S390_PROTECTED: Cap = Cap(180);
pub const KVM_CAP_S390_PROTECTED_ASYNC_DISABLE: Cap = Cap(224);
pub const KVM_CAP_S390_PROTECTED_DUMP: Cap = Cap(217);
pub const KVM_CAP_S390_PSW: Cap = Cap(42);
pub const KVM_CAP_S390_RI: Cap = Cap(124);
pub const KVM_CAP_S390_SKEYS: Cap = Cap(110);
pub const KVM_CAP_S390_UCONTROL: Cap = Cap(73);
pub const KVM_CAP_S390_USER_INSTR0: Cap = Cap(130);
pub const KVM_CAP_S390_USER_OPEREXEC: Cap = Cap(246);
pub const KVM_CAP_S390_USER_SIGP: Cap = Cap(106);
pub const KVM_CAP_S390_USER_STSI: Cap = Cap(109);
pub const KVM_CAP_S390_VCPU_RESETS: Cap = Cap(179);
pub const KVM_CAP_S390_VECTOR_REGISTERS: Cap = Cap(107);
pub const KVM_CAP_S390_VSIE_ESAMODE: Cap = Cap(248);
pub const KVM_CAP_S390_ZPCI_OP: Cap = Cap(221);
pub const KVM_CAP_SET_BOOT_CPU_ID: Cap = Cap(34);
pub const KVM_CAP_SET_GUEST_DEBUG: Cap = Cap(23);
pub const KVM_CAP_SET_GUEST_DEBUG2: Cap = Cap(195);
pub const KVM_CAP_SET_IDENTITY_MAP_ADDR: Cap = Cap(37);
pub const KVM_CAP_SET_TSS_ADDR: Cap = Cap(4);
pub const KVM_CAP_SGX_ATTRIBUTE: Cap = Cap(196);
pub const KVM_CAP_SIGNAL_MSI: Cap = Cap(77);
pub const KVM_CAP_SMALLER_MAXPHYADDR: Cap = Cap(185);
pub const KVM_CAP_SPAPR_MULTITCE: Cap = Cap(94);
pub const KVM_CAP_SPAPR_RESIZE_HPT: Cap = Cap(133);
pub const KVM_CAP_SPAPR_TCE: Cap = Cap(63);
pub const KVM_CAP_SPAPR_TCE_64: Cap = Cap(125);
pub const KVM_CAP_SPAPR_TCE_VFIO: Cap = Cap(142);
pub const KVM_CAP_SPLIT_IRQCHIP: Cap = Cap(121);
pub const KVM_CAP_SREGS2: Cap = Cap(200);
pub const KVM_CAP_STEAL_TIME: Cap = Cap(187);
pub const KVM_CAP_SW_TLB: Cap = Cap(69);
pub const KVM_CAP_SYNC_MMU: Cap = Cap(16);
pub const KVM_CAP_SYNC_REGS: Cap = Cap(74);
pub const KVM_CAP_SYSTEM_EVENT_DATA: Cap = Cap(215);
pub const KVM_CAP_SYS_ATTRIBUTES: Cap = Cap(209);
pub const KVM_CAP_SYS_HYPERV_CPUID: Cap = Cap(191);
pub const KVM_CAP_TSC_CONTROL: Cap = Cap(60);
pub const KVM_CAP_TSC_DEADLINE_TIMER: Cap = Cap(72);
pub const KVM_CAP_USER_MEMORY: Cap = Cap(3);
pub const KVM_CAP_USER_MEMORY2: Cap = Cap(231);
pub const KVM_CAP_USER_NMI: Cap = Cap(22);
pub const KVM_CAP_VAPIC: Cap = Cap(6);
pub const KVM_CAP_VCPU_ATTRIBUTES: Cap = Cap(127);
pub const KVM_CAP_VCPU_EVENTS: Cap = Cap(41);
pub const KVM_CAP_VM_ATTRIBUTES: Cap = Cap(101);
pub const KVM_CAP_VM_COPY_ENC_CONTEXT_FROM: Cap = Cap(197);
pub const KVM_CAP_VM_DISABLE_NX_HUGE_PAGES: Cap = Cap(220);
pub const KVM_CAP_VM_GPA_BITS: Cap = Cap(207);
pub const KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM: Cap = Cap(206);
pub const KVM_CAP_VM_TSC_CONTROL: Cap = Cap(214);
pub const KVM_CAP_VM_TYPES: Cap = Cap(235);
pub const KVM_CAP_X2APIC_API: Cap = Cap(129);
pub const KVM_CAP_X86_APIC_BUS_CYCLES_NS: Cap = Cap(237);
pub const KVM_CAP_X86_BUS_LOCK_EXIT: Cap = Cap(193);
pub const KVM_CAP_X86_DISABLE_EXITS: Cap = Cap(143);
pub const KVM_CAP_X86_GUEST_MODE: Cap = Cap(238);
pub const KVM_CAP_X86_MSR_FILTER: Cap = Cap(189);
pub const KVM_CAP_X86_NOTIFY_VMEXIT: Cap = Cap(219);
pub const KVM_CAP_X86_ROBUST_SINGLESTEP: Cap = Cap(51);
pub const KVM_CAP_X86_SMM: Cap = Cap(117);
pub const KVM_CAP_X86_TRIPLE_FAULT_EVENT: Cap = Cap(218);
pub const KVM_CAP_X86_USER_SPACE_MSR: Cap = Cap(188);
pub const KVM_CAP_XCRS: Cap = Cap(56);
pub const KVM_CAP_XEN_HVM: Cap = Cap(38);
pub const KVM_CAP_XSAVE: Cap = Cap(55);
pub const KVM_CAP_XSAVE2: Cap = Cap(208);
pub const KVM_CLOCK_HOST_TSC: u32 = 8;
pub const KVM_CLOCK_PAIRING_WALLCLOCK: u32 = 0;
pub const KVM_CLOCK_REALTIME: u32 = 4;
pub const KVM_CLOCK_TSC_STABLE: u32 = 2;
pub const KVM_COALESCED_MMIO_PAGE_OFFSET: u32 = 2;
pub const KVM_CPUID_FEATURES: u32 = 1073741825;
pub const KVM_CPUID_FLAG_SIGNIFCANT_INDEX: CpuidFlags = CpuidFlags::KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
pub const KVM_CPUID_FLAG_STATEFUL_FUNC: CpuidFlags = CpuidFlags::KVM_CPUID_FLAG_STATEFUL_FUNC;
pub const KVM_CPUID_FLAG_STATE_READ_NEXT: CpuidFlags = CpuidFlags::KVM_CPUID_FLAG_STATE_READ_NEXT;
pub const KVM_CPUID_SIGNATURE: u32 = 1073741824;
pub const KVM_CREATE_DEVICE_TEST: u32 = 1;
pub const KVM_DEV_TYPE_ARM_PV_TIME: u32 = 10;
pub const KVM_DEV_TYPE_ARM_VGIC_ITS: u32 = 8;
pub const KVM_DEV_TYPE_ARM_VGIC_V2: u32 = 5;
pub const KVM_DEV_TYPE_ARM_VGIC_V3: u32 = 7;
pub const KVM_DEV_TYPE_ARM_VGIC_V5: u32 = 16;
pub const KVM_DEV_TYPE_FLIC: u32 = 6;
pub const KVM_DEV_TYPE_FSL_MPIC_20: u32 = 1;
pub const KVM_DEV_TYPE_FSL_MPIC_42: u32 = 2;
pub const KVM_DEV_TYPE_LOONGARCH_DMSINTC: u32 = 15;
pub const KVM_DEV_TYPE_LOONGARCH_EIOINTC: u32 = 13;
pub const KVM_DEV_TYPE_LOONGARCH_IPI: u32 = 12;
pub const KVM_DEV_TYPE_LOONGARCH_PCHPIC: u32 = 14;
pub const KVM_DEV_TYPE_RISCV_AIA: u32 = 11;
pub const KVM_DEV_TYPE_VFIO: u32 = 4;
pub const KVM_DEV_TYPE_XICS: u32 = 3;
pub const KVM_DEV_TYPE_XIVE: u32 = 9;
pub const KVM_DEV_VFIO_FILE: u32 = 1;
pub const KVM_DEV_VFIO_FILE_ADD: u32 = 1;
pub const KVM_DEV_VFIO_FILE_DEL: u32 = 2;
pub const KVM_DEV_VFIO_GROUP: u32 = 1;
pub const KVM_DEV_VFIO_GROUP_ADD: u32 = 1;
pub const KVM_DEV_VFIO_GROUP_DEL: u32 = 2;
pub const KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE: u32 = 3;
pub const KVM_DIRTY_GFN_F_DIRTY: u32 = 1;
pub const KVM_DIRTY_GFN_F_MASK: u32 = 3;
pub const KVM_DIRTY_GFN_F_RESET: u32 = 2;
pub const KVM_DIRTY_LOG_INITIALLY_SET: u32 = 2;
pub const KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE: u32 = 1;
pub const KVM_DIRTY_LOG_PAGE_OFFSET: u32 = 64;
pub const KVM_ENOSYS: u32 = 1000;
pub const KVM_EOPNOTSUPP: u32 = 95;
pub const KVM_EXIT_AP_RESET_HOLD: ExitReason = ExitReason(32);
pub const KVM_EXIT_ARM_LDST64B: ExitReason = ExitReason(42);
pub const KVM_EXIT_ARM_NISV: ExitReason = ExitReason(28);
pub const KVM_EXIT_ARM_SEA: ExitReason = ExitReason(41);
pub const KVM_EXIT_ARM_SEA_FLAG_GPA_VALID: u64 = 1;
pub const KVM_EXIT_DCR: ExitReason = ExitReason(15);
pub const KVM_EXIT_DEBUG: ExitReason = ExitReason(4);
pub const KVM_EXIT_DIRTY_RING_FULL: ExitReason = ExitReason(31);
pub const KVM_EXIT_EPR: ExitReason = ExitReason(23);
pub const KVM_EXIT_EXCEPTION: ExitReason = ExitReason(1);
pub const KVM_EXIT_FAIL_ENTRY: u64 = 9;
pub const KVM_EXIT_HLT: ExitReason = ExitReason(5);
pub const KVM_EXIT_HYPERCALL: ExitReason = ExitReason(3);
pub const KVM_EXIT_HYPERCALL_LONG_MODE: u64 = 1;
pub const KVM_EXIT_HYPERV: ExitReason = ExitReason(27);
pub const KVM_EXIT_HYPERV_HCALL: HypervExit = HypervExit(2);
pub const KVM_EXIT_HYPERV_SYNDBG: HypervExit = HypervExit(3);
pub const KVM_EXIT_HYPERV_SYNIC: HypervExit = HypervExit(1);
pub const KVM_EXIT_INTERNAL_ERROR: ExitReason = ExitReason(17);
pub const KVM_EXIT_INTR: ExitReason = ExitReason(10);
pub const KVM_EXIT_IO: ExitReason = ExitReason(2);
pub const KVM_EXIT_IOAPIC_EOI: ExitReason = ExitReason(26);
pub const KVM_EXIT_IO_IN: u64 = 0;
pub const KVM_EXIT_IO_OUT: u64 = 1;
pub const KVM_EXIT_IRQ_WINDOW_OPEN: ExitReason = ExitReason(7);
pub const KVM_EXIT_LOONGARCH_IOCSR: ExitReason = ExitReason(38);
pub const KVM_EXIT_MEMORY_FAULT: ExitReason = ExitReason(39);
pub const KVM_EXIT_MMIO: ExitReason = ExitReason(6);
pub const KVM_EXIT_NMI: ExitReason = ExitReason(16);
pub const KVM_EXIT_NOTIFY: ExitReason = ExitReason(37);
pub const KVM_EXIT_OSI: ExitReason = ExitReason(18);
pub const KVM_EXIT_PAPR_HCALL: ExitReason = ExitReason(19);
pub const KVM_EXIT_RISCV_CSR: ExitReason = ExitReason(36);
pub const KVM_EXIT_RISCV_SBI: ExitReason = ExitReason(35);
pub const KVM_EXIT_S390_RESET: ExitReason = ExitReason(14);
pub const KVM_EXIT_S390_SIEIC: ExitReason = ExitReason(13);
pub const KVM_EXIT_S390_STSI: ExitReason = ExitReason(25);
pub const KVM_EXIT_S390_TSCH: ExitReason = ExitReason(22);
pub const KVM_EXIT_S390_UCONTROL: ExitReason = ExitReason(20);
pub const KVM_EXIT_SET_TPR: ExitReason = ExitReason(11);
pub const KVM_EXIT_SHUTDOWN: ExitReason = ExitReason(8);
pub const KVM_EXIT_SNP_REQ_CERTS: ExitReason = ExitReason(43);
pub const KVM_EXIT_SYSTEM_EVENT: ExitReason = ExitReason(24);
pub const KVM_EXIT_TDX: ExitReason = ExitReason(40);
pub const KVM_EXIT_TPR_ACCESS: ExitReason = ExitReason(12);
pub const KVM_EXIT_UNKNOWN: ExitReason = ExitReason(0);
pub const KVM_EXIT_WATCHDOG: ExitReason = ExitReason(21);
pub const KVM_EXIT_X86_BUS_LOCK: ExitReason = ExitReason(33);
pub const KVM_EXIT_X86_RDMSR: ExitReason = ExitReason(29);
pub const KVM_EXIT_X86_WRMSR: ExitReason = ExitReason(30);
pub const KVM_EXIT_XEN: ExitReason = ExitReason(34);
pub const KVM_EXIT_XEN_HCALL: XenExit = XenExit(1);
pub const KVM_FEATURE_ASYNC_PF: u32 = 4;
pub const KVM_FEATURE_ASYNC_PF_INT: u32 = 14;
pub const KVM_FEATURE_ASYNC_PF_VMEXIT: u32 = 10;
pub const KVM_FEATURE_CLOCKSOURCE: u32 = 0;
pub const KVM_FEATURE_CLOCKSOURCE2: u32 = 3;
pub const KVM_FEATURE_CLOCKSOURCE_STABLE_BIT: u32 = 24;
pub const KVM_FEATURE_HC_MAP_GPA_RANGE: u32 = 16;
pub const KVM_FEATURE_MIGRATION_CONTROL: u32 = 17;
pub const KVM_FEATURE_MMU_OP: u32 = 2;
pub const KVM_FEATURE_MSI_EXT_DEST_ID: u32 = 15;
pub const KVM_FEATURE_NOP_IO_DELAY: u32 = 1;
pub const KVM_FEATURE_POLL_CONTROL: u32 = 12;
pub const KVM_FEATURE_PV_EOI: u32 = 6;
pub const KVM_FEATURE_PV_SCHED_YIELD: u32 = 13;
pub const KVM_FEATURE_PV_SEND_IPI: u32 = 11;
pub const KVM_FEATURE_PV_TLB_FLUSH: u32 = 9;
pub const KVM_FEATURE_PV_UNHALT: u32 = 7;
pub const KVM_FEATURE_STEAL_TIME: u32 = 5;
pub const KVM_GUESTDBG_BLOCKIRQ: GuestDebugFlags = GuestDebugFlags::KVM_GUESTDBG_BLOCKIRQ;
pub const KVM_GUESTDBG_ENABLE: GuestDebugFlags = GuestDebugFlags::KVM_GUESTDBG_ENABLE;
pub const KVM_GUESTDBG_INJECT_BP: GuestDebugFlags = GuestDebugFlags::KVM_GUESTDBG_INJECT_BP;
pub const KVM_GUESTDBG_INJECT_DB: GuestDebugFlags = GuestDebugFlags::KVM_GUESTDBG_INJECT_DB;
pub const KVM_GUESTDBG_SINGLESTEP: GuestDebugFlags = GuestDebugFlags::KVM_GUESTDBG_SINGLESTEP;
pub const KVM_GUESTDBG_USE_HW_BP: GuestDebugFlags = GuestDebugFlags::KVM_GUESTDBG_USE_HW_BP;
pub const KVM_GUESTDBG_USE_SW_BP: GuestDebugFlags = GuestDebugFlags::KVM_GUESTDBG_USE_SW_BP;
pub const KVM_HC_CLOCK_PAIRING: u32 = 9;
pub const KVM_HC_FEATURES: u32 = 3;
pub const KVM_HC_KICK_CPU: u32 = 5;
pub const KVM_HC_MAP_GPA_RANGE: u32 = 12;
pub const KVM_HC_MIPS_CONSOLE_OUTPUT: u32 = 8;
pub const KVM_HC_MIPS_EXIT_VM: u32 = 7;
pub const KVM_HC_MIPS_GET_CLOCK_FREQ: u32 = 6;
pub const KVM_HC_MMU_OP: u32 = 2;
pub const KVM_HC_PPC_MAP_MAGIC_PAGE: u32 = 4;
pub const KVM_HC_SCHED_YIELD: u32 = 11;
pub const KVM_HC_SEND_IPI: u32 = 10;
pub const KVM_HC_VAPIC_POLL_IRQ: u32 = 1;
pub const KVM_HINTS_REALTIME: u32 = 0;
pub const KVM_HYPERV_CONN_ID_MASK: u32 = 16777215;
pub const KVM_HYPERV_EVENTFD_DEASSIGN: u32 = 1;
pub const KVM_INTERNAL_ERROR_DELIVERY_EV: InternalError = InternalError(3);
pub const KVM_INTERNAL_ERROR_EMULATION: InternalError = InternalError(1);
pub const KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES: InternalError = InternalError(1);
pub const KVM_INTERNAL_ERROR_SIMUL_EX: InternalError = InternalError(2);
pub const KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON: InternalError = InternalError(4);
pub const KVM_IOAPIC_NUM_PINS: u32 = 24;
pub const KVM_IOEVENTFD_FLAG_DATAMATCH: u32 = 1;
pub const KVM_IOEVENTFD_FLAG_DEASSIGN: u32 = 4;
pub const KVM_IOEVENTFD_FLAG_PIO: u32 = 2;
pub const KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY: u32 = 8;
pub const KVM_IOEVENTFD_VALID_FLAG_MASK: u32 = 31;
pub const KVM_IRQCHIP_IOAPIC: u32 = 2;
pub const KVM_IRQCHIP_PIC_MASTER: u32 = 0;
pub const KVM_IRQCHIP_PIC_SLAVE: u32 = 1;
pub const KVM_IRQFD_FLAG_DEASSIGN: u32 = 1;
pub const KVM_IRQFD_FLAG_RESAMPLE: u32 = 2;
pub const KVM_IRQ_ROUTING_HV_SINT: u32 = 4;
pub const KVM_IRQ_ROUTING_IRQCHIP: u32 = 1;
pub const KVM_IRQ_ROUTING_MSI: u32 = 2;
pub const KVM_IRQ_ROUTING_S390_ADAPTER: u32 = 3;
pub const KVM_IRQ_ROUTING_XEN_EVTCHN: u32 = 5;
pub const KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL: u32 = 4294967295;
pub const KVM_MAP_GPA_RANGE_DECRYPTED: u32 = 0;
pub const KVM_MAP_GPA_RANGE_ENCRYPTED: u32 = 16;
pub const KVM_MAP_GPA_RANGE_PAGE_SZ_1G: u32 = 2;
pub const KVM_MAP_GPA_RANGE_PAGE_SZ_2M: u32 = 1;
pub const KVM_MAP_GPA_RANGE_PAGE_SZ_4K: u32 = 0;
pub const KVM_MAX_MMU_OP_BATCH: u32 = 32;
pub const KVM_MAX_XCRS: u32 = 16;
pub const KVM_MEMORY_ATTRIBUTE_PRIVATE: u32 = 8;
pub const KVM_MEMORY_EXIT_FLAG_PRIVATE: MemoryFaultFlags =
    MemoryFaultFlags::KVM_MEMORY_EXIT_FLAG_PRIVATE;
pub const KVM_MEM_GUEST_MEMFD: MemFlags = MemFlags::KVM_MEM_GUEST_MEMFD;
pub const KVM_MEM_LOG_DIRTY_PAGES: MemFlags = MemFlags::KVM_MEM_LOG_DIRTY_PAGES;
pub const KVM_MEM_READONLY: MemFlags = MemFlags::KVM_MEM_READONLY;
pub const KVM_MIGRATION_READY: u32 = 1;
pub const KVM_MMU_FSL_BOOKE_HV: u32 = 1;
pub const KVM_MMU_FSL_BOOKE_NOHV: u32 = 0;
pub const KVM_MMU_OP_FLUSH_TLB: u32 = 2;
pub const KVM_MMU_OP_RELEASE_PT: u32 = 3;
pub const KVM_MMU_OP_WRITE_PTE: u32 = 1;
pub const KVM_MP_STATE_AP_RESET_HOLD: MpState = MpState(9);
pub const KVM_MP_STATE_CHECK_STOP: MpState = MpState(6);
pub const KVM_MP_STATE_HALTED: MpState = MpState(3);
pub const KVM_MP_STATE_INIT_RECEIVED: MpState = MpState(2);
pub const KVM_MP_STATE_LOAD: MpState = MpState(8);
pub const KVM_MP_STATE_OPERATING: MpState = MpState(7);
pub const KVM_MP_STATE_RUNNABLE: MpState = MpState(0);
pub const KVM_MP_STATE_SIPI_RECEIVED: MpState = MpState(4);
pub const KVM_MP_STATE_STOPPED: MpState = MpState(5);
pub const KVM_MP_STATE_SUSPENDED: MpState = MpState(10);
pub const KVM_MP_STATE_UNINITIALIZED: MpState = MpState(1);
pub const KVM_MSI_VALID_DEVID: u32 = 1;
pub const KVM_MSR_ENABLED: u32 = 1;
pub const KVM_MSR_EXIT_REASON_FILTER: MsrExitReason = MsrExitReason::KVM_MSR_EXIT_REASON_FILTER;
pub const KVM_MSR_EXIT_REASON_INVAL: MsrExitReason = MsrExitReason::KVM_MSR_EXIT_REASON_INVAL;
pub const KVM_MSR_EXIT_REASON_UNKNOWN: MsrExitReason = MsrExitReason::KVM_MSR_EXIT_REASON_UNKNOWN;
pub const KVM_MSR_EXIT_REASON_VALID_MASK: MsrExitReason =
    MsrExitReason::KVM_MSR_EXIT_REASON_VALID_MASK;
pub const KVM_MSR_FILTER_DEFAULT_ALLOW: u32 = 0;
pub const KVM_MSR_FILTER_DEFAULT_DENY: u32 = 1;
pub const KVM_MSR_FILTER_MAX_BITMAP_SIZE: u32 = 1536;
pub const KVM_MSR_FILTER_MAX_RANGES: u32 = 16;
pub const KVM_MSR_FILTER_RANGE_VALID_MASK: u32 = 3;
pub const KVM_MSR_FILTER_READ: u32 = 1;
pub const KVM_MSR_FILTER_VALID_MASK: u32 = 1;
pub const KVM_MSR_FILTER_WRITE: u32 = 2;
pub const KVM_NOTIFY_CONTEXT_INVALID: NotifyFlags = NotifyFlags::KVM_NOTIFY_CONTEXT_INVALID;
pub const KVM_NR_INTERRUPTS: u32 = 256;
pub const KVM_NR_IRQCHIPS: u32 = 3;
pub const KVM_PIO_PAGE_OFFSET: u32 = 1;
pub const KVM_PIT_FLAGS_HPET_LEGACY: u32 = 1;
pub const KVM_PIT_FLAGS_SPEAKER_DATA_ON: u32 = 2;
pub const KVM_PIT_SPEAKER_DUMMY: u32 = 1;
pub const KVM_PMU_CAP_DISABLE: u32 = 1;
pub const KVM_PMU_EVENT_ALLOW: u32 = 0;
pub const KVM_PMU_EVENT_DENY: u32 = 1;
pub const KVM_PMU_EVENT_FLAGS_VALID_MASK: u32 = 1;
pub const KVM_PMU_EVENT_FLAG_MASKED_EVENTS: u32 = 1;
pub const KVM_PMU_MASKED_ENTRY_EVENT_SELECT: u64 = 64424509695;
pub const KVM_PMU_MASKED_ENTRY_EXCLUDE: u64 = 36028797018963968;
pub const KVM_PMU_MASKED_ENTRY_UMASK_MASK: u64 = 18374686479671623680;
pub const KVM_PMU_MASKED_ENTRY_UMASK_MASK_SHIFT: u32 = 56;
pub const KVM_PMU_MASKED_ENTRY_UMASK_MATCH: u32 = 65280;
pub const KVM_PV_EOI_BIT: u32 = 0;
pub const KVM_PV_EOI_DISABLED: u32 = 0;
pub const KVM_PV_EOI_ENABLED: u32 = 1;
pub const KVM_PV_EOI_MASK: u32 = 1;
pub const KVM_PV_REASON_PAGE_NOT_PRESENT: u32 = 1;
pub const KVM_PV_REASON_PAGE_READY: u32 = 2;
pub const KVM_REG_ARCH_MASK: u64 = 18374686479671623680;
pub const KVM_REG_ARM: u64 = 4611686018427387904;
pub const KVM_REG_ARM64: u64 = 6917529027641081856;
pub const KVM_REG_GENERIC: u32 = 0;
pub const KVM_REG_GUEST_SSP: u32 = 0;
pub const KVM_REG_IA64: u64 = 3458764513820540928;
pub const KVM_REG_LOONGARCH: u64 = 10376293541461622784;
pub const KVM_REG_MIPS: u64 = 8070450532247928832;
pub const KVM_REG_PPC: u64 = 1152921504606846976;
pub const KVM_REG_RISCV: u64 = 9223372036854775808;
pub const KVM_REG_S390: u64 = 5764607523034234880;
pub const KVM_REG_SIZE_MASK: u64 = 67553994410557440;
pub const KVM_REG_SIZE_SHIFT: u32 = 52;
pub const KVM_REG_SIZE_U1024: u64 = 31525197391593472;
pub const KVM_REG_SIZE_U128: u64 = 18014398509481984;
pub const KVM_REG_SIZE_U16: u64 = 4503599627370496;
pub const KVM_REG_SIZE_U2048: u64 = 36028797018963968;
pub const KVM_REG_SIZE_U256: u64 = 22517998136852480;
pub const KVM_REG_SIZE_U32: u64 = 9007199254740992;
pub const KVM_REG_SIZE_U512: u64 = 27021597764222976;
pub const KVM_REG_SIZE_U64: u64 = 13510798882111488;
pub const KVM_REG_SIZE_U8: u32 = 0;
pub const KVM_REG_X86: u64 = 2305843009213693952;
pub const KVM_RUN_X86_BUS_LOCK: RunFlags = RunFlags::KVM_RUN_X86_BUS_LOCK;
pub const KVM_RUN_X86_GUEST_MODE: RunFlags = RunFlags::KVM_RUN_X86_GUEST_MODE;
pub const KVM_RUN_X86_SMM: RunFlags = RunFlags::KVM_RUN_X86_SMM;
pub const KVM_S390_GET_SKEYS_NONE: u32 = 1;
pub const KVM_S390_KEYOP_ISKE: u32 = 1;
pub const KVM_S390_KEYOP_RRBE: u32 = 2;
pub const KVM_S390_KEYOP_SSKE: u32 = 3;
pub const KVM_S390_SIE_PAGE_OFFSET: u32 = 1;
pub const KVM_S390_SKEYS_MAX: u32 = 1048576;
pub const KVM_S390_STORE_STATUS_NOADDR: u64 = 18446744073709551615;
pub const KVM_S390_STORE_STATUS_PREFIXED: u64 = 18446744073709551614;
pub const KVM_SEV_PAGE_TYPE_INVALID: u32 = 0;
pub const KVM_SEV_SNP_FINISH_DATA_SIZE: u32 = 32;
pub const KVM_SEV_SNP_ID_AUTH_SIZE: u32 = 4096;
pub const KVM_SEV_SNP_ID_BLOCK_SIZE: u32 = 96;
pub const KVM_SEV_SNP_PAGE_TYPE_CPUID: u32 = 6;
pub const KVM_SEV_SNP_PAGE_TYPE_NORMAL: u32 = 1;
pub const KVM_SEV_SNP_PAGE_TYPE_SECRETS: u32 = 5;
pub const KVM_SEV_SNP_PAGE_TYPE_UNMEASURED: u32 = 4;
pub const KVM_SEV_SNP_PAGE_TYPE_ZERO: u32 = 3;
pub const KVM_SIGNATURE: u32 = 0;
pub const KVM_SREGS2_FLAGS_PDPTRS_VALID: u32 = 1;
pub const KVM_STATE_NESTED_EVMCS: u32 = 4;
pub const KVM_STATE_NESTED_FORMAT_SVM: u32 = 1;
pub const KVM_STATE_NESTED_FORMAT_VMX: u32 = 0;
pub const KVM_STATE_NESTED_GIF_SET: u32 = 256;
pub const KVM_STATE_NESTED_GUEST_MODE: u32 = 1;
pub const KVM_STATE_NESTED_MTF_PENDING: u32 = 8;
pub const KVM_STATE_NESTED_RUN_PENDING: u32 = 2;
pub const KVM_STATE_NESTED_SMM_GUEST_MODE: u32 = 1;
pub const KVM_STATE_NESTED_SMM_VMXON: u32 = 2;
pub const KVM_STATE_NESTED_SVM_VMCB_SIZE: u32 = 4096;
pub const KVM_STATE_NESTED_VMX_VMCS_SIZE: u32 = 4096;
pub const KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE: u32 = 1;
pub const KVM_STATS_BASE_MASK: u32 = 3840;
pub const KVM_STATS_BASE_MAX: u32 = 256;
pub const KVM_STATS_BASE_POW10: u32 = 0;
pub const KVM_STATS_BASE_POW2: u32 = 256;
pub const KVM_STATS_BASE_SHIFT: u32 = 8;
pub const KVM_STATS_TYPE_CUMULATIVE: u32 = 0;
pub const KVM_STATS_TYPE_INSTANT: u32 = 1;
pub const KVM_STATS_TYPE_LINEAR_HIST: u32 = 3;
pub const KVM_STATS_TYPE_LOG_HIST: u32 = 4;
pub const KVM_STATS_TYPE_MASK: u32 = 15;
pub const KVM_STATS_TYPE_MAX: u32 = 4;
pub const KVM_STATS_TYPE_PEAK: u32 = 2;
pub const KVM_STATS_TYPE_SHIFT: u32 = 0;
pub const KVM_STATS_UNIT_BOOLEAN: u32 = 64;
pub const KVM_STATS_UNIT_BYTES: u32 = 16;
pub const KVM_STATS_UNIT_CYCLES: u32 = 48;
pub const KVM_STATS_UNIT_MASK: u32 = 240;
pub const KVM_STATS_UNIT_MAX: u32 = 64;
pub const KVM_STATS_UNIT_NONE: u32 = 0;
pub const KVM_STATS_UNIT_SECONDS: u32 = 32;
pub const KVM_STATS_UNIT_SHIFT: u32 = 4;
pub const KVM_STEAL_ALIGNMENT_BITS: u32 = 5;
pub const KVM_STEAL_RESERVED_MASK: u32 = 62;
pub const KVM_STEAL_VALID_BITS: u64 = 18446744073709551552;
pub const KVM_SYNC_X86_EVENTS: SyncRegs = SyncRegs::KVM_SYNC_X86_EVENTS;
pub const KVM_SYNC_X86_REGS: SyncRegs = SyncRegs::KVM_SYNC_X86_REGS;
pub const KVM_SYNC_X86_SREGS: SyncRegs = SyncRegs::KVM_SYNC_X86_SREGS;
pub const KVM_SYNC_X86_VALID_FIELDS: SyncRegs = SyncRegs::KVM_SYNC_X86_VALID_FIELDS;
pub const KVM_SYSTEM_EVENT_CRASH: SystemEvent = SystemEvent(3);
pub const KVM_SYSTEM_EVENT_RESET: SystemEvent = SystemEvent(2);
pub const KVM_SYSTEM_EVENT_SEV_TERM: SystemEvent = SystemEvent(6);
pub const KVM_SYSTEM_EVENT_SHUTDOWN: SystemEvent = SystemEvent(1);
pub const KVM_SYSTEM_EVENT_SUSPEND: SystemEvent = SystemEvent(5);
pub const KVM_SYSTEM_EVENT_TDX_FATAL: SystemEvent = SystemEvent(7);
pub const KVM_SYSTEM_EVENT_WAKEUP: SystemEvent = SystemEvent(4);
pub const KVM_TDX_MEASURE_MEMORY_REGION: u32 = 1;
pub const KVM_VCPUEVENT_VALID_NMI_PENDING: VcpuEventFlags =
    VcpuEventFlags::KVM_VCPUEVENT_VALID_NMI_PENDING;
pub const KVM_VCPUEVENT_VALID_PAYLOAD: VcpuEventFlags = VcpuEventFlags::KVM_VCPUEVENT_VALID_PAYLOAD;
pub const KVM_VCPUEVENT_VALID_SHADOW: VcpuEventFlags = VcpuEventFlags::KVM_VCPUEVENT_VALID_SHADOW;
pub const KVM_VCPUEVENT_VALID_SIPI_VECTOR: VcpuEventFlags =
    VcpuEventFlags::KVM_VCPUEVENT_VALID_SIPI_VECTOR;
pub const KVM_VCPUEVENT_VALID_SMM: VcpuEventFlags = VcpuEventFlags::KVM_VCPUEVENT_VALID_SMM;
pub const KVM_VCPUEVENT_VALID_TRIPLE_FAULT: VcpuEventFlags =
    VcpuEventFlags::KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
pub const KVM_VCPU_FLUSH_TLB: u32 = 2;
pub const KVM_VCPU_PREEMPTED: u32 = 1;
pub const KVM_VCPU_TSC_CTRL: u32 = 0;
pub const KVM_VCPU_TSC_OFFSET: u32 = 0;
pub const KVM_VM_MIPS_AUTO: u32 = 0;
pub const KVM_VM_MIPS_TE: u32 = 2;
pub const KVM_VM_MIPS_VZ: u32 = 1;
pub const KVM_VM_PPC_HV: u32 = 1;
pub const KVM_VM_PPC_PR: u32 = 2;
pub const KVM_VM_S390_UCONTROL: u32 = 1;
pub const KVM_VM_TYPE_ARM_IPA_SIZE_MASK: u32 = 255;
pub const KVM_VM_TYPE_ARM_MASK: u32 = 2147483903;
pub const KVM_VM_TYPE_ARM_PROTECTED: u32 = 2147483648;
pub const KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK: u32 = 2;
pub const KVM_X2APIC_API_USE_32BIT_IDS: u32 = 1;
pub const KVM_X2APIC_DISABLE_SUPPRESS_EOI_BROADCAST: u32 = 8;
pub const KVM_X2APIC_ENABLE_SUPPRESS_EOI_BROADCAST: u32 = 4;
pub const KVM_X86_DEFAULT_VM: u32 = 0;
pub const KVM_X86_DISABLE_EXITS_APERFMPERF: u32 = 16;
pub const KVM_X86_DISABLE_EXITS_CSTATE: u32 = 8;
pub const KVM_X86_DISABLE_EXITS_HLT: u32 = 2;
pub const KVM_X86_DISABLE_EXITS_MWAIT: u32 = 1;
pub const KVM_X86_DISABLE_EXITS_PAUSE: u32 = 4;
pub const KVM_X86_GRP_SEV: u32 = 1;
pub const KVM_X86_GRP_SYSTEM: u32 = 0;
pub const KVM_X86_NOTIFY_VMEXIT_ENABLED: u32 = 1;
pub const KVM_X86_NOTIFY_VMEXIT_USER: u32 = 2;
pub const KVM_X86_QUIRK_CD_NW_CLEARED: u32 = 2;
pub const KVM_X86_QUIRK_FIX_HYPERCALL_INSN: u32 = 32;
pub const KVM_X86_QUIRK_IGNORE_GUEST_PAT: u32 = 512;
pub const KVM_X86_QUIRK_LAPIC_MMIO_HOLE: u32 = 4;
pub const KVM_X86_QUIRK_LINT0_REENABLED: u32 = 1;
pub const KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT: u32 = 16;
pub const KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS: u32 = 64;
pub const KVM_X86_QUIRK_NESTED_SVM_SHARED_PAT: u32 = 2048;
pub const KVM_X86_QUIRK_OUT_7E_INC_RIP: u32 = 8;
pub const KVM_X86_QUIRK_SLOT_ZAP_ALL: u32 = 128;
pub const KVM_X86_QUIRK_STUFF_FEATURE_MSRS: u32 = 256;
pub const KVM_X86_QUIRK_VMCS12_ALLOW_FREEZE_IN_SMM: u32 = 1024;
pub const KVM_X86_REG_TYPE_KVM: u32 = 3;
pub const KVM_X86_REG_TYPE_MSR: u32 = 2;
pub const KVM_X86_SEV_ES_VM: u32 = 3;
pub const KVM_X86_SEV_SNP_REQ_CERTS: u32 = 2;
pub const KVM_X86_SEV_VM: u32 = 2;
pub const KVM_X86_SEV_VMSA_FEATURES: u32 = 0;
pub const KVM_X86_SHADOW_INT_MOV_SS: u32 = 1;
pub const KVM_X86_SHADOW_INT_STI: u32 = 2;
pub const KVM_X86_SNP_POLICY_BITS: u32 = 1;
pub const KVM_X86_SNP_VM: u32 = 4;
pub const KVM_X86_SW_PROTECTED_VM: u32 = 1;
pub const KVM_X86_TDX_VM: u32 = 5;
pub const KVM_X86_XCOMP_GUEST_SUPP: u32 = 0;
pub const KVM_XEN_ATTR_TYPE_EVTCHN: u32 = 3;
pub const KVM_XEN_ATTR_TYPE_LONG_MODE: u32 = 0;
pub const KVM_XEN_ATTR_TYPE_RUNSTATE_UPDATE_FLAG: u32 = 5;
pub const KVM_XEN_ATTR_TYPE_SHARED_INFO: u32 = 1;
pub const KVM_XEN_ATTR_TYPE_SHARED_INFO_HVA: u32 = 6;
pub const KVM_XEN_ATTR_TYPE_UPCALL_VECTOR: u32 = 2;
pub const KVM_XEN_ATTR_TYPE_XEN_VERSION: u32 = 4;
pub const KVM_XEN_EVTCHN_DEASSIGN: u32 = 1;
pub const KVM_XEN_EVTCHN_RESET: u32 = 4;
pub const KVM_XEN_EVTCHN_UPDATE: u32 = 2;
pub const KVM_XEN_HVM_CONFIG_EVTCHN_2LEVEL: u32 = 16;
pub const KVM_XEN_HVM_CONFIG_EVTCHN_SEND: u32 = 32;
pub const KVM_XEN_HVM_CONFIG_HYPERCALL_MSR: u32 = 1;
pub const KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL: u32 = 2;
pub const KVM_XEN_HVM_CONFIG_PVCLOCK_TSC_UNSTABLE: u32 = 128;
pub const KVM_XEN_HVM_CONFIG_RUNSTATE: u32 = 8;
pub const KVM_XEN_HVM_CONFIG_RUNSTATE_UPDATE_FLAG: u32 = 64;
pub const KVM_XEN_HVM_CONFIG_SHARED_INFO: u32 = 4;
pub const KVM_XEN_HVM_CONFIG_SHARED_INFO_HVA: u32 = 256;
pub const KVM_XEN_INVALID_GFN: u64 = 18446744073709551615;
pub const KVM_XEN_INVALID_GPA: u64 = 18446744073709551615;
pub const KVM_XEN_MSR_MAX_INDEX: u32 = 1342177279;
pub const KVM_XEN_MSR_MIN_INDEX: u32 = 1073741824;
pub const KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR: u32 = 2;
pub const KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADJUST: u32 = 5;
pub const KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_CURRENT: u32 = 3;
pub const KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_DATA: u32 = 4;
pub const KVM_XEN_VCPU_ATTR_TYPE_TIMER: u32 = 7;
pub const KVM_XEN_VCPU_ATTR_TYPE_UPCALL_VECTOR: u32 = 8;
pub const KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID: u32 = 6;
pub const KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO: u32 = 0;
pub const KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO_HVA: u32 = 9;
pub const KVM_XEN_VCPU_ATTR_TYPE_VCPU_TIME_INFO: u32 = 1;
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_pic_state {
    pub last_irr: u8,
    pub irr: u8,
    pub imr: u8,
    pub isr: u8,
    pub priority_add: u8,
    pub irq_base: u8,
    pub read_reg_select: u8,
    pub poll: u8,
    pub special_mask: u8,
    pub init_state: u8,
    pub auto_eoi: u8,
    pub rotate_on_auto_eoi: u8,
    pub special_fully_nested_mode: u8,
    pub init4: u8,
    pub elcr: u8,
    pub elcr_mask: u8,
}
impl Default for kvm_pic_state {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_pic_state>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_ioapic_state_redirtbl_fields {
    pub vector: u8,
    pub _pad0: [u8; 2],
    pub reserved: [u8; 4],
    pub dest_id: u8,
}
impl Default for kvm_ioapic_state_redirtbl_fields {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_ioapic_state_redirtbl_fields>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_ioapic_state_redirtbl(pub [u64; 1]);
impl Default for kvm_ioapic_state_redirtbl {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_ioapic_state_redirtbl {
    pub fn as_bits(&self) -> &u64 {
        match <u64 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_bits_mut(&mut self) -> &mut u64 {
        match <u64 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_fields(&self) -> &kvm_ioapic_state_redirtbl_fields {
        match <kvm_ioapic_state_redirtbl_fields as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_fields_mut(&mut self) -> &mut kvm_ioapic_state_redirtbl_fields {
        match <kvm_ioapic_state_redirtbl_fields as FromBytes>::mut_from_prefix(
            self.0.as_mut_bytes(),
        ) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_ioapic_state {
    pub base_address: u64,
    pub ioregsel: u32,
    pub id: u32,
    pub irr: u32,
    pub pad: u32,
    pub redirtbl: [kvm_ioapic_state_redirtbl; 24],
}
impl Default for kvm_ioapic_state {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_ioapic_state>() == 216);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_regs {
    pub rax: u64,
    pub rbx: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub rsp: u64,
    pub rbp: u64,
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rip: u64,
    pub rflags: u64,
}
impl Default for kvm_regs {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_regs>() == 144);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_lapic_state {
    pub regs: [u8; 1024],
}
impl Default for kvm_lapic_state {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_lapic_state>() == 1024);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_segment {
    pub base: u64,
    pub limit: u32,
    pub selector: u16,
    pub type_: u8,
    pub present: u8,
    pub dpl: u8,
    pub db: u8,
    pub s: u8,
    pub l: u8,
    pub g: u8,
    pub avl: u8,
    pub unusable: u8,
    pub padding: u8,
}
impl Default for kvm_segment {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_segment>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_dtable {
    pub base: u64,
    pub limit: u16,
    pub padding: [u16; 3],
}
impl Default for kvm_dtable {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_dtable>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sregs {
    pub cs: kvm_segment,
    pub ds: kvm_segment,
    pub es: kvm_segment,
    pub fs: kvm_segment,
    pub gs: kvm_segment,
    pub ss: kvm_segment,
    pub tr: kvm_segment,
    pub ldt: kvm_segment,
    pub gdt: kvm_dtable,
    pub idt: kvm_dtable,
    pub cr0: u64,
    pub cr2: u64,
    pub cr3: u64,
    pub cr4: u64,
    pub cr8: u64,
    pub efer: u64,
    pub apic_base: u64,
    pub interrupt_bitmap: [u64; 4],
}
impl Default for kvm_sregs {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sregs>() == 312);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sregs2 {
    pub cs: kvm_segment,
    pub ds: kvm_segment,
    pub es: kvm_segment,
    pub fs: kvm_segment,
    pub gs: kvm_segment,
    pub ss: kvm_segment,
    pub tr: kvm_segment,
    pub ldt: kvm_segment,
    pub gdt: kvm_dtable,
    pub idt: kvm_dtable,
    pub cr0: u64,
    pub cr2: u64,
    pub cr3: u64,
    pub cr4: u64,
    pub cr8: u64,
    pub efer: u64,
    pub apic_base: u64,
    pub flags: u64,
    pub pdptrs: [u64; 4],
}
impl Default for kvm_sregs2 {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sregs2>() == 320);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_fpu {
    pub fpr: [[u8; 16]; 8],
    pub fcw: u16,
    pub fsw: u16,
    pub ftwx: u8,
    pub pad1: u8,
    pub last_opcode: u16,
    pub last_ip: u64,
    pub last_dp: u64,
    pub xmm: [[u8; 16]; 16],
    pub mxcsr: u32,
    pub pad2: u32,
}
impl Default for kvm_fpu {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_fpu>() == 416);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_msr_entry {
    pub index: u32,
    pub reserved: u32,
    pub data: u64,
}
impl Default for kvm_msr_entry {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_msr_entry>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_msrs {
    pub nmsrs: u32,
    pub pad: u32,
}
impl Default for kvm_msrs {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_msrs>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_msr_list {
    pub nmsrs: u32,
}
impl Default for kvm_msr_list {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_msr_list>() == 4);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_msr_filter_range {
    pub flags: u32,
    pub nmsrs: u32,
    pub base: u32,
    pub _pad0: [u8; 4],
    pub bitmap: u64,
}
impl Default for kvm_msr_filter_range {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_msr_filter_range>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_msr_filter {
    pub flags: u32,
    pub _pad0: [u8; 4],
    pub ranges: [kvm_msr_filter_range; 16],
}
impl Default for kvm_msr_filter {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_msr_filter>() == 392);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_cpuid_entry {
    pub function: u32,
    pub eax: u32,
    pub ebx: u32,
    pub ecx: u32,
    pub edx: u32,
    pub padding: u32,
}
impl Default for kvm_cpuid_entry {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_cpuid_entry>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_cpuid {
    pub nent: u32,
    pub padding: u32,
}
impl Default for kvm_cpuid {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_cpuid>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_cpuid_entry2 {
    pub function: u32,
    pub index: u32,
    pub flags: CpuidFlags,
    pub eax: u32,
    pub ebx: u32,
    pub ecx: u32,
    pub edx: u32,
    pub padding: [u32; 3],
}
impl Default for kvm_cpuid_entry2 {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_cpuid_entry2>() == 40);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_cpuid2 {
    pub nent: u32,
    pub padding: u32,
}
impl Default for kvm_cpuid2 {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_cpuid2>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_pit_channel_state {
    pub count: u32,
    pub latched_count: u16,
    pub count_latched: u8,
    pub status_latched: u8,
    pub status: u8,
    pub read_state: u8,
    pub write_state: u8,
    pub write_latch: u8,
    pub rw_mode: u8,
    pub mode: u8,
    pub bcd: u8,
    pub gate: u8,
    pub count_load_time: i64,
}
impl Default for kvm_pit_channel_state {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_pit_channel_state>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_debug_exit_arch {
    pub exception: u32,
    pub pad: u32,
    pub pc: u64,
    pub dr6: u64,
    pub dr7: u64,
}
impl Default for kvm_debug_exit_arch {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_debug_exit_arch>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_guest_debug_arch {
    pub debugreg: [u64; 8],
}
impl Default for kvm_guest_debug_arch {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_guest_debug_arch>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_pit_state {
    pub channels: [kvm_pit_channel_state; 3],
}
impl Default for kvm_pit_state {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_pit_state>() == 72);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_pit_state2 {
    pub channels: [kvm_pit_channel_state; 3],
    pub flags: u32,
    pub reserved: [u32; 9],
}
impl Default for kvm_pit_state2 {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_pit_state2>() == 112);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_reinject_control {
    pub pit_reinject: u8,
    pub reserved: [u8; 31],
}
impl Default for kvm_reinject_control {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_reinject_control>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vcpu_events_exception {
    pub injected: u8,
    pub nr: u8,
    pub has_error_code: u8,
    pub pending: u8,
    pub error_code: u32,
}
impl Default for kvm_vcpu_events_exception {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vcpu_events_exception>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vcpu_events_interrupt {
    pub injected: u8,
    pub nr: u8,
    pub soft: u8,
    pub shadow: u8,
}
impl Default for kvm_vcpu_events_interrupt {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vcpu_events_interrupt>() == 4);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vcpu_events_nmi {
    pub injected: u8,
    pub pending: u8,
    pub masked: u8,
    pub pad: u8,
}
impl Default for kvm_vcpu_events_nmi {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vcpu_events_nmi>() == 4);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vcpu_events_smi {
    pub smm: u8,
    pub pending: u8,
    pub smm_inside_nmi: u8,
    pub latched_init: u8,
}
impl Default for kvm_vcpu_events_smi {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vcpu_events_smi>() == 4);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vcpu_events_triple_fault {
    pub pending: u8,
}
impl Default for kvm_vcpu_events_triple_fault {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vcpu_events_triple_fault>() == 1);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vcpu_events {
    pub exception: kvm_vcpu_events_exception,
    pub interrupt: kvm_vcpu_events_interrupt,
    pub nmi: kvm_vcpu_events_nmi,
    pub sipi_vector: u32,
    pub flags: VcpuEventFlags,
    pub smi: kvm_vcpu_events_smi,
    pub triple_fault: kvm_vcpu_events_triple_fault,
    pub reserved: [u8; 26],
    pub exception_has_payload: u8,
    pub exception_payload: u64,
}
impl Default for kvm_vcpu_events {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vcpu_events>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_debugregs {
    pub db: [u64; 4],
    pub dr6: u64,
    pub dr7: u64,
    pub flags: u64,
    pub reserved: [u64; 9],
}
impl Default for kvm_debugregs {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_debugregs>() == 128);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xsave {
    pub region: [u32; 1024],
}
impl Default for kvm_xsave {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xsave>() == 4096);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xcr {
    pub xcr: u32,
    pub reserved: u32,
    pub value: u64,
}
impl Default for kvm_xcr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xcr>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xcrs {
    pub nr_xcrs: u32,
    pub flags: u32,
    pub xcrs: [kvm_xcr; 16],
    pub padding: [u64; 16],
}
impl Default for kvm_xcrs {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xcrs>() == 392);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sync_regs {
    pub regs: kvm_regs,
    pub sregs: kvm_sregs,
    pub events: kvm_vcpu_events,
}
impl Default for kvm_sync_regs {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sync_regs>() == 520);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vmx_nested_state_data {
    pub vmcs12: [u8; 4096],
    pub shadow_vmcs12: [u8; 4096],
}
impl Default for kvm_vmx_nested_state_data {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vmx_nested_state_data>() == 8192);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vmx_nested_state_hdr_smm {
    pub flags: u16,
}
impl Default for kvm_vmx_nested_state_hdr_smm {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vmx_nested_state_hdr_smm>() == 2);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vmx_nested_state_hdr {
    pub vmxon_pa: u64,
    pub vmcs12_pa: u64,
    pub smm: kvm_vmx_nested_state_hdr_smm,
    pub pad: u16,
    pub flags: u32,
    pub preemption_timer_deadline: u64,
}
impl Default for kvm_vmx_nested_state_hdr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vmx_nested_state_hdr>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_svm_nested_state_data {
    pub vmcb12: [u8; 4096],
}
impl Default for kvm_svm_nested_state_data {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_svm_nested_state_data>() == 4096);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_svm_nested_state_hdr {
    pub vmcb_pa: u64,
    pub gpat: u64,
}
impl Default for kvm_svm_nested_state_hdr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_svm_nested_state_hdr>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_nested_state_hdr(pub [u64; 15]);
impl Default for kvm_nested_state_hdr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_nested_state_hdr {
    pub fn as_vmx(&self) -> &kvm_vmx_nested_state_hdr {
        match <kvm_vmx_nested_state_hdr as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_vmx_mut(&mut self) -> &mut kvm_vmx_nested_state_hdr {
        match <kvm_vmx_nested_state_hdr as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_svm(&self) -> &kvm_svm_nested_state_hdr {
        match <kvm_svm_nested_state_hdr as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_svm_mut(&mut self) -> &mut kvm_svm_nested_state_hdr {
        match <kvm_svm_nested_state_hdr as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_pad(&self) -> &[u8; 120] {
        match <[u8; 120] as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_pad_mut(&mut self) -> &mut [u8; 120] {
        match <[u8; 120] as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_nested_state {
    pub flags: u16,
    pub format: u16,
    pub size: u32,
    pub hdr: kvm_nested_state_hdr,
}
impl Default for kvm_nested_state {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_nested_state>() == 128);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_pmu_event_filter {
    pub action: u32,
    pub nevents: u32,
    pub fixed_counter_bitmap: u32,
    pub flags: u32,
    pub pad: [u32; 4],
}
impl Default for kvm_pmu_event_filter {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_pmu_event_filter>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_x86_mce {
    pub status: u64,
    pub addr: u64,
    pub misc: u64,
    pub mcg_status: u64,
    pub bank: u8,
    pub pad1: [u8; 7],
    pub pad2: [u64; 3],
}
impl Default for kvm_x86_mce {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_x86_mce>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_hvm_config {
    pub flags: u32,
    pub msr: u32,
    pub blob_addr_32: u64,
    pub blob_addr_64: u64,
    pub blob_size_32: u8,
    pub blob_size_64: u8,
    pub pad2: [u8; 30],
}
impl Default for kvm_xen_hvm_config {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xen_hvm_config>() == 56);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_hvm_attr_u_shared_info(pub [u64; 1]);
impl Default for kvm_xen_hvm_attr_u_shared_info {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_xen_hvm_attr_u_shared_info {
    pub fn as_gfn(&self) -> &u64 {
        match <u64 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_gfn_mut(&mut self) -> &mut u64 {
        match <u64 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hva(&self) -> &u64 {
        match <u64 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hva_mut(&mut self) -> &mut u64 {
        match <u64 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_hvm_attr_u_evtchn_deliver_port {
    pub port: u32,
    pub vcpu: u32,
    pub priority: u32,
}
impl Default for kvm_xen_hvm_attr_u_evtchn_deliver_port {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xen_hvm_attr_u_evtchn_deliver_port>() == 12);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_hvm_attr_u_evtchn_deliver_eventfd {
    pub port: u32,
    pub fd: i32,
}
impl Default for kvm_xen_hvm_attr_u_evtchn_deliver_eventfd {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xen_hvm_attr_u_evtchn_deliver_eventfd>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_hvm_attr_u_evtchn_deliver(pub [u32; 4]);
impl Default for kvm_xen_hvm_attr_u_evtchn_deliver {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_xen_hvm_attr_u_evtchn_deliver {
    pub fn as_port(&self) -> &kvm_xen_hvm_attr_u_evtchn_deliver_port {
        match <kvm_xen_hvm_attr_u_evtchn_deliver_port as FromBytes>::ref_from_prefix(
            self.0.as_bytes(),
        ) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_port_mut(&mut self) -> &mut kvm_xen_hvm_attr_u_evtchn_deliver_port {
        match <kvm_xen_hvm_attr_u_evtchn_deliver_port as FromBytes>::mut_from_prefix(
            self.0.as_mut_bytes(),
        ) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_eventfd(&self) -> &kvm_xen_hvm_attr_u_evtchn_deliver_eventfd {
        match <kvm_xen_hvm_attr_u_evtchn_deliver_eventfd as FromBytes>::ref_from_prefix(
            self.0.as_bytes(),
        ) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_eventfd_mut(&mut self) -> &mut kvm_xen_hvm_attr_u_evtchn_deliver_eventfd {
        match <kvm_xen_hvm_attr_u_evtchn_deliver_eventfd as FromBytes>::mut_from_prefix(
            self.0.as_mut_bytes(),
        ) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_padding(&self) -> &[u32; 4] {
        match <[u32; 4] as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_padding_mut(&mut self) -> &mut [u32; 4] {
        match <[u32; 4] as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_hvm_attr_u_evtchn {
    pub send_port: u32,
    pub type_: u32,
    pub flags: u32,
    pub deliver: kvm_xen_hvm_attr_u_evtchn_deliver,
}
impl Default for kvm_xen_hvm_attr_u_evtchn {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xen_hvm_attr_u_evtchn>() == 28);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_hvm_attr_u(pub [u64; 8]);
impl Default for kvm_xen_hvm_attr_u {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_xen_hvm_attr_u {
    pub fn as_long_mode(&self) -> &u8 {
        match <u8 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_long_mode_mut(&mut self) -> &mut u8 {
        match <u8 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_vector(&self) -> &u8 {
        match <u8 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_vector_mut(&mut self) -> &mut u8 {
        match <u8 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_runstate_update_flag(&self) -> &u8 {
        match <u8 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_runstate_update_flag_mut(&mut self) -> &mut u8 {
        match <u8 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_shared_info(&self) -> &kvm_xen_hvm_attr_u_shared_info {
        match <kvm_xen_hvm_attr_u_shared_info as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_shared_info_mut(&mut self) -> &mut kvm_xen_hvm_attr_u_shared_info {
        match <kvm_xen_hvm_attr_u_shared_info as FromBytes>::mut_from_prefix(self.0.as_mut_bytes())
        {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_evtchn(&self) -> &kvm_xen_hvm_attr_u_evtchn {
        match <kvm_xen_hvm_attr_u_evtchn as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_evtchn_mut(&mut self) -> &mut kvm_xen_hvm_attr_u_evtchn {
        match <kvm_xen_hvm_attr_u_evtchn as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_xen_version(&self) -> &u32 {
        match <u32 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_xen_version_mut(&mut self) -> &mut u32 {
        match <u32 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_pad(&self) -> &[u64; 8] {
        match <[u64; 8] as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_pad_mut(&mut self) -> &mut [u64; 8] {
        match <[u64; 8] as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_hvm_attr {
    pub type_: u16,
    pub pad: [u16; 3],
    pub u: kvm_xen_hvm_attr_u,
}
impl Default for kvm_xen_hvm_attr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xen_hvm_attr>() == 72);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_vcpu_attr_u_runstate {
    pub state: u64,
    pub state_entry_time: u64,
    pub time_running: u64,
    pub time_runnable: u64,
    pub time_blocked: u64,
    pub time_offline: u64,
}
impl Default for kvm_xen_vcpu_attr_u_runstate {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xen_vcpu_attr_u_runstate>() == 48);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_vcpu_attr_u_timer {
    pub port: u32,
    pub priority: u32,
    pub expires_ns: u64,
}
impl Default for kvm_xen_vcpu_attr_u_timer {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xen_vcpu_attr_u_timer>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_vcpu_attr_u(pub [u64; 8]);
impl Default for kvm_xen_vcpu_attr_u {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_xen_vcpu_attr_u {
    pub fn as_gpa(&self) -> &u64 {
        match <u64 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_gpa_mut(&mut self) -> &mut u64 {
        match <u64 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hva(&self) -> &u64 {
        match <u64 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hva_mut(&mut self) -> &mut u64 {
        match <u64 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_pad(&self) -> &[u64; 8] {
        match <[u64; 8] as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_pad_mut(&mut self) -> &mut [u64; 8] {
        match <[u64; 8] as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_runstate(&self) -> &kvm_xen_vcpu_attr_u_runstate {
        match <kvm_xen_vcpu_attr_u_runstate as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_runstate_mut(&mut self) -> &mut kvm_xen_vcpu_attr_u_runstate {
        match <kvm_xen_vcpu_attr_u_runstate as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_vcpu_id(&self) -> &u32 {
        match <u32 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_vcpu_id_mut(&mut self) -> &mut u32 {
        match <u32 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_timer(&self) -> &kvm_xen_vcpu_attr_u_timer {
        match <kvm_xen_vcpu_attr_u_timer as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_timer_mut(&mut self) -> &mut kvm_xen_vcpu_attr_u_timer {
        match <kvm_xen_vcpu_attr_u_timer as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_vector(&self) -> &u8 {
        match <u8 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_vector_mut(&mut self) -> &mut u8 {
        match <u8 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_vcpu_attr {
    pub type_: u16,
    pub pad: [u16; 3],
    pub u: kvm_xen_vcpu_attr_u,
}
impl Default for kvm_xen_vcpu_attr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xen_vcpu_attr>() == 72);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_cmd {
    pub id: u32,
    pub pad0: u32,
    pub data: u64,
    pub error: u32,
    pub sev_fd: u32,
}
impl Default for kvm_sev_cmd {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_cmd>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_init {
    pub vmsa_features: u64,
    pub flags: u32,
    pub ghcb_version: u16,
    pub pad1: u16,
    pub pad2: [u32; 8],
}
impl Default for kvm_sev_init {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_init>() == 48);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_launch_start {
    pub handle: u32,
    pub policy: u32,
    pub dh_uaddr: u64,
    pub dh_len: u32,
    pub pad0: u32,
    pub session_uaddr: u64,
    pub session_len: u32,
    pub pad1: u32,
}
impl Default for kvm_sev_launch_start {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_launch_start>() == 40);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_launch_update_data {
    pub uaddr: u64,
    pub len: u32,
    pub pad0: u32,
}
impl Default for kvm_sev_launch_update_data {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_launch_update_data>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_launch_secret {
    pub hdr_uaddr: u64,
    pub hdr_len: u32,
    pub pad0: u32,
    pub guest_uaddr: u64,
    pub guest_len: u32,
    pub pad1: u32,
    pub trans_uaddr: u64,
    pub trans_len: u32,
    pub pad2: u32,
}
impl Default for kvm_sev_launch_secret {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_launch_secret>() == 48);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_launch_measure {
    pub uaddr: u64,
    pub len: u32,
    pub pad0: u32,
}
impl Default for kvm_sev_launch_measure {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_launch_measure>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_guest_status {
    pub handle: u32,
    pub policy: u32,
    pub state: u32,
}
impl Default for kvm_sev_guest_status {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_guest_status>() == 12);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_dbg {
    pub src_uaddr: u64,
    pub dst_uaddr: u64,
    pub len: u32,
    pub pad0: u32,
}
impl Default for kvm_sev_dbg {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_dbg>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_attestation_report {
    pub mnonce: [u8; 16],
    pub uaddr: u64,
    pub len: u32,
    pub pad0: u32,
}
impl Default for kvm_sev_attestation_report {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_attestation_report>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_send_start {
    pub policy: u32,
    pub pad0: u32,
    pub pdh_cert_uaddr: u64,
    pub pdh_cert_len: u32,
    pub pad1: u32,
    pub plat_certs_uaddr: u64,
    pub plat_certs_len: u32,
    pub pad2: u32,
    pub amd_certs_uaddr: u64,
    pub amd_certs_len: u32,
    pub pad3: u32,
    pub session_uaddr: u64,
    pub session_len: u32,
    pub pad4: u32,
}
impl Default for kvm_sev_send_start {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_send_start>() == 72);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_send_update_data {
    pub hdr_uaddr: u64,
    pub hdr_len: u32,
    pub pad0: u32,
    pub guest_uaddr: u64,
    pub guest_len: u32,
    pub pad1: u32,
    pub trans_uaddr: u64,
    pub trans_len: u32,
    pub pad2: u32,
}
impl Default for kvm_sev_send_update_data {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_send_update_data>() == 48);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_receive_start {
    pub handle: u32,
    pub policy: u32,
    pub pdh_uaddr: u64,
    pub pdh_len: u32,
    pub pad0: u32,
    pub session_uaddr: u64,
    pub session_len: u32,
    pub pad1: u32,
}
impl Default for kvm_sev_receive_start {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_receive_start>() == 40);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_receive_update_data {
    pub hdr_uaddr: u64,
    pub hdr_len: u32,
    pub pad0: u32,
    pub guest_uaddr: u64,
    pub guest_len: u32,
    pub pad1: u32,
    pub trans_uaddr: u64,
    pub trans_len: u32,
    pub pad2: u32,
}
impl Default for kvm_sev_receive_update_data {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_receive_update_data>() == 48);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_snp_launch_start {
    pub policy: u64,
    pub gosvw: [u8; 16],
    pub flags: u16,
    pub pad0: [u8; 6],
    pub pad1: [u64; 4],
}
impl Default for kvm_sev_snp_launch_start {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_snp_launch_start>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_snp_launch_update {
    pub gfn_start: u64,
    pub uaddr: u64,
    pub len: u64,
    pub type_: u8,
    pub pad0: u8,
    pub flags: u16,
    pub pad1: u32,
    pub pad2: [u64; 4],
}
impl Default for kvm_sev_snp_launch_update {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_snp_launch_update>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_sev_snp_launch_finish {
    pub id_block_uaddr: u64,
    pub id_auth_uaddr: u64,
    pub id_block_en: u8,
    pub auth_key_en: u8,
    pub vcek_disabled: u8,
    pub host_data: [u8; 32],
    pub pad0: [u8; 3],
    pub flags: u16,
    pub pad1: [u64; 4],
}
impl Default for kvm_sev_snp_launch_finish {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_sev_snp_launch_finish>() == 88);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_hyperv_eventfd {
    pub conn_id: u32,
    pub fd: i32,
    pub flags: u32,
    pub padding: [u32; 3],
}
impl Default for kvm_hyperv_eventfd {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_hyperv_eventfd>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_tdx_cmd {
    pub id: u32,
    pub flags: u32,
    pub data: u64,
    pub hw_error: u64,
}
impl Default for kvm_tdx_cmd {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_tdx_cmd>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_tdx_capabilities {
    pub supported_attrs: u64,
    pub supported_xfam: u64,
    pub kernel_tdvmcallinfo_1_r11: u64,
    pub user_tdvmcallinfo_1_r11: u64,
    pub kernel_tdvmcallinfo_1_r12: u64,
    pub user_tdvmcallinfo_1_r12: u64,
    pub reserved: [u64; 250],
    pub cpuid: kvm_cpuid2,
}
impl Default for kvm_tdx_capabilities {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_tdx_capabilities>() == 2056);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_tdx_init_vm {
    pub attributes: u64,
    pub xfam: u64,
    pub mrconfigid: [u64; 6],
    pub mrowner: [u64; 6],
    pub mrownerconfig: [u64; 6],
    pub reserved: [u64; 12],
    pub cpuid: kvm_cpuid2,
}
impl Default for kvm_tdx_init_vm {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_tdx_init_vm>() == 264);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_tdx_init_mem_region {
    pub source_addr: u64,
    pub gpa: u64,
    pub nr_pages: u64,
}
impl Default for kvm_tdx_init_mem_region {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_tdx_init_mem_region>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_userspace_memory_region {
    pub slot: u32,
    pub flags: MemFlags,
    pub guest_phys_addr: u64,
    pub memory_size: u64,
    pub userspace_addr: u64,
}
impl Default for kvm_userspace_memory_region {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_userspace_memory_region>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_userspace_memory_region2 {
    pub slot: u32,
    pub flags: MemFlags,
    pub guest_phys_addr: u64,
    pub memory_size: u64,
    pub userspace_addr: u64,
    pub guest_memfd_offset: u64,
    pub guest_memfd: u32,
    pub pad1: u32,
    pub pad2: [u64; 14],
}
impl Default for kvm_userspace_memory_region2 {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_userspace_memory_region2>() == 160);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irq_level {
    pub irq: u32,
    pub level: u32,
}
impl Default for kvm_irq_level {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_irq_level>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irqchip_chip(pub [u64; 64]);
impl Default for kvm_irqchip_chip {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_irqchip_chip {
    pub fn as_dummy(&self) -> &[u8; 512] {
        match <[u8; 512] as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_dummy_mut(&mut self) -> &mut [u8; 512] {
        match <[u8; 512] as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_pic(&self) -> &kvm_pic_state {
        match <kvm_pic_state as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_pic_mut(&mut self) -> &mut kvm_pic_state {
        match <kvm_pic_state as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_ioapic(&self) -> &kvm_ioapic_state {
        match <kvm_ioapic_state as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_ioapic_mut(&mut self) -> &mut kvm_ioapic_state {
        match <kvm_ioapic_state as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irqchip {
    pub chip_id: u32,
    pub pad: u32,
    pub chip: kvm_irqchip_chip,
}
impl Default for kvm_irqchip {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_irqchip>() == 520);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_pit_config {
    pub flags: u32,
    pub pad: [u32; 15],
}
impl Default for kvm_pit_config {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_pit_config>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_hyperv_exit_u_synic {
    pub msr: u32,
    pub pad2: u32,
    pub control: u64,
    pub evt_page: u64,
    pub msg_page: u64,
}
impl Default for kvm_hyperv_exit_u_synic {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_hyperv_exit_u_synic>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_hyperv_exit_u_hcall {
    pub input: u64,
    pub result: u64,
    pub params: [u64; 2],
}
impl Default for kvm_hyperv_exit_u_hcall {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_hyperv_exit_u_hcall>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_hyperv_exit_u_syndbg {
    pub msr: u32,
    pub pad2: u32,
    pub control: u64,
    pub status: u64,
    pub send_page: u64,
    pub recv_page: u64,
    pub pending_page: u64,
}
impl Default for kvm_hyperv_exit_u_syndbg {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_hyperv_exit_u_syndbg>() == 48);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_hyperv_exit_u(pub [u64; 6]);
impl Default for kvm_hyperv_exit_u {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_hyperv_exit_u {
    pub fn as_synic(&self) -> &kvm_hyperv_exit_u_synic {
        match <kvm_hyperv_exit_u_synic as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_synic_mut(&mut self) -> &mut kvm_hyperv_exit_u_synic {
        match <kvm_hyperv_exit_u_synic as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hcall(&self) -> &kvm_hyperv_exit_u_hcall {
        match <kvm_hyperv_exit_u_hcall as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hcall_mut(&mut self) -> &mut kvm_hyperv_exit_u_hcall {
        match <kvm_hyperv_exit_u_hcall as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_syndbg(&self) -> &kvm_hyperv_exit_u_syndbg {
        match <kvm_hyperv_exit_u_syndbg as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_syndbg_mut(&mut self) -> &mut kvm_hyperv_exit_u_syndbg {
        match <kvm_hyperv_exit_u_syndbg as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_hyperv_exit {
    pub type_: u32,
    pub pad1: u32,
    pub u: kvm_hyperv_exit_u,
}
impl Default for kvm_hyperv_exit {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_hyperv_exit>() == 56);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_exit_u_hcall {
    pub longmode: u32,
    pub cpl: u32,
    pub input: u64,
    pub result: u64,
    pub params: [u64; 6],
}
impl Default for kvm_xen_exit_u_hcall {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xen_exit_u_hcall>() == 72);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_exit_u(pub [u64; 9]);
impl Default for kvm_xen_exit_u {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_xen_exit_u {
    pub fn as_hcall(&self) -> &kvm_xen_exit_u_hcall {
        match <kvm_xen_exit_u_hcall as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hcall_mut(&mut self) -> &mut kvm_xen_exit_u_hcall {
        match <kvm_xen_exit_u_hcall as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_xen_exit {
    pub type_: u32,
    pub _pad0: [u8; 4],
    pub u: kvm_xen_exit_u,
}
impl Default for kvm_xen_exit {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_xen_exit>() == 80);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_exit_snp_req_certs {
    pub gpa: u64,
    pub npages: u64,
    pub ret: u64,
}
impl Default for kvm_exit_snp_req_certs {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_exit_snp_req_certs>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_hw {
    pub hardware_exit_reason: u64,
}
impl Default for kvm_run_hw {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_hw>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_fail_entry {
    pub hardware_entry_failure_reason: u64,
    pub cpu: u32,
    pub _pad0: [u8; 4],
}
impl Default for kvm_run_fail_entry {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_fail_entry>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_ex {
    pub exception: u32,
    pub error_code: u32,
}
impl Default for kvm_run_ex {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_ex>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_io {
    pub direction: u8,
    pub size: u8,
    pub port: u16,
    pub count: u32,
    pub data_offset: u64,
}
impl Default for kvm_run_io {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_io>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_debug {
    pub arch: kvm_debug_exit_arch,
}
impl Default for kvm_run_debug {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_debug>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_mmio {
    pub phys_addr: u64,
    pub data: [u8; 8],
    pub len: u32,
    pub is_write: u8,
    pub _pad0: [u8; 3],
}
impl Default for kvm_run_mmio {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_mmio>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_iocsr_io {
    pub phys_addr: u64,
    pub data: [u8; 8],
    pub len: u32,
    pub is_write: u8,
    pub _pad0: [u8; 3],
}
impl Default for kvm_run_iocsr_io {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_iocsr_io>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_hypercall {
    pub nr: u64,
    pub args: [u64; 6],
    pub ret: u64,
    pub flags: u64,
}
impl Default for kvm_run_hypercall {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_hypercall>() == 72);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_tpr_access {
    pub rip: u64,
    pub is_write: u32,
    pub pad: u32,
}
impl Default for kvm_run_tpr_access {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_tpr_access>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_s390_sieic {
    pub icptcode: u8,
    pub _pad0: [u8; 1],
    pub ipa: u16,
    pub ipb: u32,
}
impl Default for kvm_run_s390_sieic {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_s390_sieic>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_s390_ucontrol {
    pub trans_exc_code: u64,
    pub pgm_code: u32,
    pub _pad0: [u8; 4],
}
impl Default for kvm_run_s390_ucontrol {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_s390_ucontrol>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_dcr {
    pub dcrn: u32,
    pub data: u32,
    pub is_write: u8,
    pub _pad0: [u8; 3],
}
impl Default for kvm_run_dcr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_dcr>() == 12);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_internal {
    pub suberror: InternalError,
    pub ndata: u32,
    pub data: [u64; 16],
}
impl Default for kvm_run_internal {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_internal>() == 136);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_emulation_failure {
    pub suberror: InternalError,
    pub ndata: u32,
    pub flags: u64,
    pub insn_size: u8,
    pub insn_bytes: [u8; 15],
}
impl Default for kvm_run_emulation_failure {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_emulation_failure>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_osi {
    pub gprs: [u64; 32],
}
impl Default for kvm_run_osi {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_osi>() == 256);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_papr_hcall {
    pub nr: u64,
    pub ret: u64,
    pub args: [u64; 9],
}
impl Default for kvm_run_papr_hcall {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_papr_hcall>() == 88);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_s390_tsch {
    pub subchannel_id: u16,
    pub subchannel_nr: u16,
    pub io_int_parm: u32,
    pub io_int_word: u32,
    pub ipb: u32,
    pub dequeued: u8,
    pub _pad0: [u8; 3],
}
impl Default for kvm_run_s390_tsch {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_s390_tsch>() == 20);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_epr {
    pub epr: u32,
}
impl Default for kvm_run_epr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_epr>() == 4);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_system_event {
    pub type_: SystemEvent,
    pub ndata: u32,
    pub data: [u64; 16],
}
impl Default for kvm_run_system_event {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_system_event>() == 136);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_s390_stsi {
    pub addr: u64,
    pub ar: u8,
    pub reserved: u8,
    pub fc: u8,
    pub sel1: u8,
    pub sel2: u16,
    pub _pad0: [u8; 2],
}
impl Default for kvm_run_s390_stsi {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_s390_stsi>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_eoi {
    pub vector: u8,
}
impl Default for kvm_run_eoi {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_eoi>() == 1);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_arm_nisv {
    pub esr_iss: u64,
    pub fault_ipa: u64,
}
impl Default for kvm_run_arm_nisv {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_arm_nisv>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_msr {
    pub error: u8,
    pub pad: [u8; 7],
    pub reason: MsrExitReason,
    pub index: u32,
    pub data: u64,
}
impl Default for kvm_run_msr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_msr>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_riscv_sbi {
    pub extension_id: u64,
    pub function_id: u64,
    pub args: [u64; 6],
    pub ret: [u64; 2],
}
impl Default for kvm_run_riscv_sbi {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_riscv_sbi>() == 80);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_riscv_csr {
    pub csr_num: u64,
    pub new_value: u64,
    pub write_mask: u64,
    pub ret_value: u64,
}
impl Default for kvm_run_riscv_csr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_riscv_csr>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_notify {
    pub flags: NotifyFlags,
}
impl Default for kvm_run_notify {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_notify>() == 4);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_memory_fault {
    pub flags: MemoryFaultFlags,
    pub gpa: u64,
    pub size: u64,
}
impl Default for kvm_run_memory_fault {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_memory_fault>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_tdx_u_unknown {
    pub ret: u64,
    pub data: [u64; 5],
}
impl Default for kvm_run_tdx_u_unknown {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_tdx_u_unknown>() == 48);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_tdx_u_get_quote {
    pub ret: u64,
    pub gpa: u64,
    pub size: u64,
}
impl Default for kvm_run_tdx_u_get_quote {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_tdx_u_get_quote>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_tdx_u_get_tdvmcall_info {
    pub ret: u64,
    pub leaf: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
}
impl Default for kvm_run_tdx_u_get_tdvmcall_info {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_tdx_u_get_tdvmcall_info>() == 48);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_tdx_u_setup_event_notify {
    pub ret: u64,
    pub vector: u64,
}
impl Default for kvm_run_tdx_u_setup_event_notify {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_tdx_u_setup_event_notify>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_tdx_u(pub [u64; 6]);
impl Default for kvm_run_tdx_u {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_run_tdx_u {
    pub fn as_unknown(&self) -> &kvm_run_tdx_u_unknown {
        match <kvm_run_tdx_u_unknown as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_unknown_mut(&mut self) -> &mut kvm_run_tdx_u_unknown {
        match <kvm_run_tdx_u_unknown as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_get_quote(&self) -> &kvm_run_tdx_u_get_quote {
        match <kvm_run_tdx_u_get_quote as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_get_quote_mut(&mut self) -> &mut kvm_run_tdx_u_get_quote {
        match <kvm_run_tdx_u_get_quote as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_get_tdvmcall_info(&self) -> &kvm_run_tdx_u_get_tdvmcall_info {
        match <kvm_run_tdx_u_get_tdvmcall_info as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_get_tdvmcall_info_mut(&mut self) -> &mut kvm_run_tdx_u_get_tdvmcall_info {
        match <kvm_run_tdx_u_get_tdvmcall_info as FromBytes>::mut_from_prefix(self.0.as_mut_bytes())
        {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_setup_event_notify(&self) -> &kvm_run_tdx_u_setup_event_notify {
        match <kvm_run_tdx_u_setup_event_notify as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_setup_event_notify_mut(&mut self) -> &mut kvm_run_tdx_u_setup_event_notify {
        match <kvm_run_tdx_u_setup_event_notify as FromBytes>::mut_from_prefix(
            self.0.as_mut_bytes(),
        ) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_tdx {
    pub flags: u64,
    pub nr: u64,
    pub u: kvm_run_tdx_u,
}
impl Default for kvm_run_tdx {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_tdx>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_arm_sea {
    pub flags: u64,
    pub esr: u64,
    pub gva: u64,
    pub gpa: u64,
}
impl Default for kvm_run_arm_sea {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run_arm_sea>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_payload(pub [u64; 32]);
impl Default for kvm_run_payload {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_run_payload {
    pub fn as_hw(&self) -> &kvm_run_hw {
        match <kvm_run_hw as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hw_mut(&mut self) -> &mut kvm_run_hw {
        match <kvm_run_hw as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_fail_entry(&self) -> &kvm_run_fail_entry {
        match <kvm_run_fail_entry as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_fail_entry_mut(&mut self) -> &mut kvm_run_fail_entry {
        match <kvm_run_fail_entry as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_ex(&self) -> &kvm_run_ex {
        match <kvm_run_ex as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_ex_mut(&mut self) -> &mut kvm_run_ex {
        match <kvm_run_ex as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_io(&self) -> &kvm_run_io {
        match <kvm_run_io as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_io_mut(&mut self) -> &mut kvm_run_io {
        match <kvm_run_io as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_debug(&self) -> &kvm_run_debug {
        match <kvm_run_debug as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_debug_mut(&mut self) -> &mut kvm_run_debug {
        match <kvm_run_debug as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_mmio(&self) -> &kvm_run_mmio {
        match <kvm_run_mmio as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_mmio_mut(&mut self) -> &mut kvm_run_mmio {
        match <kvm_run_mmio as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_iocsr_io(&self) -> &kvm_run_iocsr_io {
        match <kvm_run_iocsr_io as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_iocsr_io_mut(&mut self) -> &mut kvm_run_iocsr_io {
        match <kvm_run_iocsr_io as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hypercall(&self) -> &kvm_run_hypercall {
        match <kvm_run_hypercall as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hypercall_mut(&mut self) -> &mut kvm_run_hypercall {
        match <kvm_run_hypercall as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_tpr_access(&self) -> &kvm_run_tpr_access {
        match <kvm_run_tpr_access as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_tpr_access_mut(&mut self) -> &mut kvm_run_tpr_access {
        match <kvm_run_tpr_access as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_s390_sieic(&self) -> &kvm_run_s390_sieic {
        match <kvm_run_s390_sieic as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_s390_sieic_mut(&mut self) -> &mut kvm_run_s390_sieic {
        match <kvm_run_s390_sieic as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_s390_reset_flags(&self) -> &u64 {
        match <u64 as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_s390_reset_flags_mut(&mut self) -> &mut u64 {
        match <u64 as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_s390_ucontrol(&self) -> &kvm_run_s390_ucontrol {
        match <kvm_run_s390_ucontrol as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_s390_ucontrol_mut(&mut self) -> &mut kvm_run_s390_ucontrol {
        match <kvm_run_s390_ucontrol as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_dcr(&self) -> &kvm_run_dcr {
        match <kvm_run_dcr as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_dcr_mut(&mut self) -> &mut kvm_run_dcr {
        match <kvm_run_dcr as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_internal(&self) -> &kvm_run_internal {
        match <kvm_run_internal as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_internal_mut(&mut self) -> &mut kvm_run_internal {
        match <kvm_run_internal as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_emulation_failure(&self) -> &kvm_run_emulation_failure {
        match <kvm_run_emulation_failure as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_emulation_failure_mut(&mut self) -> &mut kvm_run_emulation_failure {
        match <kvm_run_emulation_failure as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_osi(&self) -> &kvm_run_osi {
        match <kvm_run_osi as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_osi_mut(&mut self) -> &mut kvm_run_osi {
        match <kvm_run_osi as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_papr_hcall(&self) -> &kvm_run_papr_hcall {
        match <kvm_run_papr_hcall as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_papr_hcall_mut(&mut self) -> &mut kvm_run_papr_hcall {
        match <kvm_run_papr_hcall as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_s390_tsch(&self) -> &kvm_run_s390_tsch {
        match <kvm_run_s390_tsch as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_s390_tsch_mut(&mut self) -> &mut kvm_run_s390_tsch {
        match <kvm_run_s390_tsch as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_epr(&self) -> &kvm_run_epr {
        match <kvm_run_epr as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_epr_mut(&mut self) -> &mut kvm_run_epr {
        match <kvm_run_epr as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_system_event(&self) -> &kvm_run_system_event {
        match <kvm_run_system_event as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_system_event_mut(&mut self) -> &mut kvm_run_system_event {
        match <kvm_run_system_event as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_s390_stsi(&self) -> &kvm_run_s390_stsi {
        match <kvm_run_s390_stsi as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_s390_stsi_mut(&mut self) -> &mut kvm_run_s390_stsi {
        match <kvm_run_s390_stsi as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_eoi(&self) -> &kvm_run_eoi {
        match <kvm_run_eoi as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_eoi_mut(&mut self) -> &mut kvm_run_eoi {
        match <kvm_run_eoi as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hyperv(&self) -> &kvm_hyperv_exit {
        match <kvm_hyperv_exit as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hyperv_mut(&mut self) -> &mut kvm_hyperv_exit {
        match <kvm_hyperv_exit as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_arm_nisv(&self) -> &kvm_run_arm_nisv {
        match <kvm_run_arm_nisv as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_arm_nisv_mut(&mut self) -> &mut kvm_run_arm_nisv {
        match <kvm_run_arm_nisv as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_msr(&self) -> &kvm_run_msr {
        match <kvm_run_msr as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_msr_mut(&mut self) -> &mut kvm_run_msr {
        match <kvm_run_msr as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_xen(&self) -> &kvm_xen_exit {
        match <kvm_xen_exit as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_xen_mut(&mut self) -> &mut kvm_xen_exit {
        match <kvm_xen_exit as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_riscv_sbi(&self) -> &kvm_run_riscv_sbi {
        match <kvm_run_riscv_sbi as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_riscv_sbi_mut(&mut self) -> &mut kvm_run_riscv_sbi {
        match <kvm_run_riscv_sbi as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_riscv_csr(&self) -> &kvm_run_riscv_csr {
        match <kvm_run_riscv_csr as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_riscv_csr_mut(&mut self) -> &mut kvm_run_riscv_csr {
        match <kvm_run_riscv_csr as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_notify(&self) -> &kvm_run_notify {
        match <kvm_run_notify as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_notify_mut(&mut self) -> &mut kvm_run_notify {
        match <kvm_run_notify as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_memory_fault(&self) -> &kvm_run_memory_fault {
        match <kvm_run_memory_fault as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_memory_fault_mut(&mut self) -> &mut kvm_run_memory_fault {
        match <kvm_run_memory_fault as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_tdx(&self) -> &kvm_run_tdx {
        match <kvm_run_tdx as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_tdx_mut(&mut self) -> &mut kvm_run_tdx {
        match <kvm_run_tdx as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_arm_sea(&self) -> &kvm_run_arm_sea {
        match <kvm_run_arm_sea as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_arm_sea_mut(&mut self) -> &mut kvm_run_arm_sea {
        match <kvm_run_arm_sea as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_snp_req_certs(&self) -> &kvm_exit_snp_req_certs {
        match <kvm_exit_snp_req_certs as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_snp_req_certs_mut(&mut self) -> &mut kvm_exit_snp_req_certs {
        match <kvm_exit_snp_req_certs as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_padding(&self) -> &[u8; 256] {
        match <[u8; 256] as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_padding_mut(&mut self) -> &mut [u8; 256] {
        match <[u8; 256] as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run_s(pub [u64; 256]);
impl Default for kvm_run_s {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_run_s {
    pub fn as_regs(&self) -> &kvm_sync_regs {
        match <kvm_sync_regs as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_regs_mut(&mut self) -> &mut kvm_sync_regs {
        match <kvm_sync_regs as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_padding(&self) -> &[u8; 2048] {
        match <[u8; 2048] as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_padding_mut(&mut self) -> &mut [u8; 2048] {
        match <[u8; 2048] as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_run {
    pub request_interrupt_window: u8,
    pub immediate_exit: u8,
    pub padding1: [u8; 6],
    pub exit_reason: ExitReason,
    pub ready_for_interrupt_injection: u8,
    pub if_flag: u8,
    pub flags: RunFlags,
    pub cr8: u64,
    pub apic_base: u64,
    pub payload: kvm_run_payload,
    pub kvm_valid_regs: SyncRegs,
    pub kvm_dirty_regs: SyncRegs,
    pub s: kvm_run_s,
}
impl Default for kvm_run {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_run>() == 2352);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_coalesced_mmio_zone {
    pub addr: u64,
    pub size: u32,
    pub pio: u32,
}
impl Default for kvm_coalesced_mmio_zone {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_coalesced_mmio_zone>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_coalesced_mmio {
    pub phys_addr: u64,
    pub len: u32,
    pub pio: u32,
    pub data: [u8; 8],
}
impl Default for kvm_coalesced_mmio {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_coalesced_mmio>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_coalesced_mmio_ring {
    pub first: u32,
    pub last: u32,
}
impl Default for kvm_coalesced_mmio_ring {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_coalesced_mmio_ring>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_translation {
    pub linear_address: u64,
    pub physical_address: u64,
    pub valid: u8,
    pub writeable: u8,
    pub usermode: u8,
    pub pad: [u8; 5],
}
impl Default for kvm_translation {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_translation>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_interrupt {
    pub irq: u32,
}
impl Default for kvm_interrupt {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_interrupt>() == 4);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_dirty_log {
    pub slot: u32,
    pub padding1: u32,
    pub dirty_bitmap: u64,
}
impl Default for kvm_dirty_log {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_dirty_log>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_clear_dirty_log {
    pub slot: u32,
    pub num_pages: u32,
    pub first_page: u64,
    pub dirty_bitmap: u64,
}
impl Default for kvm_clear_dirty_log {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_clear_dirty_log>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_signal_mask {
    pub len: u32,
}
impl Default for kvm_signal_mask {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_signal_mask>() == 4);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_tpr_access_ctl {
    pub enabled: u32,
    pub flags: u32,
    pub reserved: [u32; 8],
}
impl Default for kvm_tpr_access_ctl {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_tpr_access_ctl>() == 40);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vapic_addr {
    pub vapic_addr: u64,
}
impl Default for kvm_vapic_addr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vapic_addr>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_mp_state {
    pub mp_state: MpState,
}
impl Default for kvm_mp_state {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_mp_state>() == 4);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_guest_debug {
    pub control: GuestDebugFlags,
    pub pad: u32,
    pub arch: kvm_guest_debug_arch,
}
impl Default for kvm_guest_debug {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_guest_debug>() == 72);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_ioeventfd {
    pub datamatch: u64,
    pub addr: u64,
    pub len: u32,
    pub fd: i32,
    pub flags: u32,
    pub pad: [u8; 36],
}
impl Default for kvm_ioeventfd {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_ioeventfd>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_enable_cap {
    pub cap: Cap,
    pub flags: u32,
    pub args: [u64; 4],
    pub pad: [u8; 64],
}
impl Default for kvm_enable_cap {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_enable_cap>() == 104);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irq_routing_irqchip {
    pub irqchip: u32,
    pub pin: u32,
}
impl Default for kvm_irq_routing_irqchip {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_irq_routing_irqchip>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irq_routing_msi {
    pub address_lo: u32,
    pub address_hi: u32,
    pub data: u32,
    pub devid: u32,
}
impl Default for kvm_irq_routing_msi {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_irq_routing_msi>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irq_routing_s390_adapter {
    pub ind_addr: u64,
    pub summary_addr: u64,
    pub ind_offset: u64,
    pub summary_offset: u32,
    pub adapter_id: u32,
}
impl Default for kvm_irq_routing_s390_adapter {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_irq_routing_s390_adapter>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irq_routing_hv_sint {
    pub vcpu: u32,
    pub sint: u32,
}
impl Default for kvm_irq_routing_hv_sint {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_irq_routing_hv_sint>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irq_routing_xen_evtchn {
    pub port: u32,
    pub vcpu: u32,
    pub priority: u32,
}
impl Default for kvm_irq_routing_xen_evtchn {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_irq_routing_xen_evtchn>() == 12);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irq_routing_entry_u(pub [u64; 4]);
impl Default for kvm_irq_routing_entry_u {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
impl kvm_irq_routing_entry_u {
    pub fn as_irqchip(&self) -> &kvm_irq_routing_irqchip {
        match <kvm_irq_routing_irqchip as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_irqchip_mut(&mut self) -> &mut kvm_irq_routing_irqchip {
        match <kvm_irq_routing_irqchip as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_msi(&self) -> &kvm_irq_routing_msi {
        match <kvm_irq_routing_msi as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_msi_mut(&mut self) -> &mut kvm_irq_routing_msi {
        match <kvm_irq_routing_msi as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_adapter(&self) -> &kvm_irq_routing_s390_adapter {
        match <kvm_irq_routing_s390_adapter as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_adapter_mut(&mut self) -> &mut kvm_irq_routing_s390_adapter {
        match <kvm_irq_routing_s390_adapter as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hv_sint(&self) -> &kvm_irq_routing_hv_sint {
        match <kvm_irq_routing_hv_sint as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_hv_sint_mut(&mut self) -> &mut kvm_irq_routing_hv_sint {
        match <kvm_irq_routing_hv_sint as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_xen_evtchn(&self) -> &kvm_irq_routing_xen_evtchn {
        match <kvm_irq_routing_xen_evtchn as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_xen_evtchn_mut(&mut self) -> &mut kvm_irq_routing_xen_evtchn {
        match <kvm_irq_routing_xen_evtchn as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_pad(&self) -> &[u32; 8] {
        match <[u32; 8] as FromBytes>::ref_from_prefix(self.0.as_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
    pub fn as_pad_mut(&mut self) -> &mut [u32; 8] {
        match <[u32; 8] as FromBytes>::mut_from_prefix(self.0.as_mut_bytes()) {
            Ok((v, _)) => v,
            Err(_) => unreachable!(),
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irq_routing_entry {
    pub gsi: u32,
    pub type_: u32,
    pub flags: u32,
    pub pad: u32,
    pub u: kvm_irq_routing_entry_u,
}
impl Default for kvm_irq_routing_entry {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_irq_routing_entry>() == 48);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irq_routing {
    pub nr: u32,
    pub flags: u32,
}
impl Default for kvm_irq_routing {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_irq_routing>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_irqfd {
    pub fd: u32,
    pub gsi: u32,
    pub flags: u32,
    pub resamplefd: u32,
    pub pad: [u8; 16],
}
impl Default for kvm_irqfd {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_irqfd>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_clock_data {
    pub clock: u64,
    pub flags: u32,
    pub pad0: u32,
    pub realtime: u64,
    pub host_tsc: u64,
    pub pad: [u32; 4],
}
impl Default for kvm_clock_data {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_clock_data>() == 48);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_config_tlb {
    pub params: u64,
    pub array: u64,
    pub mmu_type: u32,
    pub array_len: u32,
}
impl Default for kvm_config_tlb {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_config_tlb>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_dirty_tlb {
    pub bitmap: u64,
    pub num_dirty: u32,
    pub _pad0: [u8; 4],
}
impl Default for kvm_dirty_tlb {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_dirty_tlb>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_reg_list {
    pub n: u64,
}
impl Default for kvm_reg_list {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_reg_list>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_one_reg {
    pub id: u64,
    pub addr: u64,
}
impl Default for kvm_one_reg {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_one_reg>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_msi {
    pub address_lo: u32,
    pub address_hi: u32,
    pub data: u32,
    pub flags: u32,
    pub devid: u32,
    pub pad: [u8; 12],
}
impl Default for kvm_msi {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_msi>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_arm_device_addr {
    pub id: u64,
    pub addr: u64,
}
impl Default for kvm_arm_device_addr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_arm_device_addr>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_create_device {
    pub type_: u32,
    pub fd: u32,
    pub flags: u32,
}
impl Default for kvm_create_device {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_create_device>() == 12);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_device_attr {
    pub flags: u32,
    pub group: u32,
    pub attr: u64,
    pub addr: u64,
}
impl Default for kvm_device_attr {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_device_attr>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vfio_spapr_tce {
    pub groupfd: i32,
    pub tablefd: i32,
}
impl Default for kvm_vfio_spapr_tce {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vfio_spapr_tce>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_s390_keyop {
    pub guest_addr: u64,
    pub key: u8,
    pub operation: u8,
    pub pad: [u8; 6],
}
impl Default for kvm_s390_keyop {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_s390_keyop>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_enc_region {
    pub addr: u64,
    pub size: u64,
}
impl Default for kvm_enc_region {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_enc_region>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_dirty_gfn {
    pub flags: u32,
    pub slot: u32,
    pub offset: u64,
}
impl Default for kvm_dirty_gfn {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_dirty_gfn>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_stats_header {
    pub flags: u32,
    pub name_size: u32,
    pub num_desc: u32,
    pub id_offset: u32,
    pub desc_offset: u32,
    pub data_offset: u32,
}
impl Default for kvm_stats_header {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_stats_header>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_stats_desc {
    pub flags: u32,
    pub exponent: i16,
    pub size: u16,
    pub offset: u32,
    pub bucket_size: u32,
}
impl Default for kvm_stats_desc {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_stats_desc>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_memory_attributes {
    pub address: u64,
    pub size: u64,
    pub attributes: u64,
    pub flags: u64,
}
impl Default for kvm_memory_attributes {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_memory_attributes>() == 32);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_create_guest_memfd {
    pub size: u64,
    pub flags: u64,
    pub reserved: [u64; 6],
}
impl Default for kvm_create_guest_memfd {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_create_guest_memfd>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_pre_fault_memory {
    pub gpa: u64,
    pub size: u64,
    pub flags: u64,
    pub padding: [u64; 5],
}
impl Default for kvm_pre_fault_memory {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_pre_fault_memory>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_steal_time {
    pub steal: u64,
    pub version: u32,
    pub flags: u32,
    pub preempted: u8,
    pub u8_pad: [u8; 3],
    pub pad: [u32; 11],
}
impl Default for kvm_steal_time {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_steal_time>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_clock_pairing {
    pub sec: i64,
    pub nsec: i64,
    pub tsc: u64,
    pub flags: u32,
    pub pad: [u32; 9],
}
impl Default for kvm_clock_pairing {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_clock_pairing>() == 64);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_mmu_op_header {
    pub op: u32,
    pub pad: u32,
}
impl Default for kvm_mmu_op_header {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_mmu_op_header>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_mmu_op_write_pte {
    pub header: kvm_mmu_op_header,
    pub pte_phys: u64,
    pub pte_val: u64,
}
impl Default for kvm_mmu_op_write_pte {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_mmu_op_write_pte>() == 24);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_mmu_op_flush_tlb {
    pub header: kvm_mmu_op_header,
}
impl Default for kvm_mmu_op_flush_tlb {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_mmu_op_flush_tlb>() == 8);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_mmu_op_release_pt {
    pub header: kvm_mmu_op_header,
    pub pt_phys: u64,
}
impl Default for kvm_mmu_op_release_pt {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_mmu_op_release_pt>() == 16);

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct kvm_vcpu_pv_apf_data {
    pub flags: u32,
    pub token: u32,
    pub pad: [u8; 56],
}
impl Default for kvm_vcpu_pv_apf_data {
    fn default() -> Self {
        zerocopy::FromZeros::new_zeroed()
    }
}
const _: () = assert!(size_of::<kvm_vcpu_pv_apf_data>() == 64);

//! Numbers that are known from elsewhere than the generator: the kernel's documents and its users.
#![cfg(target_arch = "x86_64")]

use std::mem::{align_of, offset_of, size_of};

use kvm_sys::*;
use zerocopy::{FromBytes, IntoBytes};

#[test]
fn sizes_are_the_kernels() {
    assert_eq!(size_of::<kvm_regs>(), 144);
    assert_eq!(size_of::<kvm_sregs>(), 312);
    assert_eq!(size_of::<kvm_sregs2>(), 320);
    assert_eq!(size_of::<kvm_fpu>(), 416);
    assert_eq!(size_of::<kvm_lapic_state>(), 1024);
    assert_eq!(size_of::<kvm_xsave>(), 4096);
    assert_eq!(size_of::<kvm_vcpu_events>(), 64);
    assert_eq!(size_of::<kvm_irqchip>(), 520);
    assert_eq!(size_of::<kvm_userspace_memory_region>(), 32);
    assert_eq!(size_of::<kvm_userspace_memory_region2>(), 160);
    assert_eq!(size_of::<kvm_run>(), 2352);
    assert_eq!(size_of::<kvm_nested_state>(), 128);
    assert_eq!(size_of::<kvm_cpuid_entry2>(), 40);
}

#[test]
fn flexible_arrays_leave_their_header_and_its_alignment() {
    assert_eq!((size_of::<kvm_cpuid2>(), align_of::<kvm_cpuid2>()), (8, 4));
    assert_eq!((size_of::<kvm_msrs>(), align_of::<kvm_msrs>()), (8, 8));
    assert_eq!(
        (size_of::<kvm_msr_list>(), align_of::<kvm_msr_list>()),
        (4, 4)
    );
    assert_eq!(
        (size_of::<kvm_irq_routing>(), align_of::<kvm_irq_routing>()),
        (8, 8)
    );
}

#[test]
fn the_run_page_is_laid_out_as_documented() {
    assert_eq!(offset_of!(kvm_run, immediate_exit), 1);
    assert_eq!(offset_of!(kvm_run, exit_reason), 8);
    assert_eq!(offset_of!(kvm_run, flags), 14);
    assert_eq!(offset_of!(kvm_run, cr8), 16);
    assert_eq!(offset_of!(kvm_run, apic_base), 24);
    assert_eq!(offset_of!(kvm_run, payload), 32);
    assert_eq!(offset_of!(kvm_run, kvm_valid_regs), 288);
    assert_eq!(offset_of!(kvm_run, kvm_dirty_regs), 296);
    assert_eq!(offset_of!(kvm_run, s), 304);
    assert_eq!(offset_of!(kvm_sync_regs, sregs), 144);
    assert_eq!(offset_of!(kvm_sync_regs, events), 456);
}

#[test]
fn padding_is_made_of_fields() {
    assert_eq!(offset_of!(kvm_run_mmio, _pad0), 21);
    assert_eq!(offset_of!(kvm_msr_filter, ranges), 8);
    assert_eq!(offset_of!(kvm_run_s390_sieic, ipa), 2);
    let mmio = kvm_run_mmio {
        phys_addr: 0x1000,
        len: 4,
        is_write: 1,
        ..Default::default()
    };
    let bytes = mmio.as_bytes();
    assert_eq!(bytes.len(), 24);
    assert_eq!(kvm_run_mmio::read_from_bytes(bytes).unwrap(), mmio);
}

#[test]
fn big_types_have_a_default_of_zeros() {
    assert_eq!(
        kvm_run::default(),
        kvm_run::read_from_bytes(&[0; 2352]).unwrap()
    );
    assert_eq!(kvm_lapic_state::default().regs, [0; KVM_APIC_REG_SIZE]);
}

#[test]
fn constants_have_the_kernels_values_and_signs() {
    assert_eq!(KVM_API_VERSION, 12);
    assert_eq!(KVM_REG_RISCV, 0x8000_0000_0000_0000);
    assert_eq!(KVM_XEN_INVALID_GPA, u64::MAX);
    assert_eq!(KVM_PMU_MASKED_ENTRY_UMASK_MASK, 0xff << 56);
    assert_eq!(KVM_SIGNATURE, b"KVMKVMKVM\0\0\0");
    assert_eq!(KVM_EXIT_IO, ExitReason(2));
    assert_eq!(KVM_EXIT_SNP_REQ_CERTS, ExitReason(43));
    assert_eq!(KVM_CAP_ARM_PMU_V3_STRICT, Cap(251));
    assert_eq!(KVM_MP_STATE_HALTED, MpState(3));
    assert_eq!(KVM_DEV_TYPE_VFIO, DeviceType(4));
    assert_eq!(Cap::NAMES.len(), 246);
    assert_eq!(ExitReason::NAMES.len(), 44);
}

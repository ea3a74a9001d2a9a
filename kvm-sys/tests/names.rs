//! Names: what `Debug` prints, and what flags keep.
#![cfg(target_arch = "x86_64")]

use kvm_sys::*;

#[test]
fn families_print_the_kernels_name_or_the_number() {
    assert_eq!(format!("{KVM_EXIT_MMIO:?}"), "KVM_EXIT_MMIO");
    assert_eq!(format!("{:?}", Cap(0)), "KVM_CAP_IRQCHIP");
    assert_eq!(format!("{:?}", Cap(999)), "KVM_CAP_…(999)");
    assert_eq!(format!("{:?}", ExitReason(44)), "KVM_EXIT_…(44)");
    assert_eq!(KVM_MP_STATE_HALTED.name(), Some("KVM_MP_STATE_HALTED"));
    assert_eq!(MpState(77).name(), None);
}

#[test]
fn names_and_values_of_a_family_are_unique() {
    for (index, (value, name)) in Cap::NAMES.iter().enumerate() {
        for (other, other_name) in &Cap::NAMES[..index] {
            assert!(
                value != other && name != other_name,
                "{name} and {other_name}"
            );
        }
    }
}

#[test]
fn constants_with_a_similar_prefix_are_not_taken_into_a_family() {
    let _: u8 = KVM_EXIT_IO_OUT;
    let _: HypervExit = KVM_EXIT_HYPERV_SYNIC;
    let _: ExitReason = KVM_EXIT_HYPERV;
    let _: u32 = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL;
    let _: u32 = KVM_DEV_TYPE_MAX;
    assert!(
        ExitReason::NAMES
            .iter()
            .all(|(_, name)| !name.starts_with("KVM_EXIT_IO_"))
    );
}

#[test]
fn flags_keep_the_bits_they_do_not_know() {
    let flags = MemFlags::from_bits_retain(1 << 30) | KVM_MEM_READONLY;
    assert_eq!(flags.bits(), 1 << 30 | 2);
    assert!(flags.contains(MemFlags::KVM_MEM_READONLY));
    assert_eq!(
        format!("{flags:?}"),
        "MemFlags(KVM_MEM_READONLY | 0x40000000)"
    );
    assert_eq!(format!("{:?}", MemFlags::empty()), "MemFlags(0x0)");
    assert_eq!(!!flags, flags);
}

#[test]
fn masks_and_zeros_are_constants_of_the_set_but_not_members() {
    assert_eq!(KVM_MSR_FILTER_DEFAULT_ALLOW, MsrFilterFlags::empty());
    assert_eq!(
        KVM_MSR_EXIT_REASON_VALID_MASK,
        KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER
    );
    assert_eq!(SyncRegs::all().bits(), u64::MAX);
    assert_eq!(MsrExitReason::all().iter_names().count(), 3);
}

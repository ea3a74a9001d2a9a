//! Facts of every architecture that are known from elsewhere than the generator.
#![cfg(feature = "all-arches")]

use std::mem::{offset_of, size_of};

use kvm_sys::op::Takes;
use kvm_sys::*;
use zerocopy::{FromBytes, IntoBytes};

#[test]
fn layouts_are_each_architectures_own() {
    assert_eq!(size_of::<x86_64::kvm_regs>(), 144);
    assert_eq!(size_of::<aarch64::kvm_regs>(), 864);
    assert_eq!(size_of::<riscv64::kvm_regs>(), 0);
    assert_eq!(size_of::<s390x::kvm_regs>(), 128);
    assert_eq!(size_of::<powerpc64le::kvm_regs>(), 392);
    assert_eq!(size_of::<loongarch64::kvm_regs>(), 264);
    assert_eq!(size_of::<mips64el::kvm_regs>(), 280);

    assert_eq!(offset_of!(aarch64::kvm_regs, fp_regs), 336);
    assert_eq!(offset_of!(riscv64::kvm_riscv_core, mode), 256);
    assert_eq!(size_of::<s390x::kvm_sregs>(), 192);
    assert_eq!(size_of::<powerpc64le::kvm_sregs>(), 1232);
    assert_eq!(size_of::<loongarch64::kvm_fpu>(), 1040);
    assert_eq!(size_of::<mips64el::kvm_fpu>(), 0);
}

#[test]
fn the_run_page_is_the_same_but_for_s390() {
    assert_eq!(size_of::<s390x::kvm_run>(), 2368);
    assert_eq!(offset_of!(s390x::kvm_run, payload), 48);
    macro_rules! same {
        ($($arch:ident),*) => { $(
            assert_eq!(size_of::<$arch::kvm_run>(), 2352);
            assert_eq!(offset_of!($arch::kvm_run, payload), 32);
        )* };
    }
    same!(x86_64, aarch64, riscv64, powerpc64le, loongarch64, mips64el);
}

#[test]
fn what_is_the_same_everywhere_is_one_type() {
    let state: aarch64::kvm_mp_state = riscv64::kvm_mp_state::default();
    let _: common::kvm_mp_state = state;
    let _: [Cap; 2] = [s390x::KVM_CAP_PIT2, x86_64::KVM_CAP_PIT2];
}

#[test]
fn rows_are_each_architectures_own_where_their_argument_is() {
    assert_eq!(x86_64::KVM_GET_REGS.size(), 144);
    assert_eq!(aarch64::KVM_GET_REGS.size(), 864);
    assert_eq!(riscv64::KVM_SET_GUEST_DEBUG.size(), 8);
    assert_eq!(x86_64::KVM_GET_REGS, aarch64::KVM_GET_REGS);
    for (arch, all) in [
        (Arch::X86_64, x86_64::ALL),
        (Arch::Aarch64, aarch64::ALL),
        (Arch::Riscv64, riscv64::ALL),
        (Arch::S390x, s390x::ALL),
        (Arch::Powerpc64le, powerpc64le::ALL),
        (Arch::Loongarch64, loongarch64::ALL),
        (Arch::Mips64el, mips64el::ALL),
    ] {
        let answered = ioctl::TABLE
            .iter()
            .filter(|op| op.arches.contains(arch.bit()));
        let names = |ops: &[&op::Op]| ops.iter().map(|op| op.name).collect::<Vec<_>>();
        assert_eq!(names(all), names(&answered.copied().collect::<Vec<_>>()));
        for name in [
            "KVM_GET_REGS",
            "KVM_SET_REGS",
            "KVM_GET_SREGS",
            "KVM_SET_SREGS",
            "KVM_GET_FPU",
            "KVM_SET_FPU",
            "KVM_SET_GUEST_DEBUG",
        ] {
            let op = all.iter().find(|op| op.name == name).unwrap();
            let said = op
                .requests
                .on(arch)
                .map(|number| (number >> 16 & 0x1fff) as usize);
            assert_eq!(said, Some(op.size()), "{op} on {}", arch.name());
        }
    }
}

#[test]
fn constants_are_each_architectures_own() {
    assert_eq!(x86_64::KVM_COALESCED_MMIO_PAGE_OFFSET, 2);
    assert_eq!(aarch64::KVM_COALESCED_MMIO_PAGE_OFFSET, 1);
    assert_eq!(aarch64::KVM_REG_ARM_TIMER_CNT, 0x6030_0000_0013_df1a);
    assert_eq!(aarch64::KVM_PSCI_RET_DENIED, -3);
    assert_eq!(riscv64::KVM_REG_RISCV_CSR, 0x0300_0000);
    assert_eq!(riscv64::KVM_RISCV_ISA_EXT_H.0, 4);
    assert_eq!(s390x::KVM_SYNC_S390_VALID_FIELDS.bits(), 0x1fff);
    assert_eq!(powerpc64le::KVM_INTERRUPT_SET, u32::MAX);
    assert_eq!(loongarch64::KVM_REG_LOONGARCH_CSR, 0x9000_0000_0001_0000);
    assert_eq!(mips64el::KVM_REG_MIPS_R0, 0x7030_0000_0000_0000);
    assert_eq!(s390x::KVM_GUESTDBG_USE_HW_BP.bits(), 0x1_0000);
    assert_eq!(x86_64::KVM_GUESTDBG_USE_HW_BP.bits(), 0x2_0000);
}

#[test]
fn request_numbers_are_each_architectures_own() {
    let on = |op: &op::Op| Arch::ALL.map(|arch| op.requests.on(arch));
    let most = Some(0x8090_ae81);
    assert_eq!(
        on(&KVM_GET_REGS),
        [
            most,
            Some(0x8360_ae81),
            Some(0x8000_ae81),
            Some(0x8080_ae81),
            Some(0x4188_ae81),
            Some(0x8108_ae81),
            Some(0x4118_ae81)
        ]
    );
    assert_eq!(KVM_RUN.requests.on(Arch::X86_64), Some(0xae80));
    assert_eq!(KVM_RUN.requests.on(Arch::Powerpc64le), Some(0x2000_ae80));
    assert_eq!(KVM_S390_KEYOP.requests.on(Arch::S390x), Some(0xc010_ae53));
    assert_eq!(KVM_PPC_GET_PVINFO.requests.on(Arch::X86_64), None);
}

#[test]
fn rows_know_who_answers() {
    assert_eq!(KVM_RUN.arches, Arches::all());
    assert_eq!(KVM_ARM_VCPU_INIT.arches, Arches::AARCH64);
    assert!(KVM_ALLOCATE_RMA.arches.is_empty());
    // The number exists on arm64, where another structure has the name of its argument.
    assert!(
        KVM_SET_PMU_EVENT_FILTER
            .requests
            .on(Arch::Aarch64)
            .is_some()
    );
    assert_eq!(KVM_SET_PMU_EVENT_FILTER.arches, Arches::X86_64);
    assert_eq!(KVM_S390_VCPU_FAULT.takes, Takes::Value);
    assert_eq!(
        Arch::ALL.map(Arch::bit).into_iter().collect::<Arches>(),
        Arches::all()
    );
}

#[test]
fn register_ids_are_made_as_the_macros_do() {
    use aarch64::*;
    use riscv64::*;
    assert_eq!(KVM_REG_SIZE(0x6060_0000_0015_ffff), 64);
    assert_eq!(
        KVM_REG_ARM_CORE_REG(offset_of!(aarch64::kvm_regs, fp_regs)),
        84
    );
    assert_eq!(KVM_REG_ARM64_SVE_PREG(17, 33), 0x6050_0000_0015_0421);
    assert_eq!(KVM_ARM_FEATURE_ID_RANGE_IDX(3, 3, 0, 0, 1), 129);
    assert_eq!(KVM_REG_RISCV_CSR_REG(offset_of!(kvm_riscv_csr, sepc)), 4);
    assert_eq!(KVM_REG_RISCV_ISA_MULTI_REG(KVM_RISCV_ISA_EXT_ZICFISS), 1);
    assert_eq!(
        KVM_REG_RISCV_ISA_MULTI_MASK(KVM_RISCV_ISA_EXT_ZICFISS),
        1 << 15
    );
    assert_eq!(x86_64::KVM_X86_REG_MSR(0x10), 0x2030_0002_0000_0010);
    assert_eq!(x86_64::KVM_X86_REG_KVM(1), 0x2000_0003_0000_0001);
}

#[test]
fn arrays_follow_their_header() {
    let bytes = [7_u64, 1, 2, 3];
    let list = common::kvm_irq_routing_flex::ref_from_bytes(&bytes.as_bytes()[..8]).unwrap();
    assert_eq!((list.head.nr, list.entries.len()), (7, 0));
    let list = aarch64::kvm_reg_list_flex::ref_from_bytes_with_elems(bytes.as_bytes(), 3).unwrap();
    assert_eq!((list.head.n, &list.reg), (7, &[1, 2, 3][..]));
    assert_eq!(list.as_bytes(), bytes.as_bytes());
}

#[test]
fn bits_of_big_endian_structures_count_from_the_top() {
    let mut features = s390x::kvm_s390_vm_cpu_uv_feat::default();
    features.set_ap_intr(1);
    assert_eq!(features.feat, 1 << 58);
    features.set_ap(1);
    assert_eq!((features.feat >> 58, features.ap()), (3, 1));
    let mut regs = s390x::kvm_sync_regs::default();
    regs.set_bpbc(1);
    assert_eq!(regs.bits0, 0x80);
}

#[test]
fn a_view_is_cut_out_where_no_number_of_them_fits() {
    let mut sregs = powerpc64le::kvm_sregs::default();
    sregs.u.as_e_mut().epsc = 9;
    assert_eq!(sregs.u.0[82] >> 32, 9);
    assert_eq!(sregs.u.as_e().epsc, 9);
}

//! vCPUs of aarch64 and riscv64, saved and restored on models: on any host.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::mem::offset_of;

use kvm_core::aarch64::register as arm;
use kvm_core::kvm_exit::{Aarch64, Riscv64};
use kvm_core::kvm_sys::aarch64::{
    KVM_ARM_TARGET_GENERIC_V8, KVM_ARM_VCPU_POWER_OFF, KVM_ARM_VCPU_PSCI_0_2, KVM_ARM_VCPU_SVE,
    KVM_REG_ARM_PSCI_VERSION, KVM_REG_ARM_TIMER_CNT, KVM_REG_ARM64_SVE_VLS, KVM_REG_ARM64_SVE_ZREG,
    kvm_vcpu_init,
};
use kvm_core::kvm_sys::op::Fds;
use kvm_core::kvm_sys::riscv64::{
    KVM_MP_STATE_STOPPED, KVM_RISCV_ISA_EXT_C, kvm_riscv_csr, kvm_riscv_timer,
};
use kvm_core::kvm_sys::{Arch, KVM_GET_ONE_REG, KVM_SET_ONE_REG};
use kvm_core::riscv64::register as riscv;
use kvm_core::{Cause, Errno, Error, Exit, Kvm, SavedState, Vcpu, Vm};
use kvm_mock::{Log, LogEntry, Model, Step};

fn cause<T>(result: Result<T, Error>) -> Option<Cause> {
    result.err().map(|error| error.cause())
}

fn arm_vm() -> Vm<Model<Aarch64>> {
    Kvm::with(Model::default()).unwrap().create_vm().unwrap()
}

fn riscv_vm() -> Vm<Model<Riscv64>> {
    Kvm::with(Model::default()).unwrap().create_vm().unwrap()
}

fn init(features: &[u32]) -> kvm_vcpu_init {
    let mut init = kvm_vcpu_init {
        target: KVM_ARM_TARGET_GENERIC_V8,
        ..Default::default()
    };
    for feature in features {
        init.features[0] |= 1 << feature;
    }
    init
}

/// All registers of a vCPU.
fn registers<H: kvm_core::Hypervisor>(vcpu: &kvm_core::Registers<H>) -> Vec<(u64, Vec<u8>)> {
    let read = |id| {
        let mut value = vec![0; usize::try_from(kvm_core::kvm_sys::KVM_REG_SIZE(id)).unwrap()];
        vcpu.get_one_reg(id, &mut value).unwrap();
        (id, value)
    };
    vcpu.get_reg_list().unwrap().into_iter().map(read).collect()
}

fn vectors() -> Vcpu<Model<Aarch64>> {
    let vcpu = arm_vm().create_vcpu(0).unwrap();
    vcpu.vcpu_init(&init(&[KVM_ARM_VCPU_SVE, KVM_ARM_VCPU_PSCI_0_2]))
        .unwrap();
    // Of 128 bits only.
    vcpu.set_reg(KVM_REG_ARM64_SVE_VLS, &[1u64, 0, 0, 0, 0, 0, 0, 0])
        .unwrap();
    vcpu.vcpu_finalize(KVM_ARM_VCPU_SVE).unwrap();
    vcpu.set_reg(arm::PC, &0x4000_0000u64).unwrap();
    vcpu.set_reg(KVM_REG_ARM64_SVE_ZREG(3, 0), &[7u8; 256])
        .unwrap();
    vcpu
}

#[test]
fn a_vcpu_with_vectors_comes_back_as_it_was() {
    let mut saved = vectors();
    let state = saved.save().unwrap();
    let state = SavedState::from_bytes(state.into_bytes()).unwrap();
    assert_eq!((state.arch(), state.of()), (Arch::Aarch64, Fds::VCPU));

    // On a vCPU that nobody has initialised, and on one that is final already.
    let mut fresh = arm_vm().create_vcpu(0).unwrap();
    for other in [&mut fresh, &mut vectors()] {
        other.restore(&state).unwrap();
        assert_eq!(registers(other), registers(&saved));
        assert_eq!(other.save().unwrap(), state);
    }
}

#[test]
fn a_vcpu_that_is_off_stays_so() {
    let vm = arm_vm();
    let mut saved = vm.create_vcpu(1).unwrap();
    saved.vcpu_init(&init(&[KVM_ARM_VCPU_POWER_OFF])).unwrap();
    let state = saved.save().unwrap();
    let mut other = arm_vm().create_vcpu(1).unwrap();
    other.restore(&state).unwrap();
    assert_eq!(other.get_mp_state().unwrap(), KVM_MP_STATE_STOPPED);
    assert_eq!(other.save().unwrap(), state);
}

#[test]
fn what_a_vcpu_is_has_to_be_known() {
    let mut vcpu = arm_vm().create_vcpu(0).unwrap();
    let error = vcpu.save().unwrap_err();
    assert_eq!(
        (error.cause(), error.errno()),
        (Cause::NotInitialised, Errno::ENOEXEC)
    );
    vcpu.vcpu_init(&init(&[KVM_ARM_VCPU_SVE])).unwrap();
    assert_eq!(vcpu.save().unwrap_err().errno(), Errno::EPERM);
}

#[test]
fn a_register_that_another_vcpu_has_not_is_named() {
    let state = vectors().save().unwrap();
    let mut other = arm_vm().create_vcpu(0).unwrap();
    other.vcpu_init(&init(&[KVM_ARM_VCPU_SVE])).unwrap();
    other.vcpu_finalize(KVM_ARM_VCPU_SVE).unwrap();
    // Other features than those that it has.
    assert_eq!(other.restore(&state).unwrap_err().errno(), Errno::EINVAL);

    let mut plain = riscv_vm().create_vcpu(0).unwrap();
    plain
        .set_reg(riscv::isa_ext(KVM_RISCV_ISA_EXT_C), &0u64)
        .unwrap();
    let state = plain.save().unwrap();
    let model = Model::<Riscv64>::default();
    model.script(0, [Step::mmio_write(0x1000_0000, [0])]);
    let mut ran = Kvm::with(model)
        .unwrap()
        .create_vm()
        .unwrap()
        .create_vcpu(0)
        .unwrap();
    ran.run().unwrap();
    let error = ran.restore(&state).unwrap_err();
    let extension = riscv::isa_ext(KVM_RISCV_ISA_EXT_C) & 0xffff_ffff;
    assert_eq!(
        (error.cause(), error.errno()),
        (Cause::Register, Errno::EBUSY)
    );
    assert_eq!(u64::from(error.detail()), extension);
}

/// What has to come before the vCPU is final is first, then the firmware's registers; those that count the time are
/// last.
#[test]
fn the_order_is_the_one_that_kvm_demands() {
    let state = vectors().save().unwrap();
    let log = Log::new(Model::<Aarch64>::default());
    let calls = log.calls();
    let vm = Kvm::with(log).unwrap().create_vm().unwrap();
    let mut other = vm.create_vcpu(0).unwrap();
    other.restore(&state).unwrap();
    let entries = calls.entries();
    let mut set = entries
        .iter()
        .filter(|entry| entry.op() == &KVM_SET_ONE_REG);
    let is = |entry: Option<&LogEntry>, id: u64| {
        let id: Vec<_> = id.to_le_bytes().map(|byte| format!("{byte:02x}")).into();
        let call = format!("KVM_SET_ONE_REG of {}", id.join(" "));
        entry.is_some_and(|entry| entry.call().starts_with(&call))
    };
    assert!(is(set.next(), KVM_REG_ARM64_SVE_VLS));
    assert!(is(set.next(), KVM_REG_ARM_PSCI_VERSION));
    assert!(is(set.next_back(), KVM_REG_ARM_TIMER_CNT));
}

#[test]
fn a_vcpu_of_riscv64_comes_back_as_it_was() {
    let model = Model::<Riscv64>::default();
    model.script(
        0,
        [Step::mmio_read(0x1000_0000, [9]).register_then(riscv::A0, 9u64)],
    );
    let vm = Kvm::with(model).unwrap().create_vm().unwrap();
    let mut saved = vm.create_vcpu(0).unwrap();
    saved.set_reg(riscv::PC, &0x8020_0000u64).unwrap();
    let sepc = riscv::csr(offset_of!(kvm_riscv_csr, sepc));
    saved.set_reg(sepc, &0x8020_1234u64).unwrap();
    let compare = riscv::timer(offset_of!(kvm_riscv_timer, compare));
    saved.set_reg(compare, &1_000u64).unwrap();
    if let (Exit::MmioRead(read), _) = saved.run().unwrap() {
        read.data.fill(9);
    }
    let state = saved.save().unwrap();
    assert_eq!(saved.get_reg::<u64>(riscv::A0).unwrap(), 9);
    assert!(
        state
            .pieces()
            .any(|piece| piece.op() == Some(&KVM_GET_ONE_REG))
    );

    let mut other = riscv_vm().create_vcpu(0).unwrap();
    other.restore(&state).unwrap();
    assert_eq!(registers(&other), registers(&saved));
    assert_eq!(other.save().unwrap(), state);
}

#[test]
fn state_of_another_architecture_is_refused() {
    let arm = vectors().save().unwrap();
    let vm = riscv_vm();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    assert_eq!(cause(vcpu.restore(&arm)), Some(Cause::ForeignState));
    let own = vm.save().unwrap();
    assert_eq!(cause(vcpu.restore(&own)), Some(Cause::StateOfOther));
    vm.restore(&own).unwrap();
    assert_eq!(cause(arm_vm().restore(&own)), Some(Cause::ForeignState));
}

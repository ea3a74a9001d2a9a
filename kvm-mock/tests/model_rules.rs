//! Rules of the model that the conformance suite has no guest or call for.
#![expect(unsafe_code, reason = "makes calls that the typed layer has not")]

use kvm_core::kvm_sys::op::{Op, Takes};
use kvm_core::kvm_sys::{
    ALL, KVM_CREATE_VCPU, KVM_CREATE_VM, KVM_GET_SREGS, KVM_GET_SREGS2, KVM_MP_STATE_HALTED,
    KVM_MP_STATE_UNINITIALIZED, KVM_SET_SREGS, KVM_SET_SREGS2, MpState, kvm_cpuid_entry2,
    kvm_msr_entry, kvm_pmu_event_filter, kvm_sregs, kvm_sregs2,
};
use kvm_core::{Arg, Errno, Exit, Hypervisor, Kvm, Region};
use kvm_mock::{Model, Step};
use zerocopy::{FromBytes, IntoBytes};

fn errno<T>(result: Result<T, kvm_core::Error>) -> Option<Errno> {
    result.err().map(|error| error.errno())
}

fn leaf(function: u32) -> kvm_cpuid_entry2 {
    kvm_cpuid_entry2 {
        function,
        ..Default::default()
    }
}

#[test]
fn cpuid_is_settled_by_the_first_run() {
    let model = Model::new();
    model.script(0, [Step::hlt()]);
    let vm = Kvm::with(model).unwrap().create_vm().unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    vcpu.set_cpuid2(&[leaf(0), leaf(1)]).unwrap();
    vcpu.kicker().kick();
    assert_eq!(vcpu.run().unwrap().0, Exit::Interrupted);
    vcpu.set_cpuid2(&[leaf(0)]).unwrap();
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
    vcpu.set_cpuid2(&[leaf(0)]).unwrap();
    assert_eq!(errno(vcpu.set_cpuid2(&[leaf(1)])), Some(Errno::EINVAL));
    assert_eq!(vcpu.get_cpuid2(), Ok(vec![leaf(0)]));
}

#[test]
fn only_the_boot_cpu_says_so() {
    const BOOTS: u64 = 1 << 8;

    let vm = Kvm::with(Model::new()).unwrap().create_vm().unwrap();
    let apic_base = |id| vm.create_vcpu(id).unwrap().get_sregs().unwrap().apic_base;
    assert_eq!((apic_base(0) & BOOTS, apic_base(1) & BOOTS), (BOOTS, 0));
}

#[test]
fn states_that_do_not_exist_are_refused() {
    let vm = Kvm::with(Model::new()).unwrap().create_vm().unwrap();
    vm.create_irq_chip().unwrap();
    let vcpu = vm.create_vcpu(1).unwrap();
    assert_eq!(errno(vcpu.set_mp_state(MpState(99))), Some(Errno::EINVAL));
    assert_eq!(vcpu.get_mp_state(), Ok(KVM_MP_STATE_UNINITIALIZED));
    vcpu.set_mp_state(KVM_MP_STATE_HALTED).unwrap();
}

#[test]
fn the_pages_of_the_task_state_stay_below_4_gib() {
    let vm = Kvm::with(Model::new()).unwrap().create_vm().unwrap();
    assert_eq!(errno(vm.set_tss_address(0xffff_d000)), None);
    assert_eq!(errno(vm.set_tss_address(0xffff_e000)), Some(Errno::EINVAL));
    assert_eq!(errno(vm.set_tss_address(u64::MAX)), Some(Errno::EINVAL));
}

#[test]
fn lists_longer_than_the_kernels_are_refused() {
    let vm = Kvm::with(Model::new()).unwrap().create_vm().unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    assert_eq!(errno(vcpu.set_cpuid2(&[leaf(0); 257])), Some(Errno::E2BIG));
    let events = vec![0; 301];
    let refused = vm.set_pmu_event_filter(&kvm_pmu_event_filter::default(), &events);
    assert_eq!(errno(refused), Some(Errno::E2BIG));
}

#[test]
fn msrs_are_served_in_lists_that_the_kernel_takes() {
    const LSTAR: u32 = 0xc000_0082;

    let vm = Kvm::with(Model::new()).unwrap().create_vm().unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    let entry = |data| kvm_msr_entry {
        index: LSTAR,
        data,
        ..Default::default()
    };
    let mut msrs: Vec<_> = (0..600).map(entry).collect();
    vcpu.set_msrs(&msrs).unwrap();
    vcpu.get_msrs(&mut msrs).unwrap();
    assert_eq!(msrs, [entry(599); 600]);
}

#[test]
fn a_run_page_is_mapped_from_a_vcpu() {
    let region = Region::Run {
        len: 0x3000,
        private: 0x2000,
    };
    assert_eq!(Model::new().map(region).unwrap_err(), Errno::ENODEV);
    assert_eq!(Model::new().read(0, &mut [0; 8]), Err(Errno::EINVAL));
}

#[test]
fn objects_have_numbers_of_their_own() {
    let model = Model::new();
    assert_eq!(model.number(), model.clone().number());
    assert!(model.number() > 2);
}

/// Makes a call on a structure.
fn call<T: IntoBytes + FromBytes>(on: &Model, op: &'static Op, value: &mut T) -> Option<Errno> {
    assert_eq!(op.size(), size_of::<T>());
    assert!(op.opaque().is_empty());
    let mut arg = Arg::Mut(value.as_mut_bytes());
    // SAFETY: the row's structure, which has neither pointers nor anything of this process in it.
    unsafe { on.ioctl(op, &mut arg) }.err()
}

#[test]
fn every_call_has_an_answer_on_every_object() {
    let create = |on: &Model, op| {
        // SAFETY: the rows take an integer.
        unsafe { on.create(op, &mut Arg::Value(0)) }
    };
    let system = Model::new();
    let vm = create(&system, &KVM_CREATE_VM).unwrap();
    let vcpu = create(&vm, &KVM_CREATE_VCPU).unwrap();
    for op in ALL.iter().filter(|op| op.opaque().is_empty()) {
        for on in [&system, &vm, &vcpu] {
            let mut bytes = vec![0; op.size()];
            let mut arg = match op.takes {
                Takes::Nothing => Arg::None,
                Takes::Value => Arg::Value(u64::MAX),
                Takes::Struct { .. } => Arg::Mut(&mut bytes),
            };
            // SAFETY: the structure of the row, without elements, and with nothing of this process in it.
            let answer = unsafe { on.ioctl(op, &mut arg) };
            let answer = answer.map_err(|errno| errno.name());
            assert_ne!(answer, Err(None), "{op}");
        }
    }
}

#[test]
fn two_views_of_the_same_state_agree() {
    let create = |on: &Model, op| {
        // SAFETY: the rows take an integer.
        unsafe { on.create(op, &mut Arg::Value(0)) }
    };
    let vm = create(&Model::new(), &KVM_CREATE_VM).unwrap();
    let vcpu = create(&vm, &KVM_CREATE_VCPU).unwrap();
    let (mut sregs, mut sregs2) = (kvm_sregs::default(), kvm_sregs2::default());
    assert_eq!(call(&vcpu, &KVM_GET_SREGS2, &mut sregs2), None);
    sregs2.cr3 = 0x5000;
    sregs2.pdptrs = [7; 4];
    assert_eq!(call(&vcpu, &KVM_SET_SREGS2, &mut sregs2), None);
    assert_eq!(call(&vcpu, &KVM_GET_SREGS, &mut sregs), None);
    assert_eq!(
        (sregs.cr3, sregs.cs, sregs.interrupt_bitmap),
        (0x5000, sregs2.cs, [0; 4])
    );
    sregs.cr3 = 0x6000;
    assert_eq!(call(&vcpu, &KVM_SET_SREGS, &mut sregs), None);
    assert_eq!(call(&vcpu, &KVM_GET_SREGS2, &mut sregs2), None);
    assert_eq!((sregs2.cr3, sregs2.pdptrs), (0x6000, [7; 4]));
}

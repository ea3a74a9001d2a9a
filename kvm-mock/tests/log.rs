//! The log shows what was called, in its order.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use kvm_core::{AnonymousMemory, Errno, GuestAddress, Kvm, Slot};
use kvm_mock::{Fault, FaultPlan, Log, Model, Step};
use kvm_sys::{KVM_CREATE_VCPU, KVM_CREATE_VM, KVM_RUN, KVM_SET_USER_MEMORY_REGION};

#[test]
fn lines_show_objects_answers_exits_and_errors() {
    let plan = FaultPlan::new();
    plan.add(Fault::interruption().nth(2));
    let model = Model::new();
    model.script(7, [Step::mmio_write(0x1000, [1, 2, 3, 4])]);
    let log = Log::new(plan.wrap(model));
    let calls = log.calls();
    let vm = Kvm::with(log).unwrap().create_vm().unwrap();
    assert!(calls.count(&KVM_CREATE_VM) == 1);
    calls.clear();
    let mut vcpu = vm.create_vcpu(7).unwrap();
    vcpu.run().unwrap();
    vcpu.run().unwrap();
    let lines: Vec<_> = calls.entries().iter().map(ToString::to_string).collect();
    assert_eq!(lines[0], "VM: KVM_CREATE_VCPU of 0x7 = vCPU 7");
    assert!(lines[1].starts_with("vCPU 7: mmap of "), "{}", lines[1]);
    assert_eq!(
        lines[2..],
        [
            "vCPU 7: KVM_RUN = mmio write 0x1000 <- 01 02 03 04",
            "vCPU 7: KVM_RUN: EINTR"
        ]
    );
    assert_eq!(calls.entries()[3].result(), Err(Errno::EINTR));
}

#[test]
fn an_order_that_does_not_hold_is_shown() {
    let log = Log::new(Model::new());
    let calls = log.calls();
    let vm = Kvm::with(log).unwrap().create_vm().unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    let ram = AnonymousMemory::new(0x1_0000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0), ram).unwrap();
    drop(vcpu);

    let memory = &KVM_SET_USER_MEMORY_REGION;
    calls
        .in_order(&[&KVM_CREATE_VM, &KVM_CREATE_VCPU, memory])
        .unwrap();
    let error = calls
        .in_order(&[&KVM_CREATE_VM, memory, &KVM_CREATE_VCPU])
        .unwrap_err();
    assert_eq!((error.first(), error.then()), (memory, &KVM_CREATE_VCPU));
    let text = error.to_string();
    assert!(
        text.starts_with(
            "KVM_CREATE_VCPU was called before KVM_SET_USER_MEMORY_REGION succeeded\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("\n> VM: KVM_CREATE_VCPU = vCPU 0\n"),
        "{text}"
    );
    assert!(text.contains("\n  system: KVM_CREATE_VM = VM\n"), "{text}");
    let error = calls.in_order(&[memory, &KVM_RUN]).unwrap_err();
    assert!(error.to_string().starts_with("KVM_RUN was never called"));
}

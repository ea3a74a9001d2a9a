//! What kvm-core makes of the answers of kernels that are older than the model.

mod changed;

use kvm_core::Kvm;
use kvm_core::kvm_sys::op::Op;
use kvm_core::kvm_sys::{KVM_GET_CPUID2, kvm_cpuid_entry2};
use kvm_mock::Model;

use changed::{Change, Changed};

/// Linux 6.1 writes the leaves and leaves their count as it was.
struct Uncounted;

impl Change for Uncounted {
    fn answered(op: &Op, given: &[u8], answer: &mut [u8]) {
        const COUNT: usize = 4;
        if *op == KVM_GET_CPUID2 {
            let counts = answer.iter_mut().zip(given).take(COUNT);
            counts.for_each(|(answer, given)| *answer = *given);
        }
    }
}

#[test]
fn leaves_are_as_many_as_were_set() {
    let kvm = Kvm::with(Changed::<Uncounted>::new(Model::new())).unwrap();
    let vcpu = kvm.create_vm().unwrap().create_vcpu(0).unwrap();
    assert_eq!(vcpu.get_cpuid2(), Ok(vec![]));
    // The last is all zeros.
    let leaf = |function| kvm_cpuid_entry2 {
        function,
        ..Default::default()
    };
    for leaves in [vec![leaf(0)], vec![leaf(1), leaf(0)]] {
        vcpu.set_cpuid2(&leaves).unwrap();
        assert_eq!(vcpu.get_cpuid2(), Ok(leaves));
    }
    // More than are asked for at first.
    let many: Vec<_> = (0..100).map(leaf).collect();
    vcpu.set_cpuid2(&many).unwrap();
    assert_eq!(vcpu.get_cpuid2(), Ok(many));
}

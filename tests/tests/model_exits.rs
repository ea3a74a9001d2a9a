//! Every exit that there is can be a step of a script, on each architecture that has a model: those of the pages that C
//! compilers wrote against the kernel's headers.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "also in what the tests share"
)]

use kvm_core::kvm_exit::{Aarch64, Page, Riscv64, X86_64};
use kvm_core::kvm_sys::aarch64::{KVM_ARM_TARGET_GENERIC_V8, kvm_vcpu_init};
use kvm_core::{Error, Kvm, Vcpu};
use kvm_mock::{Model, ModelGuest, Step};

/// The words of a page from byte 8 on, in this host's byte order, that a line of the file gives: fields as offset and
/// bytes.
fn page(line: &str) -> Vec<u64> {
    let mut bytes = vec![0; 8192];
    for field in line.split(' ').skip(1) {
        let (offset, digits) = field.split_once(':').unwrap();
        let offset: usize = offset.parse().unwrap();
        let value = (0..digits.len()).step_by(2);
        let value = value.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
        let mut value: Vec<u8> = value.collect();
        if cfg!(target_endian = "big") {
            value.reverse();
        }
        bytes[offset..offset + value.len()].copy_from_slice(&value);
    }
    let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().unwrap());
    bytes[8..].chunks_exact(8).map(word).collect()
}

/// Scripts the exits of all pages and runs them. Gives the reasons, each once.
fn reasons<G: ModelGuest>(text: &str, ready: fn(&Vcpu<Model<G>>) -> Result<(), Error>) -> Vec<u32> {
    let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    let pages: Vec<_> = lines.map(page).collect();
    let model = Model::<G>::default();
    let steps = pages.iter().cloned().map(|words| {
        Step::exit(move |page| {
            let mut words = words.clone();
            let exit = Page::<G>::from_words(&mut words).unwrap().decode().unwrap();
            page.encode(&exit)
        })
    });
    model.script(0, steps);
    let vm = Kvm::with(model.clone()).unwrap().create_vm().unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    ready(&vcpu).unwrap();
    let mut reasons = Vec::new();
    for mut words in pages {
        let wanted = Page::<G>::from_words(&mut words).unwrap();
        reasons.push(wanted.exit_reason().0);
        assert_eq!(vcpu.run().unwrap().0, wanted.decode().unwrap());
    }
    model.verify().unwrap();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

#[test]
fn every_exit_is_a_step() {
    let x86 = include_str!("../../kvm-exit/tests/truth/x86_64.txt");
    assert!(reasons::<X86_64>(x86, |_| Ok(())).into_iter().eq(0..44));
    let arm = include_str!("../../kvm-exit/tests/truth/aarch64.txt");
    let init = |vcpu: &Vcpu<Model<Aarch64>>| {
        vcpu.vcpu_init(&kvm_vcpu_init {
            target: KVM_ARM_TARGET_GENERIC_V8,
            ..Default::default()
        })
    };
    assert!(reasons::<Aarch64>(arm, init).into_iter().eq(0..44));
    let riscv = include_str!("../../kvm-exit/tests/truth/riscv64.txt");
    assert!(reasons::<Riscv64>(riscv, |_| Ok(())).into_iter().eq(0..44));
}

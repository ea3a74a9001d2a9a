//! Profiles as text, and taken from a host.
#![allow(clippy::unwrap_used, reason = "also in what the tests share")]

use kvm_core::kvm_exit::{Aarch64, Riscv64, X86_64};
use kvm_core::kvm_sys::{KVM_CAP_IRQCHIP, KVM_CAP_MP_STATE, KVM_DEV_TYPE_VFIO};
use kvm_core::{Errno, Kvm};
use kvm_mock::{Fault, Faults, Model, ModelGuest, Profile};
use kvm_sys::x86_64::{KVM_GET_REGS, KVM_GET_SREGS, kvm_regs};

/// Writes the profile, reads it, and writes it again.
fn read_again<G: ModelGuest>(profile: &Profile<G>) {
    let text = profile.to_string();
    let again = Profile::parse(&text).unwrap();
    assert_eq!(&again, profile);
    assert_eq!(again.to_string(), text);
}

#[test]
fn what_is_written_is_read_again() {
    read_again(&Profile::<X86_64>::default());
    read_again(&Profile::<Aarch64>::default());
    read_again(&Profile::<Riscv64>::default());
    read_again(&Profile::amd_pvm().unwrap());
    read_again(&Profile::qemu_epyc().unwrap());
    read_again(&Profile::qemu_neoverse_n1().unwrap());
    read_again(&Profile::qemu_riscv64().unwrap());
    let regs = kvm_regs {
        rip: 0x1234,
        ..Default::default()
    };
    let changed = Profile::<X86_64>::default()
        .named("a # with\na comment")
        .cap(KVM_CAP_IRQCHIP, 7)
        .vm_cap(KVM_CAP_MP_STATE, 0)
        .without_device(KVM_DEV_TYPE_VFIO)
        .reset(&KVM_GET_REGS, &regs);
    read_again(&changed);
    assert_eq!(changed.name(), "a   with a comment");
}

/// What a model of the profile is taken for, under the profile's name.
fn taken_from_a_model<G: ModelGuest>(profile: &Profile<G>) -> Profile<G> {
    let kvm = Kvm::with(Model::with_profile(profile.clone())).unwrap();
    Profile::capture(&kvm).unwrap().named(profile.name())
}

/// Nobody can ask a host whether it is real.
fn as_if_real<G: ModelGuest>(profile: &Profile<G>) -> Profile<G> {
    let text = profile.to_string().replace("\nsynthetic\n", "\n");
    Profile::parse(&text).unwrap()
}

#[test]
fn a_model_is_taken_for_what_it_claims_to_be() {
    let pvm = Profile::amd_pvm().unwrap();
    assert_eq!(taken_from_a_model(&pvm).to_string(), pvm.to_string());
    let svm = Profile::qemu_epyc().unwrap();
    assert_eq!(taken_from_a_model(&svm).to_string(), svm.to_string());
    let x86 = as_if_real(&Profile::<X86_64>::default());
    assert_eq!(taken_from_a_model(&x86).to_string(), x86.to_string());
    let arm = as_if_real(&Profile::<Aarch64>::default());
    assert_eq!(taken_from_a_model(&arm).to_string(), arm.to_string());
    let riscv = as_if_real(&Profile::<Riscv64>::default());
    assert_eq!(taken_from_a_model(&riscv).to_string(), riscv.to_string());
}

#[test]
fn profiles_of_machines_are_not_synthetic() {
    let profile = Profile::amd_pvm().unwrap();
    assert!(!profile.is_synthetic());
    let kvm = Kvm::with(Model::with_profile(profile)).unwrap();
    assert!(!Profile::capture(&kvm).unwrap().is_synthetic());
}

/// The least that is a profile.
const LEAST: &str = "kvm-profile 1
arch x86_64
name least
api-version 12
page-size 4096
vcpu-mmap-size 12288
";

fn refusal(text: &str) -> (usize, String) {
    let error = Profile::<X86_64>::parse(text).unwrap_err();
    (error.line(), error.to_string())
}

/// The error of a line behind the least profile.
fn refused(line: &str) -> String {
    let (at, error) = refusal(&format!("{LEAST}{line}\n"));
    assert_eq!(at, 7, "{error}");
    error
}

#[test]
fn the_least_profile_offers_nothing() {
    let profile = Profile::<X86_64>::parse(LEAST).unwrap();
    assert_eq!((profile.name(), profile.is_synthetic()), ("least", false));
    let kvm = Kvm::with(Model::with_profile(profile)).unwrap();
    assert_eq!(kvm.check_extension(KVM_CAP_IRQCHIP), Ok(0));
    assert_eq!(kvm.get_vcpu_mmap_size(), Ok(12288));
}

#[test]
fn comments_and_blanks_mean_nothing() {
    let text = LEAST.replace('\n', "   # twelve\n\n\t# more\n");
    assert_eq!(
        Profile::<X86_64>::parse(&text),
        Profile::<X86_64>::parse(LEAST)
    );
}

#[test]
fn each_wrong_line_is_named() {
    for (line, why) in [
        ("frobnicate 1", "nothing is known as `frobnicate`"),
        (
            "cap KVM_CAP_NO_SUCH 1",
            "nothing is known as `KVM_CAP_NO_SUCH`",
        ),
        ("cap KVM_CAP_IRQCHIP", "expected a number"),
        ("cap KVM_CAP_IRQCHIP 1 2", "the line ends before `2`"),
        (
            "cap KVM_CAP_IRQCHIP 4294967296",
            "is not a number that fits",
        ),
        ("cap KVM_CAP_IRQCHIP -1", "is not a number that fits"),
        ("page-size 4096", "this has been said before"),
        ("device 0x1_0", "nothing is known as `0x1_0`"),
        ("bank KVM_SET_REGS", "nothing is known as `KVM_SET_REGS`"),
        ("+0x10 00", "bytes have to follow the line of their bank"),
        ("reg 0x2030000000000000 0x1ffffffffffffffff", "no room"),
        ("reg 0x20f0000000000000 0x1", "no room"),
        ("reg 0x2030000000000000 7", "is not a number that fits"),
        ("msr 0x10", "expected a number"),
    ] {
        let error = refused(line);
        assert!(error.contains(why), "{line}: {error}");
    }
}

#[test]
fn banks_have_the_length_of_their_call() {
    let bank = |line: &str| refusal(&format!("{LEAST}bank KVM_GET_REGS\n{line}\n"));
    let outside = (
        8,
        "profile, line 8: there is no room for so many bytes".to_owned(),
    );
    assert_eq!(bank("+0x90 00"), outside);
    assert_eq!(bank("+0x8f 0000"), outside);
    assert_eq!(bank("+0xffffffffffffffff 00"), outside);
    assert_eq!(bank("+x 00"), outside);
    assert!(bank("+0 0").1.contains("not a row of bytes"));
    assert!(bank("+0 +1").1.contains("not a row of bytes"));
    assert!(bank("bank KVM_GET_REGS").1.contains("said before"));
    let set: Profile<X86_64> =
        Profile::parse(&format!("{LEAST}bank KVM_GET_REGS\n+0x80 f0ff\n")).unwrap();
    let regs = kvm_regs {
        rip: 0xfff0,
        ..Default::default()
    };
    let same = Profile::<X86_64>::parse(LEAST).unwrap();
    assert_eq!(set, same.reset(&KVM_GET_REGS, &regs));
}

#[test]
fn what_is_no_profile_is_refused() {
    let refusal = |text: &str| refusal(text).1;
    assert!(refusal("").contains("begins with `kvm-profile 1`"));
    assert!(refusal("# nothing\n").contains("begins with"));
    assert!(refusal("#!/bin/sh\nls\n").contains("line 2: a profile begins with"));
    assert!(refusal("kvm-profile 2\n").contains("has version 2"));
    assert!(refusal("kvm-profile 1\n").contains("ends without a line `arch`"));
    let arm = LEAST.replace("x86_64", "aarch64");
    assert!(refusal(&arm).contains("is of aarch64, and x86_64 was asked for"));
    for line in LEAST.lines().skip(1) {
        let lacks = LEAST.replace(&format!("{line}\n"), "");
        let word = line.split(' ').next().unwrap();
        assert!(refusal(&lacks).contains(&format!("ends without a line `{word}`")));
    }
}

#[test]
fn no_text_makes_it_panic() {
    let text = Profile::amd_pvm().unwrap().to_string();
    for (at, _) in text.char_indices().step_by(61) {
        let _ = Profile::<X86_64>::parse(&text[..at]);
        let mut changed = text.clone().into_bytes();
        changed[at] ^= 1 << (at % 7);
        let _ = Profile::<X86_64>::parse(&String::from_utf8(changed).unwrap());
    }
}

#[test]
fn a_host_that_refuses_is_no_profile() {
    let faults = Faults::new(Model::new());
    faults.plan().add(Fault::errno(&KVM_GET_SREGS, Errno::EIO));
    let kvm = Kvm::with(faults).unwrap();
    let error = Profile::<X86_64>::capture(&kvm).unwrap_err();
    assert_eq!((error.op(), error.errno()), (&KVM_GET_SREGS, Errno::EIO));
}

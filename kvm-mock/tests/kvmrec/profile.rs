//! `kvmrec profile`.

use kvm_core::Kvm;
use kvm_mock::Profile;

use crate::{file, kvmrec};

const SHIPPED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/profiles/x86_64-amd-pvm.profile"
);

#[test]
fn a_profile_is_taken_from_the_host_or_it_is_said_why_not() {
    let ran = kvmrec(&["profile", "--name", "a host"]);
    match Kvm::open() {
        Ok(_) => {
            let profile: Profile = Profile::parse(&ran.good()).unwrap();
            assert_eq!((profile.name(), profile.is_synthetic()), ("a host", false));
        }
        Err(error) => {
            assert_eq!((ran.code, ran.out.as_str()), (2, ""));
            assert_eq!(ran.err, format!("kvmrec: {error}\n"));
        }
    }
}

#[test]
fn profiles_are_checked() {
    let out = kvmrec(&["profile", "--check", SHIPPED]).good();
    assert!(
        out.starts_with(&format!("{SHIPPED}: good: x86_64, ")),
        "{out}"
    );
    for arch in ["aarch64", "riscv64"] {
        let text = match arch {
            "aarch64" => Profile::<kvm_core::kvm_exit::Aarch64>::default().to_string(),
            _ => Profile::<kvm_core::kvm_exit::Riscv64>::default().to_string(),
        };
        let path = file(&format!("{arch}.profile"), text.as_bytes());
        let out = kvmrec(&["profile", "--check", &path]).good();
        assert!(out.contains(&format!(": good: {arch}, ")), "{out}");
        assert!(out.ends_with(", not taken from a machine\n"), "{out}");
    }
}

#[test]
fn what_is_no_profile_has_a_line_and_a_reason() {
    let text = std::fs::read_to_string(SHIPPED).unwrap();
    let wrong = file(
        "wrong.profile",
        (text + "cap KVM_CAP_NO_SUCH 1\n").as_bytes(),
    );
    let ran = kvmrec(&["profile", "--check", SHIPPED, &wrong]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains(": good: "), "{}", ran.out);
    assert!(
        ran.out.contains(": no profile: profile, line "),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("KVM_CAP_NO_SUCH"), "{}", ran.out);
    let binary = file("binary.profile", &[0xff; 100]);
    assert_eq!(kvmrec(&["profile", "--check", &binary]).code, 3);
}

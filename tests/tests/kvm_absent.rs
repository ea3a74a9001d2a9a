//! The examples where `/dev/kvm` is not there, not permitted, or no KVM device.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test without libtest, which is what clippy looks for"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kvm_tests::checks::{self, NotRun};

/// A program that `cargo test` builds beside this one.
fn example(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let path = this.parent().unwrap().with_file_name("examples").join(name);
    assert!(
        path.exists(),
        "{} is missing: `cargo build --examples`",
        path.display()
    );
    path
}

/// Runs a program with `/dev` changed by a shell command, in a mount namespace of its own.
fn with_dev(change: &str, program: &Path, arguments: &[&str]) -> Result<Output, NotRun> {
    let script = format!("{change} || exit 77; exec \"$@\"");
    // As root in a user namespace too, so that it needs no privilege where those are allowed.
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"])
        .arg(program)
        .args(arguments)
        .output()
        .map_err(|error| NotRun::because(format_args!("unshare: {error}")))?;
    let message = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) || message.starts_with("unshare:") {
        return Err(NotRun::because(message.trim()));
    }
    Ok(output)
}

/// Checks that `hello` falls back to its recording for this reason, and fails where KVM is demanded.
fn falls_back(change: &str, why: &str) -> Result<(), NotRun> {
    let hello = example("hello");
    let output = with_dev(change, &hello, &[])?;
    let printed = String::from_utf8(output.stdout).unwrap();
    let (backend, rest) = printed.split_once('\n').unwrap();
    let replay = "backend: replay of tests/recordings/x86_64/hello.kvmrec because ";
    assert_eq!(backend, format!("{replay}{why}"));
    assert_eq!(rest, include_str!("../expected/hello.txt"));
    assert!(output.status.success());

    let scratch = std::env::temp_dir().join("kvm-tests-never-written");
    for arguments in [
        ["--backend", "kvm"],
        ["--record", scratch.to_str().unwrap()],
    ] {
        let output = with_dev(change, &hello, &arguments)?;
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            format!("error: {why}\n")
        );
        assert_eq!(output.status.code(), Some(1));
    }
    assert!(!scratch.exists(), "a recording of nothing");

    let output = with_dev(change, &example("caps"), &[])?;
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        printed.starts_with(&format!("backend: model because {why}\n")),
        "{printed}"
    );
    assert!(output.status.success());
    Ok(())
}

fn a_dev_kvm_that_is_not_there_is_told() -> Result<(), NotRun> {
    falls_back(
        "mount -t tmpfs none /dev",
        "/dev/kvm: ENOENT: no such file, device or entry; is KVM built into or loaded by this \
         kernel, and virtualization enabled?",
    )
}

fn a_dev_kvm_that_is_no_kvm_device_is_told() -> Result<(), NotRun> {
    falls_back(
        "mount -t tmpfs none /dev && touch /dev/kvm",
        "KVM_GET_API_VERSION: ENOTTY: no such call on this object; /dev/kvm is no KVM device",
    )
}

fn a_dev_kvm_that_is_not_permitted_is_told() -> Result<(), NotRun> {
    // Permissions are nothing to root, unless it gives up its privileges.
    falls_back(
        "mount -t tmpfs none /dev && touch /dev/kvm && chmod 0 /dev/kvm \
         && set -- setpriv --bounding-set -all --inh-caps -all \"$@\"",
        "/dev/kvm: EACCES: permission denied; is this user in the kvm group?",
    )
}

fn main() {
    checks::main(&[
        (
            "a_dev_kvm_that_is_not_there_is_told",
            a_dev_kvm_that_is_not_there_is_told,
        ),
        (
            "a_dev_kvm_that_is_no_kvm_device_is_told",
            a_dev_kvm_that_is_no_kvm_device_is_told,
        ),
        (
            "a_dev_kvm_that_is_not_permitted_is_told",
            a_dev_kvm_that_is_not_permitted_is_told,
        ),
    ]);
}

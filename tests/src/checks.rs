//! [`main`]: runs checks that this machine may be unable to make, and says so for each.

use std::fmt;

use kvm_core::{Error, Kvm};

/// A check: its name, and what makes it.
pub type Check = (&'static str, fn() -> Result<(), NotRun>);

/// Why a check could not be made here. Something that is wrong is a panic instead.
#[derive(Debug)]
pub struct NotRun(String);

impl NotRun {
    /// For this reason.
    pub fn because(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// `/dev/kvm`, for a check that needs it.
///
/// # Errors
///
/// When it can't be used.
pub fn kvm() -> Result<Kvm, NotRun> {
    Kvm::open().map_err(|error: Error| NotRun::because(error))
}

/// The `main` of a test binary without libtest, which hides what a passing test prints.
///
/// With `KVM_TESTS=require` in the environment a check that could not be made is a failure.
///
/// # Panics
///
/// When a check finds something wrong, or could not be made though it is required.
#[expect(clippy::panic, reason = "it is how a test fails")]
pub fn main(checks: &[Check]) {
    // Test runners ask what there is first. libtest alone has an answer that they understand.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let required = std::env::var_os("KVM_TESTS").is_some_and(|value| value == "require");
    for (name, check) in checks {
        match check() {
            Ok(()) => println!("test {name} ... ok"),
            Err(NotRun(why)) if required => panic!("test {name} was not run: {why}"),
            Err(NotRun(why)) => println!("test {name} ... NOT RUN: {why}"),
        }
    }
}

//! [`main`]: runs checks that this machine may be unable to make, and says so for each.

use std::fmt;
use std::io::{self, Write};
use std::panic;
use std::sync::Once;

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

/// The `main` of a test binary without libtest, which hides what a passing test prints. `--exact NAME` makes this check
/// alone.
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
    let exact = std::env::args()
        .skip_while(|argument| argument != "--exact")
        .nth(1);
    let required = std::env::var_os("KVM_TESTS").is_some_and(|value| value == "require");
    say_failed();
    for (name, check) in checks {
        if exact.as_ref().is_some_and(|exact| exact != name) {
            continue;
        }
        print!("test {name} ... ");
        // So that the name is there if the process ends, or never does.
        let _ = io::stdout().flush();
        match check() {
            Ok(()) => println!("ok"),
            Err(NotRun(why)) if required => panic!("it was not run: {why}"),
            Err(NotRun(why)) => println!("NOT RUN: {why}"),
        }
    }
}

/// Ends the line of a check that panics before the panic is told, whatever thread it is in.
fn say_failed() {
    static FIRST: Once = Once::new();
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        FIRST.call_once(|| println!("FAILED"));
        tell(info);
    }));
}

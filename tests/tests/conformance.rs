//! The conformance suite, as a test program.

use std::process::ExitCode;

fn main() -> ExitCode {
    kvm_tests::conformance::main()
}

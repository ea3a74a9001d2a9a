//! The differential test, as a test program.

use std::process::ExitCode;

fn main() -> ExitCode {
    kvm_tests::differential::main()
}

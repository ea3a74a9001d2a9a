//! The examples on `/dev/kvm`, and on a recording of that very run.

#[cfg(target_arch = "x86_64")]
#[path = "x86_64/kvm_examples.rs"]
mod examples;

fn main() {
    #[cfg(target_arch = "x86_64")]
    examples::main();
    #[cfg(not(target_arch = "x86_64"))]
    println!("test kvm_examples ... NOT RUN: its guests are for x86_64");
}

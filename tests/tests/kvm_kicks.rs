//! Kicks from other threads at running vCPUs, in great number: none is lost, and nothing hangs.

#[cfg(target_arch = "x86_64")]
#[path = "x86_64/kvm_kicks.rs"]
mod kicks;

fn main() {
    #[cfg(target_arch = "x86_64")]
    kicks::main();
    #[cfg(not(target_arch = "x86_64"))]
    println!("test kvm_kicks ... NOT RUN: its guests are for x86_64");
}

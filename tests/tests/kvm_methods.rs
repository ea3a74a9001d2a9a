//! Calls of kvm-core that no scenario of the suite makes, on the KVM of aarch64 and riscv64. What is never called on any
//! real KVM, `cargo xtask lab methods` lists.

#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
#[path = "methods/mod.rs"]
mod methods;

fn main() {
    #[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
    methods::main();
    #[cfg(not(any(target_arch = "aarch64", target_arch = "riscv64")))]
    println!("test methods ... NOT RUN: this machine is neither of aarch64 nor of riscv64");
}

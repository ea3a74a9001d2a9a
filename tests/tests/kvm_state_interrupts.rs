//! A guest of aarch64 or riscv64 that looks at no clock goes on bit for bit in another VM, wherever it was paused,
//! with its interrupt controller and what was pending there. `cargo xtask lab run` has machines of both.

#[cfg(not(any(target_arch = "aarch64", target_arch = "riscv64")))]
fn main() {
    println!(
        "test state_interrupts ... NOT RUN: this machine is neither of aarch64 nor of riscv64"
    );
}

#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
#[path = "state_machine/mod.rs"]
mod state_machine;

#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
fn main() {
    kvm_tests::checks::main(&[
        ("paused_at_exits", state_machine::paused_at_exits),
        ("paused_by_kicks", state_machine::paused_by_kicks),
    ]);
}

//! Messages that a guest of aarch64 has set up go on in another VM: their tables, and what was pending there, are saved into
//! guest memory. `cargo xtask lab run --arch aarch64` has a machine for it.

#[cfg(not(target_arch = "aarch64"))]
fn main() {
    println!("test state_its ... NOT RUN: this machine is not of aarch64");
}

#[cfg(target_arch = "aarch64")]
#[path = "aarch64/kvm_state_its.rs"]
mod its;

#[cfg(target_arch = "aarch64")]
fn main() {
    kvm_tests::checks::main(&[
        ("messages_come", its::messages_come),
        ("moved_with_its_tables", its::moved_with_its_tables),
        (
            "moved_with_a_message_pending",
            its::moved_with_a_message_pending,
        ),
    ]);
}

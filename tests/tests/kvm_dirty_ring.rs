//! Dirty rings while the guest runs: every write is told, on `/dev/kvm` and on the model.

#[cfg(target_arch = "x86_64")]
#[path = "x86_64/kvm_dirty_ring.rs"]
mod dirty_ring;

fn main() {
    #[cfg(target_arch = "x86_64")]
    dirty_ring::main();
    #[cfg(not(target_arch = "x86_64"))]
    println!("test kvm_dirty_ring ... NOT RUN: its guests are for x86_64");
}

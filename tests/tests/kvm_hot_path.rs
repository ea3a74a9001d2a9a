//! What a run costs beside the system call: nothing is allocated, and no payload is copied.

#[cfg(target_arch = "x86_64")]
#[path = "x86_64/kvm_hot_path.rs"]
mod hot_path;

fn main() {
    #[cfg(target_arch = "x86_64")]
    hot_path::main();
    #[cfg(not(target_arch = "x86_64"))]
    println!("test kvm_hot_path ... NOT RUN: its guests are for x86_64");
}

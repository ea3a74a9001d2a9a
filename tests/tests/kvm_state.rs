//! A guest that looks at no clock goes on bit for bit in another VM, wherever it was paused.

#[cfg(target_arch = "x86_64")]
#[path = "x86_64/kvm_state.rs"]
mod state;

fn main() {
    #[cfg(target_arch = "x86_64")]
    state::main();
    #[cfg(not(target_arch = "x86_64"))]
    println!("test kvm_state ... NOT RUN: its guests are for x86_64");
}

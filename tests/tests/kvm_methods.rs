//! Calls of kvm-core that no scenario of the suite makes, on real KVM. What is never called on any real KVM,
//! `cargo xtask lab methods` lists.

#[path = "methods/mod.rs"]
mod methods;

fn main() {
    methods::main();
}

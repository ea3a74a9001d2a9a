//! The KVM of this machine writes pages that decode as the committed ones do. With `KVM_PAGES=write` in the

#[cfg(target_arch = "x86_64")]
#[path = "x86_64/kvm_pages.rs"]
mod pages;

fn main() {
    #[cfg(target_arch = "x86_64")]
    pages::main();
    #[cfg(not(target_arch = "x86_64"))]
    println!("test kvm_pages ... NOT RUN: its guests are for x86_64");
}

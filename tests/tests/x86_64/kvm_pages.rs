//! The KVM of this machine writes pages that decode as the committed ones do. With `KVM_PAGES=write` in the
//! environment it writes the files.
#![allow(
    clippy::unwrap_used,
    reason = "a test without libtest, which is what clippy looks for"
)]

use std::path::Path;

use kvm_core::{DevKvm, Error};
use kvm_tests::checks::{self, NotRun};
use kvm_tests::page_file;
use kvm_tests::pages::PAGES;

fn guests_exit_as_recorded() -> Result<(), NotRun> {
    checks::kvm()?;
    let write = std::env::var_os("KVM_PAGES").is_some_and(|value| value == "write");
    for page in PAGES {
        let mut vcpu = (page.make)(DevKvm::open().unwrap())
            .map_err(|error: Error| format!("{}: {error}", page.name))
            .unwrap();
        if write {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pages/x86_64");
            let text = page_file::write(vcpu.run_page());
            std::fs::write(folder.join(page.name), text).unwrap();
        }
        let exit = vcpu.run_page_mut().decode().unwrap();
        println!("{}: {exit}", page.name);
        (page.check)(exit);
    }
    Ok(())
}

pub(crate) fn main() {
    checks::main(&[("guests_exit_as_recorded", guests_exit_as_recorded)]);
}

//! What this host's KVM offers, as a table.
//!
//! `cargo run --example caps` asks `/dev/kvm`, or where there is none the model that tests use.

use std::io::Write;
use std::process::ExitCode;

use kvm_core::kvm_exit::Native;
use kvm_core::kvm_sys::Cap;
use kvm_core::{Error, Hypervisor, Kvm};
use kvm_mock::Model;
use kvm_tests::Failure;

const HELP: &str = "\
usage: [--backend kvm|model]

Without it: /dev/kvm when it can be used, else the model.
";

/// How much is in the lists that the architecture has.
#[cfg(target_arch = "x86_64")]
fn lists<H: Hypervisor<Guest = Native>>(kvm: &Kvm<H>) -> Result<Vec<(&'static str, usize)>, Error> {
    Ok(vec![
        ("CPUID leaves", kvm.get_supported_cpuid()?.len()),
        ("MSRs to save", kvm.get_msr_index_list()?.len()),
    ])
}

/// The registers of aarch64 and riscv64 are those of a vCPU.
#[cfg(not(target_arch = "x86_64"))]
fn lists<H: Hypervisor>(_: &Kvm<H>) -> Result<Vec<(&'static str, usize)>, Error> {
    Ok(Vec::new())
}

/// Prints what `kvm` offers to `out`.
fn print<H: Hypervisor<Guest = Native>>(kvm: &Kvm<H>, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "API version    {:>6}", kvm.get_api_version()?)?;
    writeln!(out, "page size      {:>6} bytes", kvm.page_size())?;
    writeln!(out, "vCPU mapping   {:>6} bytes", kvm.get_vcpu_mmap_size()?)?;
    for (what, count) in lists(kvm)? {
        writeln!(out, "{what:14} {count:>6}")?;
    }

    writeln!(out, "\n{:38} {:>6} {:>10}", "capability", "number", "value")?;
    let mut absent = 0;
    for (cap, name) in Cap::NAMES {
        match kvm.check_extension(*cap)? {
            0 => absent += 1,
            value => writeln!(out, "{name:38} {:>6} {value:>10}", cap.0)?,
        }
    }
    writeln!(out, "and {absent} that it does not offer")?;
    Ok(())
}

fn run(arguments: &[&str], out: &mut dyn Write) -> Result<(), Failure> {
    match arguments {
        [] => match Kvm::open() {
            Ok(kvm) => {
                writeln!(out, "backend: kvm\n")?;
                print(&kvm, out)
            }
            Err(error) => {
                writeln!(out, "backend: model because {error}\n")?;
                print(&Kvm::with(Model::<Native>::default())?, out)
            }
        },
        ["--backend", "kvm"] => {
            let kvm = Kvm::open()?;
            writeln!(out, "backend: kvm\n")?;
            print(&kvm, out)
        }
        ["--backend", "model"] => {
            writeln!(out, "backend: model\n")?;
            print(&Kvm::with(Model::<Native>::default())?, out)
        }
        ["--help" | "-h"] => Ok(out.write_all(HELP.as_bytes())?),
        _ => Err("these options are not understood; see --help".into()),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments, &mut std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

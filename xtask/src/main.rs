//! `cargo xtask`: the project's own tools.

mod apt;
mod arch;
mod bindings;
mod build_cost;
mod cache;
mod compare;
mod compiler;
mod coverage;
mod curation;
mod docs;
mod emit;
mod extract;
mod facts;
mod headers;
mod lower;
mod macros;
mod stale;
mod toolchain;
mod verify;

#[cfg(test)]
mod pipeline_tests;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about)]
struct Cli {
    #[command(subcommand)]
    command: Cmd,
}

#[derive(Subcommand)]
enum Cmd {
    /// Generate kvm-sys from the kernel's headers.
    Bindings(bindings::Options),
    /// Measure clean builds beside those of other crates.
    BuildCost(build_cost::Options),
    /// Say how much of what the headers define kvm-sys has.
    Coverage(coverage::Options),
    /// Have two C compilers judge kvm-sys against the kernel's headers.
    Verify(verify::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Cmd::Bindings(options) => bindings::run(&options),
        Cmd::BuildCost(options) => build_cost::run(&options),
        Cmd::Coverage(options) => coverage::run(&options),
        Cmd::Verify(options) => verify::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! `cargo xtask`: the project's own tools.

mod apt;
mod arch;
mod bindings;
mod compare;
mod curation;
mod emit;
mod extract;
mod facts;
mod headers;
mod lower;
mod macros;
mod since;
mod stale;
mod toolchain;

#[cfg(test)]
mod docs_tests;
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
    /// Find out which of a few kernel releases first had each name.
    Since,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Cmd::Bindings(options) => bindings::run(&options),
        Cmd::Since => since::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! `cargo xtask`: the project's own tools.

mod apt;
mod arch;
mod bindings;
mod budget;
mod cache;
mod compare;
mod compiler;
mod curation;
mod emit;
mod exits;
mod extract;
mod facts;
mod headers;
mod lower;
mod macros;
mod stale;
mod toolchain;

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
    /// Count the instructions that an exit costs outside the system call.
    Budget(budget::Options),
    /// Have C compilers write every exit, for the tests of kvm-exit.
    Exits(exits::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Cmd::Bindings(options) => bindings::run(&options),
        Cmd::Budget(options) => budget::run(&options),
        Cmd::Exits(options) => exits::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

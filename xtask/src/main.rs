//! `cargo xtask`: the project's own tools.

mod apt;
mod arch;
mod bench;
mod bench_recordings;
mod bindings;
mod budget;
mod build_cost;
mod cache;
mod calls;
mod chart;
mod compare;
mod compiler;
mod coverage;
mod curation;
mod docs;
mod emit;
mod exits;
mod extract;
mod facts;
mod foreign;
mod guests;
mod headers;
mod lab;
mod lower;
mod macros;
mod methods;
mod migrating;
mod port;
mod since;
mod stale;
mod toolchain;
mod verify;

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
    /// Assemble the guests of the examples and tests.
    Guests(guests::Options),
    /// Measure clean builds beside those of other crates.
    BuildCost(build_cost::Options),
    /// Say how much of what the headers define kvm-sys has.
    Coverage(coverage::Options),
    /// Have two C compilers judge kvm-sys against the kernel's headers.
    Verify(verify::Options),
    /// Time exits on /dev/kvm, beside kvm-ioctls and C.
    Bench(bench::Options),
    /// Count the instructions that an exit costs outside the system call.
    Budget(budget::Options),
    /// Have C compilers write every exit, for the tests of kvm-exit.
    Exits(exits::Options),
    /// Run other people's tests, and QEMU, on the model and on recordings.
    Foreign(foreign::Options),
    /// Run programs on the KVM of emulated machines.
    Lab(lab::Options),
    /// Compare MIGRATING.md with the methods of kvm-ioctls and ours.
    Migrating,
    /// Port a published program from kvm-ioctls, and compare.
    Port,
    /// Find out which of a few kernel releases first had each name.
    Since,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Cmd::Bindings(options) => bindings::run(&options),
        Cmd::Guests(options) => guests::run(&options),
        Cmd::BuildCost(options) => build_cost::run(&options),
        Cmd::Coverage(options) => coverage::run(&options),
        Cmd::Verify(options) => verify::run(&options),
        Cmd::Bench(options) => bench::run(&options),
        Cmd::Budget(options) => budget::run(&options),
        Cmd::Exits(options) => exits::run(&options),
        Cmd::Foreign(options) => foreign::run(&options),
        Cmd::Lab(options) => return ended(lab::run(&options)),
        Cmd::Migrating => migrating::run(),
        Cmd::Port => port::run(),
        Cmd::Since => since::run(),
    };
    ended(done.map(|()| ExitCode::SUCCESS))
}

fn ended(done: anyhow::Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

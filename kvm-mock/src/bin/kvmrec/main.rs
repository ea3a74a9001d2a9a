//! `kvmrec`: looks at recordings of virtual machines.

mod check;
mod trouble;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use trouble::{Done, Trouble};

/// Looks at recordings of virtual machines: what crossed the boundary between a VMM and KVM.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 done, 2 trouble; what others mean is in the help of the command."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Check(args) => check::run(&args),
    };
    done.unwrap_or_else(|trouble| trouble.report())
}

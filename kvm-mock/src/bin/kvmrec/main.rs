//! `kvmrec`: looks at recordings of virtual machines.

mod check;
mod compare;
mod diff;
mod exits;
mod filter;
mod json;
mod lines;
mod paint;
mod part;
mod profile;
mod progress;
mod show;
mod source;
mod spans;
mod stats;
mod structs;
mod tell;
mod text;
mod timeline;
mod trouble;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use trouble::{Done, Trouble};

/// Look at recordings of virtual machines: what crossed the boundary between a VMM and KVM.
#[derive(Debug, Parser)]
#[command(version)]
#[command(
    after_help = "Exit codes: 0 done, 2 trouble; what others mean is in the help of the command."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Colours in the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: paint::When,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(show::Args),
    Stats(stats::Args),
    Diff(diff::Args),
    Check(check::Args),
    Timeline(timeline::Args),
    Profile(profile::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.color.decide();
    let done = match cli.command {
        Command::Show(args) => show::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Timeline(args) => timeline::run(&args),
        Command::Profile(args) => profile::run(&args),
        Command::Check(args) => check::run(&args),
    };
    done.unwrap_or_else(|trouble| trouble.report())
}

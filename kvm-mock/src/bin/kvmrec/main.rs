//! `kvmrec`: records and replays programs that use KVM, and looks at recordings.

mod check;
mod child;
mod compare;
mod desk;
mod diff;
mod exits;
mod filter;
mod json;
mod launch;
mod lines;
mod paint;
mod part;
mod profile;
mod progress;
mod record;
mod replay;
mod run;
mod served;
mod show;
mod silent;
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

/// Record and replay virtual machines, and look at recordings: what crossed the boundary between a VMM and KVM.
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
    Run(run::Args),
    Record(record::Args),
    Replay(replay::Args),
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
        Command::Run(args) => run::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Timeline(args) => timeline::run(&args),
        Command::Profile(args) => profile::run(&args),
        Command::Check(args) => check::run(&args),
    };
    done.unwrap_or_else(|trouble| trouble.report())
}

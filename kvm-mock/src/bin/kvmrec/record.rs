//! `kvmrec record`: a program on the kernel's KVM, recorded.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Done;
use crate::launch::{self, Launch, Model, Recording};

/// Run a program, unmodified, and record what crosses between it and KVM
///
/// A program that opens /dev/kvm in several processes leaves a recording of each: the first in FILE, the others in
/// FILE.2, FILE.3 and so on, in the order in which they opened it.
///
/// Exit codes: the program's own; 2 when it can't be served; 3 when it succeeded and the recording did not.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The recording; one that exists is replaced
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Also record what the guest writes to its memory, for programs that read it: for guests of some megabytes
    #[arg(long)]
    memory: bool,
    /// Leave out when entries began and ended, so that equal runs give equal files
    #[arg(long)]
    no_times: bool,
    /// Record a model of KVM, of the host that PROFILE says, in place of the kernel's
    #[arg(
        long,
        value_name = "PROFILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "synthetic"
    )]
    model: Option<OsString>,
    #[command(flatten)]
    launch: launch::Program,
}

pub(crate) fn run(args: &Args) -> Done {
    let recording = Recording {
        path: args.output.clone(),
        memory: args.memory,
        times: !args.no_times,
        model: args.model.as_deref().map(Model::new).transpose()?,
    };
    launch::launch(&Launch::Record(recording), &args.launch)
}

//! `kvmrec replay`: a program on a recording.

use std::path::PathBuf;

use kvm_core::kvm_exit::Native;
use kvm_mock::Replay;

use crate::launch::{self, Launch};
use crate::{Done, Trouble};

/// Run a program, unmodified, on a recording: KVM answers as it did
///
/// The program needs no /dev/kvm, and has to do what the recorded one did. Where it does something else, the call fails
/// with errno 5000, and what was recorded and what it did is said on standard error. Of a program that opens /dev/kvm
/// in several processes, the first has FILE, the others FILE.2, FILE.3 and so on.
///
/// Exit codes: the program's own; 2 when it can't be served; 3 when it succeeded and left the recording.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The recording
    file: PathBuf,
    /// Only exits have to come in their order; what the program asks and sets between them is its own affair
    #[arg(long)]
    by_exit: bool,
    #[command(flatten)]
    launch: launch::Program,
}

pub(crate) fn run(args: &Args) -> Done {
    // What can't be replayed is better said once, before anything runs.
    if let Err(error) = Replay::<Native>::open(&args.file) {
        let path = args.file.clone();
        return Err(Trouble::Recording { path, error });
    }
    let launch = Launch::Replay {
        path: args.file.clone(),
        by_exit: args.by_exit,
    };
    launch::launch(&launch, &args.launch)
}

//! `kvmrec run`: a program on a model of KVM, or on the kernel's with faults.

use std::ffi::OsString;

use crate::Done;
use crate::launch::{self, Launch, Model};

/// Run a program, unmodified, on a model of KVM
///
/// The program needs no /dev/kvm. Its guests execute nothing: a vCPU that runs waits, as an idle guest would, until a
/// signal or `immediate_exit` ends it. So tests that set virtual machines up pass, and those that look at what guest
/// code does need a recording (`kvmrec record`, `kvmrec replay`).
///
/// Exit codes: the program's own; 2 when it can't be served.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    on: On,
    #[command(flatten)]
    launch: launch::Program,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct On {
    /// On a model of KVM, of the host that PROFILE says: synthetic, amd-pvm, or a file
    #[arg(
        long,
        value_name = "PROFILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "synthetic"
    )]
    model: Option<OsString>,
    /// On the kernel's KVM, for faults
    #[arg(long)]
    kvm: bool,
}

pub(crate) fn run(args: &Args) -> Done {
    let launch = match &args.on.model {
        Some(profile) => Launch::Model(Model::new(profile)?),
        None => Launch::Kernel,
    };
    launch::launch(&launch, &args.launch)
}

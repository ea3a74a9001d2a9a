//! `kvmrec record`: a program on the kernel's KVM, recorded.

use std::ffi::OsString;
use std::path::PathBuf;

use kvm_core::kvm_exit::{GuestArch, Native};
use kvm_core::kvm_sys::Arch;
use kvm_mock::RecordError;

use crate::launch::{self, Launch, Model, Recording};
use crate::{Done, Trouble};

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
    /// The same for guests of any size, whose pages are found by the kernel's dirty log; what the program writes is not
    /// compared in a replay
    #[arg(long, conflicts_with = "memory")]
    dirty_log: bool,
    /// Also record the registers at each exit, which `show` prints and a replay by exit answers from; guests of x86_64
    #[arg(long)]
    registers: bool,
    /// Also record the guest's writes that signal an eventfd (KVM_IOEVENTFD), so that a replay signals it; each costs as
    /// much as an exit
    #[arg(long)]
    eventfds: bool,
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
    if args.registers && Native::ARCH != Arch::X86_64 {
        return Err(Trouble::Record(RecordError::Registers));
    }
    let recording = Recording {
        path: args.output.clone(),
        memory: args.memory,
        dirty_log: args.dirty_log,
        registers: args.registers,
        eventfds: args.eventfds,
        times: !args.no_times,
        model: args.model.as_deref().map(Model::new).transpose()?,
    };
    launch::launch(&Launch::Record(recording), &args.launch)
}

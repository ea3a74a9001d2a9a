//! Runs the program, which lives no longer than this one.
#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "sets what becomes of signals")
)]

use std::io;
use std::process::{Command, ExitStatus};

/// Runs it and waits for it. Keys that interrupt programs are its own affair.
#[cfg(target_os = "linux")]
pub(crate) fn run(command: &mut Command) -> io::Result<ExitStatus> {
    use std::os::unix::process::CommandExt;

    // Who ends this program means the one that it runs.
    let end_with_parent = || {
        // SAFETY: takes integers; between fork and exec any system call may be made.
        match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: the function makes one system call, and allocates nothing.
    unsafe { command.pre_exec(end_with_parent) };
    let mut child = command.spawn()?;
    for signal in [libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: no handler is set, they are ignored.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    child.wait()
}

/// Only Linux has KVM.
#[cfg(not(target_os = "linux"))]
pub(crate) fn run(_: &mut Command) -> io::Result<ExitStatus> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The signal that ended the program, if one did.
#[cfg(unix)]
pub(crate) fn signal(status: ExitStatus) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;

    status.signal()
}

#[cfg(not(unix))]
pub(crate) fn signal(_: ExitStatus) -> Option<i32> {
    None
}

//! [`Desk`]: where the processes of a program tell each other, and this one, what has to be known.
#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "makes files in memory")
)]

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::PathBuf;

/// Files in memory, which the processes open as files of this one's: nothing is left behind, however this one ends.
#[derive(Debug)]
pub(crate) struct Desk {
    report: File,
    turns: File,
}

impl Desk {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            report: memory_file()?,
            turns: memory_file()?,
        })
    }

    /// What became of the processes' runs, line by line.
    pub(crate) fn read_report(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.report.rewind()?;
        self.report.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Where to write what [`read_report`](Self::read_report) reads.
    pub(crate) fn report(&self) -> PathBuf {
        path(&self.report)
    }

    /// Where it stands whose turn it is.
    pub(crate) fn turns(&self) -> PathBuf {
        path(&self.turns)
    }
}

#[cfg(target_os = "linux")]
fn memory_file() -> io::Result<File> {
    use std::os::fd::FromRawFd;

    // SAFETY: the name is a C string.
    let fd = unsafe { libc::memfd_create(c"kvmrec-desk".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just opened, and known to nobody else.
    Ok(unsafe { File::from_raw_fd(fd) })
}

#[cfg(target_os = "linux")]
fn path(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd;

    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into()
}

/// Only Linux has KVM.
#[cfg(not(target_os = "linux"))]
fn memory_file() -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
fn path(_: &File) -> PathBuf {
    PathBuf::new()
}

//! Which recording is whose, where several processes open `/dev/kvm`.
#![expect(unsafe_code, reason = "locks a file")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use crate::config::Config;

/// The recording of this process: the launcher's file for the first one that opens `/dev/kvm`, the same with a number
/// behind its name for each that follows.
pub(crate) fn turn(config: &Config, first: &Path) -> io::Result<PathBuf> {
    let Some(turns) = &config.turns else {
        return Ok(first.to_owned());
    };
    let mut file = OpenOptions::new().read(true).write(true).open(turns)?;
    lock(&file)?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let turn = text.trim().parse().unwrap_or(0_u32).saturating_add(1);
    file.rewind()?;
    file.write_all(turn.to_string().as_bytes())?;
    let mut path = first.as_os_str().to_owned();
    if turn > 1 {
        path.push(format!(".{turn}"));
    }
    Ok(path.into())
}

/// Waits until no other process has it locked. Closing it unlocks it.
fn lock(file: &File) -> io::Result<()> {
    // SAFETY: takes integers.
    match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

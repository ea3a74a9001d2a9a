//! [`Wait`] on systems that are like Linux, but have no way to hold signals back while it looks.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::{Blocked, Ended};

/// A program that kicks its vCPUs with signals expects `KVM_RUN` to return `EINTR`, even where the
/// handler says `SA_RESTART`. The wait has to be a system call that is never restarted, and a read
/// from a socket that has a time-out is one (signal(7)). The time itself does not matter.
const TIMEOUT: Duration = Duration::from_secs(3600);

/// A wait in a system call.
#[derive(Debug)]
pub(crate) struct Wait {
    sleeper: UnixStream,
    waker: UnixStream,
}

impl Wait {
    pub(crate) fn new() -> io::Result<Self> {
        let (sleeper, waker) = UnixStream::pair()?;
        sleeper.set_read_timeout(Some(TIMEOUT))?;
        waker.set_nonblocking(true)?;
        Ok(Self { sleeper, waker })
    }

    /// Ends the wait in progress, or the next one. One wait takes all wakes that came before it.
    pub(crate) fn wake(&self) {
        // Where there is no room for another byte, there are enough of them to wake.
        let _ = (&self.waker).write(&[0]);
    }

    pub(crate) fn wait(&self, _: &mut Held) -> io::Result<Ended> {
        loop {
            match (&self.sleeper).read(&mut [0; 256]) {
                Ok(_) => return Ok(Ended::Woken),
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    return Ok(Ended::Signal);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Nothing is held back here.
pub(crate) struct Held;

impl Held {
    pub(crate) fn new(_: Option<Blocked>) -> io::Result<Self> {
        Ok(Self)
    }
}

/// Nobody knows here.
pub(crate) fn pending(_: Blocked) -> bool {
    false
}

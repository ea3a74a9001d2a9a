//! [`Wait`] on Linux: as `KVM_RUN` has it, a signal that comes between the last look at `immediate_exit` and the wait ends
//! the wait, and one that the thread blocks and the vCPU does not ends it too, and stays pending.
#![expect(unsafe_code, reason = "asks the system about signals")]

use std::io::{self, ErrorKind, Read, Write};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::ptr;

use super::{Blocked, Ended};

/// The last signal, of the kernel's 64.
const LAST: i32 = 64;

/// Those that do nothing to a process that has not said what they shall do.
const HARMLESS: [i32; 4] = [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH];

/// A wait in a system call.
#[derive(Debug)]
pub(crate) struct Wait {
    sleeper: UnixStream,
    waker: UnixStream,
}

/// Signals of this thread, which none of them reaches as long as this lives: so none is lost between a look at what its
/// handler changes and the wait.
pub(crate) struct Held {
    before: libc::sigset_t,
    /// Those that end a wait.
    ending: libc::sigset_t,
    arrived: OwnedFd,
    /// It is the thread's that made it.
    thread: PhantomData<*const ()>,
}

impl Held {
    /// Holds back all signals. A wait is ended by those that `blocked` does not have, or without it by those that
    /// the thread does not block.
    pub(crate) fn new(blocked: Option<Blocked>) -> io::Result<Self> {
        let before = mask(libc::SIG_BLOCK, &full())?;
        let mut held = Self {
            before,
            ending: full(),
            // SAFETY: makes a descriptor, which nobody else knows, or gives -1.
            arrived: match unsafe { libc::signalfd(-1, &full(), libc::SFD_CLOEXEC) } {
                ..0 => {
                    let error = io::Error::last_os_error();
                    mask(libc::SIG_SETMASK, &before)?;
                    return Err(error);
                }
                // SAFETY: as above.
                fd => unsafe { OwnedFd::from_raw_fd(fd) },
            },
            thread: PhantomData,
        };
        let stays = |signal| match blocked {
            Some(Blocked(bits)) => bits >> (signal - 1) & 1 != 0,
            None => has(&before, signal),
        };
        held.exclude((1..=LAST).filter(|signal| stays(*signal)))?;
        Ok(held)
    }

    /// The signals end no wait.
    fn exclude(&mut self, signals: impl Iterator<Item = i32>) -> io::Result<()> {
        for signal in signals {
            // SAFETY: a number of a signal, and a set of this value's own.
            unsafe { libc::sigdelset(&mut self.ending, signal) };
        }
        // SAFETY: changes the set of a descriptor that is open.
        match unsafe { libc::signalfd(self.arrived.as_raw_fd(), &self.ending, 0) } {
            ..0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// Whether a signal has arrived that ends a wait. Those that would do nothing are looked at no longer.
    fn has_arrived(&mut self) -> io::Result<bool> {
        let pending = pending_set()?;
        let ending = self.ending;
        let arrived = (1..=LAST).filter(|signal| has(&ending, *signal) && has(&pending, *signal));
        let (ignored, rest): (Vec<i32>, Vec<i32>) = arrived.partition(|signal| is_ignored(*signal));
        if rest.is_empty() {
            self.exclude(ignored.into_iter())?;
        }
        Ok(!rest.is_empty())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Can't fail: the set is the one that the thread had. What was held back is delivered now.
        let _ = mask(libc::SIG_SETMASK, &self.before);
    }
}

impl Wait {
    pub(crate) fn new() -> io::Result<Self> {
        let (sleeper, waker) = UnixStream::pair()?;
        sleeper.set_nonblocking(true)?;
        waker.set_nonblocking(true)?;
        Ok(Self { sleeper, waker })
    }

    /// Ends the wait in progress, or the next one. One wait takes all wakes that came before it.
    pub(crate) fn wake(&self) {
        // Where there is no room for another byte, there are enough of them to wake.
        let _ = (&self.waker).write(&[0]);
    }

    pub(crate) fn wait(&self, held: &mut Held) -> io::Result<Ended> {
        loop {
            let watch = |fd| libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            };
            let mut fds = [self.sleeper.as_raw_fd(), held.arrived.as_raw_fd()].map(watch);
            // SAFETY: the array has two elements.
            if unsafe { libc::poll(fds.as_mut_ptr(), 2, -1) } < 0 {
                let error = io::Error::last_os_error();
                // One of the C library's own signals, which can't be held back.
                if error.kind() == ErrorKind::Interrupted {
                    continue;
                }
                return Err(error);
            }
            if fds[1].revents != 0 && held.has_arrived()? {
                return Ok(Ended::Signal);
            }
            if fds[0].revents != 0 {
                match (&self.sleeper).read(&mut [0; 256]) {
                    Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                    _ => return Ok(Ended::Woken),
                }
            }
        }
    }
}

/// Whether a signal is pending that is not among these.
pub(crate) fn pending(Blocked(blocked): Blocked) -> bool {
    let blocks = |signal| blocked >> (signal - 1) & 1 != 0;
    let pending = pending_set();
    pending.is_ok_and(|pending| {
        (1..=LAST).any(|signal| has(&pending, signal) && !blocks(signal) && !is_ignored(signal))
    })
}

fn full() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: writes the set.
    unsafe { libc::sigfillset(set.as_mut_ptr()) };
    // SAFETY: written just now; the call can't fail for a set.
    unsafe { set.assume_init() }
}

/// Changes the thread's mask. Gives what it was.
fn mask(how: i32, set: &libc::sigset_t) -> io::Result<libc::sigset_t> {
    let mut before = full();
    // SAFETY: both are sets of this function's.
    match unsafe { libc::pthread_sigmask(how, set, &mut before) } {
        0 => Ok(before),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

fn pending_set() -> io::Result<libc::sigset_t> {
    let mut set = full();
    // SAFETY: writes the set.
    match unsafe { libc::sigpending(&mut set) } {
        0 => Ok(set),
        _ => Err(io::Error::last_os_error()),
    }
}

fn has(set: &libc::sigset_t, signal: i32) -> bool {
    // SAFETY: reads the set.
    (unsafe { libc::sigismember(set, signal) }) == 1
}

/// Whether the signal would do nothing.
fn is_ignored(signal: i32) -> bool {
    // SAFETY: all zero is a valid `sigaction`.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: asks only, and writes to a value of this function's.
    if unsafe { libc::sigaction(signal, ptr::null(), &mut action) } != 0 {
        return false;
    }
    match action.sa_sigaction {
        libc::SIG_IGN => true,
        libc::SIG_DFL => HARMLESS.contains(&signal),
        _ => false,
    }
}

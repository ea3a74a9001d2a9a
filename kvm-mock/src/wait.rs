//! [`Wait`]: a wait that another thread, or a signal, ends.

pub(crate) use imp::Wait;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Somebody called `wake`, perhaps before the wait began, or for nothing.
    Woken,
    /// A signal arrived.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are no signals"))]
    Signal,
}

#[cfg(unix)]
mod imp {
    use std::io::{self, ErrorKind, Read, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::Ended;

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

        pub(crate) fn wait(&self) -> io::Result<Ended> {
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
}

#[cfg(not(unix))]
mod imp {
    use std::io;
    use std::sync::{Condvar, Mutex, PoisonError};

    use super::Ended;

    /// A wait on a flag. There are no signals here.
    #[derive(Debug, Default)]
    pub(crate) struct Wait {
        woken: Mutex<bool>,
        changed: Condvar,
    }

    impl Wait {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self::default())
        }

        /// Ends the wait in progress, or the next one. One wait takes all wakes that came before it.
        pub(crate) fn wake(&self) {
            *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.changed.notify_one();
        }

        pub(crate) fn wait(&self) -> io::Result<Ended> {
            let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
            let mut woken = self
                .changed
                .wait_while(woken, |woken| !*woken)
                .unwrap_or_else(PoisonError::into_inner);
            *woken = false;
            Ok(Ended::Woken)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_wake_before_the_wait_ends_it() {
        let wait = Wait::new().unwrap();
        wait.wake();
        wait.wake();
        assert_eq!(wait.wait().unwrap(), Ended::Woken);
    }

    #[test]
    fn a_wake_from_another_thread_ends_it() {
        let wait = Wait::new().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                wait.wake();
            });
            assert_eq!(wait.wait().unwrap(), Ended::Woken);
        });
    }

    #[cfg(unix)]
    #[test]
    #[expect(unsafe_code, reason = "sends a signal to a thread")]
    fn a_signal_ends_it_even_where_its_handler_restarts_calls() {
        extern "C" fn nothing(_: libc::c_int) {}
        let handler = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // SAFETY: the handler does nothing. `signal` sets `SA_RESTART`.
        let before = unsafe { libc::signal(libc::SIGUSR1, handler) };
        assert_ne!(before, libc::SIG_ERR);
        let wait = Wait::new().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                // SAFETY: takes nothing.
                tell.send(unsafe { libc::pthread_self() }).unwrap();
                wait.wait().unwrap()
            });
            let thread = told.recv().unwrap();
            // A signal that comes before the wait begins does not end it.
            while !sleeper.is_finished() {
                // SAFETY: the thread is not joined yet, so its handle is good.
                unsafe { libc::pthread_kill(thread, libc::SIGUSR1) };
                thread::sleep(Duration::from_millis(10));
            }
            assert_eq!(sleeper.join().unwrap(), Ended::Signal);
        });
    }

    #[test]
    fn wakes_that_nobody_waits_for_block_nobody() {
        let wait = Wait::new().unwrap();
        for _ in 0..300_000 {
            wait.wake();
        }
        assert_eq!(wait.wait().unwrap(), Ended::Woken);
    }
}

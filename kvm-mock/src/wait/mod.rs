//! [`Wait`]: a wait that another thread, or a signal, ends.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(all(unix, not(target_os = "linux")))]
mod unix;

#[cfg(not(unix))]
use elsewhere as imp;
#[cfg(target_os = "linux")]
use linux as imp;
#[cfg(all(unix, not(target_os = "linux")))]
use unix as imp;

pub(crate) use imp::{Held, Wait, pending};

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Somebody called `wake`, perhaps before the wait began, or for nothing.
    Woken,
    /// A signal arrived.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are no signals"))]
    Signal,
}

/// The signals that a vCPU blocks while it runs, in place of those that its thread does: a bit for each, as
/// `KVM_SET_SIGNAL_MASK` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocked(pub(crate) u64);

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn waited(wait: &Wait) -> Ended {
        wait.wait(&mut Held::new(None).unwrap()).unwrap()
    }

    #[test]
    fn a_wake_before_the_wait_ends_it() {
        let wait = Wait::new().unwrap();
        wait.wake();
        wait.wake();
        assert_eq!(waited(&wait), Ended::Woken);
    }

    #[test]
    fn a_wake_from_another_thread_ends_it() {
        let wait = Wait::new().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                wait.wake();
            });
            assert_eq!(waited(&wait), Ended::Woken);
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
                waited(&wait)
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
        assert_eq!(waited(&wait), Ended::Woken);
    }

    #[cfg(target_os = "linux")]
    #[test]
    #[expect(unsafe_code, reason = "blocks and sends signals")]
    fn a_signal_that_the_thread_blocks_and_the_vcpu_does_not_ends_it_and_stays() {
        const SIGNAL: libc::c_int = libc::SIGUSR2;
        let wait = Wait::new().unwrap();
        thread::spawn(move || {
            // SAFETY: all zero is a valid set.
            let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
            // SAFETY: a set of this test's, and the number of a signal.
            unsafe { libc::sigaddset(&mut set, SIGNAL) };
            // SAFETY: as above; only this thread's mask changes.
            unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) };
            // SAFETY: blocked, so that nothing happens but that it is pending.
            unsafe { libc::raise(SIGNAL) };
            let bit = 1 << (SIGNAL - 1);
            for _ in 0..2 {
                let mut held = Held::new(Some(Blocked(!bit))).unwrap();
                assert_eq!(wait.wait(&mut held).unwrap(), Ended::Signal);
                assert!(pending(Blocked(!bit)) && !pending(Blocked(bit)));
            }
            wait.wake();
            assert_eq!(waited(&wait), Ended::Woken, "blocked, as it was before");
        })
        .join()
        .unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    #[expect(unsafe_code, reason = "sends a signal")]
    fn a_signal_that_does_nothing_does_not_end_it() {
        let wait = Wait::new().unwrap();
        thread::spawn(move || {
            let mut held = Held::new(None).unwrap();
            // SAFETY: the signal has no handler here.
            unsafe { libc::raise(libc::SIGWINCH) };
            wait.wake();
            assert_eq!(wait.wait(&mut held).unwrap(), Ended::Woken);
        })
        .join()
        .unwrap();
    }
}

//! [`Wait`] where there are no signals that a VMM could kick with.

use std::io;
use std::sync::{Condvar, Mutex, PoisonError};

use super::{Blocked, Ended};

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

    pub(crate) fn wait(&self, _: &mut Held) -> io::Result<Ended> {
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut woken = self
            .changed
            .wait_while(woken, |woken| !*woken)
            .unwrap_or_else(PoisonError::into_inner);
        *woken = false;
        Ok(Ended::Woken)
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

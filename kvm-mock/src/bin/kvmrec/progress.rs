//! [`Progress`]: how far long work has come, on standard error if that is a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Work that ends sooner shows nothing.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often the line is written.
const EVERY: Duration = Duration::from_millis(100);
/// How many steps there are between two looks at the clock.
const STEPS: u32 = 4096;
/// A file that is checked sooner than anybody could read the line.
const SHORT: u64 = 64 << 20;

/// A line that is written again and again, and removed in the end.
#[derive(Debug)]
pub(crate) struct Progress {
    what: String,
    whole: u64,
    shown: Option<Instant>,
    steps: u32,
    on: bool,
}

impl Progress {
    /// Work on `whole` bytes.
    pub(crate) fn new(what: String, whole: u64) -> Self {
        Self {
            what,
            whole: whole.max(1),
            shown: Some(Instant::now() + PATIENCE),
            steps: 0,
            on: io::stderr().is_terminal(),
        }
    }

    /// Work on `whole` bytes that does not tell how far it is.
    pub(crate) fn begun(what: String, whole: u64) -> Self {
        let mut progress = Self::new(what, whole);
        progress.on &= whole > SHORT;
        if progress.on {
            progress.write(&format!("{} ({} MB) ...", progress.what, whole >> 20));
        }
        progress
    }

    /// It has come to this byte.
    pub(crate) fn at(&mut self, at: u64) {
        self.steps = self.steps.wrapping_add(1);
        if !self.on || self.steps % STEPS != 0 {
            return;
        }
        let now = Instant::now();
        if self.shown.is_some_and(|next| now >= next) {
            self.shown = Some(now + EVERY);
            let percent = at.saturating_mul(100) / self.whole;
            self.write(&format!("{}: {percent} %", self.what));
        }
    }

    fn write(&self, line: &str) {
        // Nothing depends on it.
        let _ = write!(io::stderr(), "\r\x1b[K{line}");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.on {
            self.write("");
        }
    }
}

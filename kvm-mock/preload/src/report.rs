//! What the library has to say, to people and to the launcher.

use std::fs::OpenOptions;
use std::io::Write;

use crate::config;

/// Says something on standard error.
pub(crate) fn say(text: &str) {
    // One write, so that lines of two processes do not mix. If it can't be said, nothing is to be done about it.
    let _ = std::io::stderr().write_all(format!("kvmrec: {text}\n").as_bytes());
}

/// Tells the launcher what became of the run.
pub(crate) fn note(text: &str) {
    tell(&format!("done {text}\n"));
}

/// Tells the launcher what went wrong, or people, where there is no launcher.
pub(crate) fn trouble(text: &str) {
    if !tell(&format!("trouble {text}\n")) {
        say(text);
    }
}

/// Tells the launcher that something happened in this process.
pub(crate) fn event(what: &str) {
    tell(&format!("{what} {}\n", std::process::id()));
}

fn tell(line: &str) -> bool {
    let path = config::get().and_then(|config| config.report.as_deref());
    let file = path.and_then(|path| OpenOptions::new().append(true).open(path).ok());
    file.is_some_and(|mut file| file.write_all(line.as_bytes()).is_ok())
}

//! [`Paint`]: colours, where they are wanted.

use std::env;
use std::fmt::{self, Display};
use std::io::{self, IsTerminal};
use std::sync::OnceLock;

/// When output has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

static ON: OnceLock<bool> = OnceLock::new();

impl When {
    /// Decides for the whole run.
    pub(crate) fn decide(self) {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let on = match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
                io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
            }
        };
        // Called once, before anything is printed.
        let _ = ON.set(on);
    }
}

/// What is printed in another colour than the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Numbers that are rarely read.
    Faint,
    Exit,
    /// What went wrong, or differs.
    Bad,
    /// What is new on the other side.
    Good,
    Head,
}

impl Paint {
    pub(crate) fn on<T: Display>(self, what: T) -> Painted<T> {
        Painted(self, what)
    }
}

pub(crate) struct Painted<T>(Paint, T);

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !ON.get().copied().unwrap_or(false) {
            return self.1.fmt(f);
        }
        let code = match self.0 {
            Paint::Faint => "2",
            Paint::Exit => "36",
            Paint::Bad => "31",
            Paint::Good => "32",
            Paint::Head => "1",
        };
        write!(f, "\x1b[{code}m")?;
        self.1.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}

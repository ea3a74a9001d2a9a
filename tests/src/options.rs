//! [`Options`]: the command line of the examples.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// What answers an example's calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Options {
    /// `/dev/kvm` when it is usable, else the committed recording.
    Any,
    /// `/dev/kvm`, or it is an error.
    Kvm,
    /// `/dev/kvm`, and what it answers goes into this file.
    Record(PathBuf),
    /// This recording, or with `None` the committed one.
    Replay(Option<PathBuf>),
    /// Nothing: the user wants to know what there is to choose.
    Help,
}

impl Options {
    /// What is printed to a user who asks.
    pub const HELP: &'static str = "\
usage: [--backend kvm|replay] [--record FILE | --replay FILE]

  --backend kvm     run on /dev/kvm, and fail if it can't be used
  --backend replay  replay the recording that comes with this example
  --record FILE     run on /dev/kvm, and write a recording
  --replay FILE     replay another recording

Without any of them: /dev/kvm when it can be used, else the recording that comes with this example.
";

    /// Understands a command line, without the program's name.
    ///
    /// ```
    /// use kvm_tests::Options;
    ///
    /// let parse = |line: &str| Options::parse(line.split_whitespace().map(Into::into));
    /// assert_eq!(parse("")?, Options::Any);
    /// assert_eq!(parse("--record a.kvmrec --backend kvm")?, Options::Record("a.kvmrec".into()));
    /// let error = parse("--replay a.kvmrec --backend kvm").unwrap_err().to_string();
    /// assert_eq!(error, "--backend kvm and --replay exclude each other");
    /// # Ok::<(), kvm_tests::BadOptions>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BadOptions`] when it can't be understood, or asks for things that exclude each other.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, BadOptions> {
        let mut arguments = arguments.into_iter();
        let (mut backend, mut record, mut replay) = (None, None, None);
        while let Some(option) = arguments.next() {
            let name = option.to_string_lossy().into_owned();
            let into = match name.as_str() {
                "--backend" => &mut backend,
                "--record" => &mut record,
                "--replay" => &mut replay,
                "--help" | "-h" => return Ok(Self::Help),
                _ => return Err(BadOptions::Unknown(name)),
            };
            let value = arguments.next();
            *into = Some(value.ok_or(BadOptions::NoValue(name))?);
        }
        let backend = backend.map(|backend| backend.to_string_lossy().into_owned());
        match (backend.as_deref(), record, replay) {
            (_, Some(_), Some(_)) => Err(BadOptions::Exclude("--record", "--replay")),
            (Some("replay"), Some(_), _) => {
                Err(BadOptions::Exclude("--backend replay", "--record"))
            }
            (Some("kvm"), _, Some(_)) => Err(BadOptions::Exclude("--backend kvm", "--replay")),
            (None, None, None) => Ok(Self::Any),
            (Some("kvm"), None, None) => Ok(Self::Kvm),
            (None | Some("kvm"), Some(file), None) => Ok(Self::Record(file.into())),
            (None | Some("replay"), None, file) => Ok(Self::Replay(file.map(Into::into))),
            (Some(other), _, _) => Err(BadOptions::Backend(other.to_owned())),
        }
    }
}

/// A command line that an example does not understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadOptions {
    /// There is no such option.
    Unknown(String),
    /// The option needs a value.
    NoValue(String),
    /// There is no such backend.
    Backend(String),
    /// The two can't both be had.
    Exclude(&'static str, &'static str),
}

impl fmt::Display for BadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(option) => write!(f, "there is no option {option}; see --help"),
            Self::NoValue(option) => write!(f, "{option} needs a value; see --help"),
            Self::Backend(backend) => write!(f, "there is no backend {backend}; see --help"),
            Self::Exclude(one, other) => write!(f, "{one} and {other} exclude each other"),
        }
    }
}

impl std::error::Error for BadOptions {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, BadOptions> {
        Options::parse(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn each_choice_has_its_options() {
        for (line, options) in [
            ("", Options::Any),
            ("--backend kvm", Options::Kvm),
            ("--backend replay", Options::Replay(None)),
            ("--replay a", Options::Replay(Some("a".into()))),
            (
                "--backend replay --replay a",
                Options::Replay(Some("a".into())),
            ),
            ("--record a", Options::Record("a".into())),
            ("--record a --backend kvm", Options::Record("a".into())),
            ("--backend kvm -h", Options::Help),
        ] {
            assert_eq!(parse(line), Ok(options), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, message) in [
            ("--recrod a", "there is no option --recrod; see --help"),
            ("hello", "there is no option hello; see --help"),
            ("--record", "--record needs a value; see --help"),
            ("--backend qemu", "there is no backend qemu; see --help"),
            (
                "--backend qemu --record a",
                "there is no backend qemu; see --help",
            ),
            (
                "--backend replay --record a",
                "--backend replay and --record exclude each other",
            ),
            (
                "--backend kvm --replay a",
                "--backend kvm and --replay exclude each other",
            ),
            (
                "--record a --replay b",
                "--record and --replay exclude each other",
            ),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), message, "{line}");
        }
    }
}

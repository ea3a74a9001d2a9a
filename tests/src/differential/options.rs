//! [`Options`]: the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The seed of the first sequence; the next one has the next number.
    pub seed: u64,
    /// How many sequences.
    pub sequences: u64,
    /// How many steps each has.
    pub length: usize,
    /// Where to write what the model is told of the host.
    pub profile: Option<PathBuf>,
    /// Only asked what there is to choose, or by a test runner what tests there are.
    pub only_asked: bool,
}

impl Options {
    /// What is printed to a user who asks.
    pub const HELP: &'static str = "\
usage: [--seed N] [--sequences N] [--length N] [--profile FILE]

Gives random sequences of calls to /dev/kvm and to the model of the same host, and compares the answers.

  --seed N       the seed of the first sequence, 1 if not given; the second has the next number, and so on
  --sequences N  how many, 300 if not given
  --length N     how many calls each has, 40 if not given
  --profile FILE also write there what the model is told of the host
";

    /// Understands a command line, without the program's name.
    ///
    /// # Errors
    ///
    /// What can't be understood, in words.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut options = Self {
            seed: 1,
            sequences: 300,
            length: 40,
            profile: None,
            only_asked: false,
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let name = name.to_string_lossy().into_owned();
            let mut value = || arguments.next();
            match name.as_str() {
                "--seed" => options.seed = number(&name, value())?,
                "--sequences" => options.sequences = number(&name, value())?,
                "--length" => options.length = number(&name, value())?,
                "--profile" => {
                    let file = value().ok_or("--profile needs a file; see --help")?;
                    options.profile = Some(file.into());
                }
                "--help" | "-h" | "--list" => options.only_asked = true,
                // What test runners pass on, and says nothing here.
                "--nocapture" | "--quiet" | "-q" => {}
                _ => return Err(format!("there is no option {name}; see --help")),
            }
        }
        Ok(options)
    }
}

fn number<T: FromStr>(name: &str, value: Option<OsString>) -> Result<T, String> {
    let value = value.ok_or_else(|| format!("{name} needs a number; see --help"))?;
    let text = value.to_string_lossy();
    text.parse()
        .map_err(|_| format!("{name} needs a number, not {text}; see --help"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn numbers_are_taken_and_other_things_refused() {
        let options = parse("--seed 7 --sequences 10000 --length 3").unwrap();
        assert_eq!(
            (options.seed, options.sequences, options.length),
            (7, 10000, 3)
        );
        assert_eq!(
            parse("--seed x").unwrap_err(),
            "--seed needs a number, not x; see --help"
        );
        assert_eq!(
            parse("--seed").unwrap_err(),
            "--seed needs a number; see --help"
        );
        assert_eq!(
            parse("--sed 1").unwrap_err(),
            "there is no option --sed; see --help"
        );
    }
}

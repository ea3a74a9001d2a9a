//! [`ProfileError`]: what is wrong with the text of a profile.

use super::VERSION;

/// Why a text is no profile, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("profile, line {line}: {what}")]
pub struct ProfileError {
    line: usize,
    what: What,
}

impl ProfileError {
    pub(super) fn new(line: usize, what: What) -> Self {
        Self { line, what }
    }

    /// The line, of which the first is 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum What {
    #[error("a profile begins with `kvm-profile {VERSION}`")]
    NotAProfile,
    #[error("the profile has version {0}, and this version of the crate reads {VERSION}")]
    Version(String),
    #[error("the profile is of {found}, and {wanted} was asked for")]
    Architecture { found: String, wanted: &'static str },
    #[error("nothing is known as `{0}`")]
    Unknown(String),
    #[error("expected {0}")]
    Expected(&'static str),
    #[error("`{0}` is not a number that fits")]
    NoNumber(String),
    #[error("`{0}` is not a row of bytes, of two hexadecimal digits each")]
    NoBytes(String),
    #[error("the line ends before `{0}`")]
    TooMuch(String),
    #[error("this has been said before")]
    Twice,
    #[error("bytes have to follow the line of their bank")]
    NoBank,
    #[error("there is no room for so many bytes")]
    Outside,
    #[error("the state in it is that of a little-endian host, which this one is not")]
    ByteOrder,
    #[error("the profile ends without a line `{0}`")]
    Lacks(&'static str),
}

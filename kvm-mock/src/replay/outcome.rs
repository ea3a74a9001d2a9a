//! [`Outcome`]: what became of a replay, and [`Divergence`]: where a run left its recording.

use std::fmt;

/// What became of a replay so far.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The run did all that is in the recording, and nothing else.
    Complete,
    /// The run left the recording.
    Diverged(Box<Divergence>),
    /// The run went along with the recording, which was cut: how the recorded run ended is not known.
    Cut {
        /// Where it was cut: the offset behind the last whole record.
        offset: u64,
        /// Whether the run needed what was cut, and failed.
        reached: bool,
    },
    /// The run ended, or has come, before the end of the recording.
    Unread {
        /// Records that were not needed yet. By exit, entries are counted only.
        records: u64,
        /// The first of them: its object, what it is, and its offset.
        first: String,
    },
}

impl Outcome {
    /// Whether the run did all that is in the recording, and nothing else.
    pub fn is_complete(&self) -> bool {
        *self == Self::Complete
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("the run did what was recorded"),
            Self::Diverged(divergence) => divergence.fmt(f),
            Self::Cut {
                offset,
                reached: true,
            } => write!(
                f,
                "the run needs more than the recording has: it was cut at offset {offset}"
            ),
            Self::Cut {
                offset,
                reached: false,
            } => write!(
                f,
                "the run did not leave the recording, which was cut at offset {offset}"
            ),
            Self::Unread { records, first } => {
                write!(f, "{records} records were not read; the first is {first}")
            }
        }
    }
}

/// Where a run left its recording, and how.
///
/// Its `Display` is one message with all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    pub(super) object: String,
    pub(super) exit: Option<LastExit>,
    pub(super) what: String,
    pub(super) recorded: String,
    pub(super) given: String,
    pub(super) record: Option<u64>,
    pub(super) offset: Option<u64>,
    /// The exits before the last one, latest first.
    pub(super) before: Vec<LastExit>,
}

/// How an entry of a vCPU ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LastExit {
    pub(super) index: u64,
    pub(super) kind: String,
    /// What there is to know about it.
    pub(super) text: String,
}

impl fmt::Display for LastExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.index, self.text)
    }
}

impl Divergence {
    /// The object, such as `vCPU 0`.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// Index of the object's last exit before, from 0, interrupted entries counted; nothing before the
    /// first one.
    pub fn exit(&self) -> Option<u64> {
        self.exit.as_ref().map(|exit| exit.index)
    }

    /// Kind of the last exit, by the kernel's name (`KVM_EXIT_IO`), or its errno (`EINTR`).
    pub fn exit_kind(&self) -> Option<&str> {
        self.exit.as_ref().map(|exit| exit.kind.as_str())
    }

    /// What the recording has.
    pub fn recorded(&self) -> &str {
        &self.recorded
    }

    /// What the run did.
    pub fn given(&self) -> &str {
        &self.given
    }

    /// Number of the record that does not fit, from 0.
    pub fn record(&self) -> Option<u64> {
        self.record
    }

    /// Offset of that record in the file.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = &self.object;
        write!(f, "the run left the recording: {object}, ")?;
        match &self.exit {
            Some(exit) => write!(f, "after exit {exit}: ")?,
            None => f.write_str("before its first exit: ")?,
        }
        let (what, recorded, given) = (&self.what, &self.recorded, &self.given);
        write!(f, "{what}: recorded {recorded}, given {given}")?;
        if let (Some(record), Some(offset)) = (self.record, self.offset) {
            write!(f, "; record {record} at offset {offset}")?;
        }
        for (n, exit) in self.before.iter().enumerate() {
            let separator = if n == 0 { "; earlier exits:" } else { "," };
            write!(f, "{separator} {exit}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Divergence {}

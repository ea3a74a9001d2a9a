//! [`OutOfOrder`]: calls came in another order than they have to.

use std::fmt;

use kvm_sys::op::Op;

use super::LogEntry;

/// Calls came in another order than they have to. Its text shows all calls, with marks at those two.
#[derive(Clone, PartialEq, Eq)]
pub struct OutOfOrder {
    first: &'static Op,
    then: &'static Op,
    why: Why,
    log: Vec<LogEntry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// The first never succeeded.
    Never,
    /// The second was never called.
    NeverThen,
    Swapped,
}

impl OutOfOrder {
    /// The call that has to come first.
    pub fn first(&self) -> &'static Op {
        self.first
    }

    /// The call that has to come later.
    pub fn then(&self) -> &'static Op {
        self.then
    }
}

/// Whether the calls are in this order, as [`CallLog::in_order`](super::CallLog::in_order) has it.
pub(super) fn check(log: &[LogEntry], ops: &[&'static Op]) -> Result<(), OutOfOrder> {
    for (first, then) in ops.iter().zip(ops.iter().skip(1)) {
        let succeeded = log
            .iter()
            .position(|entry| entry.op == *first && entry.result.is_ok());
        let called = log.iter().position(|entry| entry.op == *then);
        let why = match (succeeded, called) {
            (Some(succeeded), Some(called)) if succeeded < called => continue,
            (Some(_), Some(_)) => Why::Swapped,
            (None, _) => Why::Never,
            (Some(_), None) => Why::NeverThen,
        };
        return Err(OutOfOrder {
            first,
            then,
            why,
            log: log.to_vec(),
        });
    }
    Ok(())
}

impl fmt::Display for OutOfOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, then) = (self.first, self.then);
        match self.why {
            Why::Never => write!(f, "{first} never succeeded, and has to before {then}"),
            Why::NeverThen => write!(f, "{then} was never called, and has to be after {first}"),
            Why::Swapped => write!(f, "{then} was called before {first} succeeded"),
        }?;
        for entry in &self.log {
            let mark = match entry.op {
                op if op == first || op == then => '>',
                _ => ' ',
            };
            write!(f, "\n{mark} {entry}")?;
        }
        Ok(())
    }
}

/// As [`Display`](fmt::Display): tests show it by `unwrap`.
impl fmt::Debug for OutOfOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for OutOfOrder {}

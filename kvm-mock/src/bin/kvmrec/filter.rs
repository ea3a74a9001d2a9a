//! [`Filter`]: which exits and calls are looked at.

use std::ops::RangeInclusive;

use kvm_mock::recording::{Content, Record};

use crate::exits::{End, Place};
use crate::part::{Part, range};
use crate::source::Source;

/// Which exits and calls are looked at: those that fit all of these.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Filter {
    #[command(flatten)]
    pub(crate) part: Part,
    /// Exits of this kind (`io out`, `mmio`, `KVM_EXIT_HLT`, `EINTR`) or calls of this name (`KVM_SET_REGS`,
    /// `set_*`); may be given several times
    #[arg(short, long, value_name = "KIND")]
    kind: Vec<String>,
    /// Exits only, no calls
    #[arg(long, conflicts_with = "calls")]
    exits: bool,
    /// Calls only, no exits
    #[arg(long)]
    calls: bool,
    /// Exits at these ports: `0x3f8`, `0x3f8-0x3ff`, `0x3f8+8`
    #[arg(long, value_name = "RANGE", value_parser = range)]
    port: Vec<RangeInclusive<u64>>,
    /// Exits at these guest-physical addresses
    #[arg(long, value_name = "RANGE", value_parser = range)]
    address: Vec<RangeInclusive<u64>>,
    /// Exits at these model-specific registers
    #[arg(long, value_name = "RANGE", value_parser = range)]
    msr: Vec<RangeInclusive<u64>>,
}

impl Filter {
    /// Whether a record other than an entry is looked at.
    pub(crate) fn takes(&self, record: &Record<'_>, source: &Source) -> bool {
        let name = match &record.content {
            Content::Call(call) | Content::Create { call, .. } => call.name,
            Content::Map { .. } => "mmap",
            Content::Read { .. } => "read",
            _ => return false,
        };
        !self.exits
            && !self.wants_places()
            && self.part.takes(record, source)
            && (self.kind.is_empty() || self.kind.iter().any(|kind| names(kind, name)))
    }

    /// Whether an entry is looked at.
    pub(crate) fn takes_exit(&self, record: &Record<'_>, end: &End<'_>, source: &Source) -> bool {
        !self.calls
            && self.part.takes(record, source)
            && (self.kind.is_empty() || self.takes_kind(end))
            && (!self.wants_places() || end.place().is_some_and(|place| self.takes_place(place)))
    }

    fn takes_kind(&self, end: &End<'_>) -> bool {
        let (kind, name) = (end.kind(), end.name());
        self.kind.iter().any(|wanted| {
            let first = kind.split_once(' ').map(|(first, _)| first);
            names(wanted, &kind)
                || names(wanted, &name)
                || first.is_some_and(|first| first.eq_ignore_ascii_case(wanted))
        })
    }

    fn wants_places(&self) -> bool {
        !(self.port.is_empty() && self.address.is_empty() && self.msr.is_empty())
    }

    fn takes_place(&self, place: Place) -> bool {
        let inside = |ranges: &[RangeInclusive<u64>], at| ranges.iter().any(|r| r.contains(&at));
        match place {
            Place::Port(port) => inside(&self.port, port.into()),
            Place::Address(address) => inside(&self.address, address),
            Place::Msr(msr) => inside(&self.msr, msr.into()),
        }
    }
}

/// Whether a name is meant: by all of it, or without what all names begin with; a `*` stands for anything at the end.
fn names(wanted: &str, name: &str) -> bool {
    let short = name.strip_prefix("KVM_").unwrap_or(name);
    let shorter = short.strip_prefix("EXIT_").unwrap_or(short);
    [name, short, shorter]
        .into_iter()
        .any(|name| match wanted.strip_suffix('*') {
            Some(start) => {
                let begin = name.get(..start.len());
                begin.is_some_and(|begin| begin.eq_ignore_ascii_case(start))
            }
            None => name.eq_ignore_ascii_case(wanted),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_short() {
        for wanted in ["KVM_SET_REGS", "set_regs", "SET_*", "kvm_set*"] {
            assert!(names(wanted, "KVM_SET_REGS"), "{wanted}");
        }
        assert!(names("hlt", "KVM_EXIT_HLT"));
        assert!(!names("set", "KVM_SET_REGS"));
    }
}

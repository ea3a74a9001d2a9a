//! [`Filter`]: which records are looked at.

use std::ops::RangeInclusive;
use std::time::Duration;

use kvm_mock::recording::{Content, Record};

use crate::Trouble;
use crate::exits::{End, Place};
use crate::source::Source;

/// Which records are looked at: those that fit all of these.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct Filter {
    /// Those of the vCPU with this id; may be given several times
    #[arg(long, value_name = "ID")]
    vcpu: Vec<u64>,
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
    /// Exits from this time on: `1.5ms`, `20us`, `3s`; needs a recording with times
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Duration>,
    /// Exits up to this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Duration>,
    /// Records with these numbers
    #[arg(long, value_name = "RANGE", value_parser = range)]
    records: Option<RangeInclusive<u64>>,
}

impl Filter {
    /// Whether the filter can be used with this recording.
    pub(crate) fn fits(&self, source: &Source) -> Result<(), Trouble> {
        if (self.from.is_some() || self.to.is_some()) && !source.recording.has_times() {
            return Err(Trouble::NoTimes);
        }
        Ok(())
    }

    /// Whether no later record can be among those that are looked at.
    pub(crate) fn is_past(&self, record: &Record<'_>) -> bool {
        let last = self.records.as_ref().map(RangeInclusive::end);
        last.is_some_and(|last| record.sequence > *last)
    }

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
            && self.from.is_none()
            && self.to.is_none()
            && self.takes_object(record, source)
            && (self.kind.is_empty() || self.kind.iter().any(|kind| names(kind, name)))
    }

    /// Whether an entry is looked at.
    pub(crate) fn takes_exit(&self, record: &Record<'_>, end: &End<'_>, source: &Source) -> bool {
        !self.calls
            && self.takes_object(record, source)
            && self.takes_time(record)
            && (self.kind.is_empty() || self.takes_kind(end))
            && (!self.wants_places() || end.place().is_some_and(|place| self.takes_place(place)))
    }

    fn takes_object(&self, record: &Record<'_>, source: &Source) -> bool {
        let numbered = self.records.as_ref();
        let vcpu = record.stream.and_then(|stream| source.vcpu(stream));
        numbered.is_none_or(|records| records.contains(&record.sequence))
            && (self.vcpu.is_empty() || vcpu.is_some_and(|id| self.vcpu.contains(&id)))
    }

    fn takes_time(&self, record: &Record<'_>) -> bool {
        let Content::Entry(entry) = &record.content else {
            return true;
        };
        let Some(times) = entry.times else {
            return true;
        };
        self.from.is_none_or(|from| times.exited >= from)
            && self.to.is_none_or(|to| times.exited <= to)
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

fn integer(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("`{text}` is no number: 1016 and 0x3f8 are"))
}

fn range(text: &str) -> Result<RangeInclusive<u64>, String> {
    if let Some((start, len)) = text.split_once('+') {
        let (start, len) = (integer(start)?, integer(len)?);
        let last = len.checked_sub(1).and_then(|len| start.checked_add(len));
        return Ok(start..=last.ok_or("the range is empty, or too long")?);
    }
    if let Some((start, end)) = text.split_once('-') {
        let (start, end) = (integer(start)?, integer(end)?);
        if start > end {
            return Err("the range ends before it begins".to_owned());
        }
        return Ok(start..=end);
    }
    integer(text).map(|number| number..=number)
}

fn time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let factor = match unit {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" => 1e-6,
        "ns" => 1e-9,
        _ => return Err(format!("`{unit}` is no unit: ns, us, ms and s are")),
    };
    let number: f64 = digits
        .trim()
        .parse()
        .map_err(|_| format!("`{text}` is no time: 1.5ms and 3s are"))?;
    Duration::try_from_secs_f64(number * factor).map_err(|_| format!("`{text}` is no time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_in_three_ways() {
        assert_eq!(range("1016"), Ok(1016..=1016));
        assert_eq!(range("0x3f8-0x3ff"), Ok(0x3f8..=0x3ff));
        assert_eq!(range("0x3f8+8"), Ok(0x3f8..=0x3ff));
        for wrong in ["", "x", "5-4", "5+0", "0xffffffffffffffff+2", "-1"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_have_units() {
        assert_eq!(time("1.5ms"), Ok(Duration::from_micros(1500)));
        assert_eq!(time("20 us"), Ok(Duration::from_micros(20)));
        assert_eq!(time("3"), Ok(Duration::from_secs(3)));
        for wrong in ["", "ms", "-1s", "1h", "1e400s", "nan"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_may_be_short() {
        for wanted in ["KVM_SET_REGS", "set_regs", "SET_*", "kvm_set*"] {
            assert!(names(wanted, "KVM_SET_REGS"), "{wanted}");
        }
        assert!(names("hlt", "KVM_EXIT_HLT"));
        assert!(!names("set", "KVM_SET_REGS"));
    }
}

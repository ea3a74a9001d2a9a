//! [`Part`]: which part of a recording is looked at.

use std::ops::RangeInclusive;
use std::time::Duration;

use kvm_mock::recording::{Content, Record};

use crate::Trouble;
use crate::source::Source;

/// Which part of a recording is looked at.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct Part {
    /// That of the vCPU with this id; may be given several times
    #[arg(long, value_name = "ID")]
    vcpu: Vec<u64>,
    /// Exits from this time on, such as `1.5ms`, `20us`, `3s`; calls have no times
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Duration>,
    /// Exits up to this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Duration>,
    /// Records with these numbers: `100-199`, `100+100`
    #[arg(long, value_name = "RANGE", value_parser = range)]
    records: Option<RangeInclusive<u64>>,
}

impl Part {
    /// Whether the recording has what is asked for.
    pub(crate) fn fits(&self, source: &Source) -> Result<(), Trouble> {
        if self.is_timed() && !source.recording.has_times() {
            return Err(Trouble::NoTimes);
        }
        Ok(())
    }

    /// Whether no later record can be in it.
    pub(crate) fn is_past(&self, record: &Record<'_>) -> bool {
        let last = self.records.as_ref().map(RangeInclusive::end);
        last.is_some_and(|last| record.sequence > *last)
    }

    /// Whether a record is in it.
    pub(crate) fn takes(&self, record: &Record<'_>, source: &Source) -> bool {
        let vcpu = || record.stream.and_then(|stream| source.vcpu(stream));
        let records = self.records.as_ref();
        records.is_none_or(|records| records.contains(&record.sequence))
            && (self.vcpu.is_empty() || vcpu().is_some_and(|id| self.vcpu.contains(&id)))
            && (!self.is_timed() || self.takes_time(record))
    }

    fn is_timed(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    fn takes_time(&self, record: &Record<'_>) -> bool {
        let times = match &record.content {
            Content::Entry(entry) => entry.times,
            _ => None,
        };
        times.is_some_and(|times| {
            self.from.is_none_or(|from| times.exited >= from)
                && self.to.is_none_or(|to| times.exited <= to)
        })
    }
}

fn integer(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("`{text}` is no number: 1016 and 0x3f8 are"))
}

/// Numbers, as they are given on the command line.
pub(crate) fn range(text: &str) -> Result<RangeInclusive<u64>, String> {
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
}

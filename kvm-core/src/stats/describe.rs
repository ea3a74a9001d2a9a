//! [`StatDescriptor`]: what one statistic means.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use kvm_sys::{
    KVM_STATS_BASE_MASK, KVM_STATS_BASE_POW2, KVM_STATS_TYPE_CUMULATIVE, KVM_STATS_TYPE_INSTANT,
    KVM_STATS_TYPE_LINEAR_HIST, KVM_STATS_TYPE_LOG_HIST, KVM_STATS_TYPE_MASK, KVM_STATS_TYPE_PEAK,
    KVM_STATS_UNIT_BOOLEAN, KVM_STATS_UNIT_BYTES, KVM_STATS_UNIT_CYCLES, KVM_STATS_UNIT_MASK,
    KVM_STATS_UNIT_NONE, KVM_STATS_UNIT_SECONDS, kvm_stats_desc,
};
use zerocopy::FromBytes;

const WORD: usize = size_of::<u64>();

/// What one statistic means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatDescriptor {
    name: String,
    kind: StatKind,
    unit: StatUnit,
    base: u32,
    exponent: i16,
    /// Index of its first value.
    first: usize,
    len: usize,
}

/// How a statistic changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatKind {
    /// It only grows.
    Cumulative,
    /// How it is now.
    Instant,
    /// The most that it was.
    Peak,
    /// How often something was in each range: ranges of this width.
    LinearHistogram(u32),
    /// How often something was in each range: ranges that double.
    LogHistogram,
    /// One that this crate does not know.
    Other(u32),
}

/// What a statistic counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatUnit {
    /// Events, or things.
    None,
    /// Memory.
    Bytes,
    /// Time. The exponent makes it nanoseconds, mostly.
    Seconds,
    /// The CPU's clock.
    Cycles,
    /// 0 or 1.
    Boolean,
    /// One that this crate does not know.
    Other(u32),
}

impl StatDescriptor {
    /// From a description with the name behind it; nothing if its values are not whole words.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (desc, name) = kvm_stats_desc::read_from_prefix(bytes).ok()?;
        let offset = desc.offset as usize;
        let kind = match desc.flags & KVM_STATS_TYPE_MASK {
            KVM_STATS_TYPE_CUMULATIVE => StatKind::Cumulative,
            KVM_STATS_TYPE_INSTANT => StatKind::Instant,
            KVM_STATS_TYPE_PEAK => StatKind::Peak,
            KVM_STATS_TYPE_LINEAR_HIST => StatKind::LinearHistogram(desc.bucket_size),
            KVM_STATS_TYPE_LOG_HIST => StatKind::LogHistogram,
            other => StatKind::Other(other),
        };
        let unit = match desc.flags & KVM_STATS_UNIT_MASK {
            KVM_STATS_UNIT_NONE => StatUnit::None,
            KVM_STATS_UNIT_BYTES => StatUnit::Bytes,
            KVM_STATS_UNIT_SECONDS => StatUnit::Seconds,
            KVM_STATS_UNIT_CYCLES => StatUnit::Cycles,
            KVM_STATS_UNIT_BOOLEAN => StatUnit::Boolean,
            other => StatUnit::Other(other),
        };
        let two = desc.flags & KVM_STATS_BASE_MASK == KVM_STATS_BASE_POW2;
        (offset % WORD == 0).then(|| Self {
            name: text(name),
            kind,
            unit,
            base: if two { 2 } else { 10 },
            exponent: desc.exponent,
            first: offset / WORD,
            len: desc.size.into(),
        })
    }

    /// Where its values end, in bytes.
    pub(super) fn end(&self) -> usize {
        (self.first + self.len) * WORD
    }

    /// Its values among all of them.
    pub(super) fn of<'a>(&self, words: &'a [u64]) -> &'a [u64] {
        let values = words.get(self.first..self.first + self.len);
        values.unwrap_or_default()
    }

    /// The kernel's name of it, such as `halt_exits`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it changes.
    pub fn kind(&self) -> StatKind {
        self.kind
    }

    /// What it counts, once each value is multiplied by [`base`](Self::base) to the power of
    /// [`exponent`](Self::exponent).
    pub fn unit(&self) -> StatUnit {
        self.unit
    }

    /// 10 or 2.
    pub fn base(&self) -> u32 {
        self.base
    }

    /// See [`unit`](Self::unit): -9 and seconds are nanoseconds.
    pub fn exponent(&self) -> i16 {
        self.exponent
    }

    /// How many values it has: 1, or the buckets of a histogram.
    #[allow(clippy::len_without_is_empty, reason = "not a container")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// What a histogram's bucket counts, in units; nothing when there is no such bucket.
    ///
    /// The last one has no upper end.
    ///
    /// ```
    /// let vcpu = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// let stats = vcpu.stats()?;
    /// let waits = stats.descriptors().iter().find(|stat| stat.name() == "halt_wait_hist").unwrap();
    /// assert_eq!(waits.bucket(0), Some(0..=0));
    /// assert_eq!(waits.bucket(3), Some(4..=7)); // nanoseconds
    /// assert_eq!(waits.bucket(waits.len()), None);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn bucket(&self, index: usize) -> Option<RangeInclusive<u64>> {
        let start = |index: usize| {
            let at = u32::try_from(index).ok()?;
            match self.kind {
                StatKind::LinearHistogram(width) => u64::from(width).checked_mul(at.into()),
                StatKind::LogHistogram if at == 0 => Some(0),
                StatKind::LogHistogram => 1_u64.checked_shl(at - 1),
                _ => None,
            }
        };
        if index >= self.len {
            return None;
        }
        let end = match index + 1 {
            next if next == self.len => u64::MAX,
            next => start(next)?.checked_sub(1)?,
        };
        Some(start(index)?..=end)
    }
}

/// Text up to its NUL.
pub(super) fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

pub(super) fn words(bytes: &[u8]) -> Vec<u64> {
    let words = bytes.chunks_exact(WORD);
    words
        .map(|word| u64::read_from_bytes(word).unwrap_or(0))
        .collect()
}

#[cfg(test)]
mod tests {
    use zerocopy::IntoBytes;

    use super::*;

    fn decoded(desc: kvm_stats_desc) -> Option<StatDescriptor> {
        let mut bytes = Vec::from(desc.as_bytes());
        bytes.extend_from_slice(b"halt_wait_hist\0\0\0");
        StatDescriptor::decode(&bytes)
    }

    #[test]
    fn buckets_are_those_of_the_api_document() {
        let linear = kvm_stats_desc {
            flags: KVM_STATS_TYPE_LINEAR_HIST | KVM_STATS_UNIT_CYCLES | KVM_STATS_BASE_POW2,
            exponent: 3,
            size: 3,
            bucket_size: 10,
            ..Default::default()
        };
        let linear = decoded(linear).unwrap();
        assert_eq!((linear.name(), linear.len()), ("halt_wait_hist", 3));
        assert_eq!(
            (linear.unit(), linear.base(), linear.exponent()),
            (StatUnit::Cycles, 2, 3)
        );
        let buckets: Vec<_> = (0..4).map(|at| linear.bucket(at)).collect();
        assert_eq!(
            buckets,
            [Some(0..=9), Some(10..=19), Some(20..=u64::MAX), None]
        );

        let log = kvm_stats_desc {
            flags: KVM_STATS_TYPE_LOG_HIST,
            size: 4,
            ..Default::default()
        };
        let log = decoded(log).unwrap();
        let buckets: Vec<_> = (0..4).map(|at| log.bucket(at)).collect();
        assert_eq!(
            buckets,
            [Some(0..=0), Some(1..=1), Some(2..=3), Some(4..=u64::MAX)]
        );
    }

    #[test]
    fn what_makes_no_sense_does_not_panic() {
        let odd = kvm_stats_desc {
            offset: 4,
            ..Default::default()
        };
        assert_eq!(decoded(odd), None);
        assert_eq!(StatDescriptor::decode(&[0; 3]), None);
        let far = kvm_stats_desc {
            flags: u32::MAX,
            offset: u32::MAX - 7,
            size: u16::MAX,
            bucket_size: u32::MAX,
            ..Default::default()
        };
        let far = decoded(far).unwrap();
        assert_eq!(far.kind(), StatKind::Other(15));
        assert_eq!(far.of(&[1, 2]), [0_u64; 0]);
        assert_eq!(far.bucket(1), None);
        let wide = kvm_stats_desc {
            flags: KVM_STATS_TYPE_LOG_HIST,
            size: 100,
            ..Default::default()
        };
        let wide = decoded(wide).unwrap();
        assert_eq!(wide.bucket(80), None);
        let empty = kvm_stats_desc {
            flags: KVM_STATS_TYPE_LINEAR_HIST,
            size: 2,
            ..Default::default()
        };
        assert_eq!(decoded(empty).unwrap().bucket(0), None);
    }
}

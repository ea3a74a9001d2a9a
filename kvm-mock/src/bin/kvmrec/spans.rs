//! [`Spans`]: spans of time, of which least, median and the like are asked.

use std::collections::BTreeMap;

use serde::Serialize;

/// Bits of a span that are kept behind its first: buckets are at most 1 % wide.
const BITS: u32 = 7;

/// Many spans of time in little room: how often each came, to 1 %.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    counts: BTreeMap<u64, u64>,
    count: u64,
    sum: u64,
    least: u64,
    most: u64,
}

/// How spans are spread, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Spread {
    pub(crate) least_ns: u64,
    pub(crate) median_ns: u64,
    pub(crate) p99_ns: u64,
    pub(crate) most_ns: u64,
    pub(crate) sum_ns: u64,
}

impl Spans {
    pub(crate) fn add(&mut self, span: u64) {
        self.least = if self.count == 0 {
            span
        } else {
            self.least.min(span)
        };
        self.most = self.most.max(span);
        self.count += 1;
        self.sum = self.sum.saturating_add(span);
        let dropped = (u64::BITS - span.leading_zeros()).saturating_sub(BITS + 1);
        *self.counts.entry(span >> dropped << dropped).or_default() += 1;
    }

    /// Nothing when there are none.
    pub(crate) fn spread(&self) -> Option<Spread> {
        (self.count > 0).then(|| Spread {
            least_ns: self.least,
            median_ns: self.quantile(50),
            p99_ns: self.quantile(99),
            most_ns: self.most,
            sum_ns: self.sum,
        })
    }

    /// The least span that so many in a hundred are not longer than.
    fn quantile(&self, percent: u64) -> u64 {
        let rank = (u128::from(self.count) * u128::from(percent)).div_ceil(100);
        let mut seen = 0;
        for (span, count) in &self.counts {
            seen += u128::from(*count);
            if seen >= rank {
                return (*span).max(self.least);
            }
        }
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_to_a_percent() {
        let mut spans = Spans::default();
        assert_eq!(spans.spread(), None);
        for span in 1..=100_000 {
            spans.add(span);
        }
        let spread = spans.spread().unwrap();
        assert_eq!((spread.least_ns, spread.most_ns), (1, 100_000));
        assert_eq!(spread.sum_ns, 5_000_050_000);
        assert!(spread.median_ns.abs_diff(50_000) <= 500, "{spread:?}");
        assert!(spread.p99_ns.abs_diff(99_000) <= 990, "{spread:?}");
    }

    #[test]
    fn one_span_is_all() {
        let mut spans = Spans::default();
        spans.add(u64::MAX);
        let spread = spans.spread().unwrap();
        assert_eq!(spread.median_ns, u64::MAX);
        assert_eq!(spread.sum_ns, u64::MAX);
    }
}

//! [`shrink`]: the fewest steps that still show a difference.

use super::step::Step;

/// Leaves out steps as long as `shows` says that the rest shows the same: first many at once, then one by one.
pub(super) fn shrink(mut steps: Vec<Step>, mut shows: impl FnMut(&[Step]) -> bool) -> Vec<Step> {
    let mut many = steps.len().div_ceil(2);
    while many > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + many).min(steps.len()));
            if shows(&fewer) {
                steps = fewer;
            } else {
                at += many;
            }
        }
        many /= 2;
    }
    steps
}

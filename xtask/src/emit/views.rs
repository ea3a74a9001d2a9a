//! Views: ways to a member of a union through its words.

use std::fmt::Write;

use anyhow::Result;

use crate::lower::View;

/// How a member is reached from the words of its union: drop some at the end, regroup, drop some
/// more, so that what is left is an array of members. All of it is a matter of types: there is no
/// check and no failure.
#[derive(Debug)]
pub(super) struct Path {
    /// Words dropped at the end.
    dropped: u64,
    /// Then the words in groups: their length, number, and how many groups are dropped.
    groups: Option<(u64, u64, u64)>,
    /// The number of members that fit in the rest.
    members: u64,
}

/// The longest row of `_` patterns worth reading.
const MOST_DROPPED: u64 = 16;

impl Path {
    pub(super) fn find(size: u64, word: u64, words: u64) -> Option<Self> {
        // The fewest words that hold a whole number of members.
        let step = (1..=word)
            .map(|count| count * size)
            .find(|bytes| bytes % word == 0)?
            / word;
        let used = words / step * step;
        if used > 0 && words - used < MOST_DROPPED {
            return Some(Self {
                dropped: words - used,
                groups: None,
                members: used * word / size,
            });
        }
        (2..step).find_map(|group| {
            let (count, dropped) = (words / group, words % group);
            let kept = count / (step / group) * (step / group);
            let fits = kept > 0
                && step % group == 0
                && dropped < MOST_DROPPED
                && count - kept < MOST_DROPPED;
            fits.then_some(Self {
                dropped,
                groups: Some((group, count, count - kept)),
                members: kept * group * word / size,
            })
        })
    }

    pub(super) fn print(
        &self,
        view: &View,
        word: &str,
        mutable: &str,
        out: &mut String,
    ) -> Result<()> {
        let View { name, ty, .. } = view;
        let (suffix, transmute) = match mutable {
            "" => ("", "transmute_ref!"),
            _ => ("_mut", "transmute_mut!"),
        };
        let mut from = format!("&{mutable}self.0");
        writeln!(out, "    #[inline]")?;
        writeln!(
            out,
            "    pub fn as_{name}{suffix}(&{mutable}self) -> &{mutable}{ty} {{"
        )?;
        if self.dropped > 0 {
            writeln!(
                out,
                "        let [head @ .., {}] = {from};",
                blanks(self.dropped)
            )?;
            "head".clone_into(&mut from);
        }
        if let Some((group, count, dropped)) = self.groups {
            let ty = format!("&{mutable}[[{word}; {group}]; {count}]");
            let pattern = format!("[head @ .., {}]: {ty}", blanks(dropped));
            bind(&pattern, &format!("{transmute}({from})"), out)?;
            "head".clone_into(&mut from);
        }
        if self.members == 1 {
            writeln!(out, "        {transmute}({from})")?;
        } else {
            let pattern = format!("[first, ..]: &{mutable}[{ty}; {}]", self.members);
            bind(&pattern, &format!("{transmute}({from})"), out)?;
            writeln!(out, "        first")?;
        }
        write!(out, "    }}")?;
        Ok(())
    }
}

/// A view by way of a structure of the member and what is left of the words.
pub(super) fn cut(view: &View, rest: &str, mutable: &str, out: &mut String) -> Result<()> {
    let View { name, ty, .. } = view;
    let (suffix, transmute, derives) = match mutable {
        "" => ("", "transmute_ref!", "FromBytes, Immutable"),
        _ => ("_mut", "transmute_mut!", "FromBytes, IntoBytes"),
    };
    write!(
        out,
        "    #[inline]
    pub fn as_{name}{suffix}(&{mutable}self) -> &{mutable}{ty} {{
        #[derive({derives})]
        #[repr(C)]
        struct Cut {{
            head: {ty},
            rest: {rest},
        }}
        let Cut {{ head, rest: _ }} = {transmute}(&{mutable}self.0);
        head
    }}"
    )?;
    Ok(())
}

/// `let pattern = value;`, broken where it is too long.
fn bind(pattern: &str, value: &str, out: &mut String) -> Result<()> {
    let line = format!("        let {pattern} = {value};");
    if line.len() <= 100 {
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "        let {pattern} =\n            {value};")?;
    }
    Ok(())
}

fn blanks(count: u64) -> String {
    (0..count).map(|_| "_").collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever way is found to cut a member out of a union, the words must add up.
    #[test]
    fn ways_to_a_member_account_for_every_word() {
        for word in [1, 2, 4, 8] {
            for words in 1..=64 {
                for size in 1..=words * word {
                    let Some(path) = Path::find(size, word, words) else {
                        continue;
                    };
                    let Path {
                        dropped,
                        groups,
                        members,
                    } = path;
                    let left = match groups {
                        None => words - dropped,
                        Some((group, count, after)) => {
                            assert_eq!(group * count, words - dropped);
                            group * (count - after)
                        }
                    };
                    assert!(members >= 1);
                    assert_eq!(
                        members * size,
                        left * word,
                        "{size} of {words} words of {word}"
                    );
                }
            }
        }
    }
}

//! Constants: families, flags and plain numbers.

use std::fmt::Write;

use anyhow::{Context, Result, bail};

use super::number;
use crate::curation::{Curation, Group, Home};
use crate::docs::Docs;
use crate::facts::Facts;

const USES: &str = "\nuse zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};\n";

const DERIVES: &str = "\
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
";

type Groups<'a> = Vec<(&'a Group, Vec<Constant<'a>>)>;

/// Constants, each in its place: those of one architecture, or those that all share.
pub(super) struct Sorted<'a> {
    families: Groups<'a>,
    flags: Groups<'a>,
    plain: Vec<(Constant<'a>, String)>,
    strings: Vec<(&'a str, &'a [u8])>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Constant<'a> {
    name: &'a str,
    value: i128,
}

/// Takes what is the same on every architecture out of `all`.
pub(super) fn share<'a>(all: &mut [Sorted<'a>]) -> Result<Sorted<'a>> {
    Ok(Sorted {
        families: shared_groups(all, |sorted| &mut sorted.families)?,
        flags: shared_groups(all, |sorted| &mut sorted.flags)?,
        plain: shared_entries(all, |sorted| &mut sorted.plain),
        strings: shared_entries(all, |sorted| &mut sorted.strings),
    })
}

/// The groups with the same names everywhere, and those that are to have them.
fn shared_groups<'a>(
    all: &mut [Sorted<'a>],
    groups: for<'s> fn(&'s mut Sorted<'a>) -> &'s mut Groups<'a>,
) -> Result<Groups<'a>> {
    let mut shared: Groups<'a> = Vec::new();
    let [first, rest @ ..] = all else {
        return Ok(shared);
    };
    for (index, (group, constants)) in groups(first).iter_mut().enumerate() {
        let mut others: Vec<_> = rest
            .iter_mut()
            .filter_map(|sorted| groups(sorted).get_mut(index))
            .map(|(_, constants)| constants)
            .collect();
        let mut taken = Vec::new();
        if group.shared {
            taken.append(constants);
            for other in others {
                for constant in other.drain(..) {
                    match taken.iter().find(|known| known.name == constant.name) {
                        None => taken.push(constant),
                        Some(known) if *known == constant => {}
                        Some(_) => bail!("{} is not the same everywhere", constant.name),
                    }
                }
            }
        } else if others.iter().all(|other| *other == constants) {
            taken.append(constants);
            others.iter_mut().for_each(|other| other.clear());
        }
        shared.push((*group, taken));
    }
    Ok(shared)
}

fn shared_entries<'a, T: Clone + PartialEq>(
    all: &mut [Sorted<'a>],
    entries: for<'s> fn(&'s mut Sorted<'a>) -> &'s mut Vec<T>,
) -> Vec<T> {
    let [first, rest @ ..] = all else {
        return Vec::new();
    };
    let mut shared = entries(first).clone();
    for sorted in &mut *rest {
        shared.retain(|entry| entries(sorted).contains(entry));
    }
    for sorted in all {
        entries(sorted).retain(|entry| !shared.contains(entry));
    }
    shared
}

/// Sorts macros and enumerators by what curation says they are.
pub(super) fn sort<'a>(facts: &'a Facts, curation: &'a Curation) -> Result<Sorted<'a>> {
    let mut sorted = Sorted {
        families: curation
            .families
            .iter()
            .map(|group| (group, Vec::new()))
            .collect(),
        flags: curation
            .flags
            .iter()
            .map(|group| (group, Vec::new()))
            .collect(),
        plain: Vec::new(),
        strings: facts
            .strings
            .iter()
            .map(|text| (text.name.as_str(), &text.bytes[..]))
            .collect(),
    };
    for fact in &facts.macros {
        sorted.add(
            curation,
            &fact.name,
            fact.value,
            if fact.size > 4 { "u64" } else { "u32" },
        )?;
    }
    for constant in facts.enums.iter().flat_map(|entry| &entry.constants) {
        // Some enumerators are also macros, so that #ifdef can see them.
        if !facts.macros.iter().any(|fact| fact.name == constant.name) {
            sorted.add(curation, &constant.name, constant.value, "u32")?;
        }
    }
    Ok(sorted)
}

impl<'a> Sorted<'a> {
    fn add(
        &mut self,
        curation: &'a Curation,
        name: &'a str,
        value: i128,
        default: &str,
    ) -> Result<()> {
        let home = curation.home(name)?;
        let ty = match home {
            Home::Family(group) | Home::Flags(group) => group.repr.as_str(),
            Home::Plain(ty) => ty,
            Home::Unlisted => default,
            Home::Ignored => return Ok(()),
        };
        let value = fit(value, ty).with_context(|| format!("the constant {name}"))?;
        let constant = Constant { name, value };
        match home {
            Home::Family(group) => push(&mut self.families, group, constant),
            Home::Flags(group) => push(&mut self.flags, group, constant),
            _ => self.plain.push((constant, ty.to_owned())),
        }
        Ok(())
    }

    /// The types that are defined here.
    pub(super) fn types(&self) -> impl Iterator<Item = &'a str> + '_ {
        let groups = self.families.iter().chain(&self.flags);
        groups
            .filter(|(_, list)| !list.is_empty())
            .map(|(group, _)| group.ty.as_str())
    }

    /// The body of `families.rs`; empty where there is none.
    pub(super) fn families(&self, docs: &Docs) -> String {
        let mut out = String::new();
        for (group, constants) in self.families.iter().filter(|(_, list)| !list.is_empty()) {
            let Group { ty, repr, doc, .. } = group;
            let prefix = group.prefix.as_deref().unwrap_or_default();
            let comment = docs.comment(&docs.groups, &[ty], Some(doc), "");
            let _ = write!(out, "\n{comment}{DERIVES}pub struct {ty}(pub {repr});\n");
            let _ = write!(out, "\nfamily! {{\n    {ty}, \"{prefix}\" {{\n");
            for Constant { name, value } in constants {
                let comment = docs.comment(&docs.constants, &[name], None, "        ");
                let _ = writeln!(out, "{comment}        {name} = {};", number(*value));
            }
            out.push_str("    }\n}\n");
        }
        with_uses(out)
    }

    /// The body of `flags.rs`; empty where there is none.
    pub(super) fn flags(&self, docs: &Docs) -> String {
        let mut out = String::new();
        for (group, constants) in self.flags.iter().filter(|(_, list)| !list.is_empty()) {
            let Group { ty, repr, doc, .. } = group;
            let (bits, masks): (Vec<_>, Vec<_>) = constants
                .iter()
                .partition(|constant| constant.value.count_ones() == 1);
            let comment = docs.comment(&docs.groups, &[ty], Some(doc), "");
            let _ = write!(out, "\n{comment}{DERIVES}pub struct {ty}(pub {repr});\n");
            let _ = write!(out, "\nflags! {{\n    {ty}: {repr} {{\n");
            for Constant { name, value } in bits {
                let comment = docs.comment(&docs.constants, &[name], None, "        ");
                let bit = value.trailing_zeros();
                let _ = writeln!(out, "{comment}        {name} = 1 << {bit};");
            }
            out.push_str("    }\n}\n");
            for Constant { name, value } in masks {
                let comment = docs.comment(&docs.constants, &[name], None, "");
                let value = number(value);
                let _ = writeln!(out, "{comment}pub const {name}: {ty} = {ty}({value});");
            }
        }
        with_uses(out)
    }

    /// The body of `constants.rs`; empty where there is none.
    pub(super) fn plain(&self, docs: &Docs) -> String {
        let mut out = String::new();
        for (name, bytes) in &self.strings {
            let length = bytes.len();
            let text = bytes.escape_ascii().to_string().replace("\\x00", "\\0");
            let comment = docs.comment(&docs.constants, &[name], None, "");
            let _ = writeln!(
                out,
                "{comment}pub const {name}: &[u8; {length}] = b\"{text}\";"
            );
        }
        for (Constant { name, value }, ty) in &self.plain {
            let comment = docs.comment(&docs.constants, &[name], None, "");
            let _ = writeln!(out, "{comment}pub const {name}: {ty} = {};", number(*value));
        }
        if out.is_empty() {
            out
        } else {
            format!("\n{out}")
        }
    }
}

fn with_uses(body: String) -> String {
    if body.is_empty() {
        body
    } else {
        format!("{USES}{body}")
    }
}

fn push<'a>(
    groups: &mut [(&'a Group, Vec<Constant<'a>>)],
    group: &'a Group,
    constant: Constant<'a>,
) {
    for (candidate, constants) in groups {
        if std::ptr::eq(*candidate, group) {
            constants.push(constant);
        }
    }
}

/// The value, or an error where the type can't hold it.
fn fit(value: i128, ty: &str) -> Result<i128> {
    let range = match ty {
        "u8" => 0..=u8::MAX.into(),
        "u16" => 0..=u16::MAX.into(),
        "u32" => 0..=u32::MAX.into(),
        "u64" | "usize" => 0..=u64::MAX.into(),
        "i64" => i64::MIN.into()..=i64::MAX.into(),
        _ => bail!("curation names the unknown type {ty}"),
    };
    if !range.contains(&value) {
        bail!("{value} does not fit in {ty}; give it a type in curation/constants.toml");
    }
    Ok(value)
}

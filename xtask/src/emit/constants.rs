//! Constants: families, flags and plain numbers.

use std::fmt::Write;

use anyhow::{Context, Result, bail};

use super::number;
use crate::curation::{Curation, Group, Home};
use crate::facts::Facts;

const USES: &str = "\nuse zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};\n";

const DERIVES: &str = "\
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
";

/// The constants of one architecture, each in its place.
pub(super) struct Sorted<'a> {
    families: Vec<(&'a Group, Vec<Constant<'a>>)>,
    flags: Vec<(&'a Group, Vec<Constant<'a>>)>,
    plain: Vec<(Constant<'a>, String)>,
    strings: Vec<(&'a str, &'a [u8])>,
}

#[derive(Clone, Copy)]
struct Constant<'a> {
    name: &'a str,
    value: u64,
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

    pub(super) fn families(&self) -> String {
        let mut out = String::from(USES);
        for (group, constants) in self.families.iter().filter(|(_, list)| !list.is_empty()) {
            let Group { ty, repr, doc, .. } = group;
            let prefix = group.prefix.as_deref().unwrap_or_default();
            let _ = write!(out, "\n/// {doc}\n{DERIVES}pub struct {ty}(pub {repr});\n");
            let _ = write!(out, "\nfamily! {{\n    {ty}, \"{prefix}\" {{\n");
            for Constant { name, value } in constants {
                let _ = writeln!(out, "        {name} = {};", number(*value));
            }
            out.push_str("    }\n}\n");
        }
        out
    }

    pub(super) fn flags(&self) -> String {
        let mut out = String::from(USES);
        for (group, constants) in self.flags.iter().filter(|(_, list)| !list.is_empty()) {
            let Group { ty, repr, doc, .. } = group;
            let (bits, masks): (Vec<_>, Vec<_>) = constants
                .iter()
                .partition(|constant| constant.value.is_power_of_two());
            let _ = write!(out, "\n/// {doc}\n{DERIVES}pub struct {ty}(pub {repr});\n");
            let _ = write!(out, "\nflags! {{\n    {ty}: {repr} {{\n");
            for Constant { name, value } in bits {
                let _ = writeln!(out, "        {name} = 1 << {};", value.trailing_zeros());
            }
            out.push_str("    }\n}\n");
            for Constant { name, value } in masks {
                let _ = writeln!(out, "pub const {name}: {ty} = {ty}({});", number(value));
            }
        }
        out
    }

    pub(super) fn plain(&self) -> String {
        let mut out = String::from("\n");
        for (name, bytes) in &self.strings {
            let length = bytes.len();
            let text = bytes.escape_ascii().to_string().replace("\\x00", "\\0");
            let _ = writeln!(out, "pub const {name}: &[u8; {length}] = b\"{text}\";");
        }
        for (Constant { name, value }, ty) in &self.plain {
            let _ = writeln!(out, "pub const {name}: {ty} = {};", number(*value));
        }
        out
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

/// The value in an unsigned type, or an error where it does not fit.
fn fit(value: i128, ty: &str) -> Result<u64> {
    let bits = match ty {
        "u8" => 8,
        "u16" => 16,
        "u32" => 32,
        "u64" | "usize" => 64,
        _ => bail!("curation names the unknown type {ty}"),
    };
    match u64::try_from(value) {
        Ok(fits) if bits == 64 || fits >> bits == 0 => Ok(fits),
        _ => bail!("{value} does not fit in {ty}; give it a type in curation/constants.toml"),
    }
}

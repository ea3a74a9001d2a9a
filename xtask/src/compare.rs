//! What changed between two sets of facts, name by name.

use std::collections::BTreeMap;
use std::fmt;

use crate::facts::Facts;

/// The names that differ, with what they were and are.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<String>,
}

impl Changes {
    pub(crate) fn between(old: &Facts, new: &Facts) -> Self {
        let (old, new) = (flatten(old), flatten(new));
        let mut changes = Self::default();
        for (name, is) in &new {
            match old.get(name) {
                None => changes.added.push(format!("{name}: {is}")),
                Some(was) if was != is => changes.changed.push(format!("{name}: {was} -> {is}")),
                Some(_) => {}
            }
        }
        for (name, was) in &old {
            if !new.contains_key(name) {
                changes.removed.push(format!("{name}: {was}"));
            }
        }
        changes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, names) in [
            ("removed", &self.removed),
            ("changed", &self.changed),
            ("added", &self.added),
        ] {
            if !names.is_empty() {
                writeln!(f, "{what} ({}):", names.len())?;
                for name in names {
                    writeln!(f, "  {name}")?;
                }
            }
        }
        Ok(())
    }
}

/// Every name that the facts know, with what they say about it.
fn flatten(facts: &Facts) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    for ty in &facts.types {
        flat.insert(
            ty.name.clone(),
            format!("size {}, align {}", ty.size, ty.align),
        );
        for field in &ty.fields {
            let name = match field.name.as_str() {
                "" => format!("{} in {}", field.ty, ty.name),
                name => format!("{}.{name}", ty.name),
            };
            let says = match field.bits {
                Some((first, width)) => format!("{width} bits at bit {first}"),
                None => format!("{} at {}", field.ty, field.offset),
            };
            flat.insert(name, says);
        }
    }
    for constant in facts.enums.iter().flat_map(|entry| &entry.constants) {
        flat.insert(constant.name.clone(), constant.value.to_string());
    }
    for fact in &facts.macros {
        let sign = if fact.signed { "signed" } else { "unsigned" };
        flat.insert(
            fact.name.clone(),
            format!("{:#x}, {sign}, {} bytes", fact.value, fact.size),
        );
    }
    for text in &facts.strings {
        flat.insert(text.name.clone(), text.bytes.escape_ascii().to_string());
    }
    for ioctl in &facts.ioctls {
        let request = ioctl
            .request
            .map_or("not here".to_owned(), |number| format!("{number:#x}"));
        flat.insert(
            ioctl.name.clone(),
            format!("{request} {} {}", ioctl.encoding, ioctl.argument),
        );
    }
    for name in &facts.functions {
        flat.insert(format!("{name}()"), "a macro with parameters".to_owned());
    }
    for name in facts.empty.iter().chain(&facts.not_constant) {
        flat.insert(name.clone(), "a macro without a value".to_owned());
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Macro;

    fn with(macros: &[(&str, i128)]) -> Facts {
        let fact = |&(name, value): &(&str, i128)| Macro {
            name: name.to_owned(),
            value,
            size: 4,
            signed: true,
        };
        Facts {
            macros: macros.iter().map(fact).collect(),
            ..Facts::default()
        }
    }

    #[test]
    fn each_kind_of_change_is_reported_under_its_name() {
        let old = with(&[("KVM_KEPT", 1), ("KVM_GONE", 2), ("KVM_MOVED", 3)]);
        let new = with(&[("KVM_KEPT", 1), ("KVM_NEW", 2), ("KVM_MOVED", 4)]);
        let changes = Changes::between(&old, &new);
        assert!(Changes::between(&old, &old).is_empty());
        assert_eq!(
            changes.to_string(),
            "removed (1):\n  KVM_GONE: 0x2, signed, 4 bytes\n\
             changed (1):\n  KVM_MOVED: 0x3, signed, 4 bytes -> 0x4, signed, 4 bytes\n\
             added (1):\n  KVM_NEW: 0x2, signed, 4 bytes\n"
        );
    }
}

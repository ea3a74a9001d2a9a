//! Entries of the curation that fit nothing: misspelt, or about something the headers have dropped.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::curation::{Curation, Group};
use crate::docs::Known;
use crate::emit::field_names;
use crate::facts::Facts;
use crate::lower::{Lowering, Shape};

/// The entries that no architecture's facts give a meaning to, each with its file.
pub(crate) fn entries(curation: &Curation, all: &[Facts]) -> Result<Vec<String>> {
    let types: BTreeSet<_> = all
        .iter()
        .flat_map(|facts| &facts.types)
        .map(|ty| &ty.name)
        .collect();
    let ioctls: BTreeSet<_> = all
        .iter()
        .flat_map(|facts| &facts.ioctls)
        .map(|row| &row.name)
        .collect();
    let constants = constants(all);
    let fields = fields(curation, all)?;
    let mut stale = Vec::new();
    let mut add = |file: &str, entry: &str| stale.push(format!("{file}: {entry}"));

    let curated = &curation.types;
    for path in curated
        .names
        .keys()
        .chain(curated.unions.keys())
        .chain(curated.single.keys())
    {
        if !types.contains(path) {
            add("types.toml", path);
        }
    }
    for path in curated.fields.keys() {
        if !fields.contains(path) {
            add("types.toml", path);
        }
    }
    for (file, groups) in [
        ("families.toml", &curation.families),
        ("flags.toml", &curation.flags),
    ] {
        for group in groups {
            for entry in unused(group, &constants) {
                add(file, entry);
            }
        }
    }
    for key in curation.constants.types.keys() {
        if !constants.iter().any(|name| name.starts_with(key.as_str())) {
            add("constants.toml", key);
        }
    }
    for name in curation.constants.ignore.keys() {
        if !constants.contains(name.as_str()) {
            add("constants.toml", name);
        }
    }
    for row in &curation.ioctls {
        if !ioctls.contains(&row.name) {
            add("ioctls.toml", &row.name);
        }
    }
    stale.extend(docs(curation, all)?);
    Ok(stale)
}

/// The names of a group, and its prefix, that no constant has.
fn unused<'a>(group: &'a Group, constants: &BTreeSet<&str>) -> Vec<&'a str> {
    let whole = group.names.iter().chain(&group.except).map(String::as_str);
    let mut unused: Vec<_> = whole.filter(|name| !constants.contains(name)).collect();
    if let Some(prefix) = &group.prefix {
        if !constants
            .iter()
            .any(|name| name.starts_with(prefix.as_str()))
        {
            unused.push(prefix);
        }
    }
    unused
}

/// Every name that a macro or an enumerator has anywhere.
fn constants(all: &[Facts]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for facts in all {
        names.extend(facts.macros.iter().map(|fact| fact.name.as_str()));
        names.extend(facts.strings.iter().map(|text| text.name.as_str()));
        names.extend(
            facts
                .functions
                .iter()
                .chain(&facts.not_constant)
                .map(String::as_str),
        );
        let enumerators = facts.enums.iter().flat_map(|entry| &entry.constants);
        names.extend(enumerators.map(|constant| constant.name.as_str()));
    }
    names
}

/// Every field of a structure, as `type.field` in Rust's names.
fn fields(curation: &Curation, all: &[Facts]) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for facts in all {
        for item in Lowering::new(facts, curation)?.items()? {
            if let Shape::Struct { fields, .. } = &item.shape {
                names.extend(
                    fields
                        .iter()
                        .map(|field| format!("{}.{}", item.name, field.name)),
                );
            }
        }
    }
    Ok(names)
}

/// The keys of the documentation that name nothing.
fn docs(curation: &Curation, all: &[Facts]) -> Result<Vec<String>> {
    let mut known = Known {
        constants: constants(all).into_iter().map(str::to_owned).collect(),
        groups: curation.groups().map(|group| group.ty.clone()).collect(),
        ..Known::default()
    };
    for facts in all {
        for ty in &facts.types {
            known.types.insert(ty.name.clone());
            let fields = ty.fields.iter();
            known
                .fields
                .extend(fields.map(|field| format!("{}.{}", ty.name, field.name)));
        }
        for item in Lowering::new(facts, curation)?.items()? {
            let members: Vec<_> = match &item.shape {
                Shape::Struct { fields, bits } => {
                    let bits = bits.iter().map(|bits| &bits.name);
                    fields.iter().map(|field| &field.name).chain(bits).collect()
                }
                Shape::Union { views } => views.iter().map(|view| &view.name).collect(),
            };
            let names = members.iter().flat_map(|name| field_names(&item, name));
            known.fields.extend(names);
            known.types.insert(item.name);
        }
        known.constants.extend(facts.empty.iter().cloned());
        known
            .ioctls
            .extend(facts.ioctls.iter().map(|row| row.name.clone()));
    }
    Ok(curation.docs.stale(&known))
}

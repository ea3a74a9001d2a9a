//! The lines of documentation: that each is one, and that nothing that needs one lacks it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::curation::{Curation, Home};
use crate::facts::Facts;
use crate::lower::Lowering;

/// The architectures that are documented.
const MAIN: [&str; 3] = ["aarch64", "riscv64", "x86_64"];

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All lines by what they are about, over all files: a table each for types, constants and so on.
fn lines() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for entry in std::fs::read_dir(here().join("curation/docs")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let file: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(&text).unwrap();
        for (table, lines) in file {
            let known = all.entry(table).or_default();
            for (name, line) in lines {
                assert!(!known.contains_key(&name), "{name} has two lines");
                known.insert(name, line);
            }
        }
    }
    all
}

/// The facts of the documented architectures.
fn facts(curation: &Curation) -> Vec<Facts> {
    let main = curation
        .arches
        .iter()
        .filter(|arch| MAIN.contains(&arch.name.as_str()));
    main.map(|arch| Facts::read(&here().join(format!("facts/{}.json", arch.name))).unwrap())
        .collect()
}

#[test]
fn each_line_is_a_sentence_that_says_more_than_the_name() {
    for (name, line) in lines().values().flatten() {
        let first = line.chars().next().unwrap();
        assert!(!first.is_lowercase(), "{name}: {line}");
        assert!(
            line.ends_with('.') && !line.contains('\n'),
            "{name}: {line}"
        );
        assert!(line.len() < 200, "{name} is too long: {line}");
        let plain: String = line.split('`').step_by(2).collect();
        let quotes = line.matches('`').count();
        assert!(
            quotes % 2 == 0 && !plain.contains(['[', '<', '*']),
            "{name} is no plain markdown: {line}"
        );
        let name = name
            .rsplit('.')
            .next()
            .unwrap()
            .to_lowercase()
            .replace('_', " ");
        let said = line.trim_end_matches('.').to_lowercase();
        assert!(!name.ends_with(&said), "{name}: {line}");
    }
}

#[test]
fn nothing_that_needs_a_line_lacks_it() {
    let lines = lines();
    let curation = Curation::read(&here().join("curation")).unwrap();
    let mut lacking = BTreeSet::new();
    let mut need = |table: &str, name: &str| {
        if !lines[table].contains_key(name) {
            lacking.insert(format!("{table}: {name}"));
        }
    };
    for row in &curation.ioctls {
        need("ioctls", &row.name);
    }
    for facts in &facts(&curation) {
        let lowering = Lowering::new(facts, &curation).unwrap();
        for item in lowering.items().unwrap() {
            need("types", &item.name);
        }
        let enumerators = facts.enums.iter().flat_map(|entry| &entry.constants);
        let names = enumerators
            .map(|constant| &constant.name)
            .chain(facts.macros.iter().map(|fact| &fact.name));
        for name in names {
            if let Home::Family(_) | Home::Flags(_) = curation.home(name).unwrap() {
                need("constants", name);
            }
        }
    }
    assert!(lacking.is_empty(), "without a line: {lacking:#?}");
}

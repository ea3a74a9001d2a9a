//! What names mean, in words of our own (`curation/docs/*.toml`), and since when headers have had them
//! (`facts/since.json`). Both are optional, file by file and name by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The oldest headers that were looked at: what they have may be of any age.
const OLDEST: &str = "6.1";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Docs {
    pub(crate) types: BTreeMap<String, String>,
    /// Keys are `type.field`.
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) constants: BTreeMap<String, String>,
    pub(crate) groups: BTreeMap<String, String>,
    pub(crate) ioctls: BTreeMap<String, String>,
    /// The first release whose headers have a name.
    #[serde(skip)]
    pub(crate) since: BTreeMap<String, String>,
}

/// The part of `since.json` that comments are made of.
#[derive(Deserialize)]
struct Since {
    names: BTreeMap<String, String>,
}

/// The names that can have a line.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) types: BTreeSet<String>,
    pub(crate) fields: BTreeSet<String>,
    pub(crate) constants: BTreeSet<String>,
    pub(crate) groups: BTreeSet<String>,
    pub(crate) ioctls: BTreeSet<String>,
}

impl Docs {
    /// Reads every file in `dir`, and `since`, where they exist.
    pub(crate) fn read(dir: &Path, since: &Path) -> Result<Self> {
        let mut docs = Self::default();
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            let text = std::fs::read_to_string(&path)?;
            let more: Self =
                toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
            for (all, more) in [
                (&mut docs.types, more.types),
                (&mut docs.fields, more.fields),
                (&mut docs.constants, more.constants),
                (&mut docs.groups, more.groups),
                (&mut docs.ioctls, more.ioctls),
            ] {
                for (name, line) in more {
                    if line.trim().is_empty() || line.contains('\n') {
                        bail!("{}: {name} needs one line", path.display());
                    }
                    if all.insert(name.clone(), line).is_some() {
                        bail!("{}: {name} has a line already", path.display());
                    }
                }
            }
        }
        if since.is_file() {
            let text = std::fs::read_to_string(since)?;
            let read: Since =
                serde_json::from_str(&text).with_context(|| format!("in {}", since.display()))?;
            docs.since = read.names;
        }
        Ok(docs)
    }

    /// The comment for what has any of these names, with its line from `lines` or else `default`;
    /// empty where nothing is known.
    pub(crate) fn comment(
        &self,
        lines: &BTreeMap<String, String>,
        names: &[&str],
        default: Option<&str>,
        indent: &str,
    ) -> String {
        let line = names.iter().find_map(|name| lines.get(*name));
        let line = line.map(String::as_str).or(default);
        comment(line, self.since(names), indent)
    }

    /// The comment for a member of what has any of the names `of`. A member as old as that says nothing
    /// of its age.
    pub(crate) fn member(&self, names: &[&str], of: &[&str], indent: &str) -> String {
        let line = names.iter().find_map(|name| self.fields.get(*name));
        let since = self
            .since(names)
            .filter(|since| self.since(of) != Some(*since));
        comment(line.map(String::as_str), since, indent)
    }

    /// The release that a name came with, where that is known to be a later one.
    fn since(&self, names: &[&str]) -> Option<&str> {
        let since = names.iter().find_map(|name| self.since.get(*name));
        since
            .map(String::as_str)
            .filter(|release| *release != OLDEST)
    }

    /// The keys that name nothing.
    pub(crate) fn stale(&self, known: &Known) -> Vec<String> {
        let Known {
            types,
            fields,
            constants,
            groups,
            ioctls,
        } = known;
        let mut stale = Vec::new();
        for (table, lines, known) in [
            ("types", &self.types, types),
            ("fields", &self.fields, fields),
            ("constants", &self.constants, constants),
            ("groups", &self.groups, groups),
            ("ioctls", &self.ioctls, ioctls),
        ] {
            let unknown = lines.keys().filter(|name| !known.contains(*name));
            stale.extend(unknown.map(|name| format!("docs: {name} in [{table}]")));
        }
        let all = [types, fields, constants, ioctls];
        let unknown = self
            .since
            .keys()
            .filter(|name| !all.iter().any(|known| known.contains(*name)));
        stale.extend(unknown.map(|name| format!("since.json: {name}")));
        stale
    }
}

fn comment(line: Option<&str>, since: Option<&str>, indent: &str) -> String {
    let since = since.map(|release| format!("Since Linux {release}."));
    match (line, since) {
        (Some(line), Some(since)) => format!("{indent}/// {line} {since}\n"),
        (Some(line), None) => format!("{indent}/// {line}\n"),
        (None, Some(since)) => format!("{indent}/// {since}\n"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pair = |(name, line): &(&str, &str)| ((*name).to_owned(), (*line).to_owned());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_comment_has_what_is_known_and_nothing_else() {
        let docs = Docs {
            types: map(&[("kvm_a", "An a.")]),
            since: map(&[("kvm_a", "7.3"), ("kvm_b", "6.12"), ("kvm_c", "6.1")]),
            ..Docs::default()
        };
        let comment = |name, default| docs.comment(&docs.types, &["other", name], default, "  ");
        assert_eq!(comment("kvm_a", None), "  /// An a. Since Linux 7.3.\n");
        assert_eq!(comment("kvm_b", None), "  /// Since Linux 6.12.\n");
        assert_eq!(
            comment("kvm_b", Some("A b.")),
            "  /// A b. Since Linux 6.12.\n"
        );
        assert_eq!(comment("kvm_c", None), "");
    }

    #[test]
    fn a_member_as_old_as_its_type_says_nothing_of_its_age() {
        let docs = Docs {
            since: map(&[("kvm_a", "7.2"), ("kvm_a.b", "7.2"), ("kvm_a.c", "7.3")]),
            ..Docs::default()
        };
        assert_eq!(docs.member(&["kvm_a.b"], &["kvm_a"], ""), "");
        assert_eq!(
            docs.member(&["kvm_a.c"], &["kvm_a"], ""),
            "/// Since Linux 7.3.\n"
        );
    }

    #[test]
    fn files_add_up_and_may_not_repeat_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let since = dir.path().join("since.json");
        std::fs::write(dir.path().join("a.toml"), "[types]\nkvm_a = \"An a.\"\n").unwrap();
        std::fs::write(
            dir.path().join("b.toml"),
            "[fields]\n\"kvm_a.b\" = \"A b.\"\n",
        )
        .unwrap();
        std::fs::write(
            &since,
            "{\"names\": {\"kvm_a\": \"7.2\", \"kvm_gone\": \"7.2\"}}",
        )
        .unwrap();
        let docs = Docs::read(dir.path(), &since).unwrap();
        assert_eq!((docs.types.len(), docs.fields.len()), (1, 1));
        let known = Known {
            types: ["kvm_a".to_owned()].into(),
            ..Known::default()
        };
        let stale = docs.stale(&known);
        assert_eq!(stale, ["docs: kvm_a.b in [fields]", "since.json: kvm_gone"]);
        std::fs::write(dir.path().join("c.toml"), "[types]\nkvm_a = \"Again.\"\n").unwrap();
        assert!(Docs::read(dir.path(), &since).is_err());
    }
}

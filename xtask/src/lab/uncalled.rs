//! Methods that no test calls on real KVM, with the reasons.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::machine::Arch;

/// The table `uncalled.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Uncalled {
    reasons: Vec<Reason>,
}

/// Why some methods are not called on some architectures.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    why: String,
    arches: Vec<String>,
    methods: Vec<String>,
}

/// What the table says of one architecture, beside what was called there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    /// Not called, by reason.
    explained: BTreeMap<String, Vec<String>>,
    /// Not called, and without a reason.
    unexplained: Vec<String>,
    /// Called, and with a reason why not.
    called: Vec<String>,
    /// No methods of this architecture.
    unknown: Vec<String>,
}

impl Uncalled {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let table: Self =
            toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
        let known = |name: &String| Arch::ALL.iter().any(|arch| arch.name() == name);
        for arch in table.reasons.iter().flat_map(|reason| &reason.arches) {
            if !known(arch) {
                bail!("{}: the lab has no {arch}", path.display());
            }
        }
        Ok(table)
    }

    /// Compares the table with all methods that the architecture has and those that were called.
    pub(crate) fn judge(
        &self,
        arch: Arch,
        all: &BTreeSet<String>,
        called: &BTreeSet<String>,
    ) -> Judged {
        let mut judged = Judged::default();
        let mut missing: BTreeSet<_> = all.difference(called).collect();
        let reasons = self.reasons.iter();
        for reason in reasons.filter(|reason| reason.arches.iter().any(|name| name == arch.name()))
        {
            for method in &reason.methods {
                if !all.contains(method) {
                    judged.unknown.push(method.clone());
                } else if called.contains(method) {
                    judged.called.push(method.clone());
                } else {
                    missing.remove(method);
                    let explained = judged.explained.entry(reason.why.clone()).or_default();
                    explained.push(method.clone());
                }
            }
        }
        judged.unexplained.extend(missing.into_iter().cloned());
        judged
    }
}

impl Judged {
    pub(crate) fn is_success(&self) -> bool {
        self.unexplained.is_empty() && self.called.is_empty() && self.unknown.is_empty()
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (why, methods) in &self.explained {
            writeln!(f, "  not called, as {why}:")?;
            for method in methods {
                writeln!(f, "    {method}")?;
            }
        }
        for (what, methods) in [
            (
                "not called, for no reason in uncalled.toml",
                &self.unexplained,
            ),
            ("called, in spite of uncalled.toml", &self.called),
            ("in uncalled.toml, and not a method", &self.unknown),
        ] {
            for method in methods {
                writeln!(f, "  FAILED: {what}: {method}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_method_is_called_or_has_a_reason() {
        let text = "[[reasons]]\nwhy = \"w\"\narches = [\"aarch64\"]\nmethods = [\"Vm::a\", \"Vm::b\", \"Vm::c\"]";
        let table: Uncalled = toml::from_str(text).unwrap();
        let all = set(&["Vm::a", "Vm::b", "Vm::d"]);
        let judged = table.judge(Arch::Aarch64, &all, &set(&["Vm::b"]));
        assert_eq!(judged.explained["w"], ["Vm::a"]);
        assert_eq!(judged.unexplained, ["Vm::d"]);
        assert_eq!(judged.called, ["Vm::b"]);
        assert_eq!(judged.unknown, ["Vm::c"]);
        assert!(!judged.is_success());
        let elsewhere = table.judge(Arch::X86_64, &all, &all);
        assert!(elsewhere.is_success());
    }

    #[test]
    fn the_table_is_understood() {
        let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/uncalled.toml");
        assert!(!Uncalled::read(&table).unwrap().reasons.is_empty());
    }
}

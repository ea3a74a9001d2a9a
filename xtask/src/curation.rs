//! The hand-written half of the pipeline: names, types and directions that no header states.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::arch::{self, Arch};
use crate::docs::Docs;

/// Everything under `xtask/curation`.
#[derive(Debug)]
pub(crate) struct Curation {
    pub(crate) arches: Vec<Arch>,
    pub(crate) types: Types,
    pub(crate) families: Vec<Group>,
    pub(crate) flags: Vec<Group>,
    pub(crate) constants: Constants,
    pub(crate) ioctls: Vec<Row>,
    pub(crate) docs: Docs,
}

/// `types.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Types {
    pub(crate) names: BTreeMap<String, String>,
    pub(crate) unions: BTreeMap<String, UnionField>,
    pub(crate) single: BTreeMap<String, String>,
    pub(crate) padding: Padding,
    pub(crate) fields: BTreeMap<String, String>,
}

/// The field that stands for an anonymous union.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnionField {
    pub(crate) field: String,
    #[serde(rename = "type")]
    pub(crate) ty: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Padding {
    pub(crate) members: Vec<String>,
}

/// A family of integers (`families.toml`) or a set of flags (`flags.toml`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    #[serde(rename = "type")]
    pub(crate) ty: String,
    pub(crate) repr: String,
    #[serde(default)]
    pub(crate) prefix: Option<String>,
    #[serde(default)]
    pub(crate) names: Vec<String>,
    #[serde(default)]
    pub(crate) except: Vec<String>,
    /// Whether architectures whose headers leave some of its names out get them as well.
    #[serde(default)]
    pub(crate) shared: bool,
    pub(crate) doc: String,
}

/// `constants.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Constants {
    pub(crate) types: BTreeMap<String, String>,
    pub(crate) ignore: BTreeMap<String, String>,
}

/// A row of `ioctls.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) fds: Vec<String>,
    pub(crate) arches: Vec<String>,
    #[serde(default)]
    pub(crate) value: bool,
    pub(crate) arg: Option<String>,
    pub(crate) dir: Option<Dir>,
    pub(crate) count: Option<String>,
    pub(crate) total: Option<Total>,
    #[serde(default)]
    pub(crate) inner: BTreeMap<String, Inner>,
    #[serde(default)]
    pub(crate) opaque: Vec<String>,
    pub(crate) returns: Option<String>,
    pub(crate) bank: Option<String>,
    pub(crate) capability: Option<String>,
    #[serde(default)]
    pub(crate) section: String,
}

/// What says how many bytes there are of a structure with a flexible array, the fixed part included.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Total {
    Field(String),
    Capability(String),
}

/// A pointer inside the structure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inner {
    pub(crate) dir: Dir,
    pub(crate) len: Length,
}

/// What says how many bytes a pointer points to; a text is the path of a field.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Length {
    Fixed(u32),
    Bytes(String),
    Bits(String),
    Tags(String),
    Register(String),
    Slot(String),
    Attribute,
    Command,
    Tlb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dir {
    In,
    Out,
    InOut,
}

/// What a constant becomes in Rust.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Home<'a> {
    Family(&'a Group),
    Flags(&'a Group),
    /// A plain number of the type that a row of `constants.toml` names.
    Plain(&'a str),
    /// A plain number that no row mentions.
    Unlisted,
    Ignored,
}

impl Curation {
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Families {
            family: Vec<Group>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Flags {
            flags: Vec<Group>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Ioctls {
            ioctl: Vec<Row>,
        }
        let arches = dir.join("arches.toml");
        Ok(Self {
            arches: arch::parse(&text(&arches)?)
                .with_context(|| format!("in {}", arches.display()))?,
            types: parse(&dir.join("types.toml"))?,
            families: parse::<Families>(&dir.join("families.toml"))?.family,
            flags: parse::<Flags>(&dir.join("flags.toml"))?.flags,
            constants: parse(&dir.join("constants.toml"))?,
            ioctls: parse::<Ioctls>(&dir.join("ioctls.toml"))?.ioctl,
            docs: Docs::read(
                &dir.join("docs"),
                &dir.with_file_name("facts").join("since.json"),
            )?,
        })
    }

    /// The families and the flags.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.families.iter().chain(&self.flags)
    }

    /// The entry with the longest key that fits `name`, over all files.
    pub(crate) fn home(&self, name: &str) -> Result<Home<'_>> {
        let mut best = (0, Home::Unlisted);
        let mut rival = None;
        let mut offer = |score: Option<usize>, home| match score {
            Some(score) if score > best.0 => (best, rival) = ((score, home), None),
            Some(score) if score == best.0 => rival = Some(home),
            _ => {}
        };
        for group in &self.families {
            offer(group.score(name), Home::Family(group));
        }
        for group in &self.flags {
            offer(group.score(name), Home::Flags(group));
        }
        for (key, ty) in &self.constants.types {
            offer(score(key, name), Home::Plain(ty));
        }
        if self.constants.ignore.contains_key(name) {
            offer(Some(usize::MAX), Home::Ignored);
        }
        if let Some(rival) = rival {
            bail!(
                "curation: {name} fits two entries equally well: {:?} and {rival:?}",
                best.1
            );
        }
        Ok(best.1)
    }
}

impl Group {
    fn score(&self, name: &str) -> Option<usize> {
        if self.except.iter().any(|except| except == name) {
            None
        } else if self.names.iter().any(|whole| whole == name) {
            Some(usize::MAX)
        } else {
            score(self.prefix.as_ref()?, name)
        }
    }
}

/// How well a key fits a name: a whole name beats every prefix, a longer prefix a shorter one.
fn score(key: &str, name: &str) -> Option<usize> {
    if key == name {
        Some(usize::MAX)
    } else {
        name.starts_with(key).then_some(key.len())
    }
}

fn parse<T: DeserializeOwned>(path: &Path) -> Result<T> {
    toml::from_str(&text(path)?).with_context(|| format!("in {}", path.display()))
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curation(constants: &str) -> Curation {
        let group = |ty: &str, prefix: &str| Group {
            ty: ty.to_owned(),
            repr: "u32".to_owned(),
            prefix: Some(prefix.to_owned()),
            names: Vec::new(),
            except: vec![format!("{prefix}NOT")],
            shared: false,
            doc: String::new(),
        };
        Curation {
            arches: Vec::new(),
            types: toml::from_str(
                "names = {}\nunions = {}\nsingle = {}\nfields = {}\n\
                                   padding = { members = [] }",
            )
            .unwrap(),
            families: vec![group("Short", "KVM_A_"), group("Long", "KVM_A_B_")],
            flags: Vec::new(),
            constants: toml::from_str(constants).unwrap(),
            ioctls: Vec::new(),
            docs: Docs::default(),
        }
    }

    #[test]
    fn a_longer_prefix_wins_and_a_whole_name_beats_it() {
        let curation = curation("types = { KVM_A_B_C = \"u8\" }\nignore = { KVM_A_X = \"why\" }");
        let home = |name| curation.home(name).unwrap();
        assert!(matches!(home("KVM_A_C"), Home::Family(group) if group.ty == "Short"));
        assert!(matches!(home("KVM_A_B_D"), Home::Family(group) if group.ty == "Long"));
        assert!(matches!(home("KVM_A_B_NOT"), Home::Family(group) if group.ty == "Short"));
        assert!(matches!(home("KVM_A_B_C"), Home::Plain("u8")));
        assert!(matches!(home("KVM_A_NOT"), Home::Unlisted));
        assert!(matches!(home("KVM_A_X"), Home::Ignored));
    }

    #[test]
    fn two_entries_for_one_name_are_an_error() {
        let curation = curation("types = { KVM_A_B_ = \"u8\" }\nignore = {}");
        let error = curation.home("KVM_A_B_C").unwrap_err().to_string();
        assert!(error.contains("KVM_A_B_C fits two entries"), "{error}");
    }
}

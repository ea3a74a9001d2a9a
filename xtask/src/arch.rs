//! The architectures, as `curation/arches.toml` lists them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What the pipeline must know about an architecture; everything else is in its headers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arch {
    /// Our name: the module of kvm-sys and the facts file.
    #[serde(skip)]
    pub(crate) name: String,
    /// The folder below `usr/lib/linux/uapi`.
    pub(crate) uapi: String,
    /// The C compiler to run.
    pub(crate) compiler: String,
    /// What the `arches` of an ioctl row call it.
    pub(crate) dispatch: String,
}

/// The file's content, with each architecture told its name.
pub(crate) fn parse(text: &str) -> Result<Vec<Arch>, toml::de::Error> {
    let table: BTreeMap<String, Arch> = toml::from_str(text)?;
    Ok(table
        .into_iter()
        .map(|(name, arch)| Arch { name, ..arch })
        .collect())
}

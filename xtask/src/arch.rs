//! The architectures, as `curation/arches.toml` lists them.

use serde::Deserialize;

/// What the pipeline must know about an architecture; everything else is in its headers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arch {
    /// Our name: the module and feature of kvm-sys, and the facts file.
    pub(crate) name: String,
    /// The folder below `usr/lib/linux/uapi`.
    pub(crate) uapi: String,
    /// What the `arches` of an ioctl row call it.
    pub(crate) dispatch: String,
    /// The GNU compiler, and the Debian package that it is in.
    pub(crate) gcc: String,
    pub(crate) package: String,
    /// The target that `zig cc` knows it by.
    pub(crate) zig: String,
    /// Which compiler states the facts.
    #[serde(default)]
    pub(crate) facts: Vendor,
    /// Types of other headers that KVM's interface is made of but names in no type.
    #[serde(default)]
    pub(crate) extra: Vec<String>,
}

/// One of two independent C compilers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Vendor {
    #[default]
    Gcc,
    Zig,
}

/// The file's content.
pub(crate) fn parse(text: &str) -> Result<Vec<Arch>, toml::de::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arches {
        #[serde(default)]
        arch: Vec<Arch>,
    }
    Ok(toml::from_str::<Arches>(text)?.arch)
}

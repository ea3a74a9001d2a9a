//! `cargo xtask since`: which of a few kernel releases first has each name of the KVM interface.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::apt::Suite;
use crate::arch::{Arch, Vendor};
use crate::curation::{Curation, Types};
use crate::extract;
use crate::facts::Facts;
use crate::headers::{self, Found, Lock, Tree};
use crate::lower::parts::field_name;
use crate::macros;
use crate::toolchain::Toolchain;

/// `releases.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Releases {
    release: Vec<Source>,
}

/// Where the headers of a release come from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    /// The first two numbers of the release.
    kernel: String,
    suite: String,
    packages: Vec<String>,
    /// Where the packages keep an architecture's headers, if not where later ones do.
    #[serde(default)]
    includes: BTreeMap<String, String>,
}

/// `facts/since.json`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Since {
    /// The releases that were compared: what the names below call them, and what they are.
    releases: BTreeMap<String, String>,
    /// The first release in which an architecture has the name; not for those of the oldest one.
    names: BTreeMap<String, String>,
    /// The architectures that got a name later than others did.
    later: BTreeMap<String, BTreeMap<String, String>>,
}

/// The names that a release has, for each architecture of which there are headers. They are those of
/// C, as one writes them to reach a member: `kvm_run.io.data_offset`.
struct Known {
    kernel: String,
    names: BTreeMap<String, BTreeSet<String>>,
}

/// What Rust calls a name of C: `kvm_run_io.data_offset`.
type Keys = BTreeMap<String, String>;

pub(crate) fn run() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = here.join("releases.toml");
    let releases: Releases = toml::from_str(&std::fs::read_to_string(&path)?)
        .with_context(|| format!("in {}", path.display()))?;
    let curation = Curation::read(&here.join("curation"))?;
    let host = curation
        .arches
        .iter()
        .find(|arch| arch.name == std::env::consts::ARCH)
        .context("arches.toml names no compiler for this machine")?;
    let lock = Lock::read(&here.join("headers.lock"))?;
    let newest = match headers::find(None, &lock, false)? {
        Found::Tree(tree) => tree,
        Found::Nothing(why) => return Err(why.context("the pinned headers can't be had")),
    };

    let mut compared = BTreeMap::new();
    let mut known = Vec::new();
    for source in &releases.release {
        match older(source, &curation.arches, host) {
            Ok((kernel, release)) => {
                println!("{kernel}: {}", listed(&release));
                compared.insert(source.kernel.clone(), kernel);
                known.push(release);
            }
            Err(why) => eprintln!(
                "{} can't be had, its names count as the next release's: {why:#}",
                source.kernel
            ),
        }
    }
    let (release, keys) = pinned(&newest, &curation.arches, host, &curation.types)?;
    println!("{}: {}", newest.kernel, listed(&release));
    compared.insert(release.kernel.clone(), newest.kernel);
    known.push(release);

    let since = Since {
        releases: compared,
        ..compare(&known, &keys)
    };
    let path = here.join("facts/since.json");
    let mut text = serde_json::to_string_pretty(&since)?;
    text.push('\n');
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!(
        "{} names are newer than the oldest release",
        since.names.len()
    );
    Ok(())
}

fn listed(release: &Known) -> String {
    let counts: Vec<_> = release
        .names
        .iter()
        .map(|(arch, names)| format!("{arch} {}", names.len()))
        .collect();
    counts.join(", ")
}

/// The names of an older release, and which release it is exactly.
fn older(source: &Source, arches: &[Arch], host: &Arch) -> Result<(String, Known)> {
    let suite = Suite::open(&source.suite)?;
    let dir = tempfile::tempdir()?;
    for package in &source.packages {
        let file = suite.download(&format!("{package}={}.*", source.kernel))?;
        headers::unpack_into(&file, dir.path())?;
    }
    let mut kernel = None;
    let mut names = BTreeMap::new();
    for arch in arches {
        let include = source.includes.get(&arch.name);
        let Some(tree) = arranged(dir.path(), include, &arch.uapi)? else {
            println!("{} has no KVM headers for {}", source.kernel, arch.name);
            continue;
        };
        names.insert(arch.name.clone(), c_names(&read(host, arch, &tree.path)?));
        kernel.get_or_insert(headers::release(&tree.path)?);
    }
    let kernel = kernel.context("its packages hold no KVM headers")?;
    let release = Known {
        kernel: source.kernel.clone(),
        names,
    };
    Ok((kernel, release))
}

/// A tree of headers in the order that later packages have.
struct Arranged {
    path: PathBuf,
    _links: Option<tempfile::TempDir>,
}

/// Gives an architecture's headers the places that later packages have them in. None where there are
/// no KVM headers.
fn arranged(unpacked: &Path, include: Option<&String>, uapi: &str) -> Result<Option<Arranged>> {
    let Some(include) = include else {
        let kvm = format!("usr/lib/linux/uapi/{uapi}/asm/kvm.h");
        return Ok(unpacked.join(kvm).is_file().then(|| Arranged {
            path: unpacked.to_owned(),
            _links: None,
        }));
    };
    let include = unpacked.join(include);
    if !include.join("asm/kvm.h").is_file() {
        bail!("{} holds no KVM headers", include.display());
    }
    let links = tempfile::tempdir()?;
    let folders = links.path().join("usr/lib/linux/uapi");
    std::fs::create_dir_all(&folders)?;
    std::os::unix::fs::symlink(&include, folders.join(uapi))?;
    std::os::unix::fs::symlink(&include, links.path().join("usr/include"))?;
    Ok(Some(Arranged {
        path: links.path().to_owned(),
        _links: Some(links),
    }))
}

/// The names of the pinned release, and what Rust calls them.
fn pinned(
    tree: &Tree,
    arches: &[Arch],
    host: &Arch,
    types: &Types,
) -> Result<(Known, BTreeMap<String, Keys>)> {
    let mut names = BTreeMap::new();
    let mut keys = BTreeMap::new();
    for arch in arches {
        let read = read(host, arch, &tree.root)?;
        names.insert(arch.name.clone(), c_names(&read));
        keys.insert(arch.name.clone(), rust_names(&read, types));
    }
    let kernel: Vec<_> = tree.kernel.split('.').take(2).collect();
    let release = Known {
        kernel: kernel.join("."),
        names,
    };
    Ok((release, keys))
}

/// What headers say about names; sizes and values in it are the host's.
struct Read {
    facts: Facts,
    macros: Vec<String>,
}

/// Reads an architecture's headers with the host's compiler.
fn read(host: &Arch, arch: &Arch, root: &Path) -> Result<Read> {
    let by_host = Arch {
        uapi: arch.uapi.clone(),
        ..host.clone()
    };
    let tree = Tree {
        root: root.to_owned(),
        kernel: String::new(),
        lock: None,
    };
    let toolchain = Toolchain::new(&by_host, Vendor::Gcc, &tree)?;
    let mut facts = Facts::default();
    extract::extract(&toolchain, &arch.extra, &mut facts)
        .with_context(|| format!("while reading the headers for {}", arch.name))?;
    Ok(Read {
        facts,
        macros: macros::names(&toolchain)?,
    })
}

fn constants(read: &Read) -> impl Iterator<Item = &String> {
    let enumerators = read.facts.enums.iter().flat_map(|entry| &entry.constants);
    enumerators
        .map(|constant| &constant.name)
        .chain(&read.macros)
}

fn c_names(read: &Read) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = constants(read).cloned().collect();
    for ty in &read.facts.types {
        let path = c_path(&ty.name);
        for field in ty.fields.iter().filter(|field| !field.name.is_empty()) {
            names.insert(format!("{path}.{}", field.name));
        }
        names.insert(path);
    }
    names
}

/// The path without anonymous types, whose members C reaches as if they were not there.
fn c_path(path: &str) -> String {
    let parts: Vec<_> = path
        .split('.')
        .filter(|part| !part.starts_with('{'))
        .collect();
    parts.join(".")
}

fn rust_names(read: &Read, types: &Types) -> Keys {
    let mut keys: Keys = constants(read)
        .map(|name| (name.clone(), name.clone()))
        .collect();
    for ty in &read.facts.types {
        let path = c_path(&ty.name);
        let rust = match (types.unions.get(&ty.name), types.names.get(&path)) {
            (Some(union), _) => union.ty.clone(),
            (None, Some(name)) => name.clone(),
            (None, None) => path.clone(),
        };
        for field in ty.fields.iter().filter(|field| !field.name.is_empty()) {
            let key = format!("{rust}.{}", field_name(&field.name));
            keys.insert(key, format!("{path}.{}", field.name));
        }
        keys.insert(rust, path);
    }
    keys
}

/// Compares releases, of which the last is the one that the keys are from.
fn compare(releases: &[Known], keys: &BTreeMap<String, Keys>) -> Since {
    let mut since = Since::default();
    for (arch, keys) in keys {
        // Releases without the architecture can't tell since when it has what others had already.
        let known: Vec<_> = releases
            .iter()
            .enumerate()
            .filter_map(|(index, release)| Some((index, release.names.get(arch)?)))
            .collect();
        for (key, name) in keys {
            let anywhere = releases
                .iter()
                .position(|release| release.names.values().any(|names| names.contains(name)));
            let here = known.iter().position(|(_, names)| names.contains(name));
            let (Some(anywhere), Some(here)) = (anywhere, here) else {
                continue;
            };
            if let Some(first) = releases.get(anywhere).filter(|_| anywhere > 0) {
                since.names.insert(key.clone(), first.kernel.clone());
            }
            let first = known.get(here).filter(|_| here > 0);
            if let Some((index, _)) = first.filter(|(index, _)| *index > anywhere) {
                let first = releases.get(*index).map(|release| release.kernel.clone());
                let later = since.later.entry(arch.clone()).or_default();
                later.extend(first.map(|first| (key.clone(), first)));
            }
        }
    }
    since
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Field, Kind, Type};

    fn release(kernel: &str, arches: &[(&str, &[&str])]) -> Known {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Known {
            kernel: kernel.to_owned(),
            names: arches
                .iter()
                .map(|(arch, names)| ((*arch).to_owned(), set(names)))
                .collect(),
        }
    }

    fn compared(releases: &[Known]) -> Since {
        let newest = releases.last().unwrap();
        let same = |names: &BTreeSet<String>| {
            let pairs = names.iter().map(|name| (name.clone(), name.clone()));
            pairs.collect::<Keys>()
        };
        let keys = newest
            .names
            .iter()
            .map(|(arch, names)| (arch.clone(), same(names)))
            .collect();
        compare(releases, &keys)
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn only_names_newer_than_the_oldest_release_are_told() {
        let since = compared(&[
            release("1.0", &[("a", &["OLD", "GONE"])]),
            release("1.5", &[("a", &["OLD", "MIDDLE"])]),
            release("2.0", &[("a", &["OLD", "MIDDLE", "NEW"])]),
        ]);
        assert_eq!(since.names, map(&[("MIDDLE", "1.5"), ("NEW", "2.0")]));
        assert!(since.later.is_empty());
    }

    #[test]
    fn an_architecture_that_got_a_name_later_is_told_apart() {
        let since = compared(&[
            release("1.0", &[("a", &["X"]), ("b", &[])]),
            release("1.5", &[("a", &["X", "Y"]), ("b", &["X"])]),
            release("2.0", &[("a", &["X", "Y"]), ("b", &["X", "Y"])]),
        ]);
        assert_eq!(since.names, map(&[("Y", "1.5")]));
        let later = map(&[("X", "1.5"), ("Y", "2.0")]);
        assert_eq!(since.later, BTreeMap::from([("b".to_owned(), later)]));
    }

    #[test]
    fn a_release_without_an_architecture_does_not_make_its_names_new() {
        let since = compared(&[
            release("1.0", &[("a", &["X"])]),
            release("1.5", &[("a", &["X"]), ("b", &["X", "OF_B"])]),
        ]);
        assert_eq!(since.names, map(&[("OF_B", "1.5")]));
        assert!(since.later.is_empty());
    }

    #[test]
    fn wrappers_do_not_make_a_field_another_one() {
        let field = |name: &str, ty: &str| Field {
            name: name.to_owned(),
            ty: ty.to_owned(),
            offset: 0,
            size: 4,
            bits: None,
        };
        let ty = |name: &str, fields: Vec<Field>| Type {
            name: name.to_owned(),
            kind: Kind::Struct,
            size: 4,
            align: 4,
            fields,
        };
        let read = |types: Vec<Type>| Read {
            facts: Facts {
                types,
                ..Facts::default()
            },
            macros: vec!["KVM_ONE".to_owned()],
        };
        let plain = read(vec![ty("kvm_list", vec![field("type", "u32[]")])]);
        let wrapped = read(vec![
            ty("kvm_list", vec![field("", "kvm_list.{type}")]),
            ty("kvm_list.{type}", vec![field("type", "u32[]")]),
        ]);
        let expected = ["KVM_ONE", "kvm_list", "kvm_list.type"];
        assert!(c_names(&plain).iter().eq(expected));
        assert_eq!(c_names(&plain), c_names(&wrapped));
        let types: Types = toml::from_str(
            "names = { \"kvm_run.io\" = \"kvm_run_io\" }\nsingle = {}\nfields = {}\n\
             unions = { \"kvm_run.{io}\" = { field = \"payload\", type = \"kvm_run_payload\" } }\n\
             padding = { members = [] }",
        )
        .unwrap();
        let keys = rust_names(&wrapped, &types);
        assert_eq!(keys["kvm_list.type_"], "kvm_list.type");
        let run = read(vec![
            ty("kvm_run.io", vec![field("port", "u16")]),
            ty("kvm_run.{io}", vec![field("io", "kvm_run.io")]),
        ]);
        let keys = rust_names(&run, &types);
        assert_eq!(keys["kvm_run_io.port"], "kvm_run.io.port");
        assert_eq!(keys["kvm_run_payload.io"], "kvm_run.io");
    }
}

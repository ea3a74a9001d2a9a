//! `cargo xtask coverage`: what the headers define, and how much of it kvm-sys has; and which calls
//! kvm-core has methods for.
//!
//! The headers are read here a second time, as preprocessed text and without the committed facts, so
//! that what the pipeline overlooks is missed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::arch::{Arch, Vendor};
use crate::calls;
use crate::curation::Curation;
use crate::headers::{self, Found, Lock, Tree};
use crate::methods::Methods;
use crate::toolchain::{KVM_HEADERS, PREAMBLE, Toolchain};
use crate::verify::names::{self, Module};

#[derive(Args)]
pub(crate) struct Options {
    /// Take the headers from this directory, which holds usr/include and usr/lib/linux/uapi.
    #[arg(long, value_name = "DIR")]
    headers: Option<PathBuf>,
}

/// What backends implement and use, whose examples are the backends of kvm-mock, and what is not exported.
const FOR_BACKENDS: [&str; 10] = [
    "CoalescedPage",
    "Hypervisor",
    "Guard",
    "Mapping",
    "Backing",
    "Span",
    "Sealed",
    "Erased",
    "Bytes",
    "Plan",
];

/// Names by what they are.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    types: BTreeSet<String>,
    constants: BTreeSet<String>,
    functions: BTreeSet<String>,
    ioctls: BTreeSet<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let src = here.with_file_name("kvm-sys").join("src");
    let curation = Curation::read(&here.join("curation"))?;
    let mut missing = Vec::new();
    println!("methods of kvm-core for the calls that are answered, by kind of descriptor");
    let safe_layer = here.with_file_name("kvm-core").join("src");
    for calls in calls::coverage(&curation.ioctls, &safe_layer)? {
        let has = calls.all - calls.missing.len();
        println!("{:12} {has}/{}", calls.arch, calls.all);
        let without = calls.missing.into_iter();
        missing.extend(without.map(|call| format!("{}: a method for {call}", calls.arch)));
    }

    let methods = Methods::read(&safe_layer)?;
    let unshown = methods.without_example(&FOR_BACKENDS);
    println!(
        "examples     {}/{} public methods of kvm-core",
        methods.names().len() - unshown.len(),
        methods.names().len()
    );
    let unshown = unshown.into_iter();
    missing.extend(unshown.map(|method| format!("kvm-core: an example of {method}")));

    let lock = Lock::read(&here.join("headers.lock"))?;
    let tree = match headers::find(options.headers.as_deref(), &lock, false)? {
        Found::Tree(tree) => tree,
        Found::Nothing(why) => return Err(why.context("there are no headers to compare with")),
    };
    let common = Module::read(&src, "common")?;
    let rows: BTreeSet<_> = names::rows(&src)?.into_iter().collect();

    println!(
        "Linux {}: what kvm-sys has of what the headers define",
        tree.kernel
    );
    println!(
        "{:12} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "types", "constants", "macros()", "ioctls", "exits", "caps"
    );
    let mut excused = BTreeSet::new();
    for arch in &curation.arches {
        let defined = defined(arch, &tree).with_context(|| format!("on {}", arch.name))?;
        let own = Module::read(&src, &arch.name)?;
        let has = has(&[&common, &own], &rows);
        let mut line = format!("{:12}", arch.name);
        for (kind, wanted, has) in [
            ("type", &defined.types, &has.types),
            ("constant", &defined.constants, &has.constants),
            ("macro", &defined.functions, &has.functions),
            ("ioctl", &defined.ioctls, &has.ioctls),
            ("", &select(&defined.constants, is_exit), &has.constants),
            (
                "",
                &select(&defined.constants, is_capability),
                &has.constants,
            ),
        ] {
            let absent: Vec<_> = wanted.difference(has).collect();
            line.push_str(&format!(
                " {:>9}",
                format!("{}/{}", wanted.len() - absent.len(), wanted.len())
            ));
            for name in absent.into_iter().filter(|_| !kind.is_empty()) {
                if curation.constants.ignore.contains_key(name) {
                    excused.insert(name.clone());
                } else {
                    missing.push(format!("{}: the {kind} {name}", arch.name));
                }
            }
        }
        println!("{line}");
    }
    println!("left out on purpose, with the reasons in curation/constants.toml:");
    for (name, reason) in &curation.constants.ignore {
        if excused.contains(name) {
            println!("    {name}: {reason}");
        }
    }
    let needless = |name: &&String| !excused.contains(*name);
    if let Some(name) = curation.constants.ignore.keys().find(needless) {
        bail!("{name} is listed as left out, but nothing is missing");
    }
    if !missing.is_empty() {
        bail!(
            "{} names are missing:\n  {}",
            missing.len(),
            missing.join("\n  ")
        );
    }
    Ok(())
}

fn select(names: &BTreeSet<String>, wanted: fn(&str) -> bool) -> BTreeSet<String> {
    names.iter().filter(|name| wanted(name)).cloned().collect()
}

/// An exit reason, as opposed to what the payload of one holds.
fn is_exit(name: &str) -> bool {
    let payload = [
        "IO_IN",
        "IO_OUT",
        "HYPERV_",
        "XEN_",
        "ARM_SEA_",
        "FAIL_ENTRY_",
        "HYPERCALL_",
    ];
    name.strip_prefix("KVM_EXIT_")
        .is_some_and(|rest| !payload.iter().any(|prefix| rest.starts_with(prefix)))
}

fn is_capability(name: &str) -> bool {
    name.starts_with("KVM_CAP_")
}

fn has(modules: &[&Module], rows: &BTreeSet<String>) -> Names {
    let mut has = Names {
        ioctls: rows.clone(),
        ..Names::default()
    };
    for module in modules {
        has.types
            .extend(module.structs.iter().map(|ty| ty.name.clone()));
        has.constants.extend(
            module
                .constants
                .iter()
                .map(|constant| constant.name.clone()),
        );
        has.functions.extend(module.functions.iter().cloned());
    }
    has
}

/// What the headers define for an architecture, by whichever compiler is there to preprocess them.
fn defined(arch: &Arch, tree: &Tree) -> Result<Names> {
    let toolchain = Toolchain::new(arch, Vendor::Gcc, tree)
        .or_else(|_| Toolchain::new(arch, Vendor::Zig, tree))?;
    let run = toolchain.run(PREAMBLE, &["-E", "-dD"])?;
    if !run.ok {
        bail!("the C preprocessor failed:\n{}", run.stderr);
    }
    Ok(read(&run.stdout, |file| {
        toolchain.owns(file)
            && KVM_HEADERS
                .iter()
                .any(|header| file.ends_with(&format!("/{header}")))
    }))
}

/// Reads preprocessed text with its `#define`s; `ours` says which files count.
fn read(text: &str, ours: impl Fn(&str) -> bool) -> Names {
    let mut names = Names::default();
    let mut inside = false;
    let mut declarations = String::new();
    for line in text.lines() {
        if let Some(marker) = line.strip_prefix("# ") {
            inside = marker.split('"').nth(1).is_some_and(&ours);
        } else if !inside {
            continue;
        } else if let Some(define) = line.strip_prefix("#define ") {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let (name, body) =
                define.split_at(define.find(|c| !is_name(c)).unwrap_or(define.len()));
            if body.starts_with('(') {
                names.functions.insert(name.to_owned());
            } else if body.trim_start().starts_with("_IO") {
                names.ioctls.insert(name.to_owned());
            } else if !body.trim().is_empty() {
                names.constants.insert(name.to_owned());
            }
        } else if !line.starts_with('#') {
            declarations.push_str(line);
            declarations.push('\n');
        }
    }
    declared(&declarations, &mut names);
    names
}

/// Named structures and unions that have a body, and enumerators.
fn declared(text: &str, names: &mut Names) {
    let mut words = words(text).into_iter().peekable();
    while let Some(word) = words.next() {
        match word {
            "struct" | "union" => {
                let Some(name) = words.next_if(|next| *next != "{") else {
                    continue;
                };
                if words.peek() == Some(&"{") {
                    names.types.insert(name.to_owned());
                }
            }
            "enum" => {
                words.next_if(|next| *next != "{");
                if words.next_if_eq(&"{").is_none() {
                    continue;
                }
                let mut before = "{";
                for word in words.by_ref().take_while(|word| *word != "}") {
                    if before != "=" && word != "=" && ["{", ","].contains(&before) {
                        names.constants.insert(word.to_owned());
                    }
                    before = word;
                }
            }
            _ => {}
        }
    }
}

/// Identifiers and numbers, and each other character by itself.
fn words(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let end = if end == 0 {
            rest.chars().next().map_or(1, char::len_utf8)
        } else {
            end
        };
        let (word, after) = rest.split_at(end);
        words.push(word);
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_definition_counts_where_it_is_ours() {
        let text = "# 1 \"x/linux/kvm.h\" 1\n#define KVM_MARK\n#define KVM_ONE 1\n\
            #define KVM_CALL(x) (x)\n#define KVM_RUN _IO(0xAE, 0x80)\n\
            struct kvm_outer {\n struct { int a; } b;\n union kvm_inner { int c; } d;\n struct later *e; };\n\
            enum { KVM_A = (1 << 3), KVM_B,\n KVM_C, };\n\
            # 1 \"x/linux/other.h\" 1\n#define OTHER 1\nstruct other { int x; };\n";
        let names = read(text, |file| file.ends_with("linux/kvm.h"));
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let expected = Names {
            types: set(&["kvm_inner", "kvm_outer"]),
            constants: set(&["KVM_A", "KVM_B", "KVM_C", "KVM_ONE"]),
            functions: set(&["KVM_CALL"]),
            ioctls: set(&["KVM_RUN"]),
        };
        assert_eq!(names, expected);
    }

    #[test]
    fn what_a_payload_holds_is_no_exit_reason() {
        assert!(is_exit("KVM_EXIT_IO") && is_exit("KVM_EXIT_XEN") && is_exit("KVM_EXIT_ARM_SEA"));
        assert!(!is_exit("KVM_EXIT_IO_IN") && !is_exit("KVM_EXIT_XEN_HCALL"));
    }
}

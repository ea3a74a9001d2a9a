//! `cargo xtask lab methods`: which methods of kvm-core the tests called on real KVM.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::machine::Arch;
use super::profile;
use crate::methods;

/// The types whose methods make calls.
const HANDLES: [&str; 6] = [
    "Kvm",
    "Vm",
    "Vcpu",
    "Registers",
    "Device",
    "DeviceAttributes",
];

/// The methods of handles that an architecture has: all but those in the folder of another.
pub(crate) fn of(arch: Arch, src: &Path) -> Result<BTreeSet<String>> {
    let mut all = methods::read(src)?;
    let own = methods::read(&src.join(arch.name()))?;
    for other in Arch::ALL {
        if other != arch {
            let theirs = methods::read(&src.join(other.name()))?;
            all.retain(|method| own.contains(method) || !theirs.contains(method));
        }
    }
    all.retain(|method| {
        let handle = method.split("::").next();
        handle.is_some_and(|handle| HANDLES.contains(&handle))
    });
    Ok(all)
}

/// The methods that the profiles in a folder have seen.
pub(crate) fn called(profiles: &Path) -> Result<BTreeSet<String>> {
    let mut called = BTreeSet::new();
    let mut found = false;
    for entry in std::fs::read_dir(profiles)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "profraw")
        {
            found = true;
            let ran = profile::executed(&std::fs::read(&path)?)
                .with_context(|| format!("cannot read {}", path.display()))?;
            called.extend(ran.iter().flat_map(|name| methods_of(name)));
        }
    }
    if !found {
        bail!("the program left no profile");
    }
    Ok(called)
}

/// `Type::method` and `Trait::method` of a mangled name of kvm-core.
fn methods_of(mangled: &str) -> Vec<String> {
    // Functions of one object file only have its name before theirs.
    let symbol = mangled.rsplit([';', ':']).next().unwrap_or(mangled);
    let name = format!("{:#}", rustc_demangle::demangle(symbol));
    if !name.contains("kvm_core::") {
        return Vec::new();
    }
    let (owners, path) = owners(&name);
    let path = without_generics(path);
    let mut segments: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
    let Some(method) = segments.pop() else {
        return Vec::new();
    };
    let mut found: Vec<String> = owners
        .iter()
        .filter_map(|owner| Some(format!("{}::{method}", last(owner)?)))
        .collect();
    if let (true, Some(owner)) = (found.is_empty(), segments.last()) {
        found.push(format!("{owner}::{method}"));
    }
    found
}

/// The type, and the trait, that a name begins with in angle brackets, and what follows.
fn owners(name: &str) -> (Vec<&str>, &str) {
    let Some(inner) = name.strip_prefix('<') else {
        return (Vec::new(), name);
    };
    let mut depth = 1;
    for (at, character) in inner.char_indices() {
        match character {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let (inside, rest) = inner.split_at(at);
            return (
                inside.split(" as ").collect(),
                rest.strip_prefix('>').unwrap_or(rest),
            );
        }
    }
    (Vec::new(), name)
}

fn last(path: &str) -> Option<String> {
    without_generics(path)
        .rsplit("::")
        .next()
        .map(str::to_owned)
}

fn without_generics(path: &str) -> String {
    let mut depth = 0;
    let mut text = String::new();
    for character in path.chars() {
        match character {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth == 0 => text.push(character),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_known_by_either_form_of_its_name() {
        let of = |name: &str| {
            let (owners, path) = owners(name);
            (
                owners
                    .iter()
                    .filter_map(|owner| last(owner))
                    .collect::<Vec<_>>(),
                path.to_owned(),
            )
        };
        let generic = of("<kvm_core::vm::Vm<kvm_core::dev_kvm::DevKvm>>::create_vcpu");
        assert_eq!(generic, (vec!["Vm".to_owned()], "::create_vcpu".to_owned()));
        let (owners, _) = of("<kvm_core::vm::Vm<H> as kvm_core::device::DeviceAttributes>::set");
        assert_eq!(owners, ["Vm", "DeviceAttributes"]);
        let old = "_ZN8kvm_core2vm11Vm$LT$H$GT$11create_vcpu17h0123456789abcdefE";
        assert_eq!(methods_of(old), ["Vm::create_vcpu"]);
        assert_eq!(
            methods_of("_ZN4core3fmt5write17h0123456789abcdefE"),
            [""; 0]
        );
    }
}

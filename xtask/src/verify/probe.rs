//! A program that states kvm-sys's numbers: rustc evaluates what the claims name.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::claims::Claim;

/// The numbers of each architecture's claims, claim by claim.
pub(crate) fn numbers(kvm_sys: &Path, all: &[(String, Vec<Claim>)]) -> Result<Vec<Vec<Vec<u64>>>> {
    let dir = tempfile::tempdir()?;
    let manifest = format!(
        "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nkvm-sys = {{ path = {:?}, features = [\"all-arches\"] }}\n\
         zerocopy = {{ version = \"0.8\", default-features = false }}\n\n\
         [profile.dev]\ndebug = false\nincremental = false\n",
        kvm_sys
    );
    std::fs::write(dir.path().join("Cargo.toml"), manifest)?;
    let lock = kvm_sys.with_file_name("Cargo.lock");
    if lock.is_file() {
        std::fs::copy(lock, dir.path().join("Cargo.lock"))?;
    }
    std::fs::create_dir(dir.path().join("src"))?;
    std::fs::write(dir.path().join("src/main.rs"), source(all)?)?;

    // Dependencies are worth keeping from one run to the next.
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => Path::new(&target).join("verify"),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/verify"),
    };
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet"])
        .current_dir(dir.path())
        .env("CARGO_TARGET_DIR", target)
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("the probe of kvm-sys failed:\n{message}");
    }
    let text = String::from_utf8(output.stdout)?;
    let mut lines = text.lines();
    let mut numbers = Vec::new();
    for (_, claims) in all {
        let mut of = Vec::new();
        for claim in claims {
            let line = lines.next().context("the probe said too little")?;
            let parsed: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
            let parsed = parsed.with_context(|| format!("the probe said `{line}`"))?;
            if parsed.len() != claim.rust.len() {
                bail!("the probe said `{line}` of the {}", claim.what);
            }
            of.push(parsed);
        }
        numbers.push(of);
    }
    if lines.next().is_some() {
        bail!("the probe said too much");
    }
    Ok(numbers)
}

fn source(all: &[(String, Vec<Claim>)]) -> Result<String> {
    let mut source = String::from(
        "#![allow(unused_imports, clippy::all)]
pub fn direction(op: &kvm_sys::op::Op) -> u64 {
    use kvm_sys::op::Dir;
    match op.dir() {
        None => 0,
        Some(Dir::In) => 1,
        Some(Dir::Out) => 2,
        Some(Dir::InOut) => 3,
    }
}

fn say(numbers: &[u64]) {
    let text: Vec<_> = numbers.iter().map(u64::to_string).collect();
    println!(\"{}\", text.join(\" \"));
}

fn main() {
",
    );
    for (arch, _) in all {
        writeln!(source, "    probe_{arch}::say_all();")?;
    }
    source.push_str("}\n");
    for (arch, claims) in all {
        writeln!(
            source,
            "\nmod probe_{arch} {{\n    use std::mem::offset_of;\n    use kvm_sys::{{Arch, {arch}::*}};\n    \
             use zerocopy::{{FromZeros, KnownLayout}};\n    use super::{{direction, say}};\n\n    \
             pub fn say_all() {{"
        )?;
        for claim in claims {
            writeln!(source, "        say(&[{}]);", claim.rust.join(", "))?;
        }
        source.push_str("    }\n}\n");
    }
    Ok(source)
}

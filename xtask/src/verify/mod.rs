//! `cargo xtask verify`: two C compilers judge the compiled kvm-sys against the headers.
//!
//! Nothing here knows how kvm-sys came to be: names are read from its source, numbers are what rustc
//! makes of them, and the headers are read by C compilers alone.

mod claims;
mod judge;
pub(crate) mod names;
mod probe;
mod samples;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::arch::{self, Arch, Vendor};
use crate::compiler::{self, Compiler};
use crate::headers::{self, Found, Lock};
use crate::toolchain::Toolchain;
use claims::{Claim, Claims, Kind};
use names::Module;

#[derive(Args)]
pub(crate) struct Options {
    /// Take the headers from this directory, which holds usr/include and usr/lib/linux/uapi.
    #[arg(long, value_name = "DIR")]
    headers: Option<PathBuf>,
    /// Install compilers that are missing: packages of Debian, and PyPI's ziglang.
    #[arg(long)]
    install: bool,
    /// Change numbers one at a time and see that each change is noticed.
    #[arg(long)]
    self_test: bool,
}

/// What the self-test changes.
const MUTATED: [Kind; 7] = [
    Kind::Size,
    Kind::Offset,
    Kind::Constant,
    Kind::Request,
    Kind::Direction,
    Kind::Bits,
    Kind::Function,
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kvm_sys = here.with_file_name("kvm-sys");
    let lock = Lock::read(&here.join("headers.lock"))?;
    let tree = match headers::find(options.headers.as_deref(), &lock, false)? {
        Found::Tree(tree) => tree,
        Found::Nothing(why) => return Err(why.context("there are no headers to judge by")),
    };
    let arches = arch::parse(&std::fs::read_to_string(here.join("curation/arches.toml"))?)?;

    let src = kvm_sys.join("src");
    let common = Module::read(&src, "common")?;
    let rows = names::rows(&src)?;
    let mut all = Vec::new();
    for arch in &arches {
        let own = Module::read(&src, &arch.name)?;
        let claims = Claims::of(&arch.name, &common, &own, &rows)
            .with_context(|| format!("on {}", arch.name))?;
        all.push((arch.name.clone(), claims));
    }
    let started = Instant::now();
    let numbers = probe::numbers(&kvm_sys, &all)?;
    let total: usize = all.iter().map(|(_, claims)| claims.len()).sum();
    println!(
        "rustc answered for {total} claims in {:.1} s; the headers are those of Linux {}",
        started.elapsed().as_secs_f64(),
        tree.kernel
    );

    let (mut wrong, mut missing, mut mutations) = (0, Vec::new(), 0);
    for ((arch, (name, claims)), numbers) in arches.iter().zip(&all).zip(&numbers) {
        let mut judges = 0;
        for vendor in [Vendor::Gcc, Vendor::Zig] {
            let compiler = match find(arch, vendor, options.install) {
                Ok(compiler) => compiler,
                Err(why) => {
                    missing.push(format!("{name}: {why:#}"));
                    continue;
                }
            };
            judges += 1;
            let version = compiler.version()?;
            let toolchain = Toolchain::new(arch, vendor, &tree)?;
            let started = Instant::now();
            let failed = judge::judge(&toolchain, &tree.kernel, claims, numbers)
                .with_context(|| format!("{name}, {}", compiler.name()))?;
            let stated = claims
                .iter()
                .zip(numbers)
                .filter(|(claim, numbers)| judge::says(claim, numbers))
                .count();
            println!(
                "{name:12} {stated:5} claims  {:3} wrong  {:4.1} s  {version}",
                failed.len(),
                started.elapsed().as_secs_f64()
            );
            for (index, words) in &failed {
                if let (Some(claim), Some(numbers)) = (claims.get(*index), numbers.get(*index)) {
                    println!("    {}: Rust has {numbers:?}; {words}", claim.what);
                }
            }
            wrong += failed.len();
            if options.self_test {
                mutations += self_test(&toolchain, &tree.kernel, claims, numbers)
                    .with_context(|| format!("{name}, {}", compiler.name()))?;
            }
        }
        if judges == 0 {
            bail!("no compiler judged {name}: {}", missing.join("; "));
        }
    }
    summary(&all);
    if options.self_test {
        println!("self-test: {mutations} changed numbers, each noticed, and nothing else");
    }
    for missing in &missing {
        println!("not run: {missing}");
    }
    if wrong > 0 {
        bail!("{wrong} claims do not hold");
    }
    Ok(())
}

fn find(arch: &Arch, vendor: Vendor, install: bool) -> Result<Compiler> {
    let found = Compiler::find(arch, vendor);
    if found.is_ok() || !install {
        return found;
    }
    compiler::install(arch, vendor)
        .with_context(|| format!("cannot install a compiler for {}", arch.name))?;
    Compiler::find(arch, vendor)
}

fn summary(all: &[(String, Vec<Claim>)]) {
    for (name, claims) in all {
        let counts: Vec<_> = claims::count(claims)
            .into_iter()
            .map(|(kind, count)| format!("{kind:?} {count}").to_lowercase())
            .collect();
        println!("{name:12} {}", counts.join(", "));
    }
}

/// Changes one number of each kind, one at a time; the compiler must name it and only it.
fn self_test(
    toolchain: &Toolchain,
    kernel: &str,
    claims: &[Claim],
    numbers: &[Vec<u64>],
) -> Result<usize> {
    let mut changes = 0;
    for kind in MUTATED {
        if [Kind::Bits, Kind::Function].contains(&kind)
            && claims.iter().all(|claim| claim.kind != kind)
        {
            continue;
        }
        changes += 1;
        let (index, claim) = claims
            .iter()
            .enumerate()
            .filter(|(_, claim)| claim.kind == kind)
            .find(|(index, claim)| can_be_wrong(claim, numbers.get(*index)))
            .with_context(|| format!("there is no {kind:?} to change"))?;
        let mut changed = numbers.to_vec();
        if let Some(number) = changed
            .get_mut(index)
            .and_then(|numbers| numbers.first_mut())
        {
            *number ^= 1;
        }
        let failed = judge::judge(toolchain, kernel, claims, &changed)?;
        let failed: Vec<_> = failed.iter().map(|(index, _)| *index).collect();
        if failed != [index] {
            bail!(
                "a changed {kind:?} ({}) gave {failed:?} instead of [{index}]",
                claim.what
            );
        }
    }
    Ok(changes)
}

/// Whether the claim says something about this architecture that a change of its number makes false.
fn can_be_wrong(claim: &Claim, numbers: Option<&Vec<u64>>) -> bool {
    match (claim.kind, numbers.map(Vec::as_slice)) {
        (Kind::Request, Some([number])) => *number > 1,
        (Kind::Direction, Some([_, answered])) => {
            *answered == 1 && !claims::LYING.iter().any(|name| claim.what.ends_with(name))
        }
        (Kind::Constant, _) => matches!(claim.c, claims::C::Constant(_)),
        (_, numbers) => numbers.is_some(),
    }
}

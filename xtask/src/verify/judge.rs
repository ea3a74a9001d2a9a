//! Having a C compiler judge claims.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::{Context, Result, bail};

use super::claims::{C, Claim, Kind};
use crate::toolchain::Toolchain;

/// Headers of every architecture; the first claim is that they are the ones meant.
const INCLUDES: &str = "\
#include <linux/version.h>
#include <linux/ioctl.h>
#include <asm/errno.h>
#include <linux/kvm.h>
#if __has_include(<asm/kvm_para.h>)
#include <linux/kvm_para.h>
#endif
extern void wrong(void) __attribute__((error(\"does not hold\")));
";

/// The indices of the claims that do not hold, with the compiler's words about them.
pub(crate) fn judge(
    toolchain: &Toolchain,
    kernel: &str,
    claims: &[Claim],
    numbers: &[Vec<u64>],
) -> Result<Vec<(usize, String)>> {
    let mut failed = complaints(toolchain, kernel, &source(kernel, claims, numbers)?, claims)?;
    let absent: Vec<_> = (0..claims.len())
        .filter(|index| {
            numbers
                .get(*index)
                .zip(claims.get(*index))
                .is_some_and(is_absent)
        })
        .collect();
    // What the crate says is not there must be an error, each by itself.
    let mut source = start(kernel, claims)?;
    for index in &absent {
        if let Some(claim) = claims.get(*index) {
            writeln!(
                source,
                "#line {index} \"claim\"\nlong absent_{index} = {};",
                name(claim)
            )?;
        }
    }
    let refused = complaints(toolchain, kernel, &source, claims)?;
    for index in absent {
        if !refused.iter().any(|(refused, _)| *refused == index) {
            failed.push((index, "the headers have it".to_owned()));
        }
    }
    Ok(failed)
}

/// Whether the crate gives a request no number here.
fn is_absent((numbers, claim): (&Vec<u64>, &Claim)) -> bool {
    claim.kind == Kind::Request && numbers.first() == Some(&0)
}

/// Whether a claim says something here: a direction does where the request is answered.
pub(crate) fn says(claim: &Claim, numbers: &[u64]) -> bool {
    claim.kind != Kind::Direction || numbers.get(1) == Some(&1)
}

/// The macro that a claim about a request is about.
fn name(claim: &Claim) -> &str {
    claim.what.rsplit(' ').next().unwrap_or_default()
}

/// What a compiler complains about, claim by claim.
fn complaints(
    toolchain: &Toolchain,
    kernel: &str,
    source: &str,
    claims: &[Claim],
) -> Result<Vec<(usize, String)>> {
    let run = toolchain.judge(source)?;
    let mut failed = Vec::new();
    let mut seen = BTreeSet::new();
    for message in run.stderr.lines().filter(|line| line.contains("error: ")) {
        let place = message
            .strip_prefix("claim:")
            .and_then(|rest| rest.split(':').next());
        let index = place.and_then(|place| place.parse::<usize>().ok());
        let index = index.with_context(|| format!("the claims do not compile: {message}"))?;
        if index >= claims.len() {
            bail!("the compiler did not read the headers of Linux {kernel}: {message}");
        }
        if seen.insert(index) {
            let words = message
                .split_once("error: ")
                .map_or(message, |(_, words)| words);
            failed.push((index, words.to_owned()));
        }
    }
    if failed.is_empty() && !run.ok {
        bail!(
            "the compiler failed without a word about a claim:\n{}",
            run.stderr
        );
    }
    Ok(failed)
}

/// The headers, and that they are those of the right release.
fn start(kernel: &str, claims: &[Claim]) -> Result<String> {
    let parts: Result<Vec<u64>, _> = kernel.split('.').map(str::parse).collect();
    let [major, minor, patch] = parts?[..] else {
        bail!("{kernel} is no kernel release");
    };
    Ok(format!(
        "{INCLUDES}#line {} \"claim\"\n_Static_assert(LINUX_VERSION_CODE == {}, \"release\");\n",
        claims.len(),
        (major << 16) + (minor << 8) + patch.min(255)
    ))
}

fn source(kernel: &str, claims: &[Claim], numbers: &[Vec<u64>]) -> Result<String> {
    let mut source = start(kernel, claims)?;
    for (index, (claim, numbers)) in claims.iter().zip(numbers).enumerate() {
        if is_absent((numbers, claim)) || !says(claim, numbers) {
            continue;
        }
        let fill = |text: &str| {
            let mut text = text.to_owned();
            for (index, number) in numbers.iter().enumerate() {
                text = text.replace(&format!("@{index}"), &format!("{number}ULL"));
            }
            text
        };
        writeln!(source, "#line {index} \"claim\"")?;
        match &claim.c {
            C::Constant(c) => writeln!(source, "_Static_assert({}, \"is false\");", fill(c))?,
            C::IfDefined(name, c) => writeln!(
                source,
                "#ifdef {name}\n#line {index} \"claim\"\n_Static_assert({}, \"is false\");\n#endif",
                fill(c)
            )?,
            C::Folded(c) => writeln!(source, "void claim_{index}(void) {{ {} }}", fill(c))?,
        }
    }
    Ok(source)
}

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
#define offsetof(type, member) __builtin_offsetof(type, member)
extern void wrong(void) __attribute__((error(\"does not hold\")));
";

/// The indices of the claims that do not hold, with the compiler's words about them.
pub(crate) fn judge(
    toolchain: &Toolchain,
    kernel: &str,
    claims: &[Claim],
    numbers: &[Vec<u64>],
) -> Result<Vec<(usize, String)>> {
    // Apart, for a compiler that finds an error does not get as far as to optimize.
    let mut failed = Vec::new();
    for folded in [false, true] {
        let source = source(kernel, claims, numbers, folded)?;
        failed.extend(complaints(toolchain, kernel, &source, claims)?);
    }
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
            let line = index + 1;
            writeln!(
                source,
                "#line {line} \"claim\"\nlong absent_{index} = {};",
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
        let index = place.and_then(|place| place.parse::<usize>().ok()?.checked_sub(1));
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
        claims.len() + 1,
        (major << 16) + (minor << 8) + patch.min(255)
    ))
}

fn source(kernel: &str, claims: &[Claim], numbers: &[Vec<u64>], folded: bool) -> Result<String> {
    let mut source = start(kernel, claims)?;
    for (index, (claim, numbers)) in claims.iter().zip(numbers).enumerate() {
        let other = matches!(claim.c, C::Folded(_)) != folded;
        if other || is_absent((numbers, claim)) || !says(claim, numbers) {
            continue;
        }
        let fill = |text: &str| {
            let mut text = text.to_owned();
            for (index, number) in numbers.iter().enumerate() {
                text = text.replace(&format!("@{index}"), &format!("{number}ULL"));
            }
            text
        };
        let line = index + 1;
        writeln!(source, "#line {line} \"claim\"")?;
        match &claim.c {
            C::Constant(c) => writeln!(source, "_Static_assert({}, \"is false\");", fill(c))?,
            C::IfDefined(name, c) => writeln!(
                source,
                "#ifdef {name}\n#line {line} \"claim\"\n_Static_assert({}, \"is false\");\n#endif",
                fill(c)
            )?,
            C::Folded(c) => writeln!(source, "void claim_{index}(void) {{ {} }}", fill(c))?,
        }
    }
    Ok(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Vendor;
    use crate::pipeline_tests;

    fn claim(kind: Kind, what: &str, c: C) -> Claim {
        Claim {
            kind,
            what: what.to_owned(),
            rust: vec![String::new()],
            c,
        }
    }

    #[test]
    fn a_compiler_names_the_claims_that_are_false_and_no_others() {
        let (_dir, tree) = pipeline_tests::tree();
        let toolchain = Toolchain::new(&pipeline_tests::arch(), Vendor::Gcc, &tree).unwrap();
        let constant = |c: &str| C::Constant(c.to_owned());
        let claims = [
            claim(Kind::Size, "size", constant("sizeof(struct kvm_one) == @0")),
            claim(
                Kind::Size,
                "size",
                constant("sizeof(struct kvm_nothing) == @0"),
            ),
            claim(
                Kind::Bits,
                "bits",
                C::Folded(
                    "struct kvm_bits b = {}; b.high = -1; if (b.high != @0) wrong();".to_owned(),
                ),
            ),
            claim(
                Kind::Request,
                "request KVM_OTHER",
                constant("KVM_OTHER == @0"),
            ),
            claim(
                Kind::Request,
                "request KVM_SET_ONE",
                constant("KVM_SET_ONE == @0"),
            ),
            claim(
                Kind::Constant,
                "constant",
                C::IfDefined("KVM_ABSENT".to_owned(), "0".to_owned()),
            ),
        ];
        let wrong = |numbers: [u64; 6]| -> Vec<usize> {
            let numbers = numbers.map(|number| vec![number]);
            let failed = judge(&toolchain, "1.2.3", &claims, &numbers).unwrap();
            failed.into_iter().map(|(index, _)| index).collect()
        };
        assert_eq!(wrong([24, 0, 31, 0, 0x4018_ae11, 0]), [1]);
        assert_eq!(wrong([25, 0, 30, 0, 0x4018_ae11, 0]), [0, 1, 2]);
        // A number for a request that does not exist, and none for one that does.
        assert_eq!(wrong([24, 0, 31, 1, 0, 0]), [1, 3, 4]);
        let error = judge(&toolchain, "1.2.4", &claims, &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("did not read the headers of Linux 1.2.4"),
            "{error}"
        );
    }
}

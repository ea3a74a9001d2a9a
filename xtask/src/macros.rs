//! Macros of the KVM headers: which there are, and what they are worth to a C compiler.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection, ObjectSymbol};

use crate::facts::{Facts, Ioctl, Macro, Text};
use crate::toolchain::{KVM_HEADERS, PREAMBLE, Toolchain};

/// A `#define` as the preprocessor saw it last.
struct Definition {
    name: String,
    body: String,
}

/// Fills in everything that [`Facts`] says about macros.
pub(crate) fn extract(toolchain: &Toolchain, facts: &mut Facts) -> Result<()> {
    let mut candidates = Vec::new();
    for definition in definitions(toolchain, facts)? {
        if definition.body.is_empty() {
            facts.empty.push(definition.name);
        } else {
            candidates.push(definition);
        }
    }
    let (integers, others): (Vec<_>, Vec<_>) = {
        let failed = rejected(toolchain, &candidates, integer_line)?;
        candidates
            .into_iter()
            .partition(|definition| !failed.contains(&definition.name))
    };
    let values = evaluate(toolchain, &integers)?;
    for (definition, value) in integers.into_iter().zip(values) {
        match ioctl(&definition)? {
            Some(row) => {
                let request = u32::try_from(value.value)
                    .with_context(|| format!("{} is no request number", value.name))?;
                facts.ioctls.push(Ioctl {
                    request: Some(request),
                    ..row
                });
            }
            None => facts.macros.push(value),
        }
    }
    let failed = rejected(toolchain, &others, text_line)?;
    for definition in others {
        if let Some(row) = ioctl(&definition)? {
            facts.ioctls.push(row);
        } else if failed.contains(&definition.name) {
            facts.not_constant.push(definition.name);
        } else {
            facts.strings.push(text(toolchain, &definition)?);
        }
    }
    facts
        .ioctls
        .sort_by_key(|row| (row.request.map(|number| number & 0xff), row.name.clone()));
    Ok(())
}

/// The macros of the KVM headers that have a body or parameters. The values are not looked at, so any
/// architecture's compiler will do.
pub(crate) fn names(toolchain: &Toolchain) -> Result<Vec<String>> {
    let mut facts = Facts::default();
    let definitions = definitions(toolchain, &mut facts)?;
    let mut names = facts.functions;
    names.extend(
        definitions
            .into_iter()
            .filter(|definition| !definition.body.is_empty())
            .map(|definition| definition.name),
    );
    Ok(names)
}

/// The macros that the KVM headers define; function-like ones go to `facts.functions`.
fn definitions(toolchain: &Toolchain, facts: &mut Facts) -> Result<Vec<Definition>> {
    let run = toolchain.run(PREAMBLE, &["-E", "-dD"])?;
    if !run.ok {
        bail!("the C preprocessor failed:\n{}", run.stderr);
    }
    let mut found: Vec<Definition> = Vec::new();
    let mut inside = false;
    for line in run.stdout.lines() {
        if let Some(marker) = line.strip_prefix("# ") {
            let file = marker.split('"').nth(1).unwrap_or_default();
            inside = KVM_HEADERS
                .iter()
                .any(|header| file.ends_with(&format!("/{header}")));
            if inside && !toolchain.owns(file) {
                bail!("the compiler read {file} instead of the headers it was told to read");
            }
        } else if let (true, Some(rest)) = (inside, line.strip_prefix("#define ")) {
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            let (name, body) = rest.split_at(end);
            if body.starts_with('(') {
                facts.functions.push(name.to_owned());
            } else {
                found.retain(|earlier| earlier.name != name);
                found.push(Definition {
                    name: name.to_owned(),
                    body: body.trim().to_owned(),
                });
            }
        }
    }
    if found.is_empty() {
        bail!("the preprocessor found no macro in the KVM headers");
    }
    Ok(found)
}

/// Splits `_IOW(KVMIO, 0x42, struct kvm_dirty_log)`; None for anything else.
fn ioctl(definition: &Definition) -> Result<Option<Ioctl>> {
    let Some((encoding, rest)) = definition.body.split_once('(') else {
        return Ok(None);
    };
    if !["_IO", "_IOR", "_IOW", "_IOWR"].contains(&encoding.trim()) {
        return Ok(None);
    }
    let parts: Vec<_> = rest
        .trim_end_matches(')')
        .split(',')
        .map(str::trim)
        .collect();
    let argument = match (encoding.trim(), parts.as_slice()) {
        ("_IO", [_, _]) => "",
        (_, [_, _, argument]) => argument,
        _ => bail!(
            "{} has an unknown form: {}",
            definition.name,
            definition.body
        ),
    };
    Ok(Some(Ioctl {
        name: definition.name.clone(),
        encoding: encoding.trim().to_owned(),
        argument: argument
            .strip_prefix("struct ")
            .unwrap_or(argument)
            .to_owned(),
        request: None,
    }))
}

/// An object that holds the value, and the size and sign of the type (sign in bit 8). The selection
/// accepts integer types only.
fn integer_line(name: &str) -> String {
    format!(
        "const unsigned long long probe_{name}[2] = {{ (unsigned long long)({name}), \
         sizeof({name}) | _Generic(({name}), int: 256, long: 256, long long: 256, \
         unsigned: 0, unsigned long: 0, unsigned long long: 0) }};"
    )
}

/// An object that holds a string literal; anything else is an error.
fn text_line(name: &str) -> String {
    format!("const char probe_{name}[] = {name};")
}

/// The names whose line does not compile.
fn rejected(
    toolchain: &Toolchain,
    definitions: &[Definition],
    line: fn(&str) -> String,
) -> Result<BTreeSet<String>> {
    let mut failed = BTreeSet::new();
    // A compiler complains about an unknown name where it meets it first, and only there.
    loop {
        let rest: Vec<_> = definitions
            .iter()
            .filter(|definition| !failed.contains(&definition.name))
            .collect();
        let more = complaints(toolchain, &rest, line)?;
        if more.is_empty() {
            return Ok(failed);
        }
        failed.extend(more);
    }
}

/// The names that one run of the compiler complains about.
fn complaints(
    toolchain: &Toolchain,
    definitions: &[&Definition],
    line: fn(&str) -> String,
) -> Result<BTreeSet<String>> {
    let run = toolchain.errors(&source(definitions, line))?;
    let mut failed = BTreeSet::new();
    for message in run
        .stderr
        .lines()
        .filter(|message| message.contains(" error: "))
    {
        let number = message
            .strip_prefix("line:")
            .and_then(|rest| rest.split(':').next());
        let definition = number
            .and_then(|number| number.parse::<usize>().ok())
            .and_then(|number| definitions.get(number.checked_sub(1)?))
            .with_context(|| format!("the headers do not compile: {message}"))?;
        failed.insert(definition.name.clone());
    }
    Ok(failed)
}

/// One line for each macro, numbered from 1 in a file that is called `line`.
fn source(definitions: &[&Definition], line: fn(&str) -> String) -> String {
    let mut source = format!("{PREAMBLE}#line 1 \"line\"\n");
    for definition in definitions {
        source.push_str(&line(&definition.name));
        source.push('\n');
    }
    source
}

fn evaluate(toolchain: &Toolchain, definitions: &[Definition]) -> Result<Vec<Macro>> {
    let image = toolchain.image(&source(
        &definitions.iter().collect::<Vec<_>>(),
        integer_line,
    ))?;
    let file = object::File::parse(image.as_slice())?;
    let little = file.is_little_endian();
    let number = |bytes: &[u8]| -> Result<u64> {
        let bytes = bytes.try_into()?;
        Ok(if little {
            u64::from_le_bytes(bytes)
        } else {
            u64::from_be_bytes(bytes)
        })
    };
    definitions
        .iter()
        .map(|definition| {
            let data = data_of(&file, &definition.name)?;
            let (value, kind) = data.split_at_checked(8).context("a probe is cut short")?;
            let (value, kind) = (number(value)?, number(kind)?);
            let signed = kind & 256 != 0;
            let value = if signed {
                i128::from(i64::from_ne_bytes(value.to_ne_bytes()))
            } else {
                i128::from(value)
            };
            Ok(Macro {
                name: definition.name.clone(),
                value,
                size: kind & 255,
                signed,
            })
        })
        .collect()
}

fn text(toolchain: &Toolchain, definition: &Definition) -> Result<Text> {
    let image = toolchain.image(&format!("{PREAMBLE}{}\n", text_line(&definition.name)))?;
    let file = object::File::parse(image.as_slice())?;
    let data = data_of(&file, &definition.name)?;
    let bytes = data
        .strip_suffix(&[0])
        .context("a string without its NUL")?;
    Ok(Text {
        name: definition.name.clone(),
        bytes: bytes.to_vec(),
    })
}

/// The bytes of the object that a probe line defined.
pub(crate) fn data_of<'data>(file: &object::File<'data>, name: &str) -> Result<&'data [u8]> {
    let symbol = file
        .symbol_by_name(&format!("probe_{name}"))
        .with_context(|| format!("the compiler dropped the probe of {name}"))?;
    let section = file.section_by_index(symbol.section_index().context("an undefined probe")?)?;
    section
        .data_range(symbol.address(), symbol.size())?
        .with_context(|| format!("the probe of {name} has no data"))
}

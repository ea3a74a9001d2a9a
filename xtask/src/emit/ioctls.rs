//! The ioctl table.

use std::fmt::Write;

use anyhow::{Context, Result, bail};

use super::number;
use crate::arch::Arch;
use crate::curation::{Dir, Row};
use crate::facts::Ioctl;
use crate::lower::{Lowering, Place};

pub(super) fn emit(arch: &Arch, lowering: &Lowering<'_>) -> Result<String> {
    let mut body = String::new();
    let mut names = Vec::new();
    for row in &lowering.curation.ioctls {
        if row
            .arches
            .iter()
            .any(|name| *name == arch.dispatch || name == "common")
        {
            emit_row(row, lowering, &mut body).with_context(|| format!("the row {}", row.name))?;
            names.push(row.name.as_str());
        }
    }
    let known = |fact: &&Ioctl| {
        lowering
            .curation
            .ioctls
            .iter()
            .any(|row| row.name == fact.name)
    };
    if let Some(missing) = lowering.facts.ioctls.iter().find(|fact| !known(fact)) {
        bail!("{} has no row in curation/ioctls.toml", missing.name);
    }
    let mut all = String::new();
    for name in &names {
        writeln!(all, "    &{name},")?;
    }
    Ok(format!(
        "{HEAD}{body}\n/// Every row.\npub static ALL: &[&Op] = &[\n{all}];\n"
    ))
}

const HEAD: &str = "//! The ioctl table: one row for each request that this architecture answers.
#![allow(missing_docs, reason = \"named and documented by the kernel\")]

use crate::op::{Dir, Fds, Field, Flex, Inner, Op, Returns, Takes};

/// What a row says where it says nothing.
const ROW: Op = Op {
    name: \"\",
    request: 0,
    fds: Fds::empty(),
    takes: Takes::Nothing,
    returns: Returns::Nothing,
    bank: None,
    capability: None,
    section: \"\",
};

/// A structure without a flexible array, pointers, or fields of one process.
const fn plain(name: &'static str, size: u32, dir: Dir) -> Takes {
    Takes::Struct {
        name,
        size,
        dir,
        flex: None,
        inner: &[],
        opaque: &[],
    }
}

const fn flex(count_at: u32, element: u32) -> Option<Flex> {
    Some(Flex { count_at, element })
}

const fn inner(offset: u32, dir: Dir) -> Inner {
    Inner { offset, dir }
}

const fn field(offset: u32, len: u32) -> Field {
    Field { offset, len }
}
";

fn emit_row(row: &Row, lowering: &Lowering<'_>, out: &mut String) -> Result<()> {
    let fact = lowering
        .facts
        .ioctls
        .iter()
        .find(|fact| fact.name == row.name);
    let fact = fact.context("the headers do not define it")?;
    let request = fact
        .request
        .context("its argument does not exist on this architecture")?;
    let name = &row.name;
    writeln!(out, "\npub static {name}: Op = Op {{")?;
    writeln!(out, "    name: \"{name}\",")?;
    writeln!(out, "    request: {},", number(request.into()))?;
    writeln!(out, "    fds: {},", fds(row)?)?;
    takes(row, fact, lowering, out)?;
    if let Some(returns) = &row.returns {
        let returns = match returns.as_str() {
            "number" => "Number".to_owned(),
            "descriptor" => "Descriptor".to_owned(),
            path => {
                let place = place(row, fact, lowering, path)?;
                format!("DescriptorAt({})", place.offset)
            }
        };
        writeln!(out, "    returns: Returns::{returns},")?;
    }
    if let Some(bank) = &row.bank {
        writeln!(out, "    bank: Some(\"{bank}\"),")?;
    }
    if let Some(capability) = &row.capability {
        if !lowering
            .facts
            .macros
            .iter()
            .any(|fact| fact.name == *capability)
        {
            bail!("the headers define no {capability}");
        }
        writeln!(out, "    capability: Some(\"{capability}\"),")?;
    }
    if !row.section.is_empty() {
        writeln!(out, "    section: \"{}\",", row.section)?;
    }
    writeln!(out, "    ..ROW\n}};")?;
    Ok(())
}

fn fds(row: &Row) -> Result<String> {
    let mut text = String::new();
    for (index, name) in row.fds.iter().enumerate() {
        let kind = match name.as_str() {
            "system" => "Fds::SYSTEM",
            "vm" => "Fds::VM",
            "vcpu" => "Fds::VCPU",
            "device" => "Fds::DEVICE",
            _ => bail!("{name} is no kind of descriptor"),
        };
        if index == 0 {
            text.push_str(kind);
        } else {
            // rustfmt breaks longer chains.
            let gap = if row.fds.len() > 3 { "\n        " } else { "" };
            write!(text, "{gap}.union({kind})")?;
        }
    }
    if text.is_empty() {
        bail!("a request that is answered must be valid on some descriptor");
    }
    Ok(text)
}

/// The C type of the argument, if it takes a pointer.
fn argument<'a>(row: &'a Row, fact: &'a Ioctl) -> Option<&'a str> {
    row.arg
        .as_deref()
        .or(Some(fact.argument.as_str()))
        .filter(|name| !name.is_empty())
}

fn takes(row: &Row, fact: &Ioctl, lowering: &Lowering<'_>, out: &mut String) -> Result<()> {
    let Some(argument) = argument(row, fact) else {
        if row.value {
            writeln!(out, "    takes: Takes::Value,")?;
        }
        return Ok(());
    };
    if row.value {
        bail!("it can't take a value and a structure");
    }
    let claimed = match fact.encoding.as_str() {
        "_IOR" => Some(Dir::Out),
        "_IOW" => Some(Dir::In),
        "_IOWR" => Some(Dir::InOut),
        _ => None,
    };
    let dir = row.dir.or(claimed).context("its direction is not known")?;
    let (name, size) = match argument {
        "__u64" | "unsigned long" => ("u64", 8),
        "__u32" | "int" => ("u32", 4),
        name => {
            let ty = lowering.facts.find(name);
            (
                name,
                ty.with_context(|| format!("the facts have no type {name}"))?
                    .size,
            )
        }
    };
    let flex = match (&row.count, lowering.tail(name).ok().flatten()) {
        (Some(count), Some(tail)) => {
            Some((place(row, fact, lowering, count)?.offset, tail.element))
        }
        (Some(_), None) => bail!("it has a count but no flexible array"),
        (None, _) => None,
    };
    let mut inner = Vec::new();
    let mut opaque = Vec::new();
    for (path, dir) in &row.inner {
        for place in lowering.places(name, path)? {
            inner.push(format!("inner({}, Dir::{dir:?})", place.offset));
            opaque.push(place);
        }
    }
    for path in &row.opaque {
        opaque.extend(lowering.places(name, path)?);
    }
    if flex.is_none() && opaque.is_empty() {
        writeln!(out, "    takes: plain(\"{name}\", {size}, Dir::{dir:?}),")?;
        return Ok(());
    }
    writeln!(out, "    takes: Takes::Struct {{")?;
    writeln!(out, "        name: \"{name}\",")?;
    writeln!(out, "        size: {size},")?;
    writeln!(out, "        dir: Dir::{dir:?},")?;
    match flex {
        Some((at, element)) => writeln!(out, "        flex: flex({at}, {element}),")?,
        None => writeln!(out, "        flex: None,")?,
    }
    list("inner", &inner, out)?;
    opaque.sort_by_key(|place| place.offset);
    let opaque: Vec<_> = opaque
        .iter()
        .map(|Place { offset, size }| format!("field({offset}, {size})"))
        .collect();
    list("opaque", &opaque, out)?;
    writeln!(out, "    }},")?;
    Ok(())
}

/// `name: &[..],` on one line if it is short, else one element a line.
fn list(name: &str, items: &[String], out: &mut String) -> Result<()> {
    let line = items.join(", ");
    if line.len() <= 60 {
        writeln!(out, "        {name}: &[{line}],")?;
    } else {
        writeln!(out, "        {name}: &[")?;
        for item in items {
            writeln!(out, "            {item},")?;
        }
        writeln!(out, "        ],")?;
    }
    Ok(())
}

/// The one place of a member of the argument.
fn place(row: &Row, fact: &Ioctl, lowering: &Lowering<'_>, path: &str) -> Result<Place> {
    let ty = argument(row, fact).context("it has no argument")?;
    match lowering.places(ty, path)?.as_slice() {
        [place] => Ok(*place),
        _ => bail!("{ty}.{path} is not one place"),
    }
}

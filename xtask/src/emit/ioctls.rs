//! The ioctl table.

use std::fmt::Write;

use anyhow::{Context, Result, bail};

use super::number;
use crate::arch::Arch;
use crate::curation::{Curation, Dir, Length, Row, Total};
use crate::docs::Docs;
use crate::facts::Ioctl;
use crate::lower::{Lowering, Place};

/// The facts of the architectures, in the order of `kvm_sys::Arch`.
type All<'a> = [(&'a Arch, Lowering<'a>)];

pub(super) fn emit(all: &All<'_>, curation: &Curation) -> Result<String> {
    let mut body = String::new();
    let mut names = String::new();
    for row in &curation.ioctls {
        emit_row(row, all, &curation.docs, &mut body)
            .with_context(|| format!("the row {}", row.name))?;
        writeln!(names, "    &{},", row.name)?;
    }
    for (_, lowering) in all {
        let known = |fact: &&Ioctl| curation.ioctls.iter().any(|row| row.name == fact.name);
        if let Some(missing) = lowering.facts.ioctls.iter().find(|fact| !known(fact)) {
            bail!("{} has no row in curation/ioctls.toml", missing.name);
        }
    }
    Ok(format!(
        "{HEAD}{body}\n/// Every row, whichever architecture answers it.\npub static TABLE: &[&Op] = \
         &[\n{names}];\n{FOOT}"
    ))
}

const HEAD: &str =
    "//! The ioctl table: one row for each request that any architecture's KVM knows.
#![allow(missing_docs, reason = \"named and documented by the kernel\")]

use crate::arch::{Arch, Arches};
use crate::op::{Count, Dir, Fds, Field, Flex, Inner, Length, Op, Requests, Returns, Takes};

/// What a row says where it says nothing.
const ROW: Op = Op {
    name: \"\",
    requests: Requests::NONE,
    arches: Arches::empty(),
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

/// The size of a type that differs between architectures.
#[expect(clippy::cast_possible_truncation, reason = \"no argument is that long\")]
const fn size<T>() -> u32 {
    size_of::<T>() as u32
}

const fn flex(element: u32, count: Count) -> Option<Flex> {
    Some(Flex { element, count })
}

const fn inner(offset: u32, dir: Dir, len: Length) -> Inner {
    Inner { offset, dir, len }
}

const fn field(offset: u32, len: u32) -> Field {
    Field { offset, len }
}
";

const FOOT: &str = "
/// The rows that the native architecture answers.
pub static ALL: &[&Op] = &answered::<{ count(TABLE) }>(TABLE);

const fn count(mut rows: &[&Op]) -> usize {
    let mut count = 0;
    while let [row, rest @ ..] = rows {
        if row.arches.contains(Arch::NATIVE.bit()) {
            count += 1;
        }
        rows = rest;
    }
    count
}

const fn answered<const N: usize>(mut rows: &[&'static Op]) -> [&'static Op; N] {
    let mut answered: [&Op; N] = [&KVM_GET_API_VERSION; N];
    let mut free: &mut [&Op] = &mut answered;
    while let ([row, rest @ ..], true) = (rows, !free.is_empty()) {
        if row.arches.contains(Arch::NATIVE.bit()) {
            if let Some((slot, more)) = free.split_first_mut() {
                *slot = *row;
                free = more;
            } else {
                break;
            }
        }
        rows = rest;
    }
    answered
}
";

fn fact<'a>(lowering: &Lowering<'a>, name: &str) -> Option<&'a Ioctl> {
    let mut facts = lowering.facts.ioctls.iter();
    facts.find(|fact| fact.name == name)
}

fn emit_row(row: &Row, all: &All<'_>, docs: &Docs, out: &mut String) -> Result<()> {
    let name = &row.name;
    let everywhere = row.arches.iter().any(|name| name == "common");
    let answers = |arch: &Arch| everywhere || row.arches.contains(&arch.dispatch);
    let comment = docs.comment(&docs.ioctls, &[name], None, "");
    writeln!(out, "\n{comment}pub static {name}: Op = Op {{")?;
    writeln!(out, "    name: \"{name}\",")?;
    writeln!(out, "    requests: {},", requests(row, all)?)?;
    let arches: Vec<_> = all
        .iter()
        .filter(|(arch, _)| answers(arch))
        .map(|(arch, _)| format!("Arches::{}", arch.name.to_uppercase()))
        .collect();
    if arches.len() == all.len() {
        writeln!(out, "    arches: Arches::all(),")?;
    } else if !arches.is_empty() {
        writeln!(out, "    arches: {},", chain(&arches))?;
    }
    let fds = fds(row)?;
    if !fds.is_empty() {
        writeln!(out, "    fds: {},", chain(&fds))?;
    }

    // The architectures that answer it, or else those that know its argument.
    let mut texts = Vec::new();
    for (arch, lowering) in all {
        if answers(arch) || (arches.is_empty() && knows(row, lowering)) {
            let shape = Shape::new(row, lowering)
                .with_context(|| format!("on {}, which answers it", arch.name))?;
            texts.push((shape, lowering));
        }
    }
    let lead = match texts.as_slice() {
        [] => None,
        [(shape, lowering), rest @ ..] => {
            let same = rest.iter().all(|(other, _)| other == shape);
            if !same && !rest.iter().all(|(other, _)| other.like(shape)) {
                bail!("its argument differs between architectures in more than its size");
            }
            shape.print(same, out)?;
            Some((shape, *lowering))
        }
    };
    if let Some(returns) = &row.returns {
        let returns = match returns.as_str() {
            "number" => "Number".to_owned(),
            "descriptor" => "Descriptor".to_owned(),
            path => match lead {
                Some((Shape::Struct { name, .. }, lowering)) => {
                    format!("DescriptorAt({})", one_place(lowering, name, path)?.offset)
                }
                _ => bail!("it has no field {path}"),
            },
        };
        writeln!(out, "    returns: Returns::{returns},")?;
    }
    if let Some(bank) = &row.bank {
        writeln!(out, "    bank: Some(\"{bank}\"),")?;
    }
    if let Some(capability) = &row.capability {
        let defines = |lowering: &Lowering<'_>| {
            let mut macros = lowering.facts.macros.iter();
            macros.any(|fact| fact.name == *capability)
        };
        if !all.iter().any(|(_, lowering)| defines(lowering)) {
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

/// Whether the argument's type exists.
fn knows(row: &Row, lowering: &Lowering<'_>) -> bool {
    fact(lowering, &row.name).is_some_and(|fact| fact.request.is_some())
}

/// What the number's macro is worth on each architecture. Powerpc and mips encode directions in a
/// way of their own, all others alike.
fn requests(row: &Row, all: &All<'_>) -> Result<String> {
    let mut numbers = Vec::new();
    for (_, lowering) in all {
        let fact = fact(lowering, &row.name).context("the headers do not define it")?;
        numbers.push(fact.request.unwrap_or(0));
    }
    let own: Vec<_> = all
        .iter()
        .map(|(arch, _)| ["powerpc", "mips"].contains(&arch.dispatch.as_str()))
        .collect();
    let of = |own_way: bool| {
        let mut of: Vec<_> = numbers
            .iter()
            .zip(&own)
            .filter(|(_, own)| **own == own_way)
            .map(|(number, _)| *number)
            .collect();
        of.dedup();
        of
    };
    Ok(match (of(false).as_slice(), of(true).as_slice()) {
        ([one], []) | ([], [one]) => format!("Requests::same({})", number(*one)),
        ([one], [other]) if one == other => format!("Requests::same({})", number(*one)),
        ([one], [other]) => format!("Requests::two({}, {})", number(*one), number(*other)),
        _ => {
            let numbers: Vec<_> = numbers.into_iter().map(number).collect();
            let line = format!("Requests::each([{}])", numbers.join(", "));
            if line.len() <= 84 && numbers.join(", ").len() <= 60 {
                line
            } else {
                let lines = numbers.join(",\n        ");
                format!("Requests::each([\n        {lines},\n    ])")
            }
        }
    })
}

/// `A.union(B)`, broken as rustfmt breaks longer chains.
fn chain(parts: &[String]) -> String {
    let [first, rest @ ..] = parts else {
        return String::new();
    };
    let calls: Vec<_> = rest.iter().map(|part| format!(".union({part})")).collect();
    let line = format!("{first}{}", calls.concat());
    if line.len() <= 60 {
        line
    } else {
        format!("{first}\n        {}", calls.join("\n        "))
    }
}

fn fds(row: &Row) -> Result<Vec<String>> {
    if row.fds.is_empty() && !row.arches.is_empty() {
        bail!("a request that is answered must be valid on some descriptor");
    }
    let kind = |name: &String| match name.as_str() {
        "system" | "vm" | "vcpu" | "device" => Ok(format!("Fds::{}", name.to_uppercase())),
        _ => bail!("{name} is no kind of descriptor"),
    };
    row.fds.iter().map(kind).collect()
}

/// What a row takes on one architecture.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Nothing,
    Value,
    Struct {
        name: String,
        size: u64,
        dir: Dir,
        flex: Option<String>,
        inner: Vec<String>,
        opaque: Vec<Place>,
    },
}

impl Shape {
    fn new(row: &Row, lowering: &Lowering<'_>) -> Result<Self> {
        if row.value {
            return Ok(Self::Value);
        }
        let fact = fact(lowering, &row.name).context("the headers do not define it")?;
        let argument = row.arg.as_deref().unwrap_or(&fact.argument);
        if argument.is_empty() {
            return Ok(Self::Nothing);
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
                let ty = ty.with_context(|| format!("the facts have no type {name}"))?;
                (name, ty.size)
            }
        };
        let mut inner = Vec::new();
        let mut opaque = Vec::new();
        for (path, pointer) in &row.inner {
            for (index, place) in lowering.places(name, path)?.into_iter().enumerate() {
                let len = length(&pointer.len, lowering, name, index)?;
                let dir = pointer.dir;
                inner.push(format!("inner({}, Dir::{dir:?}, {len})", place.offset));
                opaque.push(place);
            }
        }
        for path in &row.opaque {
            opaque.extend(lowering.places(name, path)?);
        }
        opaque.sort_by_key(|place| place.offset);
        Ok(Self::Struct {
            flex: flex(row, lowering, name)?,
            name: name.to_owned(),
            size,
            dir,
            inner,
            opaque,
        })
    }

    /// Whether it is the same but for the size, and small enough to say so.
    fn like(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Struct { name, dir, .. },
                Self::Struct {
                    name: name2,
                    dir: dir2,
                    ..
                },
            ) => self.is_plain() && other.is_plain() && (name, dir) == (name2, dir2),
            _ => false,
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self, Self::Struct { flex: None, inner, opaque, .. }
            if inner.is_empty() && opaque.is_empty())
    }

    /// Prints it; with `same` unset, its size is that of the native architecture's type.
    fn print(&self, same: bool, out: &mut String) -> Result<()> {
        let Self::Struct {
            name,
            size,
            dir,
            flex,
            inner,
            opaque,
        } = self
        else {
            if *self == Self::Value {
                writeln!(out, "    takes: Takes::Value,")?;
            }
            return Ok(());
        };
        if self.is_plain() {
            let size = match same {
                true => size.to_string(),
                false => format!("size::<crate::{name}>()"),
            };
            writeln!(out, "    takes: plain(\"{name}\", {size}, Dir::{dir:?}),")?;
            return Ok(());
        }
        writeln!(out, "    takes: Takes::Struct {{")?;
        writeln!(out, "        name: \"{name}\",")?;
        writeln!(out, "        size: {size},")?;
        writeln!(out, "        dir: Dir::{dir:?},")?;
        writeln!(out, "        flex: {},", flex.as_deref().unwrap_or("None"))?;
        list("inner", inner, out)?;
        let opaque: Vec<_> = opaque.iter().map(field).collect();
        list("opaque", &opaque, out)?;
        writeln!(out, "    }},")?;
        Ok(())
    }
}

/// The flexible array of a row's argument.
fn flex(row: &Row, lowering: &Lowering<'_>, ty: &str) -> Result<Option<String>> {
    let count = match (&row.count, &row.total) {
        (None, None) => return Ok(None),
        (Some(path), None) => {
            let place = one_place(lowering, ty, path)?;
            format!("Count::Elements({})", field(&place))
        }
        (None, Some(Total::Field(path))) => {
            let place = one_place(lowering, ty, path)?;
            format!("Count::AllBytes({})", field(&place))
        }
        (None, Some(Total::Capability(name))) => format!("Count::Capability(\"{name}\")"),
        _ => bail!("its length is said twice"),
    };
    let tail = lowering.tail(ty)?;
    let tail = tail.context("it has a count but no flexible array")?;
    Ok(Some(format!("flex({}, {count})", tail.element)))
}

/// The length of what a pointer points to; `index` counts the pointers of an array.
fn length(rule: &Length, lowering: &Lowering<'_>, ty: &str, index: usize) -> Result<String> {
    let of = |variant: &str, path: &str| -> Result<String> {
        let places = lowering.places(ty, path)?;
        let place = places.get(index).or(places.first());
        let place = place.with_context(|| format!("{ty} has no member {path}"))?;
        Ok(format!("Length::{variant}({})", field(place)))
    };
    match rule {
        Length::Fixed(bytes) => Ok(format!("Length::Fixed({bytes})")),
        Length::Bytes(path) => of("Bytes", path),
        Length::Bits(path) => of("Bits", path),
        Length::Tags(path) => of("Tags", path),
        Length::Register(path) => of("Register", path),
        Length::Slot(path) => of("Slot", path),
        Length::Attribute => Ok("Length::Attribute".to_owned()),
        Length::Command => Ok("Length::Command".to_owned()),
        Length::Tlb => Ok("Length::Tlb".to_owned()),
    }
}

fn field(place: &Place) -> String {
    format!("field({}, {})", place.offset, place.size)
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
fn one_place(lowering: &Lowering<'_>, ty: &str, path: &str) -> Result<Place> {
    match lowering.places(ty, path)?.as_slice() {
        [place] => Ok(*place),
        _ => bail!("{ty}.{path} is not one place"),
    }
}

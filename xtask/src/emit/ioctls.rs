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

/// The table's files.
pub(super) struct Table {
    /// The rows, but for those whose argument's size differs between architectures.
    pub(super) rows: String,
    /// What those say that is the same everywhere.
    pub(super) differing: String,
    /// The rows of each architecture.
    pub(super) own: Vec<String>,
}

pub(super) fn emit(all: &All<'_>, curation: &Curation) -> Result<Table> {
    let mut same = String::new();
    let mut differing = String::new();
    let mut sized = Vec::new();
    let mut names = String::new();
    for row in &curation.ioctls {
        let mut text = String::new();
        let differs = emit_row(row, all, &curation.docs, &mut text)
            .with_context(|| format!("the row {}", row.name))?;
        if let Some(argument) = differs {
            differing.push_str(&text);
            sized.push((row, argument));
            writeln!(names, "    &crate::{},", row.name)?;
        } else {
            same.push_str(&text);
            writeln!(names, "    &{},", row.name)?;
        }
    }
    for (_, lowering) in all {
        let known = |fact: &&Ioctl| curation.ioctls.iter().any(|row| row.name == fact.name);
        if let Some(missing) = lowering.facts.ioctls.iter().find(|fact| !known(fact)) {
            bail!("{} has no row in curation/ioctls.toml", missing.name);
        }
    }
    Ok(Table {
        rows: format!("{HEAD}{same}\n{TABLE}pub static TABLE: &[&Op] = &[\n{names}];\n"),
        differing: format!("{DIFFERING}{differing}"),
        own: all
            .iter()
            .map(|(arch, _)| own(arch, curation, &sized))
            .collect::<Result<_>>()?,
    })
}

/// The rows that an architecture answers.
fn own(arch: &Arch, curation: &Curation, sized: &[(&Row, String)]) -> Result<String> {
    let mut uses = Vec::new();
    let mut rows = String::new();
    let mut answered = String::new();
    let mut types = Vec::new();
    for row in &curation.ioctls {
        if !answers(row, arch) {
            continue;
        }
        let name = &row.name;
        writeln!(answered, "    &{name},")?;
        if let Some((_, argument)) = sized.iter().find(|(other, _)| other.name == *name) {
            let docs = &curation.docs;
            let comment = docs.comment(&docs.ioctls, &[name], None, "");
            writeln!(
                rows,
                "\n{comment}pub static {name}: Op = sized::<{argument}>(differing::{name});"
            )?;
            types.push(argument.clone());
        } else {
            uses.push(name.clone());
        }
    }
    types.sort_unstable();
    types.dedup();
    let types = braced("use super::types::", &types);
    let (differing, op) = match rows.is_empty() {
        true => ("", "Op"),
        false => ("use crate::differing;\n", "{Op, sized}"),
    };
    // As rustfmt sorts them, with underscores before letters.
    uses.sort_unstable_by_key(|name| name.replace('_', " "));
    let uses = braced("pub use crate::ioctl::", &uses);
    let name = &arch.name;
    Ok(format!(
        "//! The ioctls that KVM answers on {name}.\n\n{types}{differing}{uses}use crate::op::{op};\n\
         {rows}\n/// The rows that KVM answers on {name}.\npub static ALL: &[&Op] = \
         &[\n{answered}];\n"
    ))
}

/// A `use` of these names, which are sorted, laid out as rustfmt would.
fn braced(path: &str, names: &[String]) -> String {
    match names {
        [] => return String::new(),
        [one] => return format!("{path}{one};\n"),
        _ => {}
    }
    let line = format!("{path}{{{}}};\n", names.join(", "));
    if line.len() <= 101 {
        return line;
    }
    let mut text = format!("{path}{{");
    let mut width = 101;
    for name in names {
        let part = format!("{name},");
        if width + 1 + part.len() > 100 {
            text.push_str("\n    ");
            width = 4;
        } else {
            text.push(' ');
            width += 1;
        }
        text.push_str(&part);
        width += part.len();
    }
    text.push_str("\n};\n");
    text
}

const HEAD: &str =
    "//! The ioctl table: one row for each request that any architecture's KVM knows.
#![allow(missing_docs, reason = \"named and documented by the kernel\")]

use crate::arch::Arches;
use crate::op::{Count, Dir, Fds, Field, Flex, Inner, Length, Op, Requests, Returns, Takes};

/// What a row says where it says nothing.
pub(crate) const ROW: Op = Op {
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
pub(crate) const fn plain(name: &'static str, size: u32, dir: Dir) -> Takes {
    Takes::Struct {
        name,
        size,
        dir,
        flex: None,
        inner: &[],
        opaque: &[],
    }
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

const TABLE: &str = "/// Every row, whichever architecture answers it. Where the size of an argument differs between
/// architectures, it is the native one's.
";

const DIFFERING: &str =
    "//! Rows whose argument has another size on each architecture. Here it is 0: the modules of the
//! architectures have the rows.

use crate::arch::Arches;
use crate::ioctl::{ROW, plain};
use crate::op::{Dir, Fds, Op, Requests};
";

/// Whether the architecture's dispatcher answers it.
fn answers(row: &Row, arch: &Arch) -> bool {
    row.arches.iter().any(|name| name == "common") || row.arches.contains(&arch.dispatch)
}

fn fact<'a>(lowering: &Lowering<'a>, name: &str) -> Option<&'a Ioctl> {
    let mut facts = lowering.facts.ioctls.iter();
    facts.find(|fact| fact.name == name)
}

/// Gives the argument's type if its size differs between architectures.
fn emit_row(row: &Row, all: &All<'_>, docs: &Docs, out: &mut String) -> Result<Option<String>> {
    let name = &row.name;
    let mut fields = String::new();
    let differs = emit_fields(row, all, &mut fields)?;
    if differs.is_some() {
        writeln!(out, "\npub(crate) const {name}: Op = Op {{")?;
    } else {
        let comment = docs.comment(&docs.ioctls, &[name], None, "");
        writeln!(out, "\n{comment}pub static {name}: Op = Op {{")?;
    }
    writeln!(out, "{fields}    ..ROW\n}};")?;
    Ok(differs)
}

/// The fields of a row. Gives the argument's type if its size differs between architectures.
fn emit_fields(row: &Row, all: &All<'_>, out: &mut String) -> Result<Option<String>> {
    let name = &row.name;
    let answers = |arch: &Arch| answers(row, arch);
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
    let mut differs = None;
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
            differs = shape.print(same, out)?;
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
    Ok(differs)
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

    /// Prints it; with `same` unset, its size is left to each architecture, and it gives the type.
    fn print(&self, same: bool, out: &mut String) -> Result<Option<String>> {
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
            return Ok(None);
        };
        if self.is_plain() {
            let size = if same { *size } else { 0 };
            writeln!(out, "    takes: plain(\"{name}\", {size}, Dir::{dir:?}),")?;
            return Ok((!same).then(|| name.clone()));
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
        Ok(None)
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

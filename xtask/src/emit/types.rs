//! Structures, unions, and the assertions that pin their layout.

use std::collections::BTreeSet;
use std::fmt::Write;

use anyhow::{Context, Result};

use super::COMMON;
use super::views::{Path, cut};
use crate::curation::Curation;
use crate::docs::Docs;
use crate::lower::{Bits, Field, Item, Lowering, Shape, Tail, View};

/// The types of one architecture, or those that all share, as text.
pub(super) struct Written(Vec<Type>);

#[derive(Clone)]
struct Type {
    name: String,
    text: String,
    /// The types that it names.
    needs: BTreeSet<String>,
}

impl Written {
    pub(super) fn new(lowering: &Lowering<'_>) -> Result<Self> {
        let items = lowering.items()?;
        let mut written = Vec::new();
        for item in &items {
            let docs = &lowering.curation.docs;
            let mut text = String::new();
            let mut needs = BTreeSet::new();
            match &item.shape {
                Shape::Struct { fields, bits } => {
                    structure(item, fields, bits, docs, &mut text)?;
                    needs.extend(fields.iter().map(|field| base(&field.ty).to_owned()));
                }
                Shape::Union { views } => {
                    let find = |name: &str| items.iter().find(|item| item.name == name);
                    let align = |view: &View| find(&view.ty).map(|item| item.align);
                    union(item, views, &align, docs, &mut text)
                        .with_context(|| format!("in the union {}", item.name))?;
                    needs.extend(views.iter().map(|view| base(&view.ty).to_owned()));
                }
            }
            if let Some(tail) = &item.tail {
                flexible(item, tail, &mut text)?;
                needs.insert(tail.ty.clone());
            }
            written.push(Type {
                name: item.name.clone(),
                text,
                needs,
            });
        }
        Ok(Self(written))
    }

    fn find(&self, name: &str) -> Option<&Type> {
        self.0.iter().find(|ty| ty.name == name)
    }

    /// The body of `types.rs`. An architecture's own types may name common ones; `groups` are the
    /// families and flags that it defines itself.
    pub(super) fn emit(&self, curation: &Curation, groups: Option<&BTreeSet<&str>>) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let needs: BTreeSet<_> = self.0.iter().flat_map(|ty| &ty.needs).collect();
        let mut uses = String::new();
        let elsewhere = |name: &String| {
            let own = groups.is_none_or(|own| own.contains(name.as_str()));
            !own && !is_integer(name) && self.find(name).is_none()
        };
        for (module, list) in [("families", &curation.families), ("flags", &curation.flags)] {
            let mut names: Vec<_> = list
                .iter()
                .map(|group| group.ty.as_str())
                .filter(|ty| needs.contains(&(*ty).to_owned()))
                .filter(|ty| groups.is_none_or(|own| own.contains(ty)))
                .collect();
            names.sort_unstable();
            if !names.is_empty() {
                uses.push_str(&wrapped_use(module, &names));
            }
        }
        if needs.iter().any(|name| elsewhere(name)) {
            let _ = writeln!(uses, "use crate::{COMMON}::*;");
        }
        let body: String = self.0.iter().map(|ty| format!("\n{}", ty.text)).collect();
        let uses = if uses.is_empty() {
            uses
        } else {
            format!("\n{uses}")
        };
        format!("{}{uses}{body}", zerocopy(&body))
    }
}

/// Takes the types that are the same on every architecture, and name only such, out of `all`.
pub(super) fn share(all: &mut [Written], groups: &BTreeSet<&str>) -> Written {
    let [first, rest @ ..] = &*all else {
        return Written(Vec::new());
    };
    let same = |ty: &Type| {
        let mut others = rest.iter().map(|written| written.find(&ty.name));
        others.all(|other| other.is_some_and(|other| other.text == ty.text))
    };
    let mut shared: Vec<Type> = first.0.iter().filter(|ty| same(ty)).cloned().collect();
    loop {
        let names: BTreeSet<_> = shared.iter().map(|ty| ty.name.clone()).collect();
        let known = |name: &String| {
            names.contains(name) || groups.contains(name.as_str()) || is_integer(name)
        };
        let before = shared.len();
        shared.retain(|ty| ty.needs.iter().all(known));
        if shared.len() == before {
            break;
        }
    }
    for written in all {
        written
            .0
            .retain(|ty| !shared.iter().any(|other| other.name == ty.name));
    }
    Written(shared)
}

/// What an array, or an array of arrays, is made of.
fn base(ty: &str) -> &str {
    let inner = ty.trim_start_matches('[');
    inner.split(';').next().unwrap_or(inner)
}

fn is_integer(ty: &str) -> bool {
    ty.strip_prefix(['u', 'i'])
        .is_some_and(|bits| bits.parse::<u8>().is_ok())
}

/// The imports that `body` needs, on one line where they fit.
fn zerocopy(body: &str) -> String {
    let names: Vec<_> = [
        ("FromBytes", "FromBytes"),
        ("FromZeros", "new_zeroed"),
        ("Immutable", "Immutable"),
        ("IntoBytes", "IntoBytes"),
        ("KnownLayout", "KnownLayout"),
        ("transmute_mut", "transmute_mut!"),
        ("transmute_ref", "transmute_ref!"),
    ]
    .iter()
    .filter(|(_, used)| body.contains(used))
    .map(|(name, _)| *name)
    .collect();
    let list = names.join(", ");
    let line = format!("\nuse zerocopy::{{{list}}};\n");
    if line.len() <= 102 {
        return line;
    }
    format!("\nuse zerocopy::{{\n    {list},\n}};\n")
}

/// A structure with the array behind it.
fn flexible(item: &Item, tail: &Tail, out: &mut String) -> Result<()> {
    let head = &item.name;
    let Tail { name, ty, element } = tail;
    // Where the last element can leave bytes before the next multiple of the alignment.
    let into = if element % item.align == 0 {
        "IntoBytes, "
    } else {
        ""
    };
    write!(
        out,
        "
/// [`{head}`] with the array behind it.
#[derive(Debug, PartialEq, Eq)]
#[repr(C)]
#[derive(FromBytes, {into}Immutable, KnownLayout)]
pub struct {head}_flex {{
    pub head: {head},
    pub {name}: [{ty}],
}}
flexible! {{ {head}, {}, {ty}, {element} }}
",
        item.size
    )?;
    Ok(())
}

/// `use super::module::{A, B};`, with lines as rustfmt breaks them.
fn wrapped_use(module: &str, names: &[&str]) -> String {
    if let [name] = names {
        return format!("use super::{module}::{name};\n");
    }
    let line = format!("use super::{module}::{{{}}};\n", names.join(", "));
    if line.len() <= 101 {
        return line;
    }
    let mut text = format!("use super::{module}::{{\n");
    let mut line = String::from("   ");
    for name in names {
        if line.len() + name.len() + 2 > 100 {
            text.push_str(&line);
            text.push('\n');
            line = String::from("   ");
        }
        let _ = write!(line, " {name},");
    }
    text.push_str(&line);
    text.push_str("\n};\n");
    text
}

/// The comment of a field, a bit field or a union's view.
fn member_comment(item: &Item, name: &str, docs: &Docs) -> String {
    let names = field_names(item, name);
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    docs.member(&names, &type_names(item), "    ")
}

/// What a type may be called: by Rust's name or by C's path.
fn type_names(item: &Item) -> [&str; 2] {
    [&item.name, item.path.as_deref().unwrap_or(&item.name)]
}

/// What a field may be called: by Rust's names or by C's.
pub(crate) fn field_names(item: &Item, field: &str) -> [String; 3] {
    // C looks through anonymous aggregates.
    let path = item.path.as_deref().unwrap_or(&item.name);
    let path = path.split(".{").next().unwrap_or(path);
    let c = field.strip_suffix('_').unwrap_or(field);
    [
        format!("{}.{field}", item.name),
        format!("{}.{c}", item.name),
        format!("{path}.{c}"),
    ]
}

/// The derives, and `Default` by hand where an array is longer than the standard library's limit.
fn head(item: &Item, derivable: bool, docs: &Docs, out: &mut String) {
    let name = &item.name;
    let align = if item.force_align {
        format!(", align({})", item.align)
    } else {
        String::new()
    };
    let default = if derivable { "Default, " } else { "" };
    out.push_str(&docs.comment(&docs.types, &type_names(item), None, ""));
    if let Some(path) = &item.path {
        let _ = writeln!(out, "#[doc(alias = \"{path}\")]");
    }
    let _ = write!(
        out,
        "#[derive(Clone, Copy, Debug, {default}PartialEq, Eq)]
#[repr(C{align})]
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct {name}"
    );
}

fn tail(name: &str, derivable: bool, out: &mut String) {
    if !derivable {
        let _ = write!(
            out,
            "\nimpl Default for {name} {{\n    fn default() -> Self {{\n        \
             Self::new_zeroed()\n    }}\n}}\n"
        );
    }
}

fn structure(
    item: &Item,
    fields: &[Field],
    bits: &[Bits],
    docs: &Docs,
    out: &mut String,
) -> Result<()> {
    let name = &item.name;
    let derivable = fields.iter().all(|field| short(&field.ty));
    head(item, derivable, docs, out);
    if fields.is_empty() {
        out.push_str(" {}\n");
        layout(item, fields, out);
        return Ok(());
    }
    out.push_str(" {\n");
    for field in fields {
        if field.padding {
            out.push_str("    #[doc(hidden)]\n");
        }
        out.push_str(&member_comment(item, &field.name, docs));
        writeln!(out, "    pub {}: {},", field.name, field.ty)?;
    }
    out.push_str("}\n");
    tail(name, derivable, out);
    if !bits.is_empty() {
        write!(out, "\nimpl {name} {{")?;
        for (index, bits) in bits.iter().enumerate() {
            out.push_str(if index > 0 { "\n\n" } else { "\n" });
            out.push_str(&member_comment(item, &bits.name, docs));
            accessors(bits, out)?;
        }
        out.push_str("\n}\n");
    }
    layout(item, fields, out);
    Ok(())
}

fn accessors(bits: &Bits, out: &mut String) -> Result<()> {
    let Bits {
        name,
        storage,
        repr,
        shift,
        width,
    } = bits;
    let mask = format!("{:#x}", (1_u128 << width) - 1);
    let (get, hole, put) = match shift {
        0 => (
            format!("self.{storage} & {mask}"),
            mask.clone(),
            format!("(value & {mask})"),
        ),
        _ => (
            format!("(self.{storage} >> {shift}) & {mask}"),
            format!("({mask} << {shift})"),
            format!("((value & {mask}) << {shift})"),
        ),
    };
    write!(
        out,
        "    pub const fn {name}(&self) -> {repr} {{
        {get}
    }}

    /// Keeps the low {width} of the bits of `value`.
    pub const fn set_{name}(&mut self, value: {repr}) {{
        self.{storage} = (self.{storage} & !{hole}) | {put};
    }}"
    )?;
    Ok(())
}

fn union(
    item: &Item,
    views: &[View],
    align: &dyn Fn(&View) -> Option<u64>,
    docs: &Docs,
    out: &mut String,
) -> Result<()> {
    let name = &item.name;
    let words = item.size / item.align;
    let word = format!("u{}", item.align * 8);
    head(item, words <= 32, docs, out);
    writeln!(out, "(pub [{word}; {words}]);")?;
    tail(name, words <= 32, out);
    if views.is_empty() {
        layout(item, &[], out);
        return Ok(());
    }
    write!(out, "\nimpl {name} {{")?;
    for (index, view) in views.iter().enumerate() {
        if align(view).is_some_and(|align| align > item.align) {
            anyhow::bail!("{} is more aligned than its union", view.name);
        }
        out.push_str(if index > 0 { "\n\n" } else { "\n" });
        out.push_str(&member_comment(item, &view.name, docs));
        match Path::find(view.size, item.align, words) {
            Some(path) => {
                path.print(view, &word, "", out)?;
                out.push_str("\n\n");
                path.print(view, &word, "mut ", out)?;
            }
            None => {
                let rest = item.size - view.size;
                if rest % item.align > 0 {
                    anyhow::bail!("no way to cut {} out of it", view.name);
                }
                let rest = format!("[{word}; {}]", rest / item.align);
                cut(view, &rest, "", out)?;
                out.push_str("\n\n");
                cut(view, &rest, "mut ", out)?;
            }
        }
    }
    out.push_str("\n}\n");
    layout(item, &[], out);
    Ok(())
}

/// `layout! { NAME: size, align; field offset, .. }`, wrapped.
fn layout(item: &Item, fields: &[Field], out: &mut String) {
    let head = format!("{}: {}, {};", item.name, item.size, item.align);
    if fields.is_empty() {
        let _ = writeln!(out, "layout! {{ {head} }}");
        return;
    }
    let _ = write!(out, "layout! {{\n    {head}\n   ");
    let mut width = 3;
    for (index, field) in fields.iter().enumerate() {
        let comma = if index + 1 < fields.len() { "," } else { "" };
        let piece = format!(" {} {}{comma}", field.name, field.offset);
        if width + piece.len() > 100 {
            out.push_str("\n   ");
            width = 3;
        }
        width += piece.len();
        out.push_str(&piece);
    }
    out.push_str("\n}\n");
}

/// Whether every array in a type implements `Default`.
fn short(ty: &str) -> bool {
    ty.split("; ")
        .skip(1)
        .filter_map(|rest| rest.split(']').next()?.parse::<u64>().ok())
        .all(|length| length <= 32)
}

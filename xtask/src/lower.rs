//! Facts and curation to Rust's terms: field names, types, padding and views.

pub(crate) mod parts;

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

use crate::curation::{Curation, Home};
use crate::facts::{self, Facts, Kind};
use parts::{bit_field, field_name, pad, single};

/// A Rust type to be written out.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) name: String,
    /// The C path of an anonymous type.
    pub(crate) path: Option<String>,
    pub(crate) size: u64,
    pub(crate) align: u64,
    /// Whether only its flexible array, which Rust leaves out, gives it this alignment.
    pub(crate) force_align: bool,
    pub(crate) shape: Shape,
    pub(crate) tail: Option<Tail>,
}

#[derive(Debug)]
pub(crate) enum Shape {
    Struct { fields: Vec<Field>, bits: Vec<Bits> },
    Union { views: Vec<View> },
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) ty: String,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    /// Not in the C type: bytes that its compiler leaves unused.
    pub(crate) padding: bool,
}

/// A bit field, reached through the integer it lies in.
#[derive(Debug)]
pub(crate) struct Bits {
    pub(crate) name: String,
    /// The integer's field and its type.
    pub(crate) storage: String,
    pub(crate) repr: String,
    pub(crate) shift: u64,
    pub(crate) width: u64,
}

/// A member of a union.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) name: String,
    pub(crate) ty: String,
    pub(crate) size: u64,
}

/// The flexible array behind a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) name: String,
    /// The element's type in Rust and its size.
    pub(crate) ty: String,
    pub(crate) element: u64,
}

/// A field of a structure found by its Rust path, such as `ranges.bitmap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// A member's type, taken apart: what it is made of, and the array lengths around that.
struct Parsed<'a> {
    base: &'a str,
    /// None for a flexible array.
    lengths: Vec<Option<u64>>,
}

pub(crate) struct Lowering<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) curation: &'a Curation,
    /// The families and flags that have a name on this architecture.
    groups: BTreeSet<&'a str>,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(facts: &'a Facts, curation: &'a Curation) -> Result<Self> {
        let mut groups: BTreeSet<_> = curation
            .groups()
            .filter(|group| group.shared)
            .map(|group| group.ty.as_str())
            .collect();
        for name in facts.constants() {
            if let Home::Family(group) | Home::Flags(group) = curation.home(name)? {
                groups.insert(&group.ty);
            }
        }
        Ok(Self {
            facts,
            curation,
            groups,
        })
    }

    /// All types that Rust gets, in the headers' order.
    pub(crate) fn items(&self) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        for ty in &self.facts.types {
            // Without a name and a size: a flexible array's wrapper, whose members belong to no fixed
            // part, or a part of the structure around it that this architecture leaves empty.
            if (ty.size == 0 && ty.name.contains('.')) || self.dissolves(ty)? {
                continue;
            }
            items.push(
                self.item(ty)
                    .with_context(|| format!("in the type {}", ty.name))?,
            );
        }
        Ok(items)
    }

    /// Whether an anonymous type's members go into the type around it.
    fn dissolves(&self, ty: &facts::Type) -> Result<bool> {
        let anonymous = ty.name.ends_with('}');
        let types = &self.curation.types;
        if anonymous && ty.kind == Kind::Union && !types.unions.contains_key(&ty.name) {
            if !types.single.contains_key(&ty.name) {
                bail!(
                    "{} is an anonymous union: name it in [unions] of types.toml, or choose the \
                     member that stands for it in [single]",
                    ty.name
                );
            }
            return Ok(true);
        }
        Ok(anonymous && !types.unions.contains_key(&ty.name))
    }

    fn item(&self, ty: &facts::Type) -> Result<Item> {
        let name = self.type_name(&ty.name)?;
        let shape = match ty.kind {
            Kind::Struct => {
                let (mut fields, mut bits) = (Vec::new(), Vec::new());
                self.members(ty, 0, &name, &mut fields, &mut bits)?;
                Shape::Struct {
                    fields: pad(fields, ty.size)?,
                    bits,
                }
            }
            Kind::Union => Shape::Union {
                views: self.views(ty)?,
            },
        };
        let force_align = ty.kind == Kind::Struct && self.fixed_align(ty)? < ty.align;
        Ok(Item {
            name,
            path: ty.name.contains('.').then(|| ty.name.clone()),
            size: ty.size,
            align: ty.align,
            force_align,
            shape,
            tail: self.tail(&ty.name)?,
        })
    }

    /// The alignment that a structure's sized members give it.
    fn fixed_align(&self, ty: &facts::Type) -> Result<u64> {
        let mut align = 1;
        for member in ty.fields.iter().filter(|member| member.size > 0) {
            let base = Parsed::new(&member.ty)?.base;
            align = align.max(match self.facts.find(base) {
                Some(inner) => inner.align,
                None => self.size_of(base)?,
            });
        }
        Ok(align)
    }

    fn members(
        &self,
        ty: &facts::Type,
        base: u64,
        rust: &str,
        fields: &mut Vec<Field>,
        bits: &mut Vec<Bits>,
    ) -> Result<()> {
        for member in &ty.fields {
            let offset = base + member.offset;
            if member.size == 0 {
                continue;
            }
            if let Some((first, width)) = member.bits {
                bit_field(member, base * 8 + first, width, fields, bits)?;
            } else if member.name.is_empty() {
                let inner = self.find(&member.ty)?;
                let types = &self.curation.types;
                if let Some(union) = types.unions.get(&inner.name) {
                    fields.push(Field {
                        name: union.field.clone(),
                        ty: union.ty.clone(),
                        offset,
                        size: inner.size,
                        padding: false,
                    });
                } else if let Some(chosen) = types.single.get(&inner.name) {
                    let only = facts::Type {
                        fields: vec![single(inner, chosen)?],
                        ..inner.clone()
                    };
                    self.members(&only, offset, rust, fields, bits)?;
                    self.bits_beside(inner, chosen, bits)?;
                } else {
                    self.members(inner, offset, rust, fields, bits)?;
                }
            } else {
                let name = field_name(&member.name);
                let ty = self.field_type(member, &format!("{rust}.{name}"))?;
                fields.push(Field {
                    name,
                    ty,
                    offset,
                    size: member.size,
                    padding: false,
                });
            }
        }
        Ok(())
    }

    /// The bit fields of a union's anonymous structures, reached through the member that stands for it.
    fn bits_beside(&self, union: &facts::Type, chosen: &str, bits: &mut Vec<Bits>) -> Result<()> {
        for other in union.fields.iter().filter(|other| other.name.is_empty()) {
            let word = union.fields.iter().find(|field| field.name == chosen);
            for member in &self.find(&other.ty)?.fields {
                if let (Some(word), Some((shift, width))) = (word, member.bits) {
                    bits.push(Bits {
                        name: field_name(&member.name),
                        storage: field_name(chosen),
                        repr: self.rust_type(&word.ty)?,
                        shift,
                        width,
                    });
                }
            }
        }
        Ok(())
    }

    fn views(&self, ty: &facts::Type) -> Result<Vec<View>> {
        let mut views = Vec::new();
        for member in &ty.fields {
            if self.curation.types.padding.members.contains(&member.name) {
                continue;
            }
            if member.size == 0 {
                continue;
            }
            let named = self.curation.types.unions.get(&member.ty);
            let name = match (member.name.as_str(), named) {
                ("", Some(named)) => named.field.clone(),
                ("", None) => bail!(
                    "the anonymous {} needs a view's name in [unions] of types.toml",
                    member.ty
                ),
                (name, _) => name.to_owned(),
            };
            views.push(View {
                name,
                ty: self.rust_type(&member.ty)?,
                size: member.size,
            });
        }
        Ok(views)
    }

    /// The curated type of a field if it has one, which must be as wide as the C type.
    fn field_type(&self, member: &facts::Field, rust: &str) -> Result<String> {
        let Some(curated) = self.curation.types.fields.get(rust) else {
            return self.rust_type(&member.ty);
        };
        let group = self
            .curation
            .groups()
            .find(|group| group.ty == *curated)
            .with_context(|| format!("types.toml gives {rust} the unknown type {curated}"))?;
        if !self.groups.contains(curated.as_str()) {
            return self.rust_type(&member.ty);
        }
        if group.repr != self.rust_type(&member.ty)? {
            bail!(
                "types.toml gives {rust} the type {curated} ({}), but C has {}",
                group.repr,
                member.ty
            );
        }
        Ok(curated.clone())
    }

    fn rust_type(&self, text: &str) -> Result<String> {
        let parsed = Parsed::new(text)?;
        let mut rust = match parsed.base {
            "char" => "u8".to_owned(),
            "ptr" => "u64".to_owned(),
            base if base.starts_with("enum ") => "u32".to_owned(),
            base => match base.strip_prefix('s') {
                Some("8" | "16" | "32" | "64") => base.replacen('s', "i", 1),
                _ if ["u8", "u16", "u32", "u64", "u128"].contains(&base) => base.to_owned(),
                _ => self.type_name(base)?,
            },
        };
        for length in parsed.lengths.iter().rev() {
            let length = length.context("a flexible array has no type of its own")?;
            rust = format!("[{rust}; {length}]");
        }
        Ok(rust)
    }

    pub(crate) fn type_name(&self, path: &str) -> Result<String> {
        if !path.contains('.') {
            return Ok(path.to_owned());
        }
        let types = &self.curation.types;
        let name = types
            .unions
            .get(path)
            .map(|union| &union.ty)
            .or_else(|| types.names.get(path));
        name.cloned().with_context(|| {
            format!("the anonymous type {path} needs a name in [names] of curation/types.toml")
        })
    }

    fn find(&self, path: &str) -> Result<&facts::Type> {
        self.facts
            .find(path)
            .with_context(|| format!("the facts have no type {path}"))
    }

    /// The flexible array at the end of a structure. It begins where the fixed part ends.
    pub(crate) fn tail(&self, path: &str) -> Result<Option<Tail>> {
        let ty = self.find(path)?;
        for member in ty.fields.iter().filter(|member| member.size == 0) {
            let parsed = Parsed::new(&member.ty)?;
            let tail = if parsed.lengths.contains(&None) {
                Tail {
                    name: field_name(&member.name),
                    ty: self.rust_type(parsed.base)?,
                    element: self.size_of(parsed.base)?,
                }
            } else if member.name.is_empty() {
                match self.tail(&member.ty)? {
                    Some(tail) => tail,
                    None => continue,
                }
            } else if self.find(&member.ty).is_ok_and(|ty| ty.kind == Kind::Union) {
                // Several arrays in one place: bytes, whatever they are.
                Tail {
                    name: field_name(&member.name),
                    ty: "u8".to_owned(),
                    element: 1,
                }
            } else {
                continue;
            };
            if member.offset != ty.size {
                bail!(
                    "the flexible array {} begins before the end of {path}",
                    tail.name
                );
            }
            return Ok(Some(tail));
        }
        Ok(None)
    }

    fn size_of(&self, base: &str) -> Result<u64> {
        match base {
            "char" => return Ok(1),
            "ptr" => return Ok(8),
            _ if base.starts_with("enum ") => return Ok(4),
            _ => {}
        }
        match base
            .strip_prefix(['u', 's'])
            .and_then(|bits| bits.parse::<u64>().ok())
        {
            Some(bits) => Ok(bits / 8),
            None => Ok(self.find(base)?.size),
        }
    }

    /// Every place that a dotted path of members means; several where it leads through an array.
    pub(crate) fn places(&self, ty: &str, path: &str) -> Result<Vec<Place>> {
        let (first, rest) = match path.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let member = self
            .member(self.find(ty)?, first)?
            .with_context(|| format!("{ty} has no member {first}"))?;
        let Some(rest) = rest else {
            return Ok(vec![Place {
                offset: member.offset,
                size: member.size,
            }]);
        };
        let parsed = Parsed::new(&member.ty)?;
        let (count, element) = match parsed.lengths.as_slice() {
            [] => (1, member.size),
            [Some(count)] => (*count, member.size / count),
            _ => bail!("{ty}.{first} is no plain array"),
        };
        let mut places = Vec::new();
        for index in 0..count {
            for place in self.places(parsed.base, rest)? {
                let offset = member.offset + index * element + place.offset;
                places.push(Place { offset, ..place });
            }
        }
        Ok(places)
    }

    /// A member by name, looking into anonymous ones as C does; its offset counts from `ty`.
    fn member(&self, ty: &facts::Type, name: &str) -> Result<Option<facts::Field>> {
        for member in &ty.fields {
            if member.name == name {
                return Ok(Some(member.clone()));
            }
            if member.name.is_empty() {
                if let Some(inner) = self.member(self.find(&member.ty)?, name)? {
                    return Ok(Some(facts::Field {
                        offset: member.offset + inner.offset,
                        ..inner
                    }));
                }
            }
        }
        Ok(None)
    }
}

impl<'a> Parsed<'a> {
    fn new(text: &'a str) -> Result<Self> {
        let (base, mut rest) = match text.find('[') {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let mut lengths = Vec::new();
        while let Some((length, after)) =
            rest.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        {
            lengths.push(if length.is_empty() {
                None
            } else {
                Some(length.parse()?)
            });
            rest = after;
        }
        if !rest.is_empty() {
            bail!("`{text}` is no type");
        }
        Ok(Self { base, lengths })
    }
}

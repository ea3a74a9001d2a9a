//! Fields out of the ordinary: bit fields, gaps, unions of one member, words of Rust.

use anyhow::{Context, Result, bail};

use super::{Bits, Field};
use crate::facts;

/// The member that stands for a union: it must fill it.
pub(super) fn single(union: &facts::Type, chosen: &str) -> Result<facts::Field> {
    let anonymous = |member: &&facts::Field| member.name.is_empty() && chosen.starts_with('{');
    let member = union
        .fields
        .iter()
        .find(|member| member.name == chosen || anonymous(member));
    let member = member.with_context(|| format!("{} has no member {chosen}", union.name))?;
    if member.size != union.size {
        bail!("{chosen} does not fill the union {}", union.name);
    }
    Ok(member.clone())
}

/// Adds a bit field, and the integer that holds it unless the one before already does.
pub(super) fn bit_field(
    member: &facts::Field,
    first: u64,
    width: u64,
    fields: &mut Vec<Field>,
    bits: &mut Vec<Bits>,
) -> Result<()> {
    let unit = member.size * 8;
    let offset = first / unit * member.size;
    let shift = first - offset * 8;
    if shift + width > unit {
        bail!("the bit field {} crosses its storage", member.name);
    }
    let repr = format!("u{unit}");
    let storage = match fields.last() {
        Some(last) if last.offset == offset && last.ty == repr => last.name.clone(),
        _ => {
            let taken = fields
                .iter()
                .filter(|field| field.name.starts_with("bits"))
                .count();
            let name = format!("bits{taken}");
            fields.push(Field {
                name: name.clone(),
                ty: repr.clone(),
                offset,
                size: member.size,
                padding: false,
            });
            name
        }
    };
    bits.push(Bits {
        name: field_name(&member.name),
        storage,
        repr,
        shift,
        width,
    });
    Ok(())
}

/// Makes the gaps between fields into fields.
pub(super) fn pad(fields: Vec<Field>, size: u64) -> Result<Vec<Field>> {
    let mut padded: Vec<Field> = Vec::new();
    let (mut end, mut count) = (0, 0);
    let mut gap = |padded: &mut Vec<Field>, from: u64, to: u64| {
        if from < to {
            padded.push(Field {
                name: format!("_pad{count}"),
                ty: format!("[u8; {}]", to - from),
                offset: from,
                size: to - from,
                padding: true,
            });
            count += 1;
        }
    };
    for field in fields {
        if field.offset < end {
            bail!("the field {} overlaps the one before it", field.name);
        }
        gap(&mut padded, end, field.offset);
        end = field.offset + field.size;
        padded.push(field);
    }
    gap(&mut padded, end, size);
    Ok(padded)
}

/// C names that are words of Rust get an underscore.
pub(crate) fn field_name(name: &str) -> String {
    const WORDS: [&str; 7] = ["type", "in", "ref", "self", "move", "match", "impl"];
    if WORDS.contains(&name) {
        format!("{name}_")
    } else {
        name.to_owned()
    }
}

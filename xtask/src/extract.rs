//! Types and enumerations of the KVM headers, from the debug information of a C compiler.

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context, Result, bail};
use gimli::{
    AttributeValue, DebuggingInformationEntry, Dwarf, EndianSlice, RunTimeEndian, Unit, UnitOffset,
};
use object::{Object, ObjectSection};

use crate::facts::{Enum, EnumConstant, Facts, Field, Kind, Type};
use crate::toolchain::{KVM_HEADERS, PREAMBLE, Toolchain};

type Slice<'data> = EndianSlice<'data, RunTimeEndian>;
type Entry<'unit, 'data> = DebuggingInformationEntry<'unit, 'unit, Slice<'data>>;

/// Fills in the types and enumerations of `facts`.
pub(crate) fn extract(toolchain: &Toolchain, extra: &[String], facts: &mut Facts) -> Result<()> {
    let image = toolchain.image(PREAMBLE)?;
    let file = object::File::parse(image.as_slice())?;
    let endian = if file.is_little_endian() {
        RunTimeEndian::Little
    } else {
        RunTimeEndian::Big
    };
    let dwarf = Dwarf::load(|id| -> Result<Slice<'_>> {
        let data = file
            .section_by_name(id.name())
            .map_or(Ok(&[][..]), |section| section.data())?;
        Ok(EndianSlice::new(data, endian))
    })?;
    let mut units = dwarf.units();
    let header = units
        .next()?
        .context("the compiler wrote no debug information")?;
    let unit = dwarf.unit(header)?;
    let mut reader = Reader {
        dwarf: &dwarf,
        unit: &unit,
        queue: VecDeque::new(),
    };
    reader.roots(extra, facts)?;
    while let Some(Pending { offset, path }) = reader.queue.pop_front() {
        if facts.find(&path).is_none() {
            reader.aggregate(offset, &path, facts)?;
        }
    }
    Ok(())
}

struct Reader<'a, 'data> {
    dwarf: &'a Dwarf<Slice<'data>>,
    unit: &'a Unit<Slice<'data>>,
    queue: VecDeque<Pending>,
}

/// A structure or union yet to be read.
struct Pending {
    offset: UnitOffset,
    path: String,
}

/// A type as a member sees it.
struct Described {
    text: String,
    size: u64,
    align: u64,
}

impl<'data> Reader<'_, 'data> {
    /// Reads every type that a KVM header declares at file level, and the `extra` ones.
    fn roots(&mut self, extra: &[String], facts: &mut Facts) -> Result<()> {
        let files = self.kvm_files()?;
        let mut found = Vec::new();
        let mut tree = self.unit.entries_tree(None)?;
        let mut children = tree.root()?.children();
        while let Some(child) = children.next()? {
            let entry = child.entry();
            let Some(AttributeValue::FileIndex(file)) = entry.attr_value(gimli::DW_AT_decl_file)?
            else {
                continue;
            };
            let rank = match files.get(&file) {
                Some(rank) => *rank,
                None if self.name(entry)?.is_some_and(|name| extra.contains(&name)) => usize::MAX,
                None => continue,
            };
            let line = self.unsigned(entry, gimli::DW_AT_decl_line)?;
            found.push((rank, line, entry.offset()));
        }
        found.sort_unstable_by_key(|&(rank, line, offset)| (rank, line, offset.0));
        for (_, _, offset) in found {
            let entry = self.unit.entry(offset)?;
            let name = self.name(&entry)?;
            match entry.tag() {
                gimli::DW_TAG_enumeration_type => facts.enums.push(self.enumeration(offset, name)?),
                gimli::DW_TAG_structure_type | gimli::DW_TAG_union_type => {
                    if let (Some(path), true) = (name, is_complete(&entry)?) {
                        self.aggregate(offset, &path, facts)?;
                        // What it is made of belongs right behind it.
                        self.nested(facts)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads the anonymous types that wait in the queue; named ones stay for their own turn.
    fn nested(&mut self, facts: &mut Facts) -> Result<()> {
        let mut named = VecDeque::new();
        while let Some(pending) = self.queue.pop_front() {
            if pending.path.contains('.') {
                self.aggregate(pending.offset, &pending.path, facts)?;
            } else {
                named.push_back(pending);
            }
        }
        self.queue = named;
        Ok(())
    }

    /// The KVM headers' numbers in the line program, with their order of inclusion.
    fn kvm_files(&self) -> Result<BTreeMap<u64, usize>> {
        let program = self.unit.line_program.as_ref().context("no line program")?;
        let header = program.header();
        let mut files = BTreeMap::new();
        for number in 1..=u64::try_from(header.file_names().len())? {
            let Some(file) = header.file(number) else {
                continue;
            };
            let mut path = String::new();
            if let Some(directory) = file.directory(header) {
                path = self
                    .dwarf
                    .attr_string(self.unit, directory)?
                    .to_string_lossy()
                    .into_owned();
            }
            let name = self.dwarf.attr_string(self.unit, file.path_name())?;
            let path = format!("{path}/{}", name.to_string_lossy());
            if let Some(rank) = KVM_HEADERS.iter().position(|header| path.ends_with(header)) {
                files.insert(number, rank);
            }
        }
        Ok(files)
    }

    fn enumeration(&self, offset: UnitOffset, name: Option<String>) -> Result<Enum> {
        let mut constants = Vec::new();
        let mut tree = self.unit.entries_tree(Some(offset))?;
        let mut children = tree.root()?.children();
        while let Some(child) = children.next()? {
            let value = child.entry().attr_value(gimli::DW_AT_const_value)?;
            let value = value.context("an enumerator without a value")?;
            constants.push(EnumConstant {
                name: self
                    .name(child.entry())?
                    .context("an enumerator without a name")?,
                value: match value.udata_value() {
                    Some(value) => value.into(),
                    None => value.sdata_value().context("an enumerator's value")?.into(),
                },
            });
        }
        Ok(Enum {
            name: name.unwrap_or_default(),
            constants,
        })
    }

    /// Reads a structure or union into `facts`; what it is made of goes to the queue.
    fn aggregate(&mut self, offset: UnitOffset, path: &str, facts: &mut Facts) -> Result<()> {
        let entry = self.unit.entry(offset)?;
        let kind = match entry.tag() {
            gimli::DW_TAG_union_type => Kind::Union,
            _ => Kind::Struct,
        };
        let size = self.unsigned(&entry, gimli::DW_AT_byte_size)?.unwrap_or(0);
        let mut fields = Vec::new();
        let mut align = self.unsigned(&entry, gimli::DW_AT_alignment)?.unwrap_or(1);
        let mut tree = self.unit.entries_tree(Some(offset))?;
        let mut children = tree.root()?.children();
        while let Some(child) = children.next()? {
            if child.entry().tag() != gimli::DW_TAG_member {
                continue;
            }
            let name = self.name(child.entry())?.unwrap_or_default();
            // The kernel's macro for flexible arrays puts an empty structure before the array.
            if name.starts_with("__empty_") {
                continue;
            }
            let (field, field_align) = self.member(child.entry(), name, path)?;
            align = align.max(field_align);
            fields.push(field);
        }
        facts.types.push(Type {
            name: path.to_owned(),
            kind,
            size,
            align,
            fields,
        });
        Ok(())
    }

    fn member(
        &mut self,
        entry: &Entry<'_, 'data>,
        name: String,
        path: &str,
    ) -> Result<(Field, u64)> {
        let ty = type_of(entry)?.with_context(|| format!("{path}.{name} has no type"))?;
        let inner = if name.is_empty() {
            format!("{path}.{{{}}}", self.first_name(ty)?)
        } else {
            // As in C, members of an anonymous aggregate are members of the one around it.
            format!("{}.{name}", path.split(".{").next().unwrap_or(path))
        };
        let described = self.describe(ty, &inner)?;
        let bit_size = self.unsigned(entry, gimli::DW_AT_bit_size)?;
        let offset = self
            .unsigned(entry, gimli::DW_AT_data_member_location)?
            .unwrap_or(0);
        let bits = match bit_size {
            None => None,
            Some(width) => Some((self.first_bit(entry, offset, &described, width)?, width)),
        };
        let align = self
            .unsigned(entry, gimli::DW_AT_alignment)?
            .unwrap_or(described.align);
        let field = Field {
            name,
            ty: described.text,
            offset,
            size: described.size,
            bits,
        };
        Ok((field, align))
    }

    /// Where a bit field begins, counted from the structure's first bit on a little-endian machine.
    fn first_bit(
        &self,
        entry: &Entry<'_, 'data>,
        offset: u64,
        storage: &Described,
        width: u64,
    ) -> Result<u64> {
        if let Some(bit) = self.unsigned(entry, gimli::DW_AT_data_bit_offset)? {
            return Ok(bit);
        }
        // Before DWARF 5, `bit_offset` counts from the storage unit's most significant bit.
        let from_top = self.unsigned(entry, gimli::DW_AT_bit_offset)?.unwrap_or(0);
        (offset * 8 + storage.size * 8)
            .checked_sub(from_top + width)
            .context("a bit field outside its storage")
    }

    fn describe(&mut self, offset: UnitOffset, path: &str) -> Result<Described> {
        let entry = self.unit.entry(offset)?;
        let size = self.unsigned(&entry, gimli::DW_AT_byte_size)?.unwrap_or(0);
        match entry.tag() {
            gimli::DW_TAG_typedef | gimli::DW_TAG_const_type | gimli::DW_TAG_volatile_type => {
                let inner = type_of(&entry)?.context("a typedef of nothing")?;
                self.describe(inner, path)
            }
            gimli::DW_TAG_base_type => {
                let text = match entry.attr_value(gimli::DW_AT_encoding)? {
                    _ if self.name(&entry)?.as_deref() == Some("char") => "char".to_owned(),
                    Some(AttributeValue::Encoding(
                        gimli::DW_ATE_signed | gimli::DW_ATE_signed_char,
                    )) => format!("s{}", size * 8),
                    Some(AttributeValue::Encoding(
                        gimli::DW_ATE_unsigned | gimli::DW_ATE_unsigned_char,
                    )) => format!("u{}", size * 8),
                    other => bail!("{path} has a base type that is no integer: {other:?}"),
                };
                Ok(Described {
                    text,
                    size,
                    align: size,
                })
            }
            gimli::DW_TAG_pointer_type => {
                // Not every compiler repeats what the unit's header says.
                let size = self.unit.encoding().address_size.into();
                Ok(Described {
                    text: "ptr".to_owned(),
                    size,
                    align: size,
                })
            }
            gimli::DW_TAG_enumeration_type => {
                let name = self.name(&entry)?.unwrap_or_default();
                Ok(Described {
                    text: format!("enum {name}"),
                    size,
                    align: size,
                })
            }
            gimli::DW_TAG_array_type => {
                let element = type_of(&entry)?.context("an array of nothing")?;
                let mut described = self.describe(element, path)?;
                for length in self.lengths(offset)? {
                    match length {
                        Some(length) => described.text.push_str(&format!("[{length}]")),
                        None => described.text.push_str("[]"),
                    }
                    described.size *= length.unwrap_or(0);
                }
                Ok(described)
            }
            gimli::DW_TAG_structure_type | gimli::DW_TAG_union_type => {
                let path = self.name(&entry)?.unwrap_or_else(|| path.to_owned());
                let align = self.alignment(offset)?;
                self.queue.push_back(Pending {
                    offset,
                    path: path.clone(),
                });
                Ok(Described {
                    text: path,
                    size,
                    align,
                })
            }
            tag => bail!("{path} has a type of an unknown form: {tag}"),
        }
    }

    /// The natural alignment of a structure or union, without queueing what it is made of.
    fn alignment(&mut self, offset: UnitOffset) -> Result<u64> {
        let queue = std::mem::take(&mut self.queue);
        let mut scratch = Facts::default();
        let result = self.aggregate(offset, "", &mut scratch);
        self.queue = queue;
        result?;
        Ok(scratch.types.first().map_or(1, |ty| ty.align))
    }

    fn lengths(&self, array: UnitOffset) -> Result<Vec<Option<u64>>> {
        let mut lengths = Vec::new();
        let mut tree = self.unit.entries_tree(Some(array))?;
        let mut children = tree.root()?.children();
        while let Some(child) = children.next()? {
            let count = self.unsigned(child.entry(), gimli::DW_AT_count)?;
            let last = self.unsigned(child.entry(), gimli::DW_AT_upper_bound)?;
            lengths.push(count.or(last.map(|last| last + 1)));
        }
        Ok(lengths)
    }

    /// The name of the first member that has one, looking through anonymous members.
    fn first_name(&self, offset: UnitOffset) -> Result<String> {
        let mut tree = self.unit.entries_tree(Some(offset))?;
        let mut children = tree.root()?.children();
        while let Some(child) = children.next()? {
            if child.entry().tag() != gimli::DW_TAG_member {
                continue;
            }
            match self.name(child.entry())? {
                Some(name) if !name.starts_with("__empty_") => return Ok(name),
                Some(_) => {}
                None => {
                    let inner = type_of(child.entry())?.context("a member without a type")?;
                    return self.first_name(inner);
                }
            }
        }
        bail!("an anonymous type without members")
    }

    fn name(&self, entry: &Entry<'_, 'data>) -> Result<Option<String>> {
        let Some(value) = entry.attr_value(gimli::DW_AT_name)? else {
            return Ok(None);
        };
        let name = self.dwarf.attr_string(self.unit, value)?;
        Ok(Some(name.to_string_lossy().into_owned()))
    }

    fn unsigned(&self, entry: &Entry<'_, 'data>, name: gimli::DwAt) -> Result<Option<u64>> {
        Ok(entry
            .attr_value(name)?
            .and_then(|value| value.udata_value()))
    }
}

fn is_complete(entry: &Entry<'_, '_>) -> Result<bool> {
    Ok(entry.attr_value(gimli::DW_AT_declaration)?.is_none())
}

fn type_of(entry: &Entry<'_, '_>) -> Result<Option<UnitOffset>> {
    match entry.attr_value(gimli::DW_AT_type)? {
        Some(AttributeValue::UnitRef(offset)) => Ok(Some(offset)),
        None => Ok(None),
        other => bail!("a type reference of an unknown form: {other:?}"),
    }
}

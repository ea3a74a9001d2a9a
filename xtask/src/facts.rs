//! What the kernel's headers say, as committed JSON: no judgement, only what a C compiler answered.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything the KVM headers define for one architecture, in the headers' order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Kernel release, such as `7.3.4`.
    pub(crate) kernel: String,
    /// Our name of the architecture.
    pub(crate) arch: String,
    pub(crate) types: Vec<Type>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) macros: Vec<Macro>,
    pub(crate) strings: Vec<Text>,
    pub(crate) ioctls: Vec<Ioctl>,
    /// Macros with parameters.
    pub(crate) functions: Vec<String>,
    /// Macros with an empty body.
    pub(crate) empty: Vec<String>,
    /// Macros that are no constant expression on this architecture.
    pub(crate) not_constant: Vec<String>,
}

/// A structure or union, under its C path: an anonymous one is named by the member that holds it
/// (`kvm_run.io`), one without such a member by its own first member (`kvm_run.{hw}`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Type {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    pub(crate) align: u64,
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Struct,
    Union,
}

/// A member. Its type is `u8` .. `s64`, `char`, `ptr`, `enum NAME` or a C path, followed by array
/// lengths; `[]` is a flexible array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Field {
    /// Empty for an anonymous structure or union.
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) ty: String,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    /// For a bit field: its first bit within the structure and its width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bits: Option<(u64, u64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enum {
    /// Empty for an anonymous enumeration.
    pub(crate) name: String,
    pub(crate) constants: Vec<EnumConstant>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EnumConstant {
    pub(crate) name: String,
    pub(crate) value: i128,
}

/// A macro that is an integer constant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Macro {
    pub(crate) name: String,
    pub(crate) value: i128,
    /// Size and sign of the expression's C type.
    pub(crate) size: u64,
    pub(crate) signed: bool,
}

/// A macro that is a string literal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) name: String,
    /// Without the terminating NUL.
    pub(crate) bytes: Vec<u8>,
}

/// A request number, with the argument that its definition names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ioctl {
    pub(crate) name: String,
    /// `_IO`, `_IOR`, `_IOW` or `_IOWR`.
    pub(crate) encoding: String,
    /// The C type in the definition, empty for `_IO`.
    pub(crate) argument: String,
    /// None where the argument's type does not exist on this architecture.
    pub(crate) request: Option<u32>,
}

impl Facts {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the facts in {}", path.display()))?;
        Self::read_str(&text).with_context(|| format!("{} is not a facts file", path.display()))
    }

    pub(crate) fn read_str(text: &str) -> Result<Self> {
        Ok(serde_json::from_str(text)?)
    }

    /// The committed form: stable, and with one fact a line, so that it can be diffed.
    pub(crate) fn to_json(&self) -> Result<String> {
        let mut out = String::new();
        print(&serde_json::to_value(self)?, 0, &mut out)?;
        out.push('\n');
        Ok(out)
    }

    /// The names of all integer constants, macros and enumerators.
    pub(crate) fn constants(&self) -> impl Iterator<Item = &str> {
        let enumerators = self.enums.iter().flat_map(|entry| &entry.constants);
        let macros = self.macros.iter().map(|fact| fact.name.as_str());
        macros.chain(enumerators.map(|constant| constant.name.as_str()))
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Type> {
        self.types.iter().find(|ty| ty.name == name)
    }
}

/// Prints a value on one line if it holds no list of objects, otherwise one element a line.
fn print(value: &Value, indent: usize, out: &mut String) -> Result<()> {
    let deeper = "  ".repeat(indent + 1);
    match value {
        Value::Array(items)
            if items
                .iter()
                .any(|item| item.is_object() || item.is_string()) =>
        {
            out.push_str("[\n");
            for (index, item) in items.iter().enumerate() {
                out.push_str(&deeper);
                print(item, indent + 1, out)?;
                out.push_str(if index + 1 < items.len() { ",\n" } else { "\n" });
            }
            out.push_str(&"  ".repeat(indent));
            out.push(']');
        }
        Value::Object(map) if map.values().any(Value::is_array) && map.get("bits").is_none() => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                let nested = item.is_array();
                let first_line = index > 0 && !nested && indent > 0;
                out.push_str(match (index, first_line) {
                    (0, _) if indent > 0 => " ",
                    (0, _) => "\n",
                    (_, true) => ", ",
                    (_, false) => ",\n",
                });
                if !(first_line || index == 0 && indent > 0) {
                    out.push_str(&deeper);
                }
                out.push_str(&format!("{}: ", serde_json::to_string(key)?));
                print(item, indent + 1, out)?;
            }
            out.push_str(" }");
        }
        flat => out.push_str(&serde_json::to_string(flat)?),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_committed_file_is_in_the_form_that_is_written() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("facts/x86_64.json");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(Facts::read(&path).unwrap().to_json().unwrap(), text);
    }
}

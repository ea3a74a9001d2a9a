//! What kvm-sys defines, by name alone: from its source, without a single number.

use std::path::Path;

use anyhow::{Context, Result, bail};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Fields, ImplItem, Item, Type};

/// A module: `common`, or that of an architecture.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) structs: Vec<Struct>,
    pub(crate) constants: Vec<Constant>,
    /// Families and flags, with the integer that each is made of.
    pub(crate) groups: Vec<(String, String)>,
    pub(crate) functions: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Struct {
    pub(crate) name: String,
    /// The C path of an anonymous type.
    pub(crate) alias: Option<String>,
    /// Fields, or the views of a union.
    pub(crate) fields: Vec<Field>,
    pub(crate) union: bool,
    pub(crate) bits: Vec<Bits>,
    /// The flexible array of its `_flex` twin.
    pub(crate) tail: Option<Field>,
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// The type as it is written.
    pub(crate) ty: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Bits {
    pub(crate) name: String,
    pub(crate) storage: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Constant {
    pub(crate) name: String,
    pub(crate) ty: String,
}

impl Struct {
    /// Whether C sees through it: it has no name and neither has the member that holds it.
    pub(crate) fn transparent(&self) -> bool {
        self.alias
            .as_ref()
            .is_some_and(|alias| alias.ends_with('}'))
    }
}

impl Module {
    /// Reads `name.rs` and the files of its modules.
    pub(crate) fn read(src: &Path, name: &str) -> Result<Self> {
        let mut module = Self::default();
        let mut impls = Vec::new();
        for item in parse(&src.join(format!("{name}.rs")))?.items {
            if let Item::Mod(part) = item {
                let path = src.join(name).join(format!("{}.rs", part.ident));
                for item in parse(&path)?.items {
                    module.item(item, &mut impls)?;
                }
            }
        }
        // Views and accessors come behind their types, twins behind what they are twins of.
        for item in &impls {
            module.methods(item);
        }
        let twins: Vec<_> = (module.structs.iter())
            .filter_map(|twin| Some((twin.name.strip_suffix("_flex")?.to_owned(), twin.clone())))
            .collect();
        for (name, twin) in twins {
            module.structs.retain(|other| other.name != twin.name);
            let mut heads = module.structs.iter_mut();
            let head = heads.find(|head| head.name == name);
            head.with_context(|| format!("{} is the twin of nothing", twin.name))?
                .tail = twin.fields.last().cloned();
        }
        Ok(module)
    }

    fn item(&mut self, item: Item, impls: &mut Vec<syn::ItemImpl>) -> Result<()> {
        match item {
            Item::Struct(item) => {
                let name = item.ident.to_string();
                match &item.fields {
                    Fields::Unnamed(fields) => {
                        let inner = fields.unnamed.first().context("a structure of nothing")?;
                        if let Type::Array(_) = inner.ty {
                            self.structs
                                .push(structure(name, &item.attrs, Vec::new(), true));
                        } else {
                            self.groups.push((name, text(&inner.ty)));
                        }
                    }
                    fields => {
                        let visible = fields.iter().filter(|field| !hidden(&field.attrs));
                        let fields = visible.map(|field| Field {
                            name: field
                                .ident
                                .as_ref()
                                .map(ToString::to_string)
                                .unwrap_or_default(),
                            ty: text(&field.ty),
                        });
                        let fields = fields.collect();
                        self.structs
                            .push(structure(name, &item.attrs, fields, false));
                    }
                }
            }
            Item::Const(item) if matches!(item.vis, syn::Visibility::Public(_)) => {
                self.constants.push(Constant {
                    name: item.ident.to_string(),
                    ty: text(&item.ty),
                })
            }
            Item::Fn(item) if matches!(item.vis, syn::Visibility::Public(_)) => {
                self.functions.push(item.sig.ident.to_string());
            }
            Item::Macro(item)
                if item.mac.path.is_ident("family") || item.mac.path.is_ident("flags") =>
            {
                self.members(item.mac.tokens)?;
            }
            Item::Impl(item) if item.trait_.is_none() => impls.push(item),
            _ => {}
        }
        Ok(())
    }

    /// `Type, "prefix" { NAME = value; .. }` or `Type: repr { NAME = value; .. }`.
    fn members(&mut self, tokens: TokenStream) -> Result<()> {
        let mut ty = None;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if ty.is_none() => ty = Some(name.to_string()),
                TokenTree::Group(group) => {
                    let tokens: Vec<_> = group.stream().into_iter().collect();
                    for pair in tokens.windows(2) {
                        if let [TokenTree::Ident(name), TokenTree::Punct(punct)] = pair {
                            if punct.as_char() == '=' {
                                self.constants.push(Constant {
                                    name: name.to_string(),
                                    ty: ty.clone().context("a group without a type")?,
                                });
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn methods(&mut self, item: &syn::ItemImpl) {
        let name = text(&item.self_ty);
        let Some(ty) = self.structs.iter_mut().find(|ty| ty.name == name) else {
            return;
        };
        for item in &item.items {
            let ImplItem::Fn(method) = item else { continue };
            let method_name = method.sig.ident.to_string();
            if let Some(view) = method_name.strip_prefix("as_") {
                if let (false, syn::ReturnType::Type(_, ty_of)) =
                    (view.ends_with("_mut"), &method.sig.output)
                {
                    ty.fields.push(Field {
                        name: view.to_owned(),
                        ty: text(ty_of).trim_start_matches('&').trim().to_owned(),
                    });
                }
            } else if let Some(bits) = method_name.strip_prefix("set_") {
                let body = text(&method.block);
                let storage = body
                    .split("self . ")
                    .nth(1)
                    .and_then(|rest| rest.split(' ').next());
                ty.bits.push(Bits {
                    name: bits.to_owned(),
                    storage: storage.unwrap_or_default().to_owned(),
                });
            }
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Struct> {
        self.structs.iter().find(|ty| ty.name == name)
    }
}

/// The rows of the ioctl table: every `Op` that `ioctl.rs` makes public.
pub(crate) fn rows(src: &Path) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    for item in parse(&src.join("ioctl.rs"))?.items {
        match item {
            Item::Static(item) if text(&item.ty) == "Op" => rows.push(item.ident.to_string()),
            _ => {}
        }
    }
    for item in parse(&src.join("differing.rs"))?.items {
        if let Item::Const(item) = item {
            rows.push(item.ident.to_string());
        }
    }
    if rows.is_empty() {
        bail!("{} has no row", src.join("ioctl.rs").display());
    }
    Ok(rows)
}

fn structure(name: String, attrs: &[Attribute], fields: Vec<Field>, union: bool) -> Struct {
    Struct {
        name,
        alias: alias(attrs),
        fields,
        union,
        bits: Vec::new(),
        tail: None,
    }
}

fn parse(path: &Path) -> Result<syn::File> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    syn::parse_file(&text).with_context(|| format!("in {}", path.display()))
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

/// Whether it is `#[doc(hidden)]`: padding that C has no name for.
fn hidden(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| text(&attr.meta) == "doc (hidden)")
}

/// The text of `#[doc(alias = "..")]`.
fn alias(attrs: &[Attribute]) -> Option<String> {
    attrs.iter().find_map(|attr| {
        let meta = text(&attr.meta);
        let value = meta.strip_prefix("doc (alias = \"")?.strip_suffix("\")")?;
        Some(value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_every_form_that_the_crate_is_written_in() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("arch")).unwrap();
        std::fs::write(
            dir.path().join("arch.rs"),
            "mod types;\npub use types::*;\n",
        )
        .unwrap();
        let text = r#"
            pub struct Cap(pub u32);
            family! { Cap, "KVM_CAP_" { KVM_CAP_A = 1; KVM_CAP_B = 2; } }
            pub const KVM_PLAIN: u64 = 3;
            #[doc(alias = "kvm_one.{a}")]
            pub struct kvm_one_u(pub [u64; 1]);
            impl kvm_one_u {
                pub fn as_a(&self) -> &u32 { panic!() }
                pub fn as_a_mut(&mut self) -> &mut u32 { panic!() }
            }
            pub struct kvm_one { pub type_: Cap, #[doc(hidden)] pub _pad0: [u8; 4], pub u: kvm_one_u }
            impl kvm_one { pub const fn set_low(&mut self, value: u8) { self.bits0 = value; } }
            pub struct kvm_one_flex { pub head: kvm_one, pub tail: [u64] }
            pub const fn KVM_CALL(x: u64) -> u64 { x }
            const HELPER: u64 = 1;
        "#;
        std::fs::write(dir.path().join("arch/types.rs"), text).unwrap();
        let module = Module::read(dir.path(), "arch").unwrap();
        let names: Vec<_> = module
            .constants
            .iter()
            .map(|constant| constant.name.as_str())
            .collect();
        assert_eq!(names, ["KVM_CAP_A", "KVM_CAP_B", "KVM_PLAIN"]);
        assert_eq!(module.groups, [("Cap".to_owned(), "u32".to_owned())]);
        assert_eq!(module.functions, ["KVM_CALL"]);
        let [union, one] = &module.structs[..] else {
            panic!("{:?}", module.structs)
        };
        assert!(union.union && union.transparent() && union.fields.len() == 1);
        assert_eq!(
            (union.fields[0].name.as_str(), union.fields[0].ty.as_str()),
            ("a", "u32")
        );
        let fields: Vec<_> = one.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(fields, ["type_", "u"]);
        assert_eq!(
            (one.bits[0].name.as_str(), one.bits[0].storage.as_str()),
            ("low", "bits0")
        );
        assert_eq!(
            one.tail.as_ref().map(|tail| tail.name.as_str()),
            Some("tail")
        );
    }
}

//! The public methods of a crate, as its source has them, whatever they are compiled for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use syn::visit::{self, Visit};

/// Shows all source files in a folder, parsed.
pub(crate) fn each_file(src: &Path, show: &mut impl FnMut(&Path, &syn::File)) -> Result<()> {
    for entry in std::fs::read_dir(src).with_context(|| src.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            each_file(&path, show)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)?;
            let file = syn::parse_file(&text).with_context(|| path.display().to_string())?;
            show(&path, &file);
        }
    }
    Ok(())
}

/// `Type::method` for each public method of each type in the folder, and of each trait.
pub(crate) fn read(src: &Path) -> Result<BTreeSet<String>> {
    Ok(Methods::read(src)?.names())
}

/// The public methods of a crate, and the examples in its docs.
#[derive(Default)]
pub(crate) struct Methods {
    /// `Type::method` for each public method of each type, and of each trait; whether its docs have an example.
    all: BTreeMap<String, bool>,
    /// The names that examples call.
    called: BTreeSet<String>,
}

impl Methods {
    /// Those of the source in this folder.
    pub(crate) fn read(src: &Path) -> Result<Self> {
        let mut methods = Self::default();
        each_file(src, &mut |_, file| methods.visit_file(file))?;
        Ok(methods)
    }

    /// `Type::method` for each of them.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.all.keys().cloned().collect()
    }

    /// Those whose docs have no example, and that no other example calls, but for those of these types.
    pub(crate) fn without_example(&self, but: &[&str]) -> Vec<&str> {
        let shown = |name: &str| {
            let method = name.rsplit("::").next();
            method.is_some_and(|method| self.called.contains(method))
        };
        self.all
            .iter()
            .filter(|(name, example)| !**example && !shown(name))
            .filter(|(name, _)| !but.iter().any(|but| name.starts_with(&format!("{but}::"))))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    fn method(&mut self, of: &syn::Ident, name: &syn::Ident, attrs: &[syn::Attribute]) {
        // What is hidden is for this crate's own use.
        let example = attrs.iter().any(is_hidden) || docs(attrs).contains("```");
        self.all.insert(format!("{of}::{name}"), example);
    }
}

fn is_hidden(attr: &syn::Attribute) -> bool {
    let is_doc = attr.path().is_ident("doc");
    is_doc && matches!(&attr.meta, syn::Meta::List(list) if list.tokens.to_string() == "hidden")
}

/// The text of doc comments.
fn docs(attrs: &[syn::Attribute]) -> String {
    let line = |attr: &syn::Attribute| match &attr.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(text),
                ..
            }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    };
    let lines: Vec<String> = attrs.iter().filter_map(line).collect();
    lines.join("\n")
}

/// The names before an opening parenthesis, and before types that are given, in examples that run.
fn called(docs: &str) -> impl Iterator<Item = &str> {
    let blocks = docs.split("```").skip(1).step_by(2);
    let run = blocks.filter(|block| {
        let language = block.lines().next().unwrap_or_default();
        !["text", "no_run", "ignore", "compile_fail"]
            .iter()
            .any(|other| language.contains(other))
    });
    run.flat_map(|block| block.split('(')).filter_map(|before| {
        let before = match before.rsplit_once("::<") {
            Some((name, types)) if types.ends_with('>') => name,
            _ => before,
        };
        let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_');
        let name = before.get(start.map_or(0, |at| at + 1)..)?;
        (!name.is_empty()).then_some(name)
    })
}

impl<'ast> Visit<'ast> for Methods {
    fn visit_file(&mut self, file: &'ast syn::File) {
        let mut of_items = Docs(vec![docs(&file.attrs)]);
        of_items.visit_file(file);
        for docs in of_items.0 {
            self.called.extend(called(&docs).map(str::to_owned));
        }
        visit::visit_file(self, file);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        for method in &item.items {
            if let syn::TraitItem::Fn(method) = method {
                self.method(&item.ident, &method.sig.ident, &method.attrs);
            }
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let syn::Type::Path(of) = &*item.self_ty else {
            return;
        };
        let (None, Some(of)) = (&item.trait_, of.path.segments.last()) else {
            return;
        };
        for item in &item.items {
            match item {
                syn::ImplItem::Fn(method) if matches!(method.vis, syn::Visibility::Public(_)) => {
                    self.method(&of.ident, &method.sig.ident, &method.attrs);
                }
                _ => {}
            }
        }
    }
}

/// The docs of each item.
struct Docs(Vec<String>);

macro_rules! docs_of {
    ($($visit:ident $item:ident),*) => {
        impl<'ast> Visit<'ast> for Docs {
            $(fn $visit(&mut self, item: &'ast syn::$item) {
                self.0.push(docs(&item.attrs));
                visit::$visit(self, item);
            })*
        }
    };
}

docs_of! {
    visit_item_struct ItemStruct, visit_item_enum ItemEnum, visit_item_trait ItemTrait,
    visit_item_fn ItemFn, visit_impl_item_fn ImplItemFn, visit_trait_item_fn TraitItemFn,
    visit_item_mod ItemMod
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_shown_by_its_own_example_or_by_another() {
        let mut methods = Methods::default();
        methods.visit_file(
            &syn::parse_str(
                "impl<H> Vm<H> {
                     /// ```
                     /// vm.other(1)?;
                     /// ```
                     pub fn own(&self) {}
                     pub fn other(&self) {}
                     /// ```no_run
                     /// vm.never()
                     /// ```
                     fn private(&self) {}
                     pub fn never(&self) {}
                     #[doc(hidden)]
                     pub fn hidden(&self) {}
                 }",
            )
            .unwrap(),
        );
        assert_eq!(methods.names().len(), 4);
        assert_eq!(methods.without_example(&["Other"]), ["Vm::never"]);
    }
}

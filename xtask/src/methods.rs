//! The public methods of a crate, as its source has them, whatever they are compiled for.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use syn::visit::Visit;

/// `Type::method` for each public method of each type in the folder, and of each trait.
pub(crate) fn read(src: &Path) -> Result<BTreeSet<String>> {
    let mut methods = Methods::default();
    folder(src, &mut methods)?;
    Ok(methods.0)
}

fn folder(path: &Path, methods: &mut Methods) -> Result<()> {
    for entry in std::fs::read_dir(path).with_context(|| path.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            folder(&path, methods)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)?;
            let file = syn::parse_file(&text).with_context(|| path.display().to_string())?;
            methods.visit_file(&file);
        }
    }
    Ok(())
}

#[derive(Default)]
struct Methods(BTreeSet<String>);

impl<'ast> Visit<'ast> for Methods {
    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        for method in &item.items {
            if let syn::TraitItem::Fn(method) = method {
                self.0
                    .insert(format!("{}::{}", item.ident, method.sig.ident));
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
                    self.0.insert(format!("{}::{}", of.ident, method.sig.ident));
                }
                _ => {}
            }
        }
    }
}

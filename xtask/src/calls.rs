//! Which calls of the ioctl table the safe layer has methods for.
//!
//! Its source is read, whatever it is compiled for: a call counts on a kind of descriptor if a public method of that
//! kind's handle names its row, or uses a function or constant of the crate that does. What is in the folder of an
//! architecture counts for that one only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::curation::Row;
use crate::methods;

/// The architectures whose calls are all to have a method, as the curation names them.
const ARCHES: [(&str, &str); 3] = [
    ("x86_64", "x86"),
    ("aarch64", "arm64"),
    ("riscv64", "riscv"),
];

/// The handles on each kind of descriptor.
const HANDLES: [(&str, &[&str]); 4] = [
    ("system", &["Kvm"]),
    ("vm", &["Vm"]),
    ("vcpu", &["Vcpu", "Registers"]),
    ("device", &["Device"]),
];

/// The kernel's common code takes these on all architectures, but only to refuse them on aarch64 and riscv64,
/// whose registers have ids.
const X86_ONLY: [&str; 7] = [
    "KVM_GET_REGS",
    "KVM_SET_REGS",
    "KVM_GET_SREGS",
    "KVM_SET_SREGS",
    "KVM_GET_FPU",
    "KVM_SET_FPU",
    "KVM_TRANSLATE",
];

/// Saved state goes past the methods that are looked for, so it stands for none of them.
const NOT_COUNTED: [&str; 2] = ["save", "restore"];

/// How many calls an architecture has, counted by kind of descriptor, and those without a method.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) arch: &'static str,
    pub(crate) all: usize,
    pub(crate) missing: Vec<String>,
}

/// Compares the table with the source of the safe layer in this folder.
pub(crate) fn coverage(rows: &[Row], src: &Path) -> Result<Vec<Coverage>> {
    let mut source = Source::default();
    methods::each_file(src, &mut |path, file| source.read(path, file))?;
    Ok(compare(rows, &source))
}

fn compare(rows: &[Row], source: &Source) -> Vec<Coverage> {
    ARCHES
        .into_iter()
        .map(|(arch, dispatched)| {
            let named: BTreeMap<&str, BTreeSet<&str>> = HANDLES
                .into_iter()
                .map(|(fd, handles)| (fd, source.reachable(arch, handles)))
                .collect();
            let answers = |row: &&Row| {
                let common = arch == "x86_64" || !X86_ONLY.contains(&row.name.as_str());
                let on = |on: &String| on == dispatched || on == "common" && common;
                row.arches.iter().any(on)
            };
            let (mut all, mut missing) = (0, Vec::new());
            for row in rows.iter().filter(answers) {
                for fd in &row.fds {
                    all += 1;
                    let names = named.get(fd.as_str());
                    if !names.is_some_and(|names| names.contains(row.name.as_str())) {
                        missing.push(format!("{} on {fd}", row.name));
                    }
                }
            }
            Coverage { arch, all, missing }
        })
        .collect()
}

/// Whether what is in the file is there on the architecture.
fn is_on(file: &Path, arch: &str) -> bool {
    let folder = |name: &str| file.iter().any(|part| part == name);
    folder(arch) || !ARCHES.iter().any(|(other, _)| folder(other))
}

/// Where a function or constant is: its file, the type that it is of if any, and its name.
type Place = (PathBuf, Option<String>, String);

/// What the functions and constants of a crate name.
#[derive(Debug, Default)]
struct Source {
    items: BTreeMap<Place, Names>,
    public: BTreeSet<Place>,
    /// The traits of each type, whose provided methods it has as well.
    traits: BTreeSet<(String, String)>,
}

#[derive(Debug, Default)]
struct Names {
    /// In paths: constants, functions, rows.
    paths: BTreeSet<String>,
    /// After a dot.
    methods: BTreeSet<String>,
}

impl Source {
    /// All that is named, on the architecture, by the public methods of these types and by what they use.
    fn reachable(&self, arch: &str, types: &[&str]) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        let mut seen: BTreeSet<&Place> = self
            .public
            .iter()
            .filter(|(file, of, name)| {
                is_on(file, arch)
                    && of.as_deref().is_some_and(|of| self.has(types, of))
                    && !NOT_COUNTED.contains(&name.as_str())
            })
            .collect();
        let mut todo: Vec<&Place> = seen.iter().copied().collect();
        while let Some(place) = todo.pop() {
            let Some(item) = self.items.get(place) else {
                continue;
            };
            names.extend(item.paths.iter().map(String::as_str));
            let used = item
                .paths
                .iter()
                .flat_map(|name| self.named(name, place, arch, false))
                .chain(
                    item.methods
                        .iter()
                        .flat_map(|name| self.named(name, place, arch, true)),
                );
            for place in used {
                if seen.insert(place) {
                    todo.push(place);
                }
            }
        }
        names
    }

    /// Whether methods of `of`, which may be a trait, are also of one of the types.
    fn has(&self, types: &[&str], of: &str) -> bool {
        let provides = |ty: &&str| self.traits.contains(&((*ty).to_owned(), of.to_owned()));
        types.contains(&of) || types.iter().any(provides)
    }

    /// What a name stands for in an item: what the same file, or for a method the same type, has under it,
    /// or else the only one that there is.
    fn named(&self, name: &str, user: &Place, arch: &str, method: bool) -> Vec<&Place> {
        let all: Vec<&Place> = self
            .items
            .keys()
            .filter(|(file, of, item)| {
                item == name && (of.is_some() || !method) && is_on(file, arch)
            })
            .collect();
        let near = |place: &&Place| place.0 == user.0 || method && place.1 == user.1;
        let nearest: Vec<&Place> = all.iter().copied().filter(near).collect();
        match (nearest.is_empty(), all.len()) {
            (false, _) => nearest,
            (true, 1) => all,
            (true, _) => Vec::new(),
        }
    }
}

impl Source {
    fn read(&mut self, path: &Path, file: &syn::File) {
        let mut reader = Reader {
            source: self,
            path,
            of: None,
        };
        reader.visit_file(file);
    }
}

struct Reader<'a> {
    source: &'a mut Source,
    path: &'a Path,
    of: Option<String>,
}

impl Reader<'_> {
    fn item(&mut self, name: &syn::Ident, public: bool, names: Names) {
        let place = (self.path.to_owned(), self.of.clone(), name.to_string());
        if public {
            self.source.public.insert(place.clone());
        }
        let item = self.source.items.entry(place).or_default();
        item.paths.extend(names.paths);
        item.methods.extend(names.methods);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let syn::Type::Path(of) = &*item.self_ty else {
            return;
        };
        self.of = of.path.segments.last().map(|last| last.ident.to_string());
        let of_trait = item
            .trait_
            .as_ref()
            .and_then(|(_, path, _)| path.segments.last());
        if let (Some(of), Some(of_trait)) = (&self.of, of_trait) {
            let both = (of.clone(), of_trait.ident.to_string());
            self.source.traits.insert(both);
        }
        visit::visit_item_impl(self, item);
        self.of = None;
    }

    /// What a macro writes is not known here: each function in it may name all that it names.
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        let mut idents = Vec::new();
        idents_of(item.mac.tokens.clone(), &mut idents);
        let of = self.of.take();
        for pair in idents.windows(2) {
            if let [key, name] = pair {
                if key == "fn" {
                    let paths = idents.iter().map(ToString::to_string).collect();
                    let methods = BTreeSet::new();
                    self.item(name, false, Names { paths, methods });
                }
            }
        }
        self.of = of;
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.of = Some(item.ident.to_string());
        let public = matches!(item.vis, syn::Visibility::Public(_));
        for item in &item.items {
            if let syn::TraitItem::Fn(method) = item {
                if let Some(provided) = &method.default {
                    self.item(&method.sig.ident, public, names(provided));
                }
            }
        }
        self.of = None;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let public = matches!(item.vis, syn::Visibility::Public(_));
        self.item(&item.sig.ident, public, names(&item.block));
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.item(&item.sig.ident, false, names(&item.block));
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        let mut names = Names::default();
        names.visit_expr(&item.expr);
        self.item(&item.ident, false, names);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        let mut names = Names::default();
        names.visit_expr(&item.expr);
        self.item(&item.ident, false, names);
    }
}

fn idents_of(tokens: TokenStream, idents: &mut Vec<Ident>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => idents.push(ident),
            TokenTree::Group(group) => idents_of(group.stream(), idents),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn names(block: &syn::Block) -> Names {
    let mut names = Names::default();
    names.visit_block(block);
    names
}

impl<'ast> Visit<'ast> for Names {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(last) = path.segments.last() {
            self.paths.insert(last.ident.to_string());
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.methods.insert(call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        let mut source = Source::default();
        source.read(Path::new("src/vm.rs"), &syn::parse_str(text).unwrap());
        source.read(
            Path::new("src/x86_64/pit.rs"),
            &syn::parse_str("impl<H> Vm<H> { pub fn pit(&self) { x(&KVM_PIT) } }").unwrap(),
        );
        source
    }

    fn row(name: &str, fds: &[&str], arches: &[&str]) -> Row {
        let list = |of: &[&str]| {
            format!(
                "[{}]",
                of.iter().map(|s| format!("{s:?},")).collect::<String>()
            )
        };
        toml::from_str(&format!(
            "name = {name:?}\nfds = {}\narches = {}\nsection = \"\"",
            list(fds),
            list(arches)
        ))
        .unwrap()
    }

    #[test]
    fn a_call_counts_where_a_public_method_leads_to_its_row() {
        let source = source(
            "const ONE: Call = Call::new(&sys::KVM_ONE);
             impl<H> Vm<H> {
                 pub fn one(&self) { ONE.call(self) }
                 pub fn two(&self) { self.helper() }
                 pub fn three(&self) { H::Guest::written() }
                 fn helper(&self) { free() }
                 fn unused(&self) { x(&KVM_UNUSED) }
                 pub fn save(&self) { x(&KVM_SAVED) }
             }
             fn free() { x(&KVM_TWO) }
             macro_rules! write { ($arch:ident) => { fn written() { x(&$arch::KVM_THREE) } } }
             pub trait Attributes { fn attr(&self) { x(&KVM_ATTR) } }
             impl<H> Attributes for Vm<H> {}",
        );
        let rows = [
            row("KVM_ONE", &["vm", "vcpu"], &["x86"]),
            row("KVM_TWO", &["vm"], &["common"]),
            row("KVM_THREE", &["vm"], &["x86"]),
            row("KVM_UNUSED", &["vm"], &["x86"]),
            row("KVM_SAVED", &["vm"], &["arm64"]),
            row("KVM_OTHER", &["vm"], &["s390"]),
            row("KVM_PIT", &["vm"], &["x86", "riscv"]),
            row("KVM_ATTR", &["vm", "device"], &["x86"]),
        ];
        let [x86, arm, riscv] = &compare(&rows, &source)[..] else {
            panic!("three architectures");
        };
        assert_eq!((x86.arch, x86.all), ("x86_64", 8));
        assert_eq!(
            x86.missing,
            ["KVM_ONE on vcpu", "KVM_UNUSED on vm", "KVM_ATTR on device"]
        );
        assert_eq!(
            (arm.all, &arm.missing[..]),
            (2, &["KVM_SAVED on vm".to_owned()][..])
        );
        assert_eq!(
            (riscv.all, &riscv.missing[..]),
            (2, &["KVM_PIT on vm".to_owned()][..])
        );
    }
}

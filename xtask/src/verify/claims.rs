//! Claims: a number to be had from rustc, and what C has to say about it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::names::{Field, Module, Struct};

/// One statement about the interface.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) kind: Kind,
    pub(crate) what: String,
    /// Expressions of type `u64`.
    pub(crate) rust: Vec<String>,
    /// What must hold; `@0` is the first number.
    pub(crate) c: C,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Size,
    Align,
    Offset,
    Sign,
    Bits,
    Array,
    Constant,
    Request,
    Direction,
    Function,
}

#[derive(Debug, Clone)]
pub(crate) enum C {
    /// A constant expression.
    Constant(String),
    /// As above, but only where the macro of this name is defined.
    IfDefined(String, String),
    /// A statement that calls `wrong()` if it does not hold, which an optimizer must see.
    Folded(String),
}

/// The claims about one architecture.
pub(crate) struct Claims<'a> {
    arch: &'a str,
    common: &'a Module,
    own: &'a Module,
    list: Vec<Claim>,
}

/// Rows whose number does not say which way the data goes.
pub(crate) const LYING: [&str; 17] = [
    "KVM_SET_IRQCHIP",
    "KVM_GET_PIT",
    "KVM_SET_PIT",
    "KVM_REINJECT_CONTROL",
    "KVM_PPC_GET_PVINFO",
    "KVM_PPC_GET_RMMU_INFO",
    "KVM_PPC_RESIZE_HPT_PREPARE",
    "KVM_PPC_RESIZE_HPT_COMMIT",
    "KVM_PPC_GET_COMPAT_CAPS",
    "KVM_ARM_MTE_COPY_TAGS",
    "KVM_ARM_GET_REG_WRITABLE_MASKS",
    "KVM_MEMORY_ENCRYPT_REG_REGION",
    "KVM_MEMORY_ENCRYPT_UNREG_REGION",
    "KVM_CLEAR_DIRTY_LOG",
    "KVM_CREATE_GUEST_MEMFD",
    "KVM_S390_VCPU_FAULT",
    "KVM_S390_STORE_STATUS",
];

/// The families whose names common holds even where an architecture's headers lack some.
const SHARED: &str = "Cap";

impl<'a> Claims<'a> {
    pub(crate) fn of(
        arch: &'a str,
        common: &'a Module,
        own: &'a Module,
        rows: &[String],
    ) -> Result<Vec<Claim>> {
        let mut claims = Self {
            arch,
            common,
            own,
            list: Vec::new(),
        };
        for ty in common.structs.iter().chain(&own.structs) {
            claims
                .structure(ty)
                .with_context(|| format!("the type {}", ty.name))?;
        }
        for module in [common, own] {
            for constant in &module.constants {
                claims.constant(&constant.name, &constant.ty);
            }
        }
        for row in rows {
            claims.row(row);
        }
        for (_, rust, c) in super::samples::SAMPLES
            .iter()
            .filter(|(of, ..)| *of == arch)
        {
            let what = format!("{c} is {rust}");
            let c = format!("if ((unsigned long long)({c}) != @0) wrong();");
            claims.push(Kind::Function, &what, &[(*rust).to_owned()], C::Folded(c));
        }
        Ok(claims.list)
    }

    fn push(&mut self, kind: Kind, what: &str, rust: &[String], c: C) {
        self.list.push(Claim {
            kind,
            what: what.to_owned(),
            rust: rust.to_vec(),
            c,
        });
    }

    fn find(&self, name: &str) -> Option<&'a Struct> {
        self.own.find(name).or_else(|| self.common.find(name))
    }

    fn structure(&mut self, ty: &'a Struct) -> Result<()> {
        if ty.transparent() {
            // Its members are looked at as members of the type around it.
            return Ok(());
        }
        let (name, at) = (&ty.name, self.place(ty)?);
        for (kind, c, rust) in [
            (Kind::Size, "sizeof", "size_of"),
            (Kind::Align, "_Alignof", "align_of"),
        ] {
            let what = format!("{kind:?} of {name}").to_lowercase();
            let rust = format!("{rust}::<{name}>() as u64");
            let c = format!("{c}(__typeof__({at})) == @0");
            self.push(kind, &what, &[rust], C::Constant(c));
        }
        self.members(ty, &at, name, "0")?;
        for bits in &ty.bits {
            let (field, storage) = (c_name(&bits.name), &bits.storage);
            let set = format!(
                "{{ let mut value = {name}::new_zeroed(); value.set_{}(!0); value.{storage} as u64 }}",
                bits.name
            );
            let rust = [
                set,
                format!("offset_of!({name}, {storage}) as u64"),
                format!("size_of_val(&{name}::new_zeroed().{storage}) as u64"),
            ];
            let c = format!(
                "union {{ __typeof__({at}) s; unsigned char b[sizeof({at})]; }} x; \
                 unsigned char one; unsigned int four; unsigned long long w; \
                 __builtin_memset(&x, 0, sizeof(x)); x.s.{field} = -1; \
                 if (@2 == 1) {{ __builtin_memcpy(&one, x.b + @1, 1); w = one; }} \
                 else if (@2 == 4) {{ __builtin_memcpy(&four, x.b + @1, 4); w = four; }} \
                 else __builtin_memcpy(&w, x.b + @1, 8); \
                 if (w != @0) wrong();"
            );
            let what = format!("bits of {name}.{}", bits.name);
            self.push(Kind::Bits, &what, &rust, C::Folded(c));
        }
        if let Some(Field { name: tail, ty }) = &ty.tail {
            let field = c_name(tail);
            let rust =
                format!("<{name}_flex as KnownLayout>::size_for_metadata(0).unwrap_or(0) as u64");
            let c = format!("__builtin_offsetof(__typeof__({at}), {field}) == @0");
            self.push(
                Kind::Array,
                &format!("where {name}.{tail} begins"),
                &[rust],
                C::Constant(c),
            );
            let element = ty.trim_matches(['[', ']', ' ']);
            if element != "u8" {
                let rust = format!("size_of::<{element}>() as u64");
                let c = format!("sizeof(({at}).{field}[0]) == @0");
                self.push(
                    Kind::Array,
                    &format!("an element of {name}.{tail}"),
                    &[rust],
                    C::Constant(c),
                );
            }
        }
        Ok(())
    }

    /// The members of `ty`, which lies at the Rust offset `base` of the type `around` and in C at `at`.
    fn members(&mut self, ty: &'a Struct, at: &str, around: &str, base: &str) -> Result<()> {
        for field in &ty.fields {
            let offset = match ty.union {
                true => base.to_owned(),
                false => format!("{base} + offset_of!({}, {})", ty.name, field.name),
            };
            if ty.bits.iter().any(|bits| bits.storage == field.name)
                && field.name.starts_with("bits")
            {
                continue;
            }
            if let Some(inner) = self.find(&field.ty).filter(|inner| inner.transparent()) {
                self.members(inner, at, around, &offset)?;
                continue;
            }
            let name = c_name(&field.name);
            let what = format!("{around}.{}", field.name);
            let c = format!("__builtin_offsetof(__typeof__({at}), {name}) == @0");
            let rust = format!("({offset}) as u64");
            self.push(
                Kind::Offset,
                &format!("offset of {what}"),
                &[rust],
                C::Constant(c),
            );
            let rust = format!("size_of::<{}>() as u64", field.ty);
            let c = format!("sizeof(({at}).{name}) == @0");
            self.push(
                Kind::Size,
                &format!("size of {what}"),
                &[rust],
                C::Constant(c),
            );
            if let Some(integer) = self.integer(&field.ty) {
                let c = format!(
                    "_Generic(({at}).{name}, signed char: 1, short: 1, int: 1, long: 1, \
                     long long: 1, default: 0) == @0"
                );
                let rust = format!("({integer}::MIN != 0) as u64");
                self.push(
                    Kind::Sign,
                    &format!("sign of {what}"),
                    &[rust],
                    C::Constant(c),
                );
            }
        }
        Ok(())
    }

    /// The integer that a field is, if it is one.
    fn integer(&self, ty: &str) -> Option<String> {
        let mut groups = self.own.groups.iter().chain(&self.common.groups);
        if let Some((_, repr)) = groups.find(|(name, _)| name == ty) {
            return Some(repr.clone());
        }
        let bits = ty.strip_prefix(['u', 'i'])?;
        bits.parse::<u8>().ok().map(|_| ty.to_owned())
    }

    /// An expression of the type in C. An anonymous type is a member of the one that uses it.
    fn place(&self, ty: &Struct) -> Result<String> {
        if ty.alias.is_none() {
            let word = if ty.union { "union" } else { "struct" };
            return Ok(format!("(*({word} {} *)0)", ty.name));
        }
        let all = self.own.structs.iter().chain(&self.common.structs);
        let user = all.clone().find_map(|user| {
            let mut fields = user.fields.iter();
            let field = fields.find(|field| base(&field.ty) == ty.name)?;
            Some((user, field))
        });
        let (user, field) = user.context("it is anonymous in C and nothing uses it")?;
        let outer = self.place(user)?;
        if ty.transparent() {
            return Ok(outer);
        }
        let index = "[0]".repeat(field.ty.matches('[').count());
        Ok(format!("{outer}.{}{index}", c_name(&field.name)))
    }

    fn constant(&mut self, name: &str, ty: &str) {
        let mut groups = self.own.groups.iter().chain(&self.common.groups);
        let group = groups.find(|(group, _)| group == ty);
        let what = format!("constant {name}");
        if let Some(length) = ty
            .strip_prefix("& [u8 ; ")
            .and_then(|rest| rest.strip_suffix(']'))
        {
            let rust = format!("{name}.len() as u64");
            let c = format!("sizeof({name}) - 1 == @0");
            self.push(Kind::Constant, &what, &[rust], C::Constant(c));
            for index in 0..length.trim().parse::<u64>().unwrap_or(0) {
                let rust = format!("{name}[{index}] as u64");
                let c = format!("if ((unsigned char){name}[{index}] != @0) wrong();");
                self.push(
                    Kind::Constant,
                    &format!("{what}, byte {index}"),
                    &[rust],
                    C::Folded(c),
                );
            }
            return;
        }
        let (rust, repr) = match group {
            Some((_, repr)) => (format!("{name}.0 as u64"), repr.as_str()),
            None => (format!("{name} as u64"), ty),
        };
        let narrow = match repr {
            "u8" => "unsigned char",
            "u16" => "unsigned short",
            "u32" => "unsigned int",
            _ => "unsigned long long",
        };
        // A negative number may only be cut where Rust's type is narrower; any other must be whole.
        let c = format!(
            "(unsigned long long)({name}) == @0 || (({name}) < 0 && ({narrow})({name}) == @0)"
        );
        let c = match group {
            Some((group, _)) if group == SHARED => C::IfDefined(name.to_owned(), c),
            _ => C::Constant(c),
        };
        self.push(Kind::Constant, &what, &[rust], c);
    }

    /// The request number, and the direction where the number is true.
    fn row(&mut self, name: &str) {
        let arch = capitalized(self.arch);
        let rust = format!("kvm_sys::{name}.requests.on(Arch::{arch}).map_or(0, u64::from)");
        let c = format!("(unsigned long long)({name}) == @0");
        self.push(
            Kind::Request,
            &format!("request {name}"),
            &[rust],
            C::Constant(c),
        );
        let rust = [
            format!("direction(&kvm_sys::{name})"),
            format!("kvm_sys::{name}.arches.contains(Arch::{arch}.bit()) as u64"),
        ];
        let claimed = format!(
            "_IOC_DIR({name}) == ((@0 == 0 ? _IOC_NONE : 0) | (@0 & 1 ? _IOC_WRITE : 0) | \
             (@0 & 2 ? _IOC_READ : 0))"
        );
        let c = match LYING.contains(&name) {
            true => format!("!({claimed})"),
            false => claimed,
        };
        self.push(
            Kind::Direction,
            &format!("direction of {name}"),
            &rust,
            C::Constant(c),
        );
    }
}

/// How many claims there are of each kind.
pub(crate) fn count(claims: &[Claim]) -> BTreeMap<Kind, usize> {
    let mut counts = BTreeMap::new();
    for claim in claims {
        *counts.entry(claim.kind).or_default() += 1;
    }
    counts
}

/// `x86_64` as a variant of `Arch`.
fn capitalized(arch: &str) -> String {
    let mut chars = arch.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// Words of Rust have an underscore that C's names do not.
fn c_name(rust: &str) -> &str {
    rust.strip_suffix('_').unwrap_or(rust)
}

/// What an array, or an array of arrays, is made of.
fn base(ty: &str) -> &str {
    let inner = ty.trim_start_matches(['[', ' ']);
    inner.split([' ', ';']).next().unwrap_or(inner)
}

//! The forms that the generated modules are written in.

/// Gives the values of an integer type the kernel's names.
macro_rules! family {
    ($ty:ident, $prefix:literal { $($(#[$meta:meta])* $name:ident = $value:literal;)* }) => {
        $($(#[$meta])* pub const $name: $ty = $ty($value);)*

        impl $ty {
            /// Every value that has a name, in the headers' order.
            pub const NAMES: &'static [($ty, &'static str)] = &[$(($name, stringify!($name))),*];

            /// The kernel's name of this value, if it has one.
            pub fn name(self) -> Option<&'static str> {
                Self::NAMES.iter().find(|(value, _)| *value == self).map(|(_, name)| *name)
            }
        }

        impl core::fmt::Debug for $ty {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!($prefix, "…({})"), self.0),
                }
            }
        }
    };
}

/// Gives the bits of an integer type the kernel's names; bits that have none are kept.
macro_rules! flags {
    ($ty:ident: $repr:ty { $($(#[$($meta:tt)*])* $name:ident = $value:expr;)* }) => {
        bitflags::bitflags! {
            impl $ty: $repr {
                $($(#[$($meta)*])* const $name = $value;)*
                const _ = !0;
            }
        }

        $($(#[$($meta)*])* pub const $name: $ty = $ty::$name;)*

        impl core::fmt::Debug for $ty {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                if self.is_empty() {
                    return f.write_str(concat!(stringify!($ty), "(0x0)"));
                }
                f.write_str(concat!(stringify!($ty), "("))?;
                bitflags::parser::to_writer(self, &mut *f)?;
                f.write_str(")")
            }
        }
    };
}

/// Asserts size, alignment and every offset of a type, as the C compiler has them.
macro_rules! layout {
    ($ty:ident: $size:literal, $align:literal; $($field:ident $offset:literal),*) => {
        const _: () = {
            assert!(size_of::<$ty>() == $size && align_of::<$ty>() == $align);
            $(assert!(core::mem::offset_of!($ty, $field) == $offset);)*
        };
    };
}

/// Asserts that the elements behind a type begin where it ends.
macro_rules! flexible {
    ($head:ident, $size:literal, $element:ty, $length:literal) => {
        const _: () = {
            assert!(size_of::<$head>() == $size && size_of::<$element>() == $length);
            assert!($size % align_of::<$element>() == 0);
        };
    };
}

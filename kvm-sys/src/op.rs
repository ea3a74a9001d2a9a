//! What a row of the ioctl table says: [`Op`] and its parts.
//!
//! The request number of an ioctl does not tell which way its data goes, which descriptors it is
//! valid on, or which of its fields mean something only inside one process. The table
//! ([`crate::ioctl`]) does, and the typed layer, recorders and models all work from it.

use core::fmt;

bitflags::bitflags! {
    /// The kinds of KVM descriptor a call is valid on.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Fds: u8 {
        /// `/dev/kvm` itself.
        const SYSTEM = 1;
        /// A virtual machine, as `KVM_CREATE_VM` returns it.
        const VM = 2;
        /// A virtual CPU, as `KVM_CREATE_VCPU` returns it.
        const VCPU = 4;
        /// An in-kernel device, as `KVM_CREATE_DEVICE` returns it.
        const DEVICE = 8;
    }
}

/// Which way the argument's bytes really go, whatever the request number claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dir {
    /// The kernel reads the bytes.
    In,
    /// The kernel writes the bytes.
    Out,
    /// The kernel reads the bytes and writes them back.
    InOut,
}

/// A flexible array behind an argument's fixed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flex {
    /// Offset of the field (a `u32`) that counts the elements.
    pub count_at: u32,
    /// Size of one element in bytes.
    pub element: u32,
}

/// A run of bytes inside an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Offset of the first byte.
    pub offset: u32,
    /// Length in bytes.
    pub len: u32,
}

/// A pointer inside an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner {
    /// Offset of the pointer (a `u64`).
    pub offset: u32,
    /// Which way the bytes it points to go.
    pub dir: Dir,
}

/// What a call takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// No argument; zero is passed.
    Nothing,
    /// An integer, passed by value.
    Value,
    /// A pointer to a structure.
    Struct {
        /// Name of the C type.
        name: &'static str,
        /// Size of its fixed part in bytes.
        size: u32,
        /// Which way its bytes go.
        dir: Dir,
        /// The flexible array behind it, if it has one.
        flex: Option<Flex>,
        /// Pointers inside it.
        inner: &'static [Inner],
        /// Fields whose value is good in one process only (descriptors, host addresses): they
        /// differ in every run and are masked when calls are compared.
        opaque: &'static [Field],
    },
}

/// What a successful call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// Zero, or a number that means no more than success.
    Nothing,
    /// A number.
    Number,
    /// A new descriptor, as the call's result.
    Descriptor,
    /// A new descriptor, in the argument's field at this offset (an `i32` or `u32`).
    DescriptorAt(u32),
}

/// One call that an open KVM object answers.
///
/// Rows are statics, compared by address through [`PartialEq`], so a name can't drift from its number.
pub struct Op {
    /// The kernel's name of the request, such as `KVM_GET_REGS`.
    pub name: &'static str,
    /// The request number on this crate's native architecture.
    pub request: u32,
    /// The descriptors that the request is valid on.
    pub fds: Fds,
    /// The argument.
    pub takes: Takes,
    /// The result.
    pub returns: Returns,
    /// The state that a GET and a SET share: both rows of a pair carry the same name, so that whoever
    /// keeps the bytes under it has both calls.
    pub bank: Option<&'static str>,
    /// The capability that announces the call, by the kernel's name, where one does.
    pub capability: Option<&'static str>,
    /// The section of the kernel's `Documentation/virt/kvm/api.rst`, empty where it has none.
    pub section: &'static str,
}

impl Op {
    /// Size of the argument's fixed part in bytes; 0 when the call takes none.
    pub const fn size(&self) -> usize {
        match self.takes {
            Takes::Struct { size, .. } => size as usize,
            Takes::Nothing | Takes::Value => 0,
        }
    }

    /// Which way the argument's bytes go, if it has bytes.
    pub const fn dir(&self) -> Option<Dir> {
        match self.takes {
            Takes::Struct { dir, .. } => Some(dir),
            Takes::Nothing | Takes::Value => None,
        }
    }

    /// The fields to mask when two calls are compared.
    pub const fn opaque(&self) -> &'static [Field] {
        match self.takes {
            Takes::Struct { opaque, .. } => opaque,
            Takes::Nothing | Takes::Value => &[],
        }
    }
}

impl PartialEq for Op {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self, other) || (self.name == other.name && self.fds == other.fds)
    }
}

impl Eq for Op {}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

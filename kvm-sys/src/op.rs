//! What a row of the ioctl table says: [`Op`] and its parts.
//!
//! The request number of an ioctl does not tell which way its data goes, which descriptors it is
//! valid on, or which of its fields mean something only inside one process. The table
//! ([`crate::ioctl`]) does, and the typed layer, recorders and models all work from it.

use core::fmt;

use crate::arch::{Arch, Arches};

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
    /// Size of one element in bytes.
    pub element: u32,
    /// What says how long it is.
    pub count: Count,
}

/// What says how long a flexible array is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// As many elements as this field, of four or eight bytes, holds.
    Elements(Field),
    /// Fixed part and array together have as many bytes as this field holds.
    AllBytes(Field),
    /// Fixed part and array together have as many bytes as `KVM_CHECK_EXTENSION` answers for this
    /// capability, but no fewer than the fixed part.
    Capability(&'static str),
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
    /// What says how many bytes these are.
    pub len: Length,
}

/// What says how many bytes a pointer inside an argument points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Always as many.
    Fixed(u32),
    /// As many as this field holds.
    Bytes(Field),
    /// A bitmap of as many bits as this field holds, in whole words of 64.
    Bits(Field),
    /// One for each 16 that this field holds.
    Tags(Field),
    /// As many as the register has whose id this field holds: `KVM_REG_SIZE` of it.
    Register(Field),
    /// A bitmap with a bit for each page of the memory slot whose number this field holds, in whole
    /// words of 64. The number's upper half is that of the address space.
    Slot(Field),
    /// The kind of device decides, with the group and attribute in the argument.
    Attribute,
    /// The command in the argument decides.
    Command,
    /// As the shadow TLB, which `KVM_ENABLE_CAP` configured, is long.
    Tlb,
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

/// The number that a request has on each architecture.
///
/// The number is what the kernel's macro is worth there, which does not mean that a call is answered:
/// [`Op::arches`] says that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests([u32; 7]);

impl Requests {
    /// No number anywhere: for calls that are no ioctl.
    pub const NONE: Self = Self([0; 7]);

    /// In the order of [`Arch::ALL`], with 0 where the macro is worth nothing.
    pub(crate) const fn each(numbers: [u32; 7]) -> Self {
        Self(numbers)
    }

    /// The same number everywhere.
    pub(crate) const fn same(number: u32) -> Self {
        Self([number; 7])
    }

    /// One number for all architectures but powerpc and mips, which encode directions in another way.
    pub(crate) const fn two(most: u32, other: u32) -> Self {
        Self([most, most, most, most, other, most, other])
    }

    /// The number on an architecture, if its headers give the request one.
    pub const fn on(&self, arch: Arch) -> Option<u32> {
        let [
            x86_64,
            aarch64,
            riscv64,
            s390x,
            powerpc64le,
            loongarch64,
            mips64el,
        ] = self.0;
        let number = match arch {
            Arch::X86_64 => x86_64,
            Arch::Aarch64 => aarch64,
            Arch::Riscv64 => riscv64,
            Arch::S390x => s390x,
            Arch::Powerpc64le => powerpc64le,
            Arch::Loongarch64 => loongarch64,
            Arch::Mips64el => mips64el,
        };
        if number == 0 { None } else { Some(number) }
    }
}

/// One call that an open KVM object answers.
///
/// Rows are statics, compared by address through [`PartialEq`], so a name can't drift from its number.
pub struct Op {
    /// The kernel's name of the request, such as `KVM_GET_REGS`.
    pub name: &'static str,
    /// The request number on each architecture.
    pub requests: Requests,
    /// The architectures whose KVM answers the request.
    pub arches: Arches,
    /// The descriptors that the request is valid on.
    pub fds: Fds,
    /// The argument. Where its size differs between architectures that answer the request, each
    /// architecture's module has a row of its own, and the root that of [`Arch::NATIVE`].
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
    /// The request number on the native architecture; 0, which KVM answers with `ENOTTY`, where its
    /// headers give the request none.
    pub const fn request(&self) -> u32 {
        match self.requests.on(Arch::NATIVE) {
            Some(number) => number,
            None => 0,
        }
    }

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

/// The row, with the size of `T` as that of its argument.
#[expect(clippy::cast_possible_truncation, reason = "no argument is that long")]
pub(crate) const fn sized<T>(mut op: Op) -> Op {
    if let Takes::Struct { size, .. } = &mut op.takes {
        *size = size_of::<T>() as u32;
    }
    op
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

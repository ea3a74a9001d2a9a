//! The Linux KVM interface as data: layouts, constants, flags and the ioctl table.
//!
//! Everything has the kernel's name ([`kvm_regs`], [`KVM_CAP_IRQCHIP`], [`KVM_GET_REGS`]) and is
//! generated from the kernel's headers, so that a program can speak to KVM, or stand in for it,
//! without a C compiler and without `unsafe`:
//!
//! - every structure can be read from bytes and written to bytes ([`zerocopy`]): padding is made of
//!   fields, pointers are `u64`, a union is an array of words with a view for each member, and a
//!   structure that ends in a flexible array is its fixed part, and with `_flex` behind its name
//!   ([`kvm_irq_routing_flex`]) that and the array;
//! - numbers of one kind are one type ([`Cap`], [`ExitReason`]) whose `Debug` prints the kernel's
//!   name; sets of flags keep the bits that this crate does not know;
//! - each ioctl is a row of a table ([`ioctl::TABLE`]) that also says what its number does not.
//!
//! # Architectures
//!
//! The root has the names of the architecture compiled for, and the module of that name has them too;
//! [`common`] holds what is the same everywhere. Modules of the others are features: `aarch64`,
//! `riscv64`, `s390x`, `powerpc64le`, `loongarch64`, `mips64el`, `x86_64`, or `all-arches`. They work on
//! any host: a layout does not depend on who looks at it. (Integers are in host byte order, which
//! is for whoever reads bytes of a machine with the other one to mind.)
//!
//! Where there is no KVM to speak to, on wasm or a 32-bit machine, the root has the names of x86_64, so that
//! programs which only read or replay what KVM said build there as well.
#![no_std]
#![forbid(unsafe_code)]

#[macro_use]
mod macros;

pub mod arch;
pub mod common;
mod differing;
pub mod ioctl;
pub mod op;

pub use arch::{Arch, Arches};
pub use ioctl::*;

#[cfg(any(
    feature = "aarch64",
    all(target_arch = "aarch64", target_endian = "little")
))]
pub mod aarch64;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
pub use aarch64::*;

#[cfg(any(feature = "riscv64", target_arch = "riscv64"))]
pub mod riscv64;
#[cfg(target_arch = "riscv64")]
pub use riscv64::*;

#[cfg(any(feature = "s390x", target_arch = "s390x"))]
pub mod s390x;
#[cfg(target_arch = "s390x")]
pub use s390x::*;

#[cfg(any(
    feature = "powerpc64le",
    all(target_arch = "powerpc64", target_endian = "little")
))]
pub mod powerpc64le;
#[cfg(all(target_arch = "powerpc64", target_endian = "little"))]
pub use powerpc64le::*;

#[cfg(any(feature = "loongarch64", target_arch = "loongarch64"))]
pub mod loongarch64;
#[cfg(target_arch = "loongarch64")]
pub use loongarch64::*;

#[cfg(any(
    feature = "mips64el",
    all(target_arch = "mips64", target_endian = "little")
))]
pub mod mips64el;
#[cfg(all(target_arch = "mips64", target_endian = "little"))]
pub use mips64el::*;

// The native one, or where none is, the one that stands in: see `Arch::NATIVE`.
#[cfg(any(
    feature = "x86_64",
    not(any(
        all(target_arch = "aarch64", target_endian = "little"),
        target_arch = "riscv64",
        target_arch = "s390x",
        all(target_arch = "powerpc64", target_endian = "little"),
        target_arch = "loongarch64",
        all(target_arch = "mips64", target_endian = "little"),
    ))
))]
pub mod x86_64;
#[cfg(not(any(
    all(target_arch = "aarch64", target_endian = "little"),
    target_arch = "riscv64",
    target_arch = "s390x",
    all(target_arch = "powerpc64", target_endian = "little"),
    target_arch = "loongarch64",
    all(target_arch = "mips64", target_endian = "little"),
)))]
pub use x86_64::*;

//! The Linux KVM interface as data: layouts, constants, flags and the ioctl table.
//!
//! Everything has the kernel's name ([`kvm_regs`], [`KVM_CAP_IRQCHIP`], [`KVM_GET_REGS`]) and is
//! generated from the kernel's headers, so that a program can speak to KVM, or stand in for it,
//! without a C compiler and without `unsafe`:
//!
//! - every structure can be read from bytes and written to bytes ([`zerocopy`]): padding is made of
//!   fields, pointers are `u64`, a union is an array of words with a view for each member, and a
//!   structure that ends in a flexible array is its fixed part;
//! - numbers of one kind are one type ([`Cap`], [`ExitReason`]) whose `Debug` prints the kernel's
//!   name; sets of flags keep the bits that this crate does not know;
//! - each ioctl is a row of a table ([`ioctl::ALL`]) that also says what its number does not.
#![no_std]
#![forbid(unsafe_code)]

#[macro_use]
mod macros;

pub mod ioctl;
pub mod op;
pub mod x86_64;

pub use ioctl::*;
pub use x86_64::*;

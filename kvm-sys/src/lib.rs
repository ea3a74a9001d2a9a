//! The Linux KVM interface as data: layouts, constants, flags and the ioctl table.
#![no_std]
#![forbid(unsafe_code)]

pub mod ioctl;
pub mod op;
pub mod x86_64;

pub use ioctl::*;
pub use x86_64::*;

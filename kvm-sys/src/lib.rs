//! The Linux KVM interface as data: layouts, constants, flags and the ioctl table.
#![no_std]
#![forbid(unsafe_code)]

pub mod op;

//! A library to preload: it takes over `/dev/kvm` for a program that is linked dynamically, and answers in the
//! kernel's place from the backends of kvm-mock. `kvmrec run`, `record` and `replay` load it; `PRELOAD.md` says what it
//! does and does not.
//!
//! * [`hooks`]: the functions of the C library that it takes over. What is no descriptor of KVM's goes on to
//!   the real one ([`real`]) after one look at an array ([`table`]).
//! * [`calls`]: an `ioctl` of the program's, as a call on a backend. [`frame`] copies the argument in and out by
//!   the ioctl table, through [`user`], so that an address that leads nowhere is `EFAULT`.
//! * [`object`]: what a descriptor stands for. [`system`] opens the first one, [`run`] shares a vCPU's run page.
//! * [`process`]: forks. A VM is its process's own.
#![cfg(target_os = "linux")]

mod attributes;
mod backend;
mod calls;
mod config;
mod frame;
mod guard;
mod hooks;
mod object;
mod path;
mod process;
mod real;
mod report;
mod rows;
mod run;
mod start;
mod system;
mod table;
mod turns;
mod user;

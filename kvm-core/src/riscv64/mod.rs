//! The calls that riscv64 has, and the ids of its registers.

pub mod register;
mod save;
mod save_aia;

use crate::debug::debug_guest;

debug_guest!(Riscv64, riscv64);

//! The calls that x86_64 has.

mod cpuid;
mod irqchip;
mod msrs;
mod registers;
mod setup;
mod tsc;

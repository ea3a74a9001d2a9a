//! The calls that x86_64 has.

mod cpuid;
mod irqchip;
mod msrs;
mod registers;
mod save;
mod save_msrs;
mod save_vm;
mod setup;
mod sync_regs;
mod tsc;

pub use sync_regs::SyncedRegisters;

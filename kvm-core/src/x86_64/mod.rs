//! The calls that x86_64 has.

mod capabilities;
mod clock;
mod cpuid;
mod encrypt;
mod events;
mod fpu;
mod hyperv;
mod irqchip;
mod lapic;
mod mce;
mod msr_filter;
mod msrs;
mod nested;
mod pit;
mod pmu;
mod registers;
mod save;
mod save_msrs;
mod save_vm;
mod setup;
mod sync_regs;
mod tsc;
mod xen;
mod xsave;

pub use encrypt::EncryptCommand;
pub use msr_filter::MsrFilterRange;
pub use nested::NestedState;
pub use sync_regs::SyncedRegisters;
pub use xsave::Xsave;

//! The calls that x86_64 has.

mod clock;
mod cpuid;
mod encrypt;
mod events;
mod fpu;
mod irqchip;
mod lapic;
mod mce;
mod msr_filter;
mod msrs;
mod nested;
mod pit;
mod pmu;
mod registers;
mod setup;
mod tsc;
mod xen;
mod xsave;

pub use encrypt::EncryptCommand;
pub use msr_filter::MsrFilterRange;
pub use nested::NestedState;
pub use xsave::Xsave;

//! Guest memory: what backs it, and how it is read and written while a guest may do the same.

mod anonymous;
mod handle;
mod slots;
mod span;

pub use anonymous::AnonymousMemory;
pub use handle::{Backing, Memory};
pub(crate) use slots::Slots;
pub use span::Span;

/// Number of a memory slot: bits 0 to 15 are the slot, bits 16 to 31 the address space (0 but for
/// x86_64's system management mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// A guest-physical address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestAddress(pub u64);

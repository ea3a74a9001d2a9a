//! Guest memory: what backs it, and how it is read and written while a guest may do the same.

mod anonymous;
mod attributes;
mod dirty_log;
mod dirty_ring;
mod guest_memfd;
mod handle;
#[cfg(target_os = "linux")]
mod memfd;
mod slots;
mod span;
mod vm;

pub use anonymous::AnonymousMemory;
pub use dirty_log::DirtyLog;
pub use dirty_ring::DirtyRing;
pub use guest_memfd::GuestMemfd;
pub use handle::{Backing, Memory};
#[cfg(target_os = "linux")]
pub use memfd::MemfdMemory;
pub(crate) use slots::Slots;
pub use span::Span;

/// Number of a memory slot: bits 0 to 15 are the slot, bits 16 to 31 the address space, which is 0 but
/// for x86_64's system management mode.
///
/// ```
/// use kvm_core::Slot;
///
/// let slot = Slot::in_address_space(1, 7);
/// assert_eq!((slot, slot.address_space(), slot.number()), (Slot(0x1_0007), 1, 7));
/// assert_eq!(Slot(7), Slot::in_address_space(0, 7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

impl Slot {
    /// Bits of the number below the address space.
    const SPACE_SHIFT: u32 = 16;

    /// A slot in an address space. A VM has as many of those as `KVM_CAP_MULTI_ADDRESS_SPACE` says, or
    /// one.
    pub const fn in_address_space(space: u16, number: u16) -> Self {
        Self((space as u32) << Self::SPACE_SHIFT | number as u32)
    }

    /// Its address space.
    pub const fn address_space(self) -> u16 {
        (self.0 >> Self::SPACE_SHIFT) as u16
    }

    /// Its number in the address space.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    pub const fn number(self) -> u16 {
        self.0 as u16
    }
}

/// A guest-physical address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestAddress(pub u64);

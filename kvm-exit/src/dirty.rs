//! The ring of pages that the guest wrote to.

use kvm_sys::{DirtyGfnFlags, kvm_dirty_gfn};
use zerocopy::transmute;

/// The shape of a vCPU's dirty ring: entries of 16 bytes, a power of two of them.
///
/// User space keeps an index of its own. While the entry there is dirty, it takes the page, writes
/// [`HARVESTED`](Self::HARVESTED) to the entry's flags, and goes on to the next; then
/// `KVM_RESET_DIRTY_RINGS` gives the entries back. Needs `KVM_CAP_DIRTY_LOG_RING` or, on Arm,
/// `KVM_CAP_DIRTY_LOG_RING_ACQ_REL`; API, section 8.29.
///
/// The ring is shared with the kernel while guests run, so no reference may cover it: this type only
/// says where things are, and [`DirtyPage::decode`] takes a copy. The flags are to be read with
/// *acquire* before the rest of the entry and written with *release* after it.
///
/// ```
/// use kvm_exit::DirtyRing;
///
/// let ring = DirtyRing::new(65536).unwrap();
/// assert_eq!(ring.capacity(), 4096);
/// assert_eq!(ring.offset(1), 16);
/// // Indices need no wrapping.
/// assert_eq!(ring.offset(4096 + 1), 16);
/// assert_eq!(DirtyRing::new(48), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirtyRing {
    capacity: u32,
}

impl DirtyRing {
    /// The length of an entry in bytes. Its flags are its first four.
    pub const ENTRY_LEN: usize = size_of::<kvm_dirty_gfn>();

    /// What user space writes to the flags of an entry that it has taken.
    pub const HARVESTED: DirtyGfnFlags = DirtyGfnFlags::KVM_DIRTY_GFN_F_RESET;

    /// The ring of `len` bytes, which are what the capability was enabled with; `None` unless they
    /// are a power of two of entries.
    pub const fn new(len: usize) -> Option<Self> {
        let capacity = len / Self::ENTRY_LEN;
        if len % Self::ENTRY_LEN != 0 || !capacity.is_power_of_two() || capacity > 1 << 31 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 2^31")]
        let capacity = capacity as u32;
        Some(Self { capacity })
    }

    /// How many entries there are.
    pub const fn capacity(self) -> u32 {
        self.capacity
    }

    /// Where the entry of this index is in the ring, in bytes. The index is masked, so the entry is
    /// always inside the ring.
    pub const fn offset(self, index: u32) -> usize {
        (index & (self.capacity - 1)) as usize * Self::ENTRY_LEN
    }
}

/// A page that the guest wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirtyPage {
    /// The address space of the slot: 1 is x86_64's system management mode, all else is in 0.
    pub address_space: u16,
    /// The memory slot.
    pub slot: u16,
    /// The page's number in the slot, counted from its start.
    pub page: u64,
}

impl DirtyPage {
    /// The page in a copy of an entry; `None` unless the entry is dirty and not yet taken, which is
    /// where harvesting ends.
    ///
    /// ```
    /// use kvm_exit::DirtyPage;
    ///
    /// let mut entry = [0; 16];
    /// assert_eq!(DirtyPage::decode(entry), None);
    /// entry[..4].copy_from_slice(&1_u32.to_ne_bytes());
    /// entry[4..8].copy_from_slice(&0x1_0002_u32.to_ne_bytes());
    /// entry[8..].copy_from_slice(&7_u64.to_ne_bytes());
    /// let page = DirtyPage { address_space: 1, slot: 2, page: 7 };
    /// assert_eq!(DirtyPage::decode(entry), Some(page));
    /// ```
    pub fn decode(entry: [u8; DirtyRing::ENTRY_LEN]) -> Option<Self> {
        let kvm_dirty_gfn {
            flags,
            slot,
            offset,
        } = transmute!(entry);
        if flags != DirtyGfnFlags::KVM_DIRTY_GFN_F_DIRTY {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
        let (address_space, slot) = ((slot >> 16) as u16, slot as u16);
        Some(Self {
            address_space,
            slot,
            page: offset,
        })
    }
}

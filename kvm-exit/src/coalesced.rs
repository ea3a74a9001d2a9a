//! The ring of writes that caused no exit.

use kvm_sys::{kvm_coalesced_mmio, kvm_coalesced_mmio_ring};
use zerocopy::{FromBytes, transmute};

use crate::{Field, Malformed};

/// The shape of the ring of coalesced writes: a page that begins with two indices, `first` and `last`
/// (`u32` each), and holds entries of 24 bytes.
///
/// The kernel stores an entry at `last` and moves `last` on; user space reads the entry at `first` and
/// moves `first` on. The ring is empty when they are equal. Needs `KVM_CAP_COALESCED_MMIO`; API,
/// section 4.116.
///
/// The page is shared with the kernel while guests run, so no reference may cover it: this type only
/// says where things are, and [`CoalescedWrite::decode`] takes a copy.
///
/// ```
/// use kvm_exit::{CoalescedRing, CoalescedWrite};
///
/// let ring = CoalescedRing::new(4096).unwrap();
/// assert_eq!(ring.capacity(), 170);
/// assert_eq!(ring.offset(1), 8 + 24);
/// assert_eq!(ring.next(169), 0);
/// assert_eq!(ring.len(169, 1), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoalescedRing {
    capacity: u32,
}

impl CoalescedRing {
    /// Where `first` is in the page, in bytes: the index that user space writes.
    pub const FIRST: usize = 0;

    /// Where `last` is in the page, in bytes: the index that the kernel writes.
    pub const LAST: usize = 4;

    /// The length of an entry in bytes.
    pub const ENTRY_LEN: usize = size_of::<kvm_coalesced_mmio>();

    /// The ring in a page of `page_len` bytes; `None` where not one entry fits.
    pub const fn new(page_len: usize) -> Option<Self> {
        let Some(room) = page_len.checked_sub(size_of::<kvm_coalesced_mmio_ring>()) else {
            return None;
        };
        let capacity = room / Self::ENTRY_LEN;
        if capacity == 0 || capacity > 1 << 16 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "has at most 17 bits")]
        let capacity = capacity as u32;
        Some(Self { capacity })
    }

    /// How many entries the page has room for. One of them is always free.
    pub const fn capacity(self) -> u32 {
        self.capacity
    }

    /// Where the entry of this index is in the page, in bytes. An index that no kernel writes is taken
    /// modulo the capacity, so the entry is always inside the page.
    pub const fn offset(self, index: u32) -> usize {
        let index = self.wrap(index) as usize;
        size_of::<kvm_coalesced_mmio_ring>() + index * Self::ENTRY_LEN
    }

    /// The index after this one.
    pub const fn next(self, index: u32) -> u32 {
        self.wrap(self.wrap(index) + 1)
    }

    /// How many entries wait between these two indices.
    #[allow(clippy::len_without_is_empty, reason = "not a container")]
    pub const fn len(self, first: u32, last: u32) -> u32 {
        let (first, last) = (self.wrap(first), self.wrap(last));
        self.wrap(last + self.capacity - first)
    }

    const fn wrap(self, index: u32) -> u32 {
        // `new` makes no ring without capacity; the compiler has to be told.
        match index.checked_rem(self.capacity) {
            Some(index) => index,
            None => 0,
        }
    }

    /// The writes that wait in a copy of the page, first to last.
    ///
    /// # Errors
    ///
    /// [`Malformed`] in place of a write, as [`CoalescedWrite::decode`].
    ///
    /// ```
    /// use kvm_exit::CoalescedRing;
    ///
    /// let mut page = [0; 4096];
    /// page[4] = 1;
    /// page[8..16].copy_from_slice(&0xd000_0000_u64.to_ne_bytes());
    /// page[16..20].copy_from_slice(&2_u32.to_ne_bytes());
    /// page[24..26].copy_from_slice(&[0x12, 0x34]);
    ///
    /// let write = CoalescedRing::writes(&page).next().unwrap()?;
    /// assert!(!write.is_pio);
    /// assert_eq!((write.addr, write.data()), (0xd000_0000, &[0x12, 0x34][..]));
    /// # Ok::<(), kvm_exit::Malformed>(())
    /// ```
    pub fn writes(page: &[u8]) -> impl Iterator<Item = Result<CoalescedWrite, Malformed>> + '_ {
        let indices = kvm_coalesced_mmio_ring::read_from_prefix(page).ok();
        let ring = Self::new(page.len()).zip(indices);
        let (mut first, mut left) = match ring {
            Some((ring, (indices, _))) => (indices.first, ring.len(indices.first, indices.last)),
            None => (0, 0),
        };
        core::iter::from_fn(move || {
            let (ring, _) = ring?;
            left = left.checked_sub(1)?;
            let entry = page.get(ring.offset(first)..)?.first_chunk()?;
            first = ring.next(first);
            Some(CoalescedWrite::decode(*entry))
        })
    }
}

/// A write of the guest's that went into the ring in place of an exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoalescedWrite {
    /// Whether it is to a port (needs `KVM_CAP_COALESCED_PIO`); otherwise it is to memory.
    pub is_pio: bool,
    /// The port, or the guest-physical address in bytes.
    pub addr: u64,
    data: [u8; 8],
    len: u8,
}

impl CoalescedWrite {
    /// The write in a copy of an entry.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when its length is not from 1 to 8 bytes.
    pub fn decode(entry: [u8; CoalescedRing::ENTRY_LEN]) -> Result<Self, Malformed> {
        let kvm_coalesced_mmio {
            phys_addr,
            len,
            pio,
            data,
        } = transmute!(entry);
        match u8::try_from(len) {
            Ok(len @ 1..=8) => Ok(Self {
                is_pio: pio != 0,
                addr: phys_addr,
                data,
                len,
            }),
            _ => Err(Malformed::new(Field::CoalescedLen, len.into(), 8)),
        }
    }

    /// The bytes that the guest wrote, as they would be in memory: from 1 to 8.
    pub fn data(&self) -> &[u8] {
        self.data.get(..self.len.into()).unwrap_or(&self.data)
    }
}

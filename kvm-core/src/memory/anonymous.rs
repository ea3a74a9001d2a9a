//! [`AnonymousMemory`]: zeroed memory of this process, to give to a guest.
#![expect(unsafe_code, reason = "owns memory by its address")]

use core::fmt;
use core::ptr::NonNull;
use core::slice;

use super::Backing;
use crate::{Error, sys};

/// Zeroed memory of this process, aligned for every host's pages, freed when dropped.
///
/// Before it is given to a VM, and after it was got back, its bytes are slices.
///
/// ```
/// let mut ram = kvm_core::AnonymousMemory::new(0x10000)?;
/// ram.as_mut_slice()[0xfff0] = 0xf4; // hlt
/// assert_eq!(ram.as_slice().len(), 0x10000);
/// # Ok::<(), kvm_core::Error>(())
/// ```
pub struct AnonymousMemory {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the bytes are owned by this value and are plain data: whichever thread has the value may
// use them, and `&self` only reads them.
unsafe impl Send for AnonymousMemory {}
// SAFETY: as for `Send`.
unsafe impl Sync for AnonymousMemory {}

impl AnonymousMemory {
    /// `len` bytes, all zero. Guests get whole pages only, so `len` should be a multiple of the page
    /// size.
    ///
    /// # Errors
    ///
    /// `EINVAL` when `len` is 0 or no multiple of 8, `ENOMEM` when there is not so much memory.
    pub fn new(len: usize) -> Result<Self, Error> {
        let start = sys::allocate(len)?;
        Ok(Self { start, len })
    }

    /// As [`new`](Self::new), in huge pages of `page` bytes that the host has set aside.
    ///
    /// ```
    /// use kvm_core::{AnonymousMemory, Errno};
    ///
    /// match AnonymousMemory::with_huge_pages(2 << 20, 2 << 20) {
    ///     Ok(memory) => assert_eq!(memory.as_slice().len(), 2 << 20),
    ///     Err(error) => assert_eq!(error.errno(), Errno::ENOMEM, "none is set aside"),
    /// }
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when `page` is no size of the host's huge pages, or `len` is 0 or no multiple of it; `ENOMEM`
    /// when too few of them are left.
    #[cfg(target_os = "linux")]
    pub fn with_huge_pages(len: usize, page: usize) -> Result<Self, Error> {
        let start = sys::allocate_huge(len, page)?;
        Ok(Self { start, len })
    }

    /// Lets the host back the bytes by huge pages as it finds them. That makes guests faster, and changes
    /// nothing else.
    ///
    /// ```
    /// use kvm_core::{AnonymousMemory, Errno};
    ///
    /// let mut ram = AnonymousMemory::new(4 << 20)?;
    /// match ram.advise_huge_pages() {
    ///     Ok(()) => {}
    ///     Err(error) => assert_eq!(error.errno(), Errno::EINVAL, "a kernel without them"),
    /// }
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the host's kernel has no transparent huge pages.
    #[cfg(target_os = "linux")]
    pub fn advise_huge_pages(&mut self) -> Result<(), Error> {
        sys::advise_huge(self.start, self.len)
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `start` is the first of `len` zeroed bytes that this value owns until dropped; they
        // are written through `&mut self` only.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// The bytes, to change.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and `&mut self` is the only way to them now.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for AnonymousMemory {
    fn drop(&mut self) {
        // SAFETY: `start` and `len` are those of `sys::allocate`, freed here only; references from
        // `as_slice` borrow the value, so none is left.
        unsafe { sys::free(self.start, self.len) }
    }
}

// SAFETY: `start` and `len` never change; the bytes are owned, initialised and writable until the
// value is dropped. The only methods that touch them are `as_slice`, which a `Memory` has no way to
// call, as it gives out no reference to the value, and those that need `&mut self`.
unsafe impl Backing for AnonymousMemory {
    fn start(&self) -> NonNull<u8> {
        self.start
    }

    fn len(&self) -> usize {
        self.len
    }
}

impl fmt::Debug for AnonymousMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnonymousMemory")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::Errno;

    #[test]
    fn huge_pages_are_whole_and_of_a_size_that_can_be() {
        let page = 2 << 20;
        for (len, page) in [(0, page), (page + 0x1000, page), (0x3000, 0x1000), (6, 3)] {
            let refused = AnonymousMemory::with_huge_pages(len, page).unwrap_err();
            assert_eq!(refused.errno(), Errno::EINVAL, "{len:#x} by {page:#x}");
        }
    }
}

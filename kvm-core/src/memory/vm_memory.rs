//! Regions of the `vm-memory` crate as guest memory.
#![expect(unsafe_code, reason = "vouches for the memory of another crate")]

extern crate std;

use alloc::sync::Arc;
use core::ptr::NonNull;

use vm_memory::bitmap::Bitmap;
use vm_memory::{GuestRegionMmap, MmapRegion};

use super::Backing;

/// The bytes of a region, if it can be read and written.
fn bytes<B: Bitmap>(region: &MmapRegion<B>) -> Option<(NonNull<u8>, usize)> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let start = NonNull::new(region.as_ptr())?;
    (region.prot() & access == access).then_some((start, region.size()))
}

/// A region that can't be read and written is empty as guest memory, and refused as such.
macro_rules! backing {
    ($($region:ty),*) => {$(
        // SAFETY: the address and the size of a region never change, and the region keeps its bytes
        // mapped as long as it lives; `bytes` looks at its access. vm-memory gives out no reference to the
        // bytes: its accesses are volatile, as those of a device would be.
        unsafe impl<B: Bitmap + Send + Sync + 'static> Backing for $region {
            fn start(&self) -> NonNull<u8> {
                bytes(self).map_or(NonNull::dangling(), |(start, _)| start)
            }

            fn len(&self) -> usize {
                bytes(self).map_or(0, |(_, len)| len)
            }
        }
    )*};
}

backing!(MmapRegion<B>, Arc<MmapRegion<B>>, GuestRegionMmap<B>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    #[test]
    fn a_region_is_shared_with_vm_memory() {
        use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

        let address = GuestAddress(0x1000);
        let region = Arc::new(MmapRegion::<()>::new(0x2000).unwrap());
        let memory = Memory::from(Arc::clone(&region));
        let region = GuestRegionMmap::with_arc(region, address).unwrap();
        let guest = GuestMemoryMmap::from_regions(std::vec![region]).unwrap();

        guest.write_slice(b"one", GuestAddress(0x2ffd)).unwrap();
        let mut bytes = [0; 3];
        assert!(memory.read(0x1ffd, &mut bytes));
        assert_eq!(&bytes, b"one");
        assert!(memory.write(0, b"two"));
        guest.read_slice(&mut bytes, address).unwrap();
        assert_eq!(&bytes, b"two");
    }

    #[test]
    fn a_region_without_access_is_empty() {
        let flags = libc::MAP_ANONYMOUS | libc::MAP_PRIVATE;
        let region = MmapRegion::<()>::build(None, 0x1000, libc::PROT_READ, flags).unwrap();
        assert!(Memory::from(region).is_empty());
    }
}

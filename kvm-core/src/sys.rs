//! What this crate needs of the operating system beside KVM: memory.
#![expect(unsafe_code, reason = "asks the system for memory")]

use core::ptr::NonNull;

use crate::{Errno, Error, ops};

/// Pages are at most this large on the hosts that KVM runs on, so memory aligned to it can be given
/// to a guest, or to a recording of one, on any of them.
const ALIGN: usize = 0x1_0000;

fn refused(errno: Errno) -> Error {
    Error::new(&ops::MMAP_MEMORY, errno)
}

/// `len` zeroed bytes, aligned to 64 KiB.
#[cfg(unix)]
pub(crate) fn allocate(len: usize) -> Result<NonNull<u8>, Error> {
    if len == 0 || len % 8 != 0 {
        return Err(refused(Errno::EINVAL));
    }
    // `mmap` aligns to the host's page only: take more, and give the rest back.
    let slack = ALIGN;
    let all = len
        .checked_next_multiple_of(ALIGN)
        .and_then(|len| len.checked_add(slack))
        .ok_or(refused(Errno::ENOMEM))?;
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory in use.
    let start = unsafe {
        libc::mmap(
            core::ptr::null_mut(),
            all,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(refused(Errno::ENOMEM));
    }
    let start = start.cast::<u8>();
    let head = start.align_offset(ALIGN);
    let tail = slack - head;
    let aligned = start.wrapping_add(head);
    for (part, len) in [(start, head), (aligned.wrapping_add(all - slack), tail)] {
        if len > 0 {
            // SAFETY: the parts are the first and the last of the mapping made above, whole pages
            // (its start and `ALIGN` are multiples of the page) that nobody has seen yet.
            let _ = unsafe { libc::munmap(part.cast(), len) };
        }
    }
    NonNull::new(aligned).ok_or(refused(Errno::ENOMEM))
}

/// `len` zeroed bytes in huge pages of `page` bytes.
#[cfg(target_os = "linux")]
pub(crate) fn allocate_huge(len: usize, page: usize) -> Result<NonNull<u8>, Error> {
    // What `free` rounds lengths up to, so that it gives back exactly these pages.
    let whole = page.is_power_of_two() && page >= ALIGN && len % page == 0;
    if !whole || len == 0 {
        return Err(refused(Errno::EINVAL));
    }
    // The logarithm of a size has no more than six bits.
    let size = i32::try_from(page.trailing_zeros()).map_err(|_| refused(Errno::EINVAL))?
        << libc::MAP_HUGE_SHIFT;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_HUGETLB | size;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory in use.
    let start = unsafe { libc::mmap(core::ptr::null_mut(), len, access, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(refused(crate::dev_kvm::errno()));
    }
    NonNull::new(start.cast()).ok_or(refused(Errno::ENOMEM))
}

/// Lets the kernel use huge pages for what [`allocate`] gave.
#[cfg(target_os = "linux")]
pub(crate) fn advise_huge(start: NonNull<u8>, len: usize) -> Result<(), Error> {
    // SAFETY: the advice changes no byte, and takes no page away.
    match unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_HUGEPAGE) } {
        0 => Ok(()),
        _ => Err(refused(crate::dev_kvm::errno())),
    }
}

/// Frees what [`allocate`] or [`allocate_huge`] gave.
///
/// # Safety
///
/// `start` and `len` are those of one allocation, which is freed once, and nothing refers to the bytes.
#[cfg(unix)]
pub(crate) unsafe fn free(start: NonNull<u8>, len: usize) {
    // SAFETY: `allocate` left exactly this mapping, its length rounded up to `ALIGN`, of which the length of
    // huge pages is a multiple, and the caller promises that nothing refers to it.
    let _ = unsafe { libc::munmap(start.as_ptr().cast(), len.next_multiple_of(ALIGN)) };
}

#[cfg(not(unix))]
fn layout(len: usize) -> Result<core::alloc::Layout, Error> {
    if len == 0 || len % 8 != 0 {
        return Err(refused(Errno::EINVAL));
    }
    core::alloc::Layout::from_size_align(len, ALIGN).map_err(|_| refused(Errno::ENOMEM))
}

/// `len` zeroed bytes, aligned to 64 KiB.
#[cfg(not(unix))]
pub(crate) fn allocate(len: usize) -> Result<NonNull<u8>, Error> {
    let layout = layout(len)?;
    // SAFETY: the layout's size is not 0.
    let start = unsafe { alloc::alloc::alloc_zeroed(layout) };
    NonNull::new(start).ok_or(refused(Errno::ENOMEM))
}

/// Frees what [`allocate`] gave.
///
/// # Safety
///
/// `start` and `len` are those of one `allocate`, which is freed once, and nothing refers to the bytes.
#[cfg(not(unix))]
pub(crate) unsafe fn free(start: NonNull<u8>, len: usize) {
    if let Ok(layout) = layout(len) {
        // SAFETY: allocated with this very layout, and the caller promises that nothing refers to it.
        unsafe { alloc::alloc::dealloc(start.as_ptr(), layout) }
    }
}

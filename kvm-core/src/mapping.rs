//! [`Mapping`]: memory that a backend lends, and the wake that goes with it.
#![expect(
    unsafe_code,
    reason = "a mapping is shared between threads by its address"
)]

use alloc::sync::Arc;
use core::fmt;
use core::ptr::NonNull;

/// Keeps the bytes of a [`Mapping`] alive, and ends a wait of the vCPU they belong to.
///
/// Dropping it unmaps or frees the bytes.
pub trait Guard: Send + Sync {
    /// Makes a thread that is inside [`enter`](crate::Hypervisor::enter) of the mapping's vCPU look at
    /// byte 1 (`immediate_exit`) and return if it is set.
    ///
    /// Called after the byte was set. May be called when no thread is inside, and from any thread.
    fn wake(&self);
}

/// Memory that a backend lends: a vCPU's run page and what follows it, its dirty ring, or a guest_memfd.
///
/// It unmaps itself when the last clone goes. Bytes 0 and 1 of a run page (`request_interrupt_window`
/// and `immediate_exit`) are shared between threads and accessed atomically; the other private bytes
/// belong to the user between entries and to the backend inside them.
#[derive(Clone)]
pub struct Mapping {
    start: NonNull<u8>,
    len: usize,
    private: usize,
    guard: Arc<dyn Guard>,
}

// SAFETY: the fields but `start` are `Send` and `Sync`, and `start` is only an address: this type
// never dereferences it. Whoever does so, in `unsafe`, follows the rules in `new`, and those hold on
// every thread.
unsafe impl Send for Mapping {}
// SAFETY: as for `Send`.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// A mapping of `len` bytes at `start`, the first `private` of which are one vCPU's alone.
    ///
    /// # Safety
    ///
    /// * `start` is aligned to 8, and the `len` bytes behind it are initialised, readable and writable
    ///   until `guard` is dropped, and `private <= len`.
    /// * Until then nothing else in the process refers to the bytes by a Rust reference, and nobody
    ///   but the user of the mapping touches bytes `8..private` outside
    ///   [`enter`](crate::Hypervisor::enter).
    /// * Bytes 0 and 1 of a run page are only accessed atomically, and all bytes of a dirty ring, by aligned
    ///   words of 8 bytes; those of a guest_memfd as [`Span`](crate::Span)s do.
    pub unsafe fn new(
        start: NonNull<u8>,
        len: usize,
        private: usize,
        guard: Arc<dyn Guard>,
    ) -> Self {
        Self {
            start,
            len,
            private,
            guard,
        }
    }

    /// The first byte.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Length in bytes.
    #[allow(clippy::len_without_is_empty, reason = "a mapping is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many of the first bytes are one vCPU's alone.
    pub fn private(&self) -> usize {
        self.private
    }

    /// Ends a wait of the vCPU ([`Guard::wake`]).
    pub fn wake(&self) {
        self.guard.wake();
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping")
            .field("start", &self.start)
            .field("len", &self.len)
            .field("private", &self.private)
            .finish_non_exhaustive()
    }
}

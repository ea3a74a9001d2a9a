//! [`Kicker`]: makes a running vCPU return, from any thread.
#![expect(
    unsafe_code,
    reason = "the kick flag is a byte of memory that the kernel shares"
)]

use core::sync::atomic::{AtomicU8, Ordering};

use crate::Mapping;

/// Where `request_interrupt_window` is in a run page.
const REQUEST_INTERRUPT_WINDOW: usize = 0;
/// Where `immediate_exit` is in a run page.
const IMMEDIATE_EXIT: usize = 1;
/// A kicker asks the vCPU to return.
const KICK: u8 = 1;
/// [`Vcpu::complete`](crate::Vcpu::complete) asks it not to run the guest. Another bit, so that the two
/// don't take each other's request away.
const COMPLETE: u8 = 2;

/// Makes a vCPU return from the guest, from any thread.
///
/// After [`kick`](Self::kick) returns, the run in progress or the next one gives
/// [`Exit::Interrupted`](crate::Exit::Interrupted). Several kicks may be answered by one such exit; none
/// is lost. A kicker may outlive its vCPU; then kicks do nothing.
///
/// ```
/// use kvm_core::{Exit, Kvm};
/// use kvm_mock::Model;
///
/// let mut vcpu = Kvm::with(Model::new())?.create_vm()?.create_vcpu(0)?;
/// let kicker = vcpu.kicker();
/// std::thread::spawn(move || kicker.kick());
/// // Waits until kicked: the model has no script for this vCPU.
/// let (exit, _) = vcpu.run()?;
/// assert_eq!(exit, Exit::Interrupted);
/// # Ok::<(), kvm_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Kicker(Mapping);

impl Kicker {
    /// For the vCPU whose run page `mapping` is; it has at least 8 bytes.
    pub(crate) fn new(mapping: Mapping) -> Self {
        Self(mapping)
    }

    /// Makes the vCPU return.
    pub fn kick(&self) {
        // Sequentially consistent, as is what a backend does when a thread enters: either the thread
        // sees the flag or the wake sees the thread.
        self.flag().fetch_or(KICK, Ordering::SeqCst);
        self.0.wake();
    }

    /// Takes a kick's request away.
    pub(crate) fn consume(&self) {
        self.flag().fetch_and(!KICK, Ordering::SeqCst);
    }

    /// Asks the vCPU to complete pending I/O only, as long as the guard lives.
    pub(crate) fn complete_only(self) -> CompleteOnly {
        self.flag().fetch_or(COMPLETE, Ordering::SeqCst);
        CompleteOnly(self)
    }

    /// See [`Vcpu::request_interrupt_window`](crate::Vcpu::request_interrupt_window).
    pub(crate) fn request_interrupt_window(&self, on: bool) {
        let window = self.byte::<REQUEST_INTERRUPT_WINDOW>();
        window.store(on.into(), Ordering::SeqCst);
    }

    fn flag(&self) -> &AtomicU8 {
        self.byte::<IMMEDIATE_EXIT>()
    }

    /// One of the two bytes that threads share.
    fn byte<const AT: usize>(&self) -> &AtomicU8 {
        const { assert!(AT < 2) };
        // SAFETY: bytes 0 and 1 are inside the mapping, which `Vcpu::new` found long enough for a run page.
        let flag = unsafe { self.0.start().add(AT) };
        // SAFETY: the mapping's contract: initialised, live while this handle is, and accessed
        // atomically only. The kernel's plain read of it is outside the program.
        unsafe { AtomicU8::from_ptr(flag.as_ptr()) }
    }
}

/// As long as it lives, entering completes pending I/O only.
pub(crate) struct CompleteOnly(Kicker);

impl Drop for CompleteOnly {
    fn drop(&mut self) {
        self.0.flag().fetch_and(!COMPLETE, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;
    use core::ptr::NonNull;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use std::boxed::Box;

    use super::*;
    use crate::Guard;

    struct Words {
        start: NonNull<[u64; 2]>,
        wakes: AtomicUsize,
    }

    // SAFETY: the words are this value's own, and accessed as atomics only.
    unsafe impl Send for Words {}
    // SAFETY: as for `Send`.
    unsafe impl Sync for Words {}

    impl Guard for Words {
        fn wake(&self) {
            self.wakes.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Drop for Words {
        fn drop(&mut self) {
            // SAFETY: from `Box::leak` below, and given back once.
            drop(unsafe { Box::from_raw(self.start.as_ptr()) });
        }
    }

    #[test]
    fn kick_and_complete_keep_out_of_each_others_way() {
        let start = NonNull::from(Box::leak(Box::new([0_u64; 2])));
        let words = Arc::new(Words {
            start,
            wakes: AtomicUsize::new(0),
        });
        // SAFETY: 16 bytes, aligned to 8, live until the guard goes, known to it only.
        let mapping = unsafe { Mapping::new(start.cast(), 16, 16, words.clone()) };
        let kicker = Kicker::new(mapping);
        let flag = || kicker.flag().load(Ordering::Relaxed);

        let only = kicker.clone().complete_only();
        assert_ne!(flag(), 0, "entering completes only");
        kicker.kick();
        drop(only);
        assert_ne!(flag(), 0, "the kick is still to be answered");
        kicker.consume();
        assert_eq!(flag(), 0);
        assert_eq!(words.wakes.load(Ordering::Relaxed), 1);
    }
}

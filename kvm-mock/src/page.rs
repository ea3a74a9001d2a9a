//! [`RunMemory`]: a vCPU's run page in memory of this process.
#![expect(unsafe_code, reason = "a run page is shared by its address")]

use std::io;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use kvm_core::{AnonymousMemory, Backing, Errno, Guard, Mapping, Region};
use kvm_exit::{GuestArch, Page, RunPage};
use kvm_sys::ExitReason;
use zerocopy::IntoBytes;

use crate::wait::{Blocked, Ended, Held, Wait};

/// Where `request_interrupt_window` is in a run page.
const REQUEST_INTERRUPT_WINDOW: usize = 0;
/// Where `immediate_exit` is in a run page.
const IMMEDIATE_EXIT: usize = 1;
/// The bit of `immediate_exit` that the typed layer sets when it enters to complete pending I/O only.
/// Kicks set another.
const COMPLETE: u8 = 2;

/// Memory for a vCPU's mapping, with a wait that the mapping's wake ends.
#[derive(Debug)]
pub(crate) struct RunMemory {
    /// Touched through `start` only, never through its own methods: it only keeps the bytes.
    memory: AnonymousMemory,
    private: usize,
    wait: Wait,
}

impl RunMemory {
    /// Zeroed memory for the region.
    ///
    /// Gives `EINVAL` when the region is no run page, `ENOMEM` or what a socket can fail with when it
    /// can't be had.
    pub(crate) fn new<G: GuestArch>(region: Region) -> Result<Arc<Self>, Errno> {
        let Region::Run { len, private } = region else {
            return Err(Errno::EINVAL);
        };
        let private = private.min(len);
        Page::<G>::elements(private).ok_or(Errno::EINVAL)?;
        Ok(Arc::new(Self {
            memory: AnonymousMemory::new(len).map_err(|error| error.errno())?,
            private,
            wait: Wait::new().map_err(errno)?,
        }))
    }

    /// The memory, as the backend lends it.
    pub(crate) fn mapping(self: &Arc<Self>) -> Mapping {
        let guard: Arc<dyn Guard> = Arc::clone(self) as Arc<dyn Guard>;
        let start = self.memory.start();
        // SAFETY: `Backing` promises the bytes as long as `memory` lives, which the guard owns;
        // `AnonymousMemory` aligns them to pages, and `new` saw to `private <= len`. This type never
        // calls the methods of `memory` that make references, and touches bytes 8 and up in
        // `with_page` only, whose caller is inside `enter`; bytes 0 and 1 are read atomically.
        unsafe { Mapping::new(start, self.memory.len(), self.private, guard) }
    }

    /// Gives the words of the run page from byte 8 on, where a [`RunPage`] starts.
    ///
    /// # Safety
    ///
    /// The caller is inside `enter` of this vCPU, or no mapping was given to anybody yet.
    pub(crate) unsafe fn with_page<R>(&self, look: impl FnOnce(&mut [u64]) -> R) -> R {
        // SAFETY: the caller's promise; the bytes are those that `mapping` lends, which `self` keeps.
        unsafe { view(self.memory.start(), self.private, look) }
    }

    /// The byte that asks the vCPU to return.
    pub(crate) fn immediate_exit(&self) -> u8 {
        // SAFETY: `new` found more than 8 private bytes, and `memory` keeps them.
        unsafe { flag(self.memory.start(), IMMEDIATE_EXIT) }
    }

    /// Waits until the vCPU is asked to return, a signal arrives that is not among those `blocked` while it runs, or
    /// `over`, which is asked again after each wake. Gives the errno with which `KVM_RUN` then returns.
    pub(crate) fn block_unless(&self, blocked: Option<Blocked>, over: impl Fn() -> bool) -> Errno {
        // Before the flag is looked at, which a signal's handler may set.
        let mut held = match Held::new(blocked) {
            Ok(held) => held,
            Err(error) => return errno(error),
        };
        loop {
            if self.immediate_exit() != 0 || over() {
                return Errno::EINTR;
            }
            match self.wait.wait(&mut held) {
                Ok(Ended::Woken) => {}
                Ok(Ended::Signal) => return Errno::EINTR,
                Err(error) => return errno(error),
            }
        }
    }
}

impl Guard for RunMemory {
    fn wake(&self) {
        self.wait.wake();
    }
}

/// Gives the words of a run page from byte 8 on to the end of the private bytes; none if it has none.
///
/// # Safety
///
/// The caller is inside `enter` of the mapping's vCPU, or nobody else knows the mapping yet.
pub(crate) unsafe fn with_page<R>(mapping: &Mapping, look: impl FnOnce(&mut [u64]) -> R) -> R {
    // SAFETY: the caller's promise; `mapping`, borrowed for the call, keeps the bytes.
    unsafe { view(mapping.start(), mapping.private(), look) }
}

/// Whether the vCPU is asked to complete pending I/O only.
pub(crate) fn completes_only(mapping: &Mapping) -> bool {
    flag_of(mapping, IMMEDIATE_EXIT) & COMPLETE != 0
}

/// The byte that asks for an exit as soon as an interrupt can be injected.
pub(crate) fn request_interrupt_window(mapping: &Mapping) -> u8 {
    flag_of(mapping, REQUEST_INTERRUPT_WINDOW)
}

/// The reason of the exit in the page.
pub(crate) fn reason(page: &[u64]) -> ExitReason {
    let bytes = page.as_bytes().first_chunk();
    ExitReason(bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes)))
}

fn flag_of(mapping: &Mapping, offset: usize) -> u8 {
    if offset >= mapping.len() {
        return 0;
    }
    // SAFETY: inside the mapping, as just found, and `mapping` keeps it.
    unsafe { flag(mapping.start(), offset) }
}

/// Gives the words of the run page at `start` from byte 8 on to the end of the private bytes.
///
/// # Safety
///
/// As [`with_page`] for the mapping with that start, which stays until this returns.
unsafe fn view<R>(start: NonNull<u8>, private: usize, look: impl FnOnce(&mut [u64]) -> R) -> R {
    let Some(bytes) = private.checked_sub(RunPage::OFFSET) else {
        return look(&mut []);
    };
    // SAFETY: the offset is inside the private bytes, as just found, and they are inside the mapping.
    let start = unsafe { start.add(RunPage::OFFSET) }.cast::<u64>();
    let words = ptr::slice_from_raw_parts_mut(start.as_ptr(), bytes / size_of::<u64>());
    // SAFETY: `Mapping::new` promises that the bytes are initialised, writable, live and, as 8 is a
    // multiple of the alignment, aligned. The user makes no use of bytes 8 and up while a thread is
    // inside `enter`, which only one is, and the caller says that this is it; the reference ends
    // with `look`.
    look(unsafe { &mut *words })
}

/// # Safety
///
/// `start` and `offset` (0 or 1) are those of a byte inside a mapping that stays until this returns.
unsafe fn flag(start: NonNull<u8>, offset: usize) -> u8 {
    // SAFETY: inside the mapping, says the caller.
    let flag = unsafe { start.add(offset) };
    // SAFETY: `Mapping::new` promises that the byte lives as long as the mapping, and that these two
    // are accessed atomically only.
    let flag = unsafe { AtomicU8::from_ptr(flag.as_ptr()) };
    // Pairs with a kick, which stores the flag and then wakes.
    flag.load(Ordering::SeqCst)
}

/// The number of an error of the system.
fn errno(error: io::Error) -> Errno {
    error
        .raw_os_error()
        .and_then(|number| u16::try_from(number).ok())
        .map_or(Errno::EIO, Errno)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use kvm_exit::Native;

    use super::*;

    const REGION: Region = Region::Run {
        len: 0x3000,
        private: 0x2000,
    };

    /// As the typed layer's kicker does.
    fn kick(mapping: &Mapping) {
        // SAFETY: byte 1 is inside the mapping.
        let flag = unsafe { mapping.start().add(IMMEDIATE_EXIT) };
        // SAFETY: the mapping keeps the byte, which is accessed atomically only.
        unsafe { AtomicU8::from_ptr(flag.as_ptr()) }.store(1, Ordering::SeqCst);
        mapping.wake();
    }

    #[test]
    fn a_kick_before_or_during_the_wait_ends_it() {
        let memory = RunMemory::new::<Native>(REGION).unwrap();
        let mapping = memory.mapping();
        thread::scope(|scope| {
            scope.spawn(|| kick(&mapping));
            assert_eq!(memory.block_unless(None, || false), Errno::EINTR);
        });
        assert_eq!(memory.immediate_exit(), 1);
        assert_eq!(memory.block_unless(None, || false), Errno::EINTR);
    }

    #[test]
    fn the_page_is_a_run_page() {
        let memory = RunMemory::new::<Native>(REGION).unwrap();
        // SAFETY: the mapping was given to nobody.
        let words = unsafe {
            memory.with_page(|words| {
                assert!(RunPage::from_words(words).is_ok());
                words.len()
            })
        };
        assert_eq!(words, (0x2000 - 8) / 8);
    }

    #[test]
    fn a_region_too_short_for_a_run_page_is_refused() {
        let region = Region::Run {
            len: 2048,
            private: 2048,
        };
        assert_eq!(RunMemory::new::<Native>(region).unwrap_err(), Errno::EINVAL);
    }
}

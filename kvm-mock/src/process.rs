//! [`Process`]: whether this is still the process that began.

pub(crate) use imp::Process;

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "maps a page that forks do not inherit")]
mod imp {
    use std::ptr::{self, NonNull};
    use std::sync::atomic::{AtomicU8, Ordering};

    /// A page that the kernel clears in children, so that a look at it costs no system call.
    #[derive(Debug)]
    pub(crate) struct Process(Option<NonNull<AtomicU8>>);

    /// The kernel rounds it up to its page.
    const LEN: usize = 1;

    // SAFETY: the address of a byte that lives as long as this value, and is accessed atomically only.
    unsafe impl Send for Process {}
    // SAFETY: as for `Send`.
    unsafe impl Sync for Process {}

    impl Process {
        pub(crate) fn new() -> Self {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory in use.
            let start = unsafe { libc::mmap(ptr::null_mut(), LEN, access, flags, -1, 0) };
            if start == libc::MAP_FAILED {
                return Self(None);
            }
            // From here on `drop` unmaps it.
            let Some(byte) = NonNull::new(start.cast::<AtomicU8>()) else {
                return Self(None);
            };
            let process = Self(Some(byte));
            // SAFETY: the page was just mapped.
            let wiped = unsafe { libc::madvise(start, LEN, libc::MADV_WIPEONFORK) };
            if wiped == 0 {
                // SAFETY: as before; the byte is aligned, and zero.
                unsafe { byte.as_ref() }.store(1, Ordering::Relaxed);
                process
            } else {
                // Kernels before 4.14 don't know it; then a child is taken for its parent.
                Self(None)
            }
        }

        /// Whether this process is the one that called `new`, not a child that it forked.
        pub(crate) fn is_same(&self) -> bool {
            // SAFETY: the page stays mapped until `drop`.
            self.0
                .is_none_or(|byte| unsafe { byte.as_ref() }.load(Ordering::Relaxed) == 1)
        }
    }

    impl Drop for Process {
        fn drop(&mut self) {
            if let Some(byte) = self.0 {
                // SAFETY: the mapping of `new`, which nothing refers to any more.
                let _ = unsafe { libc::munmap(byte.as_ptr().cast(), LEN) };
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_child_is_another_process() {
            let process = Process::new();
            assert!(process.is_same());
            // SAFETY: the child calls nothing but `_exit`.
            let child = unsafe { libc::fork() };
            if child == 0 {
                // SAFETY: ends the child without running what the parent registered.
                unsafe { libc::_exit(i32::from(process.is_same())) };
            }
            let mut status = 0;
            // SAFETY: `status` is writable; the child is this test's.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert!(libc::WIFEXITED(status));
            assert_eq!(libc::WEXITSTATUS(status), 0);
            assert!(process.is_same());
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    /// Nothing is known of forks here.
    #[derive(Debug)]
    pub(crate) struct Process;

    impl Process {
        pub(crate) fn new() -> Self {
            Self
        }

        /// Always.
        pub(crate) fn is_same(&self) -> bool {
            true
        }
    }
}

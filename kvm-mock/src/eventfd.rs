//! [`EventFd`]: an eventfd that the VMM gave to the model.
#![expect(unsafe_code, reason = "takes a descriptor by its number")]

pub(crate) use imp::EventFd;

#[cfg(target_os = "linux")]
mod imp {
    use std::fs::{self, File};
    use std::io::Write;
    use std::os::fd::BorrowedFd;

    use kvm_core::Errno;

    /// The model's own reference to an eventfd, as the kernel takes one.
    #[derive(Debug)]
    pub(crate) struct EventFd {
        file: File,
        /// What the kernel calls it, whichever descriptor it is looked at through.
        id: String,
    }

    impl EventFd {
        /// `EBADF` when nothing is open under the number, `EINVAL` when it is no eventfd: as KVM has it,
        /// section 4.75.
        ///
        /// # Safety
        ///
        /// The descriptor is open.
        pub(crate) unsafe fn adopt(number: i32) -> Result<Self, Errno> {
            if number < 0 {
                return Err(Errno::EBADF);
            }
            // SAFETY: open, says the caller, and -1 it is not.
            let given = unsafe { BorrowedFd::borrow_raw(number) };
            let file = given.try_clone_to_owned().map_err(|_| Errno::EBADF)?;
            let about = fs::read_to_string(format!("/proc/self/fdinfo/{number}"))
                .map_err(|_| Errno::EBADF)?;
            let line = |name| about.lines().find_map(|line| line.strip_prefix(name));
            line("eventfd-count:").ok_or(Errno::EINVAL)?;
            Ok(Self {
                file: file.into(),
                // Kernels before 5.2 don't say; then two descriptors are two eventfds.
                id: line("eventfd-id:").map_or_else(|| format!("fd {number}"), str::to_owned),
            })
        }

        pub(crate) fn signal(&self) {
            // Fails only where as many signals as can be counted wait.
            let _ = (&self.file).write(&1_u64.to_ne_bytes());
        }
    }

    impl PartialEq for EventFd {
        fn eq(&self, other: &Self) -> bool {
            self.id == other.id
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::convert::Infallible;

    use kvm_core::Errno;

    /// There are no eventfds here.
    #[derive(Debug, PartialEq)]
    pub(crate) struct EventFd(Infallible);

    impl EventFd {
        /// `ENOSYS`, always.
        ///
        /// # Safety
        ///
        /// The descriptor is open.
        pub(crate) unsafe fn adopt(_number: i32) -> Result<Self, Errno> {
            Err(Errno::ENOSYS)
        }

        pub(crate) fn signal(&self) {
            match self.0 {}
        }
    }
}

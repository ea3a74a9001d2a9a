//! `open` and its forms.
#![expect(unsafe_code, reason = "defines functions of the C library")]

use std::ffi::{c_char, c_int, c_uint};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::Arc;

use kvm_core::{Errno, ops};

use crate::guard::{answer, inside, own};
use crate::object::{Kind, Object, duplicate, memory_file};
use crate::path::is_dev_kvm;
use crate::table::{self, File};
use crate::{real, start, system};

/// Errors of `open` that come after the kernel has read the path, where it can be that the device is only missing.
const AFTER_THE_PATH: [c_int; 5] = [
    libc::ENOENT,
    libc::EACCES,
    libc::EPERM,
    libc::ENXIO,
    libc::ENODEV,
];

/// Answers an `open` that the kernel has answered with `fd`: of `/dev/kvm`, in its place.
///
/// # Safety
///
/// The kernel was given `path`.
unsafe fn opened(at: c_int, path: *const c_char, flags: c_int, fd: c_int) -> c_int {
    if !start::active() || flags & libc::O_PATH != 0 || inside() {
        return fd;
    }
    if fd < 0 && !AFTER_THE_PATH.contains(&real::errno()) {
        return fd;
    }
    let before = real::errno();
    let take_over = || {
        // SAFETY: the kernel has read the path to its end, or to the end of what it reads of one.
        let ours = own(|| unsafe { is_dev_kvm(at, path, fd) });
        if ours {
            own(|| open_system(fd, flags, before))
        } else if fd < 0 {
            Err(u16::try_from(before).map_or(Errno::EIO, Errno))
        } else {
            Ok(fd)
        }
    };
    answer(take_over, -1)
}

/// Gives a descriptor that stands for the system.
fn open_system(fd: c_int, flags: c_int, errno: c_int) -> Result<c_int, Errno> {
    // SAFETY: the kernel has just given it to this thread, and the program has not seen it.
    let fd = (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) });
    let missing = || u16::try_from(errno).map_or(Errno::ENODEV, Errno);
    let mut held = table::lock();
    let system = system::get(&mut held, || {
        let fd = fd.as_ref().ok_or_else(missing)?;
        let own = duplicate(fd.as_raw_fd())?;
        table::hide(own.as_raw_fd());
        Ok(own)
    })?;
    drop(held);
    system.opens()?;
    let fd = if system.kernel {
        fd.ok_or_else(missing)?
    } else {
        drop(fd);
        memory_file(Kind::System, 0, flags & libc::O_CLOEXEC != 0)?
    };
    if table::insert(fd.as_raw_fd(), File::Object(Arc::new(Object::of(system)))) {
        Ok(fd.into_raw_fd())
    } else {
        Err(Errno::EMFILE)
    }
}

/// What a descriptor stands for that was opened as `/dev/kvm` by another process: the system of this one.
pub(super) fn inherited(fd: c_int) -> Result<Arc<Object>, Errno> {
    let mut held = table::lock();
    let system = system::get(&mut held, || {
        let own = duplicate(fd)?;
        table::hide(own.as_raw_fd());
        Ok(own)
    })?;
    drop(held);
    let object = Arc::new(Object::of(system));
    table::insert(fd, File::Object(Arc::clone(&object)));
    Ok(object)
}

impl system::System {
    /// Whether one more descriptor is to be had: a fault of the plan can say no.
    fn opens(&self) -> Result<(), Errno> {
        match &self.plan {
            Some(plan) => plan.refused(&ops::OPEN),
            None => Ok(()),
        }
    }
}

/// Defines a form of `open`: with a directory or without, and what stands behind the path.
macro_rules! opens {
    ($($name:ident[$($at:ident)?][$($mode:ident)?];)*) => {
        $(
            /// # Safety
            ///
            /// As the C library's own.
            #[unsafe(no_mangle)]
            pub(super) unsafe extern "C" fn $name(
                $($at: c_int,)?
                path: *const c_char,
                flags: c_int,
                $($mode: c_uint,)?
            ) -> c_int {
                // SAFETY: the caller's promise, passed on.
                let fd = unsafe { real::$name($($at,)? path, flags $(, $mode)?) };
                let directory = [$($at,)? libc::AT_FDCWD];
                // SAFETY: the kernel was given the path just now.
                unsafe { opened(directory[0], path, flags, fd) }
            }
        )*
    };
}

opens! {
    open[][mode];
    open64[][mode];
    openat[at][mode];
    openat64[at][mode];
    __open_2[][];
    __open64_2[][];
    __openat_2[at][];
    __openat64_2[at][];
}

//! `mmap`.
#![expect(unsafe_code, reason = "defines functions of the C library")]

use std::ffi::{c_int, c_void};

use crate::guard::{answer, last, own};
use crate::table::{self, File};
use crate::{real, run};

/// Defines a form of `mmap`.
macro_rules! maps {
    ($($name:ident;)*) => {
        $(
            /// # Safety
            ///
            /// As the C library's own.
            #[unsafe(no_mangle)]
            pub(super) unsafe extern "C" fn $name(
                start: *mut c_void,
                len: usize,
                access: c_int,
                flags: c_int,
                fd: c_int,
                offset: i64,
            ) -> *mut c_void {
                // SAFETY: the caller's promise, passed on.
                let map = || unsafe { real::$name(start, len, access, flags, fd, offset) };
                if fd < 0 || flags & libc::MAP_ANONYMOUS != 0 {
                    return map();
                }
                match table::find(fd) {
                    Some(File::Object(object)) => {
                        let mapped = || {
                            own(|| run::map(&object, offset, len))?;
                            let mapped = map();
                            if mapped == libc::MAP_FAILED { Err(last()) } else { Ok(mapped) }
                        };
                        answer(mapped, libc::MAP_FAILED)
                    }
                    Some(File::Inherited | File::Elsewhere) | None => map(),
                }
            }
        )*
    };
}

maps! {
    mmap;
    mmap64;
}

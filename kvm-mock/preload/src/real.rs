//! The functions of the C library that come after this one's.
#![expect(unsafe_code, reason = "calls functions that the dynamic linker finds")]

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::{mem, ptr};

/// Finds a function once. Two threads that both look find the same.
struct Real {
    name: &'static CStr,
    found: AtomicPtr<c_void>,
}

impl Real {
    const fn new(name: &'static CStr) -> Self {
        Self {
            name,
            found: AtomicPtr::new(ptr::null_mut()),
        }
    }

    fn find(&self) -> Option<*mut c_void> {
        let found = self.found.load(Ordering::Relaxed);
        if !found.is_null() {
            return Some(found);
        }
        // SAFETY: the name is a C string. Called from this library, so that the next one is meant.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        self.found.store(found, Ordering::Relaxed);
        (!found.is_null()).then_some(found)
    }
}

/// Functions by their C prototypes. Where there is none, a call fails with `ENOSYS`.
macro_rules! functions {
    ($($name:ident($($arg:ident: $type:ty),* $(; $($more:ident: $variadic:ty),*)?) -> $gives:ty, $fails:expr;)*) => {
        $(
            /// # Safety
            ///
            /// As the C library's own.
            #[inline]
            pub(crate) unsafe fn $name($($arg: $type,)* $($($more: $variadic,)*)?) -> $gives {
                static REAL: Real = match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => Real::new(name),
                    Err(_) => Real::new(c""),
                };
                type Function = unsafe extern "C" fn($($type,)* $($($variadic,)*)?) -> $gives;
                let Some(found) = REAL.find() else {
                    set_errno(libc::ENOSYS);
                    return $fails;
                };
                // SAFETY: the C library has a function of this name with this prototype. For those that take an
                // optional argument behind the others, all conventions of the systems that have KVM pass an
                // integer there as they pass any other.
                let function = unsafe { mem::transmute::<*mut c_void, Function>(found) };
                // SAFETY: the caller's promise.
                unsafe { function($($arg,)* $($($more,)*)?) }
            }
        )*
    };
}

functions! {
    open(path: *const c_char, flags: c_int; mode: c_uint) -> c_int, -1;
    open64(path: *const c_char, flags: c_int; mode: c_uint) -> c_int, -1;
    openat(at: c_int, path: *const c_char, flags: c_int; mode: c_uint) -> c_int, -1;
    openat64(at: c_int, path: *const c_char, flags: c_int; mode: c_uint) -> c_int, -1;
    __open_2(path: *const c_char, flags: c_int) -> c_int, -1;
    __open64_2(path: *const c_char, flags: c_int) -> c_int, -1;
    __openat_2(at: c_int, path: *const c_char, flags: c_int) -> c_int, -1;
    __openat64_2(at: c_int, path: *const c_char, flags: c_int) -> c_int, -1;
    ioctl(fd: c_int, request: c_ulong; arg: usize) -> c_int, -1;
    fcntl(fd: c_int, command: c_int; arg: usize) -> c_int, -1;
    fcntl64(fd: c_int, command: c_int; arg: usize) -> c_int, -1;
    mmap(start: *mut c_void, len: usize, access: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut c_void, libc::MAP_FAILED;
    mmap64(start: *mut c_void, len: usize, access: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut c_void, libc::MAP_FAILED;
    read(fd: c_int, to: *mut c_void, len: usize) -> isize, -1;
    pread(fd: c_int, to: *mut c_void, len: usize, offset: i64) -> isize, -1;
    pread64(fd: c_int, to: *mut c_void, len: usize, offset: i64) -> isize, -1;
    __read_chk(fd: c_int, to: *mut c_void, len: usize, room: usize) -> isize, -1;
    __pread_chk(fd: c_int, to: *mut c_void, len: usize, offset: i64, room: usize) -> isize, -1;
    __pread64_chk(fd: c_int, to: *mut c_void, len: usize, offset: i64, room: usize) -> isize, -1;
    close(fd: c_int) -> c_int, -1;
    close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int, -1;
    dup(fd: c_int) -> c_int, -1;
    dup2(fd: c_int, to: c_int) -> c_int, -1;
    dup3(fd: c_int, to: c_int, flags: c_int) -> c_int, -1;
    syscall(number: c_long; a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> c_long, -1;
    recvmsg(fd: c_int, message: *mut libc::msghdr, flags: c_int) -> isize, -1;
}

/// The calling thread's last error.
pub(crate) fn errno() -> c_int {
    // SAFETY: gives a pointer to the calling thread's own variable.
    let location = unsafe { libc::__errno_location() };
    // SAFETY: the C library keeps it valid as long as the thread lives.
    unsafe { *location }
}

/// Sets the calling thread's last error.
pub(crate) fn set_errno(errno: c_int) {
    // SAFETY: as in `errno`.
    let location = unsafe { libc::__errno_location() };
    // SAFETY: as in `errno`; it is this thread's own.
    unsafe { *location = errno };
}

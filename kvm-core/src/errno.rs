//! [`Errno`]: why a call was refused, by Linux's numbers on every host.

use core::fmt;

/// An error number as Linux returns it on x86_64, aarch64 and riscv64, whatever host this runs on:
/// a recording made on Linux means the same everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(pub u16);

macro_rules! errnos {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        impl Errno {
            $(#[doc = concat!("`", stringify!($name), "`: ", $text, ".")]
            pub const $name: Errno = Errno($number);)*

            /// The symbolic name, such as `EINVAL`, where this crate knows it.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            const fn text(self) -> &'static str {
                match self.0 {
                    $($number => $text,)*
                    _ => "unknown error",
                }
            }
        }
    };
}

errnos! {
    EPERM = 1, "operation not permitted";
    ENOENT = 2, "no such file, device or entry";
    EINTR = 4, "interrupted";
    EIO = 5, "input/output error";
    ENOEXEC = 8, "not runnable";
    ENXIO = 6, "no such device or address";
    E2BIG = 7, "list too long";
    EBADF = 9, "bad file descriptor";
    EAGAIN = 11, "try again";
    ENOMEM = 12, "out of memory";
    EACCES = 13, "permission denied";
    EFAULT = 14, "bad address";
    EBUSY = 16, "busy";
    EEXIST = 17, "exists already";
    ENODEV = 19, "no such device";
    EINVAL = 22, "invalid argument";
    ENFILE = 23, "too many open files in the system";
    EMFILE = 24, "too many open files";
    ENOTTY = 25, "no such call on this object";
    ENOSPC = 28, "no space left";
    ERANGE = 34, "out of range";
    ENOSYS = 38, "not implemented";
    EPROTO = 71, "protocol error";
    EOVERFLOW = 75, "value too large";
    EOPNOTSUPP = 95, "not supported";
    EHWPOISON = 133, "memory page has a hardware error";
    DIVERGED = 5000, "the run left the recording or script that answers it; the backend's outcome says where";
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Errno({})", self.0),
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}: {}", self.text())
    }
}

impl core::error::Error for Errno {}

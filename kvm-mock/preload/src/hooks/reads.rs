//! `read` and `pread`, of the files that statistics are in.
#![expect(unsafe_code, reason = "defines functions of the C library")]

use std::ffi::{c_int, c_void};

use kvm_core::{Errno, Hypervisor};

use crate::guard::{answer, own};
use crate::object::{Kind, Object, lock};
use crate::table::{self, File};
use crate::{real, user};

/// Not one of those that KVM answers with.
const ESPIPE: u16 = 29;

/// What is read at once at most.
const MOST: usize = 1 << 20;

/// Reads from an object as from a file: at an offset, or from where the last read ended.
fn read_object(
    object: &Object,
    to: *mut c_void,
    len: usize,
    offset: Option<i64>,
) -> Result<isize, Errno> {
    match (object.kind, offset) {
        (Kind::Stats, _) => {}
        // As the kernel has it of files that are no device's, and can't be read.
        (Kind::Vm | Kind::Vcpu | Kind::Device(_), Some(_)) => return Err(Errno(ESPIPE)),
        _ => return Err(Errno::EINVAL),
    }
    let mut position = lock(&object.position);
    let offset = match offset {
        Some(offset) => u64::try_from(offset).map_err(|_| Errno::EINVAL)?,
        None => *position,
    };
    let mut bytes = vec![0; len.min(MOST)];
    let read = object.backend().read(offset, &mut bytes);
    if read == Err(Errno::DIVERGED) {
        object.system.diverged();
    }
    let read = read?;
    user::write(
        to.expose_provenance() as u64,
        bytes.get(..read).unwrap_or_default(),
    )?;
    *position = offset.saturating_add(read as u64);
    isize::try_from(read).map_err(|_| Errno::EINVAL)
}

/// Defines a form of `read`: its arguments behind the length, and where it reads.
macro_rules! reads {
    ($($name:ident($($arg:ident: $type:ty),*): $offset:expr;)*) => {
        $(
            /// # Safety
            ///
            /// As the C library's own.
            #[unsafe(no_mangle)]
            pub(super) unsafe extern "C" fn $name(fd: c_int, to: *mut c_void, len: usize $(, $arg: $type)*) -> isize {
                match table::find(fd) {
                    None => {
                        // SAFETY: the caller's promise, passed on.
                        unsafe { real::$name(fd, to, len $(, $arg)*) }
                    }
                    Some(File::Object(object)) => {
                        answer(|| own(|| read_object(&object, to, len, $offset)), -1)
                    }
                    Some(File::Inherited) => answer(|| Err(Errno::EINVAL), -1),
                    Some(File::Elsewhere) => answer(|| Err(Errno::EIO), -1),
                }
            }
        )*
    };
}

reads! {
    read(): None;
    pread(offset: i64): Some(offset);
    pread64(offset: i64): Some(offset);
    __read_chk(_room: usize): None;
    __pread_chk(offset: i64, _room: usize): Some(offset);
    __pread64_chk(offset: i64, _room: usize): Some(offset);
}

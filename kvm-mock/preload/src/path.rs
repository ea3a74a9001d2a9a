//! Whether a path is that of `/dev/kvm`.
#![expect(unsafe_code, reason = "reads a C string")]

use std::ffi::{OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::{env, fs};

const DEV_KVM: &str = "/dev/kvm";

/// The kernel reads no more of a path.
const MOST: usize = 4096;

/// Whether the path means `/dev/kvm`. `fd` is what it was opened as, or negative.
///
/// # Safety
///
/// `path` is a C string, or at least 4096 bytes long.
pub(crate) unsafe fn is_dev_kvm(at: c_int, path: *const c_char, fd: c_int) -> bool {
    // SAFETY: the caller's promise.
    let len = unsafe { libc::strnlen(path, MOST) };
    // SAFETY: so many bytes are there, as just found; nobody changes the path of a call that is being made.
    let path = unsafe { std::slice::from_raw_parts(path.cast::<u8>(), len) };
    path.ends_with(b"kvm") && (clean(at, OsStr::from_bytes(path)) || is_device(fd))
}

/// Whether the path, without its detours, is the one. The device need not be there.
fn clean(at: c_int, path: &OsStr) -> bool {
    let mut path = PathBuf::from(path);
    if path.is_relative() {
        let base = if at == libc::AT_FDCWD {
            env::current_dir()
        } else {
            fs::read_link(format!("/proc/self/fd/{at}"))
        };
        let Ok(base) = base else {
            return false;
        };
        path = base.join(path);
    }
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean == Path::new(DEV_KVM)
}

/// Whether it is KVM's device, by whatever name.
fn is_device(fd: c_int) -> bool {
    const MISC: u32 = 10;
    const KVM: u32 = 232;

    // SAFETY: all zero is a valid `stat`.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a `stat` of our own, written by the call.
    let known = fd >= 0 && unsafe { libc::fstat(fd, &mut stat) } == 0;
    known
        && stat.st_mode & libc::S_IFMT == libc::S_IFCHR
        && stat.st_rdev == libc::makedev(MISC, KVM)
}

/// What a descriptor is called.
pub(crate) fn name(fd: c_int) -> Option<OsString> {
    let link = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
    Some(OsString::from_vec(link.into_os_string().into_vec()))
}

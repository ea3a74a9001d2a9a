//! [`MappedFile`]: a file that is appended to without a system call for each record.
#![expect(unsafe_code, reason = "maps a file")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

use kvm_core::Span;

/// How much of the file is mapped, and set aside on the disk, at once; a multiple of every host's page size.
const WINDOW: usize = 1 << 20;

/// A file whose end is mapped.
///
/// What was appended is the kernel's at once, so it outlives the process. Room is set aside before it is
/// mapped: a full disk is an error here, and no `SIGBUS` later. Until [`finish`](Self::finish), zeros are
/// behind what was appended.
#[derive(Debug)]
pub(crate) struct MappedFile {
    file: File,
    window: Option<Window>,
    /// Length of what was appended.
    len: u64,
}

impl MappedFile {
    /// Appends to an empty file. Gives the file back, as it was, when it, or its file system, can't set room
    /// aside, or can't be mapped.
    pub(crate) fn new(file: File) -> Result<Self, File> {
        match Window::new(&file, 0, WINDOW) {
            Ok(window) => Ok(Self {
                file,
                window: Some(window),
                len: 0,
            }),
            Err(_) => {
                let _ = file.set_len(0);
                Err(file)
            }
        }
    }

    /// Appends a record, whose length is a multiple of 8. Its first eight bytes come last, so that a process
    /// that is killed leaves zeros there, or else all of it.
    pub(crate) fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let written = |window: &Window| window.write(self.len, record);
        if !self.window.as_ref().is_some_and(written) {
            self.advance(record.len())?;
            let written = |window: &Window| window.write(self.len, record);
            if !self.window.as_ref().is_some_and(written) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
        }
        self.len += record.len() as u64;
        Ok(())
    }

    /// Maps the place where the next `room` bytes go.
    fn advance(&mut self, room: usize) -> io::Result<()> {
        self.window = None;
        // A multiple of the page size, as offsets of mappings have to be.
        let at = self.len - self.len % WINDOW as u64;
        let skip = self.len - at;
        let len = usize::try_from(skip).ok().and_then(|skip| {
            let len = skip.checked_add(room)?;
            len.checked_next_multiple_of(WINDOW)
        });
        let len = len.ok_or(io::ErrorKind::OutOfMemory)?;
        self.window = Some(Window::new(&self.file, at, len)?);
        Ok(())
    }

    /// Gives back what is behind the last record.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.window = None;
        self.file.set_len(self.len)
    }
}

/// Gives back what is behind the last record, as far as that can be done.
impl Drop for MappedFile {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

/// A part of the file in memory.
#[derive(Debug)]
struct Window {
    start: NonNull<u8>,
    span: Span,
    /// Its offset in the file.
    at: u64,
}

// SAFETY: the window owns its mapping, an address that is good on every thread, and uses it through the span
// only.
unsafe impl Send for Window {}

impl Window {
    fn new(file: &File, at: u64, len: usize) -> io::Result<Self> {
        let offset = libc::off_t::try_from(at).map_err(io::Error::other)?;
        let length = libc::off_t::try_from(len).map_err(io::Error::other)?;
        let fd = file.as_raw_fd();
        // SAFETY: takes no address; the descriptor is open.
        if unsafe { libc::fallocate(fd, 0, offset, length) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let shared = libc::MAP_SHARED;
        // SAFETY: a mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, access, shared, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: the mapping was just made, can be read and written, and is unmapped by `drop`, with which the
        // span goes. Only this value knows it.
        let span = unsafe { Span::new(start, len) }.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { start, span, at })
    }

    /// Writes a record to an offset of the file. Says whether it is all inside; if not nothing is written.
    fn write(&self, at: u64, record: &[u8]) -> bool {
        let inside = at.checked_sub(self.at);
        let inside = inside.and_then(|inside| usize::try_from(inside).ok());
        let (Some(at), Some((first, rest))) = (inside, record.split_first_chunk()) else {
            return false;
        };
        let behind = at.saturating_add(first.len());
        self.span.write(behind, rest) && self.span.store_release(at, u64::from_ne_bytes(*first))
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: this is the mapping of `new`, which nothing else refers to; what was written stays in the
        // file.
        let _ = unsafe { libc::munmap(self.start.as_ptr().cast(), self.span.len()) };
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    fn file(name: &str) -> (std::path::PathBuf, File) {
        let name = format!("mapped-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        (path.clone(), options.open(path).unwrap())
    }

    #[test]
    fn records_are_in_the_file_at_once_and_windows_follow_each_other() {
        let (path, file) = file("windows");
        let mut mapped = MappedFile::new(file).unwrap();
        let mut expected = Vec::new();
        for (n, len) in (1..).zip([8, WINDOW - 16, 16, 24, 3 * WINDOW, 8]) {
            let record = vec![n; len];
            mapped.append(&record).unwrap();
            expected.extend(record);
            let found = std::fs::read(&path).unwrap();
            assert!(found.starts_with(&expected), "record {n}");
            assert!(found.iter().skip(expected.len()).all(|byte| *byte == 0));
        }
        mapped.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), expected);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_can_not_set_room_aside_is_given_back() {
        let (near, _far) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(MappedFile::new(std::os::fd::OwnedFd::from(near).into()).is_err());
    }
}

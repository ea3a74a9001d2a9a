//! Which descriptors are KVM's: an array that every call looks at, and behind it what they stand for.
#![expect(unsafe_code, reason = "an array that grows without a lock")]

use std::collections::BTreeMap;
use std::ffi::{c_int, c_uint};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::{mem, ptr};

use crate::guard;
use crate::object::Object;
use crate::system::System;

/// Descriptors in one piece of the array.
const PIECE: usize = 4096;
/// Pieces. Linux allows a process a million descriptors, unless its administrator says more; those beyond are
/// never KVM's.
const PIECES: usize = 256;

/// What a descriptor is.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Mark {
    Other = 0,
    /// One that a program has of a KVM object.
    Program = 1,
    /// One of this library's own, which the program does not know of.
    Hidden = 2,
}

type Piece = [AtomicU8; PIECE];

static PIECES_OF_MARKS: [AtomicPtr<Piece>; PIECES] =
    [const { AtomicPtr::new(ptr::null_mut()) }; PIECES];

/// The place of a descriptor in the array, if its piece is there.
#[inline]
fn place(fd: c_int) -> Option<&'static AtomicU8> {
    let fd = usize::try_from(fd).ok()?;
    let piece = PIECES_OF_MARKS.get(fd / PIECE)?.load(Ordering::Acquire);
    // SAFETY: null, or from `Box::leak` in `make_place`, which is never taken back.
    let piece = unsafe { piece.as_ref() }?;
    piece.get(fd % PIECE)
}

/// The same, with a new piece if there is none. Nothing for descriptors beyond the array.
fn make_place(fd: c_int) -> Option<&'static AtomicU8> {
    if let Some(place) = place(fd) {
        return Some(place);
    }
    let slot = PIECES_OF_MARKS.get(usize::try_from(fd).ok()? / PIECE)?;
    let new: &'static mut Piece = Box::leak(Box::new([const { AtomicU8::new(0) }; PIECE]));
    // One of two threads that come at once loses its piece, which stays unused.
    let _ = slot.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
    place(fd)
}

fn mark(fd: c_int, mark: Mark) -> bool {
    let place = if mark == Mark::Other {
        place(fd)
    } else {
        make_place(fd)
    };
    if let Some(place) = place {
        place.store(mark as u8, Ordering::Release);
    }
    place.is_some()
}

#[inline]
fn is(fd: c_int, mark: Mark) -> bool {
    place(fd).is_some_and(|place| place.load(Ordering::Acquire) == mark as u8)
}

/// What is open.
#[derive(Debug, Default)]
pub(crate) struct Held {
    files: BTreeMap<c_int, File>,
    /// The system that all descriptors of `/dev/kvm` stand for.
    pub(crate) system: Option<Arc<System>>,
}

/// What a descriptor of the program's stands for.
#[derive(Clone, Debug)]
pub(crate) enum File {
    Object(Arc<Object>),
    /// `/dev/kvm`, opened by another process, which this one got it from.
    Inherited,
    /// An object of another process.
    Elsewhere,
}

static HELD: RwLock<Held> = RwLock::new(Held {
    files: BTreeMap::new(),
    system: None,
});

/// What is open, to be changed.
pub(crate) fn lock() -> RwLockWriteGuard<'static, Held> {
    HELD.write().unwrap_or_else(PoisonError::into_inner)
}

/// What the program's descriptor stands for; nothing when it is not KVM's, or the library itself asks.
#[inline]
pub(crate) fn find(fd: c_int) -> Option<File> {
    if is(fd, Mark::Program) {
        find_held(fd)
    } else {
        None
    }
}

fn find_held(fd: c_int) -> Option<File> {
    if guard::inside() { None } else { find_any(fd) }
}

/// As [`find`], whoever asks.
pub(crate) fn find_any(fd: c_int) -> Option<File> {
    let held = HELD.read().unwrap_or_else(PoisonError::into_inner);
    held.files.get(&fd).cloned()
}

/// Whether it is a descriptor that the program does not know of.
pub(crate) fn is_hidden(fd: c_int) -> bool {
    is(fd, Mark::Hidden) && !guard::inside()
}

/// Keeps the program from closing a descriptor of this library's.
pub(crate) fn hide(fd: c_int) {
    mark(fd, Mark::Hidden);
}

/// The descriptor is about to be closed.
pub(crate) fn unhide(fd: c_int) {
    if is(fd, Mark::Hidden) {
        mark(fd, Mark::Other);
    }
}

/// From now on the descriptor stands for `file`. Says whether it can be told from others.
pub(crate) fn insert(fd: c_int, file: File) -> bool {
    let mut held = lock();
    let marked = mark(fd, Mark::Program);
    let old = if marked {
        held.files.insert(fd, file)
    } else {
        None
    };
    drop(held);
    drop_file(old);
    marked
}

/// The descriptor stands for nothing any more.
pub(crate) fn remove(fd: c_int) {
    if is(fd, Mark::Program) {
        let mut held = lock();
        mark(fd, Mark::Other);
        let old = held.files.remove(&fd);
        drop(held);
        drop_file(old);
    }
}

/// The program's descriptors in a range.
pub(crate) fn within(range: RangeInclusive<c_uint>) -> Vec<c_int> {
    let held = HELD.read().unwrap_or_else(PoisonError::into_inner);
    let known = held.files.keys().copied();
    known
        .filter(|fd| u32::try_from(*fd).is_ok_and(|fd| range.contains(&fd)))
        .collect()
}

/// This library's own descriptors in a range that has no more of them than there are marks.
pub(crate) fn hidden_within(range: RangeInclusive<c_uint>) -> Vec<c_int> {
    let most = c_int::try_from(PIECES * PIECE).unwrap_or(c_int::MAX);
    let first = c_int::try_from(*range.start()).unwrap_or(most);
    let last = c_int::try_from(*range.end()).unwrap_or(most).min(most);
    let mut hidden = Vec::new();
    let mut fd = first;
    while fd <= last {
        match place(fd) {
            Some(_) => {
                if is(fd, Mark::Hidden) {
                    hidden.push(fd);
                }
                fd += 1;
            }
            // A whole piece that is not there.
            None => fd = (fd / 4096 + 1) * 4096,
        }
    }
    hidden
}

/// Dropping an object closes descriptors of the library's own.
fn drop_file(file: Option<File>) {
    if file.is_some() {
        guard::own(|| drop(file));
    }
}

impl Held {
    /// This is a new process: no object is its own. Those that the other one uses are left alone.
    pub(crate) fn leave(&mut self) {
        for file in self.files.values_mut() {
            let left = match file {
                File::Object(object) if object.is_system() => File::Inherited,
                File::Inherited => File::Inherited,
                File::Object(_) | File::Elsewhere => File::Elsewhere,
            };
            mem::forget(mem::replace(file, left));
        }
    }
}

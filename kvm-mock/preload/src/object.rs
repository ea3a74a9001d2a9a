//! [`Object`]: what descriptors of the program's stand for.
#![expect(unsafe_code, reason = "makes descriptors")]

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kvm_core::{Errno, Hypervisor, Mapping};
use kvm_sys::DeviceType;
use kvm_sys::op::Fds;

use crate::backend::Backend;
use crate::guard::last;
use crate::real;
use crate::system::System;
use crate::table;

/// A KVM object of this process. Descriptors that were duplicated stand for the same one.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) system: Arc<System>,
    /// Nothing for a system, whose own is shared.
    backend: Option<Backend>,
    /// The VM that it belongs to.
    pub(crate) vm: Arc<Vm>,
    /// What the program maps in place of the kernel's file.
    pub(crate) file: Option<OwnedFd>,
    pub(crate) run: Mutex<Option<Mapping>>,
    pub(crate) ring: Mutex<Option<Mapping>>,
    /// Held while a thread runs the vCPU: others wait, as they do for the kernel's own lock.
    pub(crate) inside: Mutex<()>,
    /// How far the file was read.
    pub(crate) position: Mutex<u64>,
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    System,
    Vm,
    Vcpu,
    Device(DeviceType),
    Stats,
    GuestMemfd,
    /// A kind of file that has no calls of KVM's.
    Other,
}

impl Kind {
    pub(crate) fn fds(self) -> Fds {
        match self {
            Self::System => Fds::SYSTEM,
            Self::Vm => Fds::VM,
            Self::Vcpu => Fds::VCPU,
            Self::Device(_) => Fds::DEVICE,
            Self::Stats | Self::GuestMemfd | Self::Other => Fds::empty(),
        }
    }

    /// What `/proc/self/fd` calls it, as far as it can.
    fn name(self) -> &'static CStr {
        match self {
            Self::System => c"kvm",
            Self::Vm => c"kvm-vm",
            Self::Vcpu => c"kvm-vcpu",
            Self::Device(_) => c"kvm-device",
            Self::Stats => c"kvm-stats",
            Self::GuestMemfd => c"kvm-gmem",
            Self::Other => c"kvm-other",
        }
    }
}

/// What has to be known of a VM to tell how long arguments are.
#[derive(Debug, Default)]
pub(crate) struct Vm {
    /// Sizes of the slots in bytes.
    pub(crate) slots: Mutex<BTreeMap<u32, u64>>,
    /// Bytes that a vCPU's extended state has.
    pub(crate) xsave: Mutex<Option<u32>>,
}

impl Object {
    /// The system.
    pub(crate) fn of(system: Arc<System>) -> Self {
        Self::with(Kind::System, system, None, Arc::default(), None)
    }

    fn with(
        kind: Kind,
        system: Arc<System>,
        backend: Option<Backend>,
        vm: Arc<Vm>,
        file: Option<OwnedFd>,
    ) -> Self {
        Self {
            kind,
            system,
            backend,
            vm,
            file,
            run: Mutex::default(),
            ring: Mutex::default(),
            inside: Mutex::default(),
            position: Mutex::default(),
        }
    }

    /// What a call on this object made, and a descriptor of it.
    pub(crate) fn child(&self, kind: Kind, backend: Backend) -> Result<(Self, OwnedFd), Errno> {
        let vm = if kind == Kind::Vm {
            Arc::default()
        } else {
            Arc::clone(&self.vm)
        };
        let system = Arc::clone(&self.system);
        let (fd, file) = if system.kernel {
            (duplicate(backend.number())?, None)
        } else {
            let size = if kind == Kind::Vcpu {
                system.run_size
            } else {
                0
            };
            let fd = memory_file(kind, size, true)?;
            let file = if kind == Kind::Vcpu {
                Some(duplicate(fd.as_raw_fd())?)
            } else {
                None
            };
            (fd, file)
        };
        let object = Self::with(kind, system, Some(backend), vm, file);
        for fd in object.own() {
            table::hide(fd);
        }
        Ok((object, fd))
    }

    pub(crate) fn backend(&self) -> &Backend {
        self.backend.as_ref().unwrap_or(&self.system.backend)
    }

    pub(crate) fn is_system(&self) -> bool {
        self.kind == Kind::System
    }

    /// Descriptors that are the library's own.
    fn own(&self) -> impl Iterator<Item = i32> + use<> {
        let kernel = self
            .system
            .kernel
            .then_some(self.backend.as_ref())
            .flatten();
        let file = self.file.as_ref().map(AsRawFd::as_raw_fd);
        kernel.map(Hypervisor::number).into_iter().chain(file)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // Dropping the fields closes them.
        for fd in self.own() {
            table::unhide(fd);
        }
    }
}

/// A file in memory to stand for an object: a real descriptor, of which the program can make what it can of any.
pub(crate) fn memory_file(kind: Kind, size: usize, close_on_exec: bool) -> Result<OwnedFd, Errno> {
    let close_on_exec = if close_on_exec { libc::MFD_CLOEXEC } else { 0 };
    // SAFETY: the name is a C string.
    let fd = unsafe {
        libc::memfd_create(
            kind.name().as_ptr(),
            close_on_exec | libc::MFD_ALLOW_SEALING,
        )
    };
    if fd < 0 {
        return Err(last());
    }
    // SAFETY: just opened, and known to nobody else.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let size = libc::off_t::try_from(size).map_err(|_| Errno::ENOMEM)?;
    // SAFETY: takes integers, and nobody has mapped the file.
    if unsafe { libc::ftruncate(fd.as_raw_fd(), size) } != 0 {
        return Err(last());
    }
    // Or the program could take pages away that the backend uses, or write to what is no file.
    let seals = if kind == Kind::Vcpu {
        libc::F_SEAL_SHRINK
    } else {
        libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE
    };
    // SAFETY: takes integers.
    if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_ADD_SEALS, seals) } != 0 {
        return Err(last());
    }
    Ok(fd)
}

/// One more descriptor of the same file.
pub(crate) fn duplicate(fd: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: takes integers.
    let new = unsafe { real::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
    if new < 0 {
        return Err(last());
    }
    // SAFETY: just made, and known to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(new) })
}

/// Locks what no panic leaves half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

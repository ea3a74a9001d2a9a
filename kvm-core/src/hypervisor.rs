//! [`Hypervisor`]: the narrow boundary between the typed layer and whatever answers its calls.
#![expect(unsafe_code, reason = "declares the contract of backends")]

use kvm_exit::GuestArch;
use kvm_sys::op::Op;

use crate::{Errno, Mapping};

/// An open KVM object (system, VM, vCPU or device) and whatever answers its calls: the kernel, a
/// recording or a model.
///
/// Users of this crate never call these methods; [`Kvm`](crate::Kvm), [`Vm`](crate::Vm) and
/// [`Vcpu`](crate::Vcpu) do, and discharge the contracts once, from the ioctl table. To write a
/// backend or a wrapper, implement them.
///
/// # Safety
///
/// * Run pages are laid out as those of [`Guest`](Self::Guest), and calls are answered as its KVM does: rows
///   whose argument differs between architectures come from its module of `kvm_sys`.
/// * [`map`](Self::map) gives a [`Mapping`] that upholds [`Mapping::new`]'s contract.
/// * Outside [`enter`](Self::enter) the implementation never touches a mapping's private bytes from 8
///   on: between two entries the user may hold `&mut` to them.
/// * Guest memory, registered by its host address through `KVM_SET_USER_MEMORY_REGION`, is touched
///   by volatile or atomic accesses only, and only while the slot exists.
pub unsafe trait Hypervisor: Sized + Send + Sync {
    /// The architecture of its guests: which exits a run page holds, and which calls beside those that all have
    /// there are. For the kernel's KVM that is [`Native`](kvm_exit::Native); a recording or a model may be of another
    /// than the host's.
    type Guest: GuestArch;

    /// Makes the call `op` on this object.
    ///
    /// `arg` is passed on by wrappers and read by them afterwards. Gives what the system call
    /// returned.
    ///
    /// # Errors
    ///
    /// What the kernel, or whatever stands for it, answers.
    ///
    /// # Safety
    ///
    /// `arg` fits the row of `op`: the same kind (or none where the kernel takes a null pointer), a length of at least the fixed part and of what its
    /// counts promise, parts where the row has inner pointers, each long enough for what the call
    /// writes. Host addresses registered by it stay valid, and are covered by no reference, until
    /// the call that takes them back, or until every object of the VM is gone. Descriptors in it
    /// are open.
    unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno>;

    /// Makes the call `op`, which returns a new object.
    ///
    /// # Errors
    ///
    /// What the kernel, or whatever stands for it, answers.
    ///
    /// # Safety
    ///
    /// As [`ioctl`](Self::ioctl).
    unsafe fn create(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<Self, Errno>;

    /// Maps a region of this object.
    ///
    /// # Errors
    ///
    /// What `mmap` answers.
    fn map(&self, region: Region) -> Result<Mapping, Errno>;

    /// `KVM_RUN`: enters the guest until it exits, then leaves the exit in the run page.
    ///
    /// # Errors
    ///
    /// What the kernel, or whatever stands for it, answers: `EINTR` when interrupted.
    ///
    /// # Safety
    ///
    /// This object is a vCPU. No reference into the private bytes of its mappings lives, and no
    /// other thread is inside `enter` of it.
    unsafe fn enter(&self) -> Result<(), Errno>;

    /// Reads from the object as from a file.
    ///
    /// # Errors
    ///
    /// What `pread` answers.
    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Errno>;

    /// The number that stands for this object inside the arguments of other calls: its descriptor.
    fn number(&self) -> i32;
}

/// The argument of a call.
#[derive(Debug)]
pub enum Arg<'a> {
    /// None; zero is passed.
    None,
    /// An integer, passed by value.
    Value(u64),
    /// Bytes that the call reads.
    In(&'a [u8]),
    /// Bytes that the call writes, or reads and writes.
    Mut(&'a mut [u8]),
    /// Bytes with pointers inside them. `head` may be written too.
    Parts {
        /// The structure that contains the pointers. Their values are the backend's business.
        head: &'a mut [u8],
        /// What they point to.
        parts: &'a mut [Part<'a>],
    },
}

/// What one pointer inside an argument points to.
#[derive(Debug)]
pub struct Part<'a> {
    /// Offset of the pointer (a `u64`) in the head.
    pub offset: usize,
    /// The bytes it points to.
    pub bytes: PartBytes<'a>,
}

/// The bytes behind a pointer inside an argument.
#[derive(Debug)]
pub enum PartBytes<'a> {
    /// The call reads them.
    In(&'a [u8]),
    /// The call reads them, and what they say is good in one process only: a descriptor. Comparisons leave them
    /// out.
    Opaque(&'a [u8]),
    /// The call writes them, or reads and writes them.
    Mut(&'a mut [u8]),
}

/// A region of an object that can be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// A vCPU's run page with what follows it.
    Run {
        /// Length of the mapping in bytes, as `KVM_GET_VCPU_MMAP_SIZE` says.
        len: usize,
        /// How many of its first bytes are this vCPU's alone; the pages behind (the ring of coalesced
        /// writes) are the VM's.
        private: usize,
    },
    /// A vCPU's ring of the pages that it wrote to. No byte is private: backend and user access all of them
    /// atomically, as words of 8 bytes.
    DirtyRing {
        /// Length in bytes: what the ring was enabled with.
        len: usize,
    },
    /// The memory of a guest_memfd that can be mapped. No byte is private: it is accessed as guest memory is.
    GuestMemfd {
        /// Length in bytes: all of the file.
        len: usize,
    },
}

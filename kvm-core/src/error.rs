//! [`Error`]: which call failed, why, and what to do about it.

use core::fmt;

use kvm_exit::Field;
use kvm_sys::op::Op;

use crate::Errno;
use crate::hint::hint;

/// A failed call: which one, with which errno, and where it helps the likely cause.
///
/// ```
/// use kvm_core::{Errno, Error};
/// assert!(size_of::<Error>() <= 16);
/// # fn check(error: Error) {
/// match error.errno() {
///     Errno::EEXIST => {}
///     _ => eprintln!("{error}"),
/// }
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error {
    op: &'static Op,
    errno: Errno,
    cause: Cause,
    detail: u32,
}

const _: () = assert!(size_of::<Error>() <= 16);

/// Who refused a call, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The kernel, or whatever stands for it, refused the call.
    Backend,
    /// `/dev/kvm` speaks another version of the interface than 12, the only one there has been since
    /// Linux 2.6.22.
    ApiVersion,
    /// The memory, its guest address or its size is not a multiple of the page size.
    Unaligned,
    /// The memory is empty.
    Empty,
    /// The memory reaches past the end of the address space.
    TooHigh,
    /// The memory overlaps that of another slot, the number of which is [`Error::detail`].
    Overlap,
    /// The slot holds memory already.
    SlotTaken,
    /// The slot holds no memory.
    SlotEmpty,
    /// Whether the memory in a slot is read-only can't be changed.
    ReadOnly,
    /// The slot has a guest_memfd: it can only be removed, and is neither read-only nor logged.
    Private,
    /// The range of pages does not begin at a multiple of 64, or ends neither at one nor at the slot's
    /// end.
    Pages,
    /// The size of a dirty ring, which is [`Error::detail`], is no power of two of entries of 16 bytes.
    RingSize,
    /// The file is no memfd that is sealed against shrinking.
    NotSealed,
    /// The guest_memfd was not made to be mapped, and shared from the beginning.
    NotShared,
    /// The VM has vCPUs already.
    HasVcpus,
    /// The VM's vCPUs have no dirty ring.
    NoRing,
    /// The vCPU's dirty ring was taken already.
    RingTaken,
    /// The capability numbered [`Error::detail`] has a method of its own, which keeps account of it.
    OwnMethod,
    /// The object belongs to another VM.
    OtherVm,
    /// The range of addresses is not all in slots.
    NotMemory,
    /// The range of bytes is not all inside the memory.
    OutOfBounds,
    /// The call was given more elements than it can take, or got back more than it asked for.
    Count,
    /// The MSR numbered [`Error::detail`] could not be read or written, nor those behind it.
    Msr,
    /// A bitmap has fewer bits than the [`Error::detail`] that go with it.
    Bitmap,
    /// The argument's or answer's length in bytes, which is [`Error::detail`], can't be.
    Length,
    /// The argument would hold an address, a descriptor or something newer than this crate, for which no
    /// safe call can vouch.
    NotPlain,
    /// The run page says something that no KVM says. [`Vcpu::run_page`](crate::Vcpu::run_page) has the
    /// bytes.
    Malformed(Field),
    /// The attribute, of the group [`Error::detail`], is one of another kind of object.
    Attribute,
    /// What is said of an object's statistics makes no sense.
    Stats,
    /// The vCPU's mapping is too short or not aligned for a run page.
    Mapping,
    /// The register set is not among those that the run page holds, or can't be: its bit is
    /// [`Error::detail`].
    NotSynced,
    /// The vCPU has an exit that the VMM has to answer before the state can be saved: the access of the
    /// last one goes on. [`Vcpu::complete_with`](crate::Vcpu::complete_with) sees to that.
    Unanswered,
    /// The bytes are no saved state, or not as they were saved. [`Error::detail`] is where that was found.
    Damaged,
    /// The saved state has a layout that this version of the crate does not know; its number is
    /// [`Error::detail`].
    StateVersion,
    /// The saved state is that of another architecture, whose number in the state is [`Error::detail`].
    ForeignState,
    /// The saved state is a VM's and was given to a vCPU, or the other way round.
    StateOfOther,
    /// The saved state lacks something that is needed.
    StateMissing,
    /// A piece of the saved state is not as long as it has to be; its length is [`Error::detail`].
    StateLength,
    /// The saved state has a piece that can't be restored; its request number is [`Error::detail`].
    StateUnknown,
    /// The vCPU does not take the value that the saved state has for a register; the low half of its id is
    /// [`Error::detail`].
    Register,
    /// The vCPU has not been initialised by this crate's call, which knows what as.
    NotInitialised,
    /// There is no state of this kind of device, whose number is [`Error::detail`].
    DeviceKind,
    /// The vCPU with the id [`Error::detail`], whose part of the device this is, has no handle any more.
    VcpuDropped,
}

impl Error {
    /// The call `op` failed as its backend gave `errno`: for wrappers of backends, and for tests of what becomes
    /// of errors.
    ///
    /// ```
    /// use kvm_core::{Errno, Error, ops};
    ///
    /// let error = Error::new(&ops::OPEN, Errno::EMFILE);
    /// assert_eq!(error.to_string(), "/dev/kvm: EMFILE: too many open files; raise the limit of open files");
    /// ```
    #[cold]
    pub const fn new(op: &'static Op, errno: Errno) -> Self {
        Self::with(op, errno, Cause::Backend, 0)
    }

    #[inline(always)]
    pub(crate) const fn with(op: &'static Op, errno: Errno, cause: Cause, detail: u32) -> Self {
        Self {
            op,
            errno,
            cause,
            detail,
        }
    }

    /// The call that failed.
    pub const fn op(&self) -> &'static Op {
        self.op
    }

    /// The error number: the kernel's, or where a call was refused before it, the one the kernel
    /// would have given.
    pub const fn errno(&self) -> Errno {
        self.errno
    }

    /// Who refused the call, and why.
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// A number that belongs to the cause: a slot, an MSR, a version; else 0.
    pub const fn detail(&self) -> u32 {
        self.detail
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            op, errno, detail, ..
        } = self;
        write!(f, "{op}: ")?;
        match self.cause {
            Cause::Backend => match hint(self.op.name, *errno) {
                Some(hint) => write!(f, "{errno}; {hint}"),
                None => write!(f, "{errno}"),
            },
            Cause::ApiVersion => write!(f, "the API version is {detail}, expected 12"),
            Cause::Unaligned => f.write_str(
                "the memory, its guest address or its size is not a multiple of the page size",
            ),
            Cause::Empty => f.write_str("the memory is empty"),
            Cause::TooHigh => f.write_str("the memory reaches past the end of the address space"),
            Cause::Overlap => write!(f, "the memory overlaps that of slot {detail}"),
            Cause::SlotTaken => write!(f, "slot {detail} holds memory already"),
            Cause::SlotEmpty => write!(f, "slot {detail} holds no memory"),
            Cause::ReadOnly => write!(f, "slot {detail} can't become read-only, or cease to be so"),
            Cause::Private => write!(
                f,
                "slot {detail} has a guest_memfd: it is neither read-only nor logged, moved nor changed"
            ),
            Cause::Pages => write!(
                f,
                "the pages of slot {detail} are no range of whole words of the bitmap"
            ),
            Cause::RingSize => write!(f, "{detail} bytes are no power of two of entries"),
            Cause::NotSealed => f.write_str("the file is no memfd sealed against shrinking"),
            Cause::NotShared => f.write_str("the file was not made to be mapped and shared"),
            Cause::HasVcpus => f.write_str("the VM has vCPUs already"),
            Cause::NoRing => f.write_str("the VM's vCPUs have no dirty ring"),
            Cause::OwnMethod => write!(f, "capability {detail} has a method of its own"),
            Cause::RingTaken => f.write_str("the vCPU's dirty ring was taken already"),
            Cause::OtherVm => f.write_str("the object belongs to another VM"),
            Cause::NotMemory => f.write_str("the addresses are not all in memory slots"),
            Cause::OutOfBounds => f.write_str("the bytes are not all inside the memory"),
            Cause::Count => write!(f, "{detail} elements are more than the call can take"),
            Cause::Msr => write!(
                f,
                "MSR {detail:#x} was refused, and those behind it left alone"
            ),
            Cause::Bitmap => write!(f, "the bitmap has fewer than {detail} bits"),
            Cause::Length => write!(f, "there is no such thing of {detail} bytes"),
            Cause::NotPlain => write!(
                f,
                "number {detail} takes addresses or descriptors, for which no safe call can vouch"
            ),
            Cause::Malformed(field) => write!(f, "malformed run page: {field} out of its range"),
            Cause::Attribute => write!(
                f,
                "the attribute of group {detail} is one of another kind of object"
            ),
            Cause::Stats => f.write_str("what is said of the statistics makes no sense"),
            Cause::Mapping => write!(f, "{detail} bytes make no run page"),
            Cause::NotSynced => write!(
                f,
                "register set {detail:#x} is not synchronised; has it been enabled?"
            ),
            Cause::Unanswered => {
                f.write_str("the access of the last exit goes on; has the VMM completed it?")
            }
            Cause::Damaged => write!(f, "damaged, as byte {detail} shows"),
            Cause::StateVersion => write!(f, "version {detail}, which a later release made"),
            Cause::ForeignState => write!(f, "of another architecture, number {detail}"),
            Cause::StateOfOther => f.write_str("of another kind of object"),
            Cause::StateMissing => f.write_str("the saved state has no such piece"),
            Cause::StateLength => write!(
                f,
                "a piece of {detail} bytes in the saved state, not as many as it has"
            ),
            Cause::StateUnknown => write!(f, "piece {detail:#x} can't be restored"),
            Cause::Register => write!(
                f,
                "{errno}: register {detail:#x} does not take the value that was saved"
            ),
            Cause::NotInitialised => f.write_str("the vCPU has not been initialised"),
            Cause::DeviceKind => write!(f, "there is no state of devices of kind {detail}"),
            Cause::VcpuDropped => write!(f, "vCPU {detail} was dropped, and the state needs it"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("op", self.op)
            .field("errno", &self.errno)
            .field("cause", &self.cause)
            .field("detail", &self.detail)
            .finish()
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::ops;

    #[test]
    fn names_the_call_the_errno_and_the_cure() {
        let text = |op, errno| Error::new(op, errno).to_string();
        assert_eq!(
            text(&ops::OPEN, Errno::EACCES),
            "/dev/kvm: EACCES: permission denied; is this user in the kvm group?"
        );
        assert_eq!(
            text(&kvm_sys::KVM_GET_REGS, Errno::EFAULT),
            "KVM_GET_REGS: EFAULT: bad address"
        );
        assert_eq!(
            text(&kvm_sys::KVM_RUN, Errno(1234)),
            "KVM_RUN: Errno(1234): unknown error"
        );
    }

    #[test]
    fn a_refusal_of_ours_says_which_thing() {
        let error = Error::with(
            &kvm_sys::KVM_SET_USER_MEMORY_REGION,
            Errno::EEXIST,
            Cause::Overlap,
            7,
        );
        assert_eq!(
            error.to_string(),
            "KVM_SET_USER_MEMORY_REGION: the memory overlaps that of slot 7"
        );
        assert_eq!((error.errno(), error.detail()), (Errno::EEXIST, 7));
    }
}

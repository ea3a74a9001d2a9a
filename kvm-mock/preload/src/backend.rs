//! [`Backend`]: what answers, as one type.
#![expect(unsafe_code, reason = "implements the contract of backends")]

use kvm_core::{Arg, DevKvm, Errno, Hypervisor, Mapping, Region};
use kvm_exit::Native;
use kvm_mock::{Faults, Model, Recorder, Replay};
use kvm_sys::op::Op;

/// What answers: the kernel, a model or a replay, and wrappers over any of them.
#[derive(Debug)]
pub(crate) enum Backend {
    Kernel(DevKvm),
    Model(Model),
    Replay(Replay),
    Recorder(Box<Recorder<Backend>>),
    Faults(Box<Faults<Backend>>),
}

/// Does the same with whichever it is.
macro_rules! each {
    ($self:ident, $backend:ident => $does:expr) => {
        match $self {
            Self::Kernel($backend) => $does,
            Self::Model($backend) => $does,
            Self::Replay($backend) => $does,
            Self::Recorder($backend) => $does,
            Self::Faults($backend) => $does,
        }
    };
}

// SAFETY: each call goes to the one backend that there is, which keeps the contract.
unsafe impl Hypervisor for Backend {
    type Guest = Native;

    unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        // SAFETY: the caller's promises, passed on.
        each!(self, backend => unsafe { backend.ioctl(op, arg) })
    }

    unsafe fn create(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<Self, Errno> {
        match self {
            Self::Kernel(backend) => {
                // SAFETY: the caller's promises, passed on.
                unsafe { backend.create(op, arg) }.map(Self::Kernel)
            }
            Self::Model(backend) => {
                // SAFETY: as above.
                unsafe { backend.create(op, arg) }.map(Self::Model)
            }
            Self::Replay(backend) => {
                // SAFETY: as above.
                unsafe { backend.create(op, arg) }.map(Self::Replay)
            }
            Self::Recorder(backend) => {
                // SAFETY: as above.
                let made = unsafe { backend.create(op, arg) }?;
                Ok(Self::Recorder(Box::new(made)))
            }
            Self::Faults(backend) => {
                // SAFETY: as above.
                let made = unsafe { backend.create(op, arg) }?;
                Ok(Self::Faults(Box::new(made)))
            }
        }
    }

    fn map(&self, region: Region) -> Result<Mapping, Errno> {
        each!(self, backend => backend.map(region))
    }

    unsafe fn enter(&self) -> Result<(), Errno> {
        // SAFETY: the caller's promises, passed on.
        each!(self, backend => unsafe { backend.enter() })
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        each!(self, backend => backend.read(offset, buf))
    }

    fn number(&self) -> i32 {
        each!(self, backend => backend.number())
    }
}

//! The calls on KVM objects that are no ioctl of KVM's table: they are rows too, so that errors name
//! them and wrappers see them.

use kvm_sys::Arches;
use kvm_sys::op::{Fds, Op, Requests, Returns, Takes};

const fn row(name: &'static str, fds: Fds, returns: Returns) -> Op {
    Op {
        name,
        requests: Requests::NONE,
        arches: Arches::all(),
        fds,
        takes: Takes::Nothing,
        returns,
        bank: None,
        capability: None,
        section: "",
    }
}

/// Opening `/dev/kvm`.
pub static OPEN: Op = row("/dev/kvm", Fds::SYSTEM, Returns::Descriptor);

/// The host's page size in bytes. The kernel answers it through `sysconf`; a recording answers with
/// that of the machine it was made on.
pub static PAGE_SIZE: Op = row("page size", Fds::SYSTEM, Returns::Number);

/// Mapping an object's memory ([`Hypervisor::map`](crate::Hypervisor::map)).
pub static MMAP: Op = row("mmap", Fds::VCPU, Returns::Nothing);

/// Reading an object as a file ([`Hypervisor::read`](crate::Hypervisor::read)).
pub static READ: Op = row("read", Fds::empty(), Returns::Number);

/// Mapping memory to give to a guest.
pub static MMAP_MEMORY: Op = row("mmap of guest memory", Fds::empty(), Returns::Nothing);

/// Copying guest memory by guest address.
pub static GUEST_MEMORY: Op = row("guest memory", Fds::empty(), Returns::Nothing);

/// Reading [`SavedState`](crate::SavedState), which makes no call.
pub static STATE: Op = row("saved state", Fds::empty(), Returns::Nothing);

//! A vCPU's run page: the program maps it where it likes, and the backend has it too.
#![expect(unsafe_code, reason = "shares memory by its address, and enters vCPUs")]

use std::os::fd::AsRawFd;

use kvm_core::{Errno, Hypervisor, Mapping, Region};
use kvm_sys::KVM_DIRTY_LOG_PAGE_OFFSET;

use crate::guard::{self, last, own};
use crate::object::{Kind, Object, lock};

/// `KVM_RUN`.
pub(crate) fn enter(vcpu: &Object) -> Result<(), Errno> {
    // A vCPU is one thread's at a time; the kernel has a lock there too.
    let _inside = lock(&vcpu.inside);
    own(|| map_run(vcpu))?;
    // SAFETY: a vCPU, as its kind says. The lock keeps other threads out, and this library makes no reference to the
    // page. The program may do so: it has a mapping of its own, and is told by the kernel's document that the
    // page is KVM's until the call returns.
    let entered = guard::enter(|| unsafe { vcpu.backend().enter() });
    if entered == Err(Errno::DIVERGED) {
        vcpu.system.diverged();
    }
    entered
}

/// The program is about to map a descriptor of the object, from this offset on.
pub(crate) fn map(object: &Object, offset: i64, len: usize) -> Result<(), Errno> {
    match object.kind {
        Kind::Vcpu if offset == 0 => map_run(object),
        Kind::Vcpu if Some(offset) == ring_offset(object) => map_ring(object, offset, len),
        // The kernel lets it be mapped, and has no pages there.
        Kind::Vcpu => Ok(()),
        Kind::GuestMemfd if object.system.kernel => Ok(()),
        _ => Err(Errno::ENODEV),
    }
}

/// Has the backend map the run page, if it has not yet.
fn map_run(vcpu: &Object) -> Result<(), Errno> {
    let mut run = lock(&vcpu.run);
    if run.is_some() {
        return Ok(());
    }
    let region = Region::Run {
        len: vcpu.system.run_size,
        private: vcpu.system.run_private,
    };
    let mapping = vcpu.backend().map(region)?;
    share(vcpu, &mapping, 0)?;
    *run = Some(mapping);
    Ok(())
}

fn map_ring(vcpu: &Object, offset: i64, len: usize) -> Result<(), Errno> {
    let mut ring = lock(&vcpu.ring);
    if ring.is_some() {
        return Ok(());
    }
    let mapping = vcpu.backend().map(Region::DirtyRing { len })?;
    if let Some(file) = &vcpu.file {
        let end = i64::try_from(len)
            .ok()
            .and_then(|len| offset.checked_add(len));
        // SAFETY: takes integers. The file only gets longer, so nothing that is mapped goes.
        if unsafe { libc::ftruncate(file.as_raw_fd(), end.ok_or(Errno::EINVAL)?) } != 0 {
            return Err(last());
        }
    }
    share(vcpu, &mapping, offset)?;
    *ring = Some(mapping);
    Ok(())
}

/// Puts pages of the file that the program maps in the place of those that the backend lends. The kernel's own are
/// shared as they are.
fn share(vcpu: &Object, mapping: &Mapping, offset: i64) -> Result<(), Errno> {
    let Some(file) = &vcpu.file else {
        return Ok(());
    };
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_FIXED;
    let start = mapping.start().as_ptr().cast();
    // SAFETY: the bytes are a mapping of the backend's, lent to this library just now, whole pages that it took
    // from the system for this (`AnonymousMemory`), and gives back to it as such. Nobody refers to them. They stay
    // initialised, readable and writable, and are zero before and after. The file is as long, and stays so: it
    // is sealed.
    let placed = unsafe {
        libc::mmap(
            start,
            mapping.len(),
            access,
            flags,
            file.as_raw_fd(),
            offset,
        )
    };
    if placed == libc::MAP_FAILED {
        Err(last())
    } else {
        Ok(())
    }
}

fn ring_offset(vcpu: &Object) -> Option<i64> {
    let offset = KVM_DIRTY_LOG_PAGE_OFFSET.checked_mul(vcpu.system.page_size.into())?;
    i64::try_from(offset).ok().filter(|offset| *offset != 0)
}

//! Which calls an object answers.

use kvm_core::kvm_sys::Cap;
use kvm_core::kvm_sys::op::{Fds, Op};
use kvm_core::kvm_sys::{KVM_CAP_DIRTY_LOG_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL};
use kvm_core::{Arg, Errno};

use super::guest::Platform;
use super::host::needed;

/// A call that a model knows how to do, on objects of one type.
pub(super) struct Call<T>(
    pub(super) &'static Op,
    pub(super) fn(&T, &mut Arg<'_>) -> Result<u32, Errno>,
);

/// Finds the call in these tables, if an object of this kind answers it and what it needs is offered. Section
/// 4: a call is valid on the architectures and descriptors that the API names, if the kernel has the
/// capability that it names.
pub(super) fn find<T>(
    tables: [&'static [Call<T>]; 2],
    op: &Op,
    platform: &Platform,
    kind: Fds,
    cap: impl Fn(Cap) -> u32,
) -> Result<Option<&'static Call<T>>, Errno> {
    offered(op, platform, kind, cap)?;
    Ok(tables.into_iter().flatten().find(|call| call.0 == op))
}

/// Refuses a call that objects of this kind do not answer.
pub(super) fn offered(
    op: &Op,
    platform: &Platform,
    kind: Fds,
    cap: impl Fn(Cap) -> u32,
) -> Result<(), Errno> {
    let answered = op.arches.contains(platform.arch.bit());
    let lacks = op.bank.is_some_and(|bank| platform.lacks.contains(&bank));
    // The table has one capability for each call, and of dirty rings there are two.
    let has_rings = || cap(KVM_CAP_DIRTY_LOG_RING_ACQ_REL) != 0;
    let offered = needed(op)
        .is_none_or(|needed| cap(needed) != 0 || needed == KVM_CAP_DIRTY_LOG_RING && has_rings());
    if op.fds.contains(kind) && answered && !lacks && offered {
        Ok(())
    } else {
        Err(unknown(platform, kind))
    }
}

/// How an object of this kind refuses a call that it does not know. The API does not say; the kernel's
/// errnos are these.
pub(super) fn unknown(platform: &Platform, kind: Fds) -> Errno {
    if kind == Fds::DEVICE {
        Errno::ENOTTY
    } else if kind == Fds::VM {
        platform.unknown_on_vm
    } else {
        Errno::EINVAL
    }
}

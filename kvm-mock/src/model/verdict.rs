//! [`Verdict`]: what has gone wrong in a run, and whether anybody knows.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, Weak};

use kvm_core::{Errno, Guard};

use super::lock;
use super::script::Failure;
use crate::page::RunMemory;

/// What a model says to calls that get or set a vCPU's registers between an exit that asks for a reply and the
/// next entry. Given to [`Model::pending_io`](crate::Model::pending_io).
///
/// The guest's access is complete only at that entry, or when [`Vcpu::complete`](kvm_core::Vcpu::complete) says so (API,
/// the note in section 5). Before it, registers that are read are those of before the access, and if they are
/// set, the reply is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PendingIo {
    /// Reading works and gives what KVM gives, but is noted: [`verify`](crate::Model::verify) fails. Setting fails at
    /// once, and the run with it. At first it is so.
    #[default]
    Strict,
    /// Reading is all right. Setting fails.
    Readable,
    /// Both work, as they do in the kernel: for programs whose tests know better.
    AsKernel,
}

/// What has gone wrong in a run, and whether anybody knows.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    failure: Mutex<Option<Failure>>,
    /// The first read of registers that were not those of the guest.
    stale: Mutex<Option<Failure>>,
    /// Whether a test was given a failure.
    told: AtomicBool,
    unread_is_fine: AtomicBool,
    pending_io: AtomicU8,
    /// What to wake when the run fails.
    waiting: Mutex<Vec<Weak<RunMemory>>>,
}

impl Verdict {
    /// The failure that ended the run, for those inside.
    pub(super) fn failed(&self) -> bool {
        lock(&self.failure).is_some()
    }

    /// The failure that ended the run, for the test.
    pub(super) fn outcome(&self) -> Result<(), Failure> {
        self.tell(lock(&self.failure).clone())
    }

    /// As [`outcome`](Self::outcome), with what did not end the run.
    pub(super) fn noted(&self) -> Result<(), Failure> {
        self.outcome()?;
        self.tell(lock(&self.stale).clone())
    }

    /// Gives a failure to the test.
    pub(super) fn tell(&self, failure: Option<Failure>) -> Result<(), Failure> {
        failure.map_or(Ok(()), |failure| {
            self.told.store(true, Ordering::Relaxed);
            Err(failure)
        })
    }

    pub(super) fn is_told(&self) -> bool {
        self.told.load(Ordering::Relaxed)
    }

    /// Notes the failure that ends the run, if it is the first, and ends all waits. Gives the errno of the call that
    /// found it.
    pub(super) fn fail(&self, failure: Failure) -> Errno {
        lock(&self.failure).get_or_insert(failure);
        for run in lock(&self.waiting).iter().filter_map(Weak::upgrade) {
            run.wake();
        }
        Errno::DIVERGED
    }

    pub(super) fn note_stale(&self, failure: Failure) {
        lock(&self.stale).get_or_insert(failure);
    }

    pub(super) fn allow_unread(&self) {
        self.unread_is_fine.store(true, Ordering::Relaxed);
    }

    pub(super) fn unread_is_fine(&self) -> bool {
        self.unread_is_fine.load(Ordering::Relaxed)
    }

    pub(super) fn set_pending_io(&self, policy: PendingIo) {
        self.pending_io.store(policy as u8, Ordering::Relaxed);
    }

    pub(super) fn pending_io(&self) -> PendingIo {
        let policy = self.pending_io.load(Ordering::Relaxed);
        [PendingIo::Strict, PendingIo::Readable]
            .into_iter()
            .find(|known| *known as u8 == policy)
            .unwrap_or(PendingIo::AsKernel)
    }

    /// From now on a failure wakes this vCPU.
    pub(super) fn wakes(&self, run: &Arc<RunMemory>) {
        let mut waiting = lock(&self.waiting);
        waiting.retain(|run| run.strong_count() > 0);
        waiting.push(Arc::downgrade(run));
    }
}

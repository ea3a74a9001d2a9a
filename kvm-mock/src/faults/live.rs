//! [`Live`]: what is open and mapped.
#![expect(unsafe_code, reason = "puts a guard around a mapping")]

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kvm_core::{Guard, Mapping};

/// How many objects are open and how many mappings there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Systems, VMs, vCPUs, devices: each a descriptor, where the kernel answers.
    pub objects: usize,
    /// Mappings of run pages and of rings of dirty pages.
    pub mappings: usize,
}

impl Live {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} objects and {} mappings", self.objects, self.mappings)
    }
}

/// The counts, while they change.
#[derive(Debug, Default)]
pub(super) struct Counts {
    objects: Arc<AtomicUsize>,
    mappings: Arc<AtomicUsize>,
}

impl Counts {
    pub(super) fn live(&self) -> Live {
        Live {
            objects: self.objects.load(Ordering::SeqCst),
            mappings: self.mappings.load(Ordering::SeqCst),
        }
    }

    pub(super) fn object(&self) -> Object {
        Object(Arc::clone(&self.objects)).counted()
    }

    /// The same mapping, counted until the last clone goes.
    pub(super) fn mapping(&self, inner: Mapping) -> Mapping {
        let counted = Object(Arc::clone(&self.mappings)).counted();
        let (start, len, private) = (inner.start(), inner.len(), inner.private());
        let guard = Arc::new(Counted {
            inner,
            _counted: counted,
        });
        // SAFETY: the bytes are those of `inner`, of which `Mapping::new`'s caller promised the same, and which the
        // guard keeps.
        unsafe { Mapping::new(start, len, private, guard) }
    }
}

/// Counts one as long as it lives.
#[derive(Debug)]
pub(super) struct Object(Arc<AtomicUsize>);

impl Object {
    fn counted(self) -> Self {
        self.0.fetch_add(1, Ordering::SeqCst);
        self
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Counted {
    inner: Mapping,
    _counted: Object,
}

impl Guard for Counted {
    fn wake(&self) {
        self.inner.wake();
    }
}

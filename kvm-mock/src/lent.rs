//! [`Lent`]: memory of this process, lent as the kernel lends its own.
#![expect(unsafe_code, reason = "memory is shared by its address")]

use std::sync::Arc;

use kvm_core::{AnonymousMemory, Backing, Errno, Guard, Mapping, Span};

/// Memory that is lent, and accessed as atomic words by both sides.
#[derive(Debug)]
pub(crate) struct Lent {
    /// Touched through `span` only: it only keeps the bytes.
    memory: AnonymousMemory,
    span: Span,
}

/// Nobody waits for it.
impl Guard for Lent {
    fn wake(&self) {}
}

impl Lent {
    pub(crate) fn new(len: usize) -> Result<Arc<Self>, Errno> {
        let memory = AnonymousMemory::new(len).map_err(|error| error.errno())?;
        // SAFETY: `Backing` promises the bytes as long as `memory` lives, which is beside the span and stays
        // in its `Arc`. Nobody calls the methods of `memory` that make references, and whoever gets
        // the mapping accesses the bytes as spans do, by its contract.
        let span = unsafe { Span::new(memory.start(), len) }.ok_or(Errno::EINVAL)?;
        Ok(Arc::new(Self { memory, span }))
    }

    /// This side's view. It never leaves the value.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// The other side's. It keeps the bytes.
    pub(crate) fn mapping(self: &Arc<Self>) -> Mapping {
        let guard: Arc<dyn Guard> = Arc::clone(self) as Arc<dyn Guard>;
        // SAFETY: `Backing` promises the bytes as long as `memory` lives, which the guard owns; no byte is
        // private, and on this side all are accessed through the span only, which is atomic.
        unsafe { Mapping::new(self.memory.start(), self.memory.len(), 0, guard) }
    }
}

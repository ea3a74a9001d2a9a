//! Writes that signal an eventfd, which the recorder keeps to itself.
#![expect(unsafe_code, reason = "enters the guest again")]

use std::sync::Mutex;

use kvm_core::{Arg, Errno, Hypervisor};
use kvm_exit::{Exit, Page};
use kvm_sys::kvm_ioeventfd;
use zerocopy::FromBytes;

use super::{Recorder, lock};
use crate::call;
use crate::doorbells::{Doorbells, Write};
use crate::format::{Doorbell, Kind, Record};

/// `KVM_IOEVENTFD`, of which the kernel is told nothing.
pub(super) fn call(doorbells: &Mutex<Doorbells>, arg: &Arg<'_>) -> Result<u32, Errno> {
    let (bytes, _) = call::head(arg).ok_or(Errno::EFAULT)?;
    let (args, _) = kvm_ioeventfd::read_from_prefix(bytes).map_err(|_| Errno::EFAULT)?;
    lock(doorbells).call(&args)
}

impl<H: Hypervisor> Recorder<H> {
    /// Enters the guest, again after each exit that is a write to an eventfd.
    ///
    /// # Safety
    ///
    /// As [`enter`](Hypervisor::enter).
    pub(super) unsafe fn enter_past_doorbells(&self) -> Result<(), Errno> {
        loop {
            // SAFETY: the caller's promise.
            let result = unsafe { self.inner.enter() };
            if !self.options.eventfds || self.over_replay || result.is_err() {
                return result;
            }
            // SAFETY: the caller's promise: this thread is inside, and nobody refers to the page.
            let writes = unsafe { lock(&self.run).with_page(writes::<H>) }.unwrap_or_default();
            let doorbells = lock(&self.doorbells);
            if writes.is_empty() || !writes.iter().all(|write| doorbells.has(*write)) {
                return result;
            }
            for write in writes {
                // What the guest wrote to memory comes first: who is signalled looks at it.
                lock(&self.run).memory(self.memory.as_deref(), self.tape());
                self.changed();
                doorbells.take(write);
                let mut record = Record::new();
                Doorbell(write).write(&mut record);
                self.tape().append(Kind::Doorbell, self.stream, &mut record);
            }
        }
    }
}

/// The writes that the exit in `page` is.
fn writes<H: Hypervisor>(page: &mut [u64]) -> Vec<Write> {
    let page = Page::<H::Guest>::from_words(page).ok();
    let writes = match page.and_then(|page| page.decode().ok()) {
        Some(Exit::MmioWrite(mmio)) => vec![Write::new(false, mmio.addr, mmio.data)],
        Some(Exit::IoOut(io)) => {
            let port = u64::from(io.port);
            io.accesses()
                .map(|data| Write::new(true, port, data))
                .collect()
        }
        _ => Vec::new(),
    };
    writes
        .into_iter()
        .collect::<Option<_>>()
        .unwrap_or_default()
}

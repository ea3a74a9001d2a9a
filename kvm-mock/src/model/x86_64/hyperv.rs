//! Eventfds of Hyper-V connections: section 4.113.

use kvm_core::kvm_sys::x86_64::{KVM_HYPERV_EVENTFD_DEASSIGN, kvm_hyperv_eventfd};
use kvm_core::{Arg, Errno};

use crate::model::vm::Vm;
use crate::model::{args, lock};

/// Their numbers have 24 bits.
const CONNECTIONS: u32 = 1 << 24;

impl Vm {
    /// `EINVAL` for unknown flags and numbers, `ENOENT` for taking away what is not there, `EEXIST` for what is.
    pub(super) fn hyperv_eventfd(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let eventfd: kvm_hyperv_eventfd = args::read(arg)?;
        if KVM_HYPERV_EVENTFD_DEASSIGN
            .complement()
            .intersects(eventfd.flags)
            || eventfd.conn_id >= CONNECTIONS
        {
            return Err(Errno::EINVAL);
        }
        let mut state = lock(&self.state);
        let connections = &mut state.x86.hyperv_eventfds;
        if eventfd.flags.contains(KVM_HYPERV_EVENTFD_DEASSIGN) {
            let had = connections.remove(&eventfd.conn_id);
            return if had { Ok(0) } else { Err(Errno::ENOENT) };
        }
        let is_new = connections.insert(eventfd.conn_id);
        if is_new { Ok(0) } else { Err(Errno::EEXIST) }
    }
}

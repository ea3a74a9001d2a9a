//! [`LogEntry`]: a call and its answer.

use std::fmt;
use std::sync::Arc;

use kvm_core::Errno;
use kvm_sys::op::Op;

/// A call and its answer. As text it is one line:
///
/// ```text
/// system: KVM_CREATE_VM = VM
/// VM: KVM_CREATE_VCPU = vCPU 0
/// vCPU 0: mmap of 12288 bytes, 8192 private
/// vCPU 0: KVM_RUN = hlt
/// vCPU 0: KVM_RUN: EINTR
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    pub(super) object: Arc<str>,
    pub(super) op: &'static Op,
    /// The call with its argument.
    pub(super) call: String,
    pub(super) result: Result<u32, Errno>,
    /// The object, bytes or exit that it gave.
    pub(super) gave: Option<String>,
}

impl LogEntry {
    /// What was called: `system`, `VM`, `vCPU 0`, or which call made it.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The call. Mapping, entering and reading are calls too: [`ops::MMAP`](kvm_core::ops::MMAP), `KVM_RUN`
    /// and [`ops::READ`](kvm_core::ops::READ).
    pub fn op(&self) -> &'static Op {
        self.op
    }

    /// The call with its argument: `KVM_CREATE_VCPU of 0x1`. Descriptors, host addresses and pointers in it are shown
    /// as zero.
    pub fn call(&self) -> &str {
        &self.call
    }

    /// What it returned; 0 for a new object.
    ///
    /// # Errors
    ///
    /// Those of the call.
    pub fn result(&self) -> Result<u32, Errno> {
        self.result
    }

    /// What it gave beside, as text: the new object, the first bytes, or the exit.
    pub fn gave(&self) -> Option<&str> {
        self.gave.as_deref()
    }
}

impl fmt::Display for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.call)?;
        match (self.result, &self.gave) {
            (Err(errno), _) => write!(f, ": {errno:?}"),
            (Ok(_), Some(gave)) => write!(f, " = {gave}"),
            (Ok(0), None) => Ok(()),
            (Ok(returned), None) => write!(f, " = {returned}"),
        }
    }
}

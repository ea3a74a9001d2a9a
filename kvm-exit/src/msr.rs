//! `KVM_EXIT_X86_RDMSR` and `KVM_EXIT_X86_WRMSR`: model-specific registers that user space handles.

use kvm_sys::{MsrExitReason, kvm_run_msr};

use crate::member::{Member, Union};

/// The guest reads a register that KVM would have answered with `#GP`. Needs
/// `KVM_CAP_X86_USER_SPACE_MSR`.
///
/// ```
/// use kvm_exit::MsrRead;
///
/// fn rdmsr(msr: MsrRead<'_>) {
///     match msr.index {
///         0x8b => *msr.data = 1 << 32, // microcode revision
///         _ => *msr.error = 1,
///     }
/// }
/// # rdmsr(MsrRead {
/// #     index: 0x8b,
/// #     reason: kvm_exit::kvm_sys::MsrExitReason::empty(),
/// #     data: &mut 0,
/// #     error: &mut 0,
/// # });
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct MsrRead<'a> {
    /// The register.
    pub index: u32,
    /// Why KVM did not handle it: invalid, unknown, or filtered by `KVM_X86_SET_MSR_FILTER`.
    pub reason: MsrExitReason,
    /// Reply: the value that the guest reads. 0 if left unwritten.
    pub data: &'a mut u64,
    /// Reply: anything but 0 gives the guest a `#GP` in place of the value. 0 if left unwritten.
    pub error: &'a mut u8,
}

/// The guest writes a register that KVM would have answered with `#GP`. Needs
/// `KVM_CAP_X86_USER_SPACE_MSR`.
///
/// ```
/// use kvm_exit::MsrWrite;
///
/// fn wrmsr(msr: MsrWrite<'_>) {
///     *msr.error = u8::from(msr.index != 0x79);
/// }
/// # wrmsr(MsrWrite {
/// #     index: 0x79,
/// #     reason: kvm_exit::kvm_sys::MsrExitReason::empty(),
/// #     data: 0,
/// #     error: &mut 0,
/// # });
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct MsrWrite<'a> {
    /// The register.
    pub index: u32,
    /// Why KVM did not handle it: invalid, unknown, or filtered by `KVM_X86_SET_MSR_FILTER`.
    pub reason: MsrExitReason,
    /// The value that the guest writes.
    pub data: u64,
    /// Reply: anything but 0 gives the guest a `#GP`. 0 if left unwritten: the write went well.
    pub error: &'a mut u8,
}

impl<'a> MsrRead<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        let member = kvm_run_msr::of(payload);
        Self {
            index: member.index,
            reason: member.reason,
            data: &mut member.data,
            error: &mut member.error,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        encode(payload, self.index, self.reason, *self.data, *self.error);
    }
}

impl<'a> MsrWrite<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        let member = kvm_run_msr::of(payload);
        Self {
            index: member.index,
            reason: member.reason,
            data: member.data,
            error: &mut member.error,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        encode(payload, self.index, self.reason, self.data, *self.error);
    }
}

fn encode(payload: &mut Union, index: u32, reason: MsrExitReason, data: u64, error: u8) {
    let member = kvm_run_msr::of(payload);
    member.index = index;
    member.reason = reason;
    member.data = data;
    member.error = error;
}

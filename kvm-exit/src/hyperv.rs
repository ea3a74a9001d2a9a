//! `KVM_EXIT_HYPERV`: services of Hyper-V that user space provides.

use kvm_sys::{
    HypervExit, KVM_EXIT_HYPERV_HCALL, KVM_EXIT_HYPERV_SYNDBG, KVM_EXIT_HYPERV_SYNIC,
    kvm_hyperv_exit,
};

use crate::encode::Unencodable;
use crate::member::{Member, Union, halves, word};

/// Which service, with its payload.
///
/// ```
/// use kvm_exit::Hyperv;
///
/// fn hyperv(exit: Hyperv<'_>) {
///     const HV_STATUS_INVALID_HYPERCALL_CODE: u64 = 2;
///     match exit {
///         Hyperv::Hcall(call) => *call.result = HV_STATUS_INVALID_HYPERCALL_CODE,
///         Hyperv::Syndbg(syndbg) => *syndbg.status = 0,
///         _ => {}
///     }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hyperv<'a> {
    /// The guest wrote a register of its synthetic interrupt controller.
    Synic(HypervSynic),
    /// The guest made a hypercall that KVM does not handle.
    Hcall(HypervHcall<'a>),
    /// The guest wrote a register of the synthetic debugger.
    Syndbg(HypervSyndbg<'a>),
    /// A service that this crate does not know.
    Other(HypervOther<'a>),
}

/// The guest wrote a register of its synthetic interrupt controller (SynIC), so user space may have
/// to map or unmap the pages. Nothing is a reply. Needs `KVM_CAP_HYPERV_SYNIC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HypervSynic {
    /// The register that was written.
    pub msr: u32,
    /// `HV_X64_MSR_SCONTROL` as it is now.
    pub control: u64,
    /// `HV_X64_MSR_SIEFP` as it is now: the guest-physical address of the event flags page, bit 0
    /// turns it on.
    pub evt_page: u64,
    /// `HV_X64_MSR_SIMP` as it is now: the guest-physical address of the message page, bit 0 turns
    /// it on.
    pub msg_page: u64,
}

/// The guest made a hypercall that KVM does not handle (posting messages, signalling events, ...).
#[derive(Debug, PartialEq, Eq)]
pub struct HypervHcall<'a> {
    /// The hypercall input value: call code, flags, repeat count.
    pub input: u64,
    /// Reply: the hypercall result value. It must be written: KVM leaves there what an earlier exit
    /// left.
    pub result: &'a mut u64,
    /// The guest-physical addresses of the input and output parameters, or the parameters
    /// themselves if the call is a fast one.
    pub params: &'a [u64; 2],
}

/// The guest wrote `HV_X64_MSR_SYNDBG_CONTROL`, to send or receive debugger packets.
#[derive(Debug, PartialEq, Eq)]
pub struct HypervSyndbg<'a> {
    /// The register that was written.
    pub msr: u32,
    /// The value that was written: the operation and its length.
    pub control: u64,
    /// Reply: what `HV_X64_MSR_SYNDBG_STATUS` reads as from now on. KVM puts the present value
    /// there beforehand.
    pub status: &'a mut u64,
    /// The guest-physical address of the page to send from.
    pub send_page: u64,
    /// The guest-physical address of the page to receive into.
    pub recv_page: u64,
    /// The guest-physical address of the page in which pending data are announced.
    pub pending_page: u64,
}

/// A service that this crate does not know.
#[derive(Debug, PartialEq, Eq)]
pub struct HypervOther<'a> {
    /// Which one.
    pub kind: HypervExit,
    /// Its payload.
    pub words: &'a mut [u64; 6],
}

impl<'a> Hyperv<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        let member = kvm_hyperv_exit::of(payload);
        let words = &mut member.u.0;
        match member.type_ {
            KVM_EXIT_HYPERV_SYNIC => {
                let [msr, control, evt_page, msg_page, ..] = *words;
                let [msr, _] = halves(msr);
                Self::Synic(HypervSynic {
                    msr,
                    control,
                    evt_page,
                    msg_page,
                })
            }
            KVM_EXIT_HYPERV_HCALL => {
                let [input, result, params @ .., _, _] = words;
                Self::Hcall(HypervHcall {
                    input: *input,
                    result,
                    params,
                })
            }
            KVM_EXIT_HYPERV_SYNDBG => {
                let [msr, control, status, send_page, recv_page, pending_page] = words;
                let [msr, _] = halves(*msr);
                Self::Syndbg(HypervSyndbg {
                    msr,
                    control: *control,
                    status,
                    send_page: *send_page,
                    recv_page: *recv_page,
                    pending_page: *pending_page,
                })
            }
            kind => Self::Other(HypervOther { kind, words }),
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) -> Result<(), Unencodable> {
        let (kind, words) = match self {
            Self::Synic(synic) => (
                KVM_EXIT_HYPERV_SYNIC,
                [
                    word([synic.msr, 0]),
                    synic.control,
                    synic.evt_page,
                    synic.msg_page,
                    0,
                    0,
                ],
            ),
            Self::Hcall(hcall) => {
                let [ingpa, outgpa] = *hcall.params;
                (
                    KVM_EXIT_HYPERV_HCALL,
                    [hcall.input, *hcall.result, ingpa, outgpa, 0, 0],
                )
            }
            Self::Syndbg(syndbg) => (
                KVM_EXIT_HYPERV_SYNDBG,
                [
                    word([syndbg.msr, 0]),
                    syndbg.control,
                    *syndbg.status,
                    syndbg.send_page,
                    syndbg.recv_page,
                    syndbg.pending_page,
                ],
            ),
            Self::Other(other) => match other.kind {
                KVM_EXIT_HYPERV_SYNIC | KVM_EXIT_HYPERV_HCALL | KVM_EXIT_HYPERV_SYNDBG => {
                    return Err(Unencodable::Known);
                }
                kind => (kind, *other.words),
            },
        };
        let member = kvm_hyperv_exit::of(payload);
        member.type_ = kind;
        member.u.0 = words;
        Ok(())
    }
}

//! `KVM_EXIT_TDX`: a call of a TDX guest (`TDG.VP.VMCALL`) that user space handles.

use kvm_sys::kvm_run_tdx;

use crate::encode::Unencodable;
use crate::member::{Member, Union};

/// A call of a TDX guest, as its specification (the Guest-Hypervisor Communication Interface)
/// defines it.
///
/// Each call has a `ret`: the status that the guest gets, `TDVMCALL_STATUS_*`. KVM writes all
/// replies beforehand, so user space need do nothing about a call that it does not support: the
/// guest is told so.
///
/// ```
/// use kvm_exit::{Tdx, TdxCall};
///
/// fn tdx(exit: Tdx<'_>) {
///     if let TdxCall::GetQuote(quote) = exit.call {
///         const TDVMCALL_STATUS_SUCCESS: u64 = 0;
///         queue(quote.gpa, quote.size);
///         *quote.ret = TDVMCALL_STATUS_SUCCESS;
///     }
/// }
/// # fn queue(_: u64, _: u64) {}
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Tdx<'a> {
    /// No bits are defined; 0.
    pub flags: u64,
    /// Which call, with its payload.
    pub call: TdxCall<'a>,
}

/// Which call, by its number (R11 of the guest).
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TdxCall<'a> {
    /// `GetTdVmCallInfo`, 0x10000.
    VmCallInfo(TdxVmCallInfo<'a>),
    /// `GetQuote`, 0x10002.
    GetQuote(TdxGetQuote<'a>),
    /// `SetupEventNotifyInterrupt`, 0x10004.
    SetupEventNotify(TdxSetupEventNotify<'a>),
    /// A call that this crate does not know.
    Other(TdxOther<'a>),
}

/// The guest asks which calls are supported.
#[derive(Debug, PartialEq, Eq)]
pub struct TdxVmCallInfo<'a> {
    /// What the guest asks about (R12).
    pub leaf: u64,
    /// Reply: the status. KVM puts success there beforehand.
    pub ret: &'a mut u64,
    /// Reply: R11 to R14 of the guest. KVM puts 0 there beforehand: nothing but the calls that must
    /// be supported.
    pub regs: &'a mut [u64; 4],
}

/// The guest asks for a quote, a signed statement about itself.
///
/// The shared memory has a header in which the guest is told of the end: the call only starts the
/// work.
#[derive(Debug, PartialEq, Eq)]
pub struct TdxGetQuote<'a> {
    /// The guest-physical address of the shared memory, without the bit that marks it as shared.
    pub gpa: u64,
    /// Its length in bytes.
    pub size: u64,
    /// Reply: the status; success means that the request has been queued. KVM puts "not supported"
    /// there beforehand.
    pub ret: &'a mut u64,
}

/// The guest says which interrupt is to tell it of events such as the end of a [`TdxGetQuote`].
#[derive(Debug, PartialEq, Eq)]
pub struct TdxSetupEventNotify<'a> {
    /// The vector.
    pub vector: u64,
    /// Reply: the status. KVM puts "not supported" there beforehand.
    pub ret: &'a mut u64,
}

/// A call that this crate does not know.
#[derive(Debug, PartialEq, Eq)]
pub struct TdxOther<'a> {
    /// Its number.
    pub nr: u64,
    /// Reply: the status. KVM puts "not supported" there beforehand.
    pub ret: &'a mut u64,
    /// Its arguments and further replies.
    pub data: &'a mut [u64; 5],
}

/// `TDVMCALL_GET_TD_VM_CALL_INFO`; no header of the kernel's that user space gets has these.
const VM_CALL_INFO: u64 = 0x10000;
/// `TDVMCALL_GET_QUOTE`.
const GET_QUOTE: u64 = 0x10002;
/// `TDVMCALL_SETUP_EVENT_NOTIFY_INTERRUPT`.
const SETUP_EVENT_NOTIFY: u64 = 0x10004;

impl<'a> Tdx<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        let member = kvm_run_tdx::of(payload);
        let words = &mut member.u.0;
        let call = match member.nr {
            VM_CALL_INFO => {
                let [ret, leaf, regs @ ..] = words;
                TdxCall::VmCallInfo(TdxVmCallInfo {
                    leaf: *leaf,
                    ret,
                    regs,
                })
            }
            GET_QUOTE => {
                let [ret, gpa, size, ..] = words;
                TdxCall::GetQuote(TdxGetQuote {
                    gpa: *gpa,
                    size: *size,
                    ret,
                })
            }
            SETUP_EVENT_NOTIFY => {
                let [ret, vector, ..] = words;
                TdxCall::SetupEventNotify(TdxSetupEventNotify {
                    vector: *vector,
                    ret,
                })
            }
            nr => {
                let [ret, data @ ..] = words;
                TdxCall::Other(TdxOther { nr, ret, data })
            }
        };
        Self {
            flags: member.flags,
            call,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) -> Result<(), Unencodable> {
        let member = kvm_run_tdx::of(payload);
        let words = &mut member.u.0;
        member.nr = match &self.call {
            TdxCall::VmCallInfo(info) => {
                let [ret, leaf, regs @ ..] = words;
                *ret = *info.ret;
                *leaf = info.leaf;
                *regs = *info.regs;
                VM_CALL_INFO
            }
            TdxCall::GetQuote(quote) => {
                let [ret, gpa, size, ..] = words;
                *ret = *quote.ret;
                *gpa = quote.gpa;
                *size = quote.size;
                GET_QUOTE
            }
            TdxCall::SetupEventNotify(setup) => {
                let [ret, vector, ..] = words;
                *ret = *setup.ret;
                *vector = setup.vector;
                SETUP_EVENT_NOTIFY
            }
            TdxCall::Other(other) => {
                if matches!(other.nr, VM_CALL_INFO | GET_QUOTE | SETUP_EVENT_NOTIFY) {
                    return Err(Unencodable::Known);
                }
                let [ret, data @ ..] = words;
                *ret = *other.ret;
                *data = *other.data;
                other.nr
            }
        };
        member.flags = self.flags;
        Ok(())
    }
}

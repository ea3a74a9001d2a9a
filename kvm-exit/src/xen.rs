//! `KVM_EXIT_XEN`: services of Xen that user space provides.

use kvm_sys::{KVM_EXIT_XEN_HCALL, XenExit, kvm_xen_exit};

use crate::encode::Unencodable;
use crate::member::{Member, Union, halves, word};

/// Which service, with its payload.
///
/// ```
/// use kvm_exit::Xen;
///
/// fn xen(exit: Xen<'_>) {
///     const ENOSYS: u64 = 38;
///     if let Xen::Hcall(call) = exit {
///         *call.result = ENOSYS.wrapping_neg();
///     }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Xen<'a> {
    /// The guest made a hypercall.
    Hcall(XenHcall<'a>),
    /// A service that this crate does not know.
    Other(XenOther<'a>),
}

/// The guest made a Xen hypercall. Needs `KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL`.
#[derive(Debug, PartialEq, Eq)]
pub struct XenHcall<'a> {
    /// Whether the guest made the call in 64-bit mode.
    pub long_mode: bool,
    /// The privilege level of the caller, 0 to 3. Calls from user mode come here too.
    pub cpl: u32,
    /// The number of the hypercall.
    pub input: u64,
    /// Reply: what the guest gets in RAX. It must be written: KVM leaves there what an earlier exit
    /// left.
    pub result: &'a mut u64,
    /// The arguments; how many of them it has depends on `input`.
    pub params: &'a [u64; 6],
}

/// A service that this crate does not know.
#[derive(Debug, PartialEq, Eq)]
pub struct XenOther<'a> {
    /// Which one.
    pub kind: XenExit,
    /// Its payload.
    pub words: &'a mut [u64; 9],
}

impl<'a> Xen<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        let member = kvm_xen_exit::of(payload);
        let words = &mut member.u.0;
        match member.type_ {
            KVM_EXIT_XEN_HCALL => {
                let [mode, input, result, params @ ..] = words;
                let [long_mode, cpl] = halves(*mode);
                Self::Hcall(XenHcall {
                    long_mode: long_mode != 0,
                    cpl,
                    input: *input,
                    result,
                    params,
                })
            }
            kind => Self::Other(XenOther { kind, words }),
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) -> Result<(), Unencodable> {
        let member = kvm_xen_exit::of(payload);
        let words = &mut member.u.0;
        member.type_ = match self {
            Self::Hcall(hcall) => {
                let [mode, input, result, params @ ..] = words;
                *mode = word([hcall.long_mode.into(), hcall.cpl]);
                *input = hcall.input;
                *result = *hcall.result;
                *params = *hcall.params;
                KVM_EXIT_XEN_HCALL
            }
            Self::Other(other) if other.kind == KVM_EXIT_XEN_HCALL => {
                return Err(Unencodable::Known);
            }
            Self::Other(other) => {
                *words = *other.words;
                other.kind
            }
        };
        Ok(())
    }
}

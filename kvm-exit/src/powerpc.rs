//! What only PowerPC has.

use core::fmt;

use kvm_sys::{kvm_run_dcr, kvm_run_epr, kvm_run_osi, kvm_run_papr_hcall};

use crate::arch::{SyncWords, architecture};
use crate::member::{Member, Union, halves, word};
use crate::state::PlainState;

architecture! {
    /// 64-bit PowerPC, little-endian.
    Powerpc64le: PlainState, SyncWords, PowerpcDebug;
}

/// `KVM_EXIT_DCR`: the guest reads a device control register. Deprecated: kernels no longer run guests
/// on the processors that have them.
#[derive(Debug, PartialEq, Eq)]
pub struct DcrRead<'a> {
    /// The register.
    pub dcrn: u32,
    /// Reply: its value. It must be written: KVM leaves there what an earlier exit left.
    pub data: &'a mut u32,
}

/// `KVM_EXIT_DCR`: the guest writes a device control register. Deprecated, as [`DcrRead`]. Nothing is
/// a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DcrWrite {
    /// The register.
    pub dcrn: u32,
    /// The value.
    pub data: u32,
}

/// One side of the two exits: what the direction does not change.
pub(crate) struct DcrAccess<'a> {
    pub(crate) dcrn: u32,
    pub(crate) is_write: bool,
    pub(crate) data: &'a mut u32,
}

impl<'a> DcrAccess<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        let member = kvm_run_dcr::of(payload);
        Self {
            dcrn: member.dcrn,
            is_write: member.is_write != 0,
            data: &mut member.data,
        }
    }
}

pub(crate) fn encode_dcr(payload: &mut Union, is_write: bool, dcrn: u32, data: u32) {
    let member = kvm_run_dcr::of(payload);
    member.dcrn = dcrn;
    member.data = data;
    member.is_write = is_write.into();
}

/// `KVM_EXIT_OSI`: the guest made a hypercall of Mac-on-Linux's. Needs `KVM_CAP_PPC_OSI`.
#[derive(Debug, PartialEq, Eq)]
pub struct Osi<'a> {
    /// The guest's general-purpose registers. Reply: all of them are what the guest goes on with, so
    /// what is left unwritten stays as it was.
    pub gprs: &'a mut [u64; 32],
}

impl<'a> Osi<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        Self {
            gprs: &mut kvm_run_osi::of(payload).gprs,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        kvm_run_osi::of(payload).gprs = *self.gprs;
    }
}

/// `KVM_EXIT_PAPR_HCALL`: a pSeries guest made a hypercall (`sc 1`) that KVM does not handle. Needs
/// `KVM_CAP_PPC_PAPR`.
///
/// ```
/// use kvm_exit::PaprHcall;
///
/// fn hcall(call: PaprHcall<'_>) {
///     const H_FUNCTION: u64 = 2_u64.wrapping_neg();
///     *call.ret = H_FUNCTION;
/// }
/// # let (mut ret, mut args) = (0, [0; 9]);
/// # hcall(PaprHcall { nr: 0x58, ret: &mut ret, args: &mut args });
/// # assert_eq!(ret, u64::MAX - 1);
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct PaprHcall<'a> {
    /// Which one (R3).
    pub nr: u64,
    /// Reply: the return code (R3). It must be written: KVM leaves there what an earlier exit left.
    pub ret: &'a mut u64,
    /// The arguments (R4 to R12). Reply: what the guest finds there, so what is left unwritten stays
    /// as it was.
    pub args: &'a mut [u64; 9],
}

impl<'a> PaprHcall<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        let member = kvm_run_papr_hcall::of(payload);
        Self {
            nr: member.nr,
            ret: &mut member.ret,
            args: &mut member.args,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_papr_hcall::of(payload);
        member.nr = self.nr;
        member.ret = *self.ret;
        member.args = *self.args;
    }
}

/// `KVM_EXIT_EPR`: an external interrupt was delivered to the guest, and its vector has to be
/// fetched from the interrupt controller in user space. Needs `KVM_CAP_PPC_EPR`.
#[derive(Debug, PartialEq, Eq)]
pub struct Epr<'a> {
    /// Reply: the vector of the interrupt, which the controller has thereby acknowledged. 0 if left
    /// unwritten.
    pub epr: &'a mut u32,
}

impl<'a> Epr<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        Self {
            epr: &mut kvm_run_epr::of(payload).epr,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        kvm_run_epr::of(payload).epr = *self.epr;
    }
}

/// The payload of `KVM_EXIT_DEBUG` for a PowerPC guest. Nothing is a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerpcDebug {
    /// The address of the instruction, or the one that a watchpoint saw.
    pub address: u64,
    /// Which kind of event, `KVMPPC_DEBUG_*`: 0 none of the hardware's, bit 1 a breakpoint, bit 2 a
    /// watchpoint for writes, bit 3 one for reads.
    pub status: u32,
}

impl PowerpcDebug {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let [address, status, ..] = *payload;
        let [status, _] = halves(status);
        Self { address, status }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let [address, status, ..] = payload;
        *address = self.address;
        *status = word([self.status, 0]);
    }
}

impl fmt::Display for PowerpcDebug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {:#x} status {:#x}", self.address, self.status)
    }
}

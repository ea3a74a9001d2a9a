//! What only s390 has.

use core::fmt;

use kvm_sys::{
    ExitReason, kvm_run_s390_sieic, kvm_run_s390_stsi, kvm_run_s390_tsch, kvm_run_s390_ucontrol,
};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::arch::architecture;
use crate::member::{Member, Union};
use crate::state::State;

architecture! {
    /// 64-bit s390. Its exit union starts at byte 48 of `kvm_run`, elsewhere at 32.
    S390x: S390State, S390Sync, S390Debug;
}

/// What `kvm_run` holds before its exit union on s390, from byte 8 to byte 48.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct S390State {
    /// Why `KVM_RUN` returned.
    pub exit_reason: ExitReason,
    /// Not used on s390.
    pub ready_for_interrupt_injection: u8,
    /// Not used on s390.
    pub if_flag: u8,
    /// No flags are defined.
    pub flags: u16,
    /// Not used on s390.
    pub cr8: u64,
    /// Not used on s390.
    pub apic_base: u64,
    /// The program status word, upper half: written when `KVM_RUN` returns and read when it enters.
    pub psw_mask: u64,
    /// The program status word, lower half: the address of the next instruction.
    pub psw_addr: u64,
}

impl State for S390State {
    #[inline(always)]
    fn reason(&self) -> ExitReason {
        self.exit_reason
    }

    fn set_reason(&mut self, reason: ExitReason) {
        self.exit_reason = reason;
    }
}

/// The synchronised registers of an s390 vCPU, from byte 304 of `kvm_run` to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct S390Sync {
    /// The sets that `KVM_RUN` copied here when it returned (`KVM_SYNC_*`).
    pub valid: u64,
    /// The sets that the next `KVM_RUN` takes from here.
    pub dirty: u64,
    /// The registers; `regs` of feature `s390x` has them as the kernel's structure.
    pub words: [u64; 256],
}

#[cfg(feature = "s390x")]
mod regs {
    use kvm_sys::s390x::kvm_sync_regs;
    use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, transmute_mut, transmute_ref};

    use super::S390Sync;

    #[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
    #[repr(C)]
    struct Whole {
        regs: kvm_sync_regs,
        rest: [u64; 256 - size_of::<kvm_sync_regs>() / 8],
    }

    impl S390Sync {
        /// The registers.
        pub fn regs(&self) -> &kvm_sync_regs {
            let Whole { regs, rest: _ } = transmute_ref!(&self.words);
            regs
        }

        /// The registers, to be changed; `dirty` says which were.
        pub fn regs_mut(&mut self) -> &mut kvm_sync_regs {
            let Whole { regs, rest: _ } = transmute_mut!(&mut self.words);
            regs
        }
    }
}

/// `KVM_EXIT_S390_SIEIC`: the guest ran into an instruction that it leaves to the hypervisor, and KVM
/// does not handle.
///
/// Nothing is a reply: user space reads the operands from registers and memory and writes the
/// results there. The program status word is already past the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S390Sieic {
    /// Why, as the processor says it: 4 is an instruction.
    pub icptcode: u8,
    /// The first two bytes of the instruction.
    pub ipa: u16,
    /// The four bytes after those.
    pub ipb: u32,
}

impl S390Sieic {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let member = kvm_run_s390_sieic::of(payload);
        Self {
            icptcode: member.icptcode,
            ipa: member.ipa,
            ipb: member.ipb,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_s390_sieic::of(payload);
        member.icptcode = self.icptcode;
        member.ipa = self.ipa;
        member.ipb = self.ipb;
    }
}

/// `KVM_EXIT_S390_UCONTROL`: a page fault of a VM whose memory user space manages
/// (`KVM_VM_S390_UCONTROL`), which KVM could not resolve. Nothing is a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S390Ucontrol {
    /// The translation exception code: the address, and more in its low bits.
    pub trans_exc_code: u64,
    /// The program interruption code.
    pub pgm_code: u32,
}

impl S390Ucontrol {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let member = kvm_run_s390_ucontrol::of(payload);
        Self {
            trans_exc_code: member.trans_exc_code,
            pgm_code: member.pgm_code,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_s390_ucontrol::of(payload);
        member.trans_exc_code = self.trans_exc_code;
        member.pgm_code = self.pgm_code;
    }
}

/// `KVM_EXIT_S390_TSCH`: the guest executed `TEST SUBCHANNEL`. Needs `KVM_CAP_S390_CSS_SUPPORT`.
///
/// Nothing is a reply: user space stores the interruption response block in guest memory and sets
/// the condition code in the program status word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S390Tsch {
    /// Subsystem identification word, upper half, of the interrupt that was dequeued.
    pub subchannel_id: u16,
    /// Its subchannel number.
    pub subchannel_nr: u16,
    /// Its interruption parameter.
    pub io_int_parm: u32,
    /// Its interruption identification word.
    pub io_int_word: u32,
    /// Bytes 2 to 5 of the instruction, which have the operand in them.
    pub ipb: u32,
    /// Whether KVM has taken a pending interrupt of this subchannel out of its queue; otherwise the
    /// four fields about it don't hold.
    pub dequeued: bool,
}

impl S390Tsch {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let member = kvm_run_s390_tsch::of(payload);
        Self {
            subchannel_id: member.subchannel_id,
            subchannel_nr: member.subchannel_nr,
            io_int_parm: member.io_int_parm,
            io_int_word: member.io_int_word,
            ipb: member.ipb,
            dequeued: member.dequeued != 0,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_s390_tsch::of(payload);
        member.subchannel_id = self.subchannel_id;
        member.subchannel_nr = self.subchannel_nr;
        member.io_int_parm = self.io_int_parm;
        member.io_int_word = self.io_int_word;
        member.ipb = self.ipb;
        member.dequeued = self.dequeued.into();
    }
}

/// `KVM_EXIT_S390_STSI`: the guest executed `STORE SYSTEM INFORMATION`; KVM has stored its answer, and
/// user space may add to it. Needs `KVM_CAP_S390_USER_STSI`.
///
/// Nothing is a reply: what is added is written to guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S390Stsi {
    /// The guest-logical address of the system information block.
    pub addr: u64,
    /// The access register that goes with the address.
    pub ar: u8,
    /// The function code: 3 asks about the virtual machine.
    pub fc: u8,
    /// The first selector.
    pub sel1: u8,
    /// The second selector.
    pub sel2: u16,
}

impl S390Stsi {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let member = kvm_run_s390_stsi::of(payload);
        Self {
            addr: member.addr,
            ar: member.ar,
            fc: member.fc,
            sel1: member.sel1,
            sel2: member.sel2,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_s390_stsi::of(payload);
        member.addr = self.addr;
        member.ar = self.ar;
        member.fc = self.fc;
        member.sel1 = self.sel1;
        member.sel2 = self.sel2;
    }
}

/// The payload of `KVM_EXIT_DEBUG` for an s390 guest. Nothing is a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct S390Debug {
    /// The address of the instruction, or the one that a watchpoint saw.
    pub addr: u64,
    /// Which kind of event: 1 a breakpoint (`KVM_HW_BP`), 2 a watchpoint for writes
    /// (`KVM_HW_WP_WRITE`), 4 a single step (`KVM_SINGLESTEP`).
    pub kind: u8,
}

impl S390Debug {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let [addr, kind, ..] = *payload;
        let [kind, ..] = kind.to_ne_bytes();
        Self { addr, kind }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let [addr, kind, ..] = payload;
        *addr = self.addr;
        *kind = u64::from_ne_bytes([self.kind, 0, 0, 0, 0, 0, 0, 0]);
    }
}

impl fmt::Display for S390Debug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type {} at {:#x}", self.kind, self.addr)
    }
}

//! What only an x86_64 run page has.

use kvm_sys::{SyncRegs, kvm_run_debug, kvm_run_s, kvm_run_tpr_access, kvm_sync_regs};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::member::{Member, Union};

/// `KVM_EXIT_DEBUG`: a debug event that `KVM_SET_GUEST_DEBUG` asked for.
///
/// Nothing is a reply: user space steps over a breakpoint of its own by changing registers, and
/// hands an event that is the guest's to it with `KVM_GUESTDBG_INJECT_DB` or
/// `KVM_GUESTDBG_INJECT_BP`.
///
/// ```
/// use kvm_exit::DebugExit;
///
/// fn is_single_step(debug: DebugExit) -> bool {
///     debug.exception == 1 && debug.dr6 & (1 << 14) != 0
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebugExit {
    /// The vector: 1 (`#DB`) or 3 (`#BP`).
    pub exception: u32,
    /// The linear address of the instruction: for `#BP` of the breakpoint itself, for `#DB` of the
    /// next one to run (CS base + RIP).
    pub pc: u64,
    /// DR6: for `#DB` which conditions were met (bit 14 is a single step, bits 0 to 3 the
    /// breakpoints).
    pub dr6: u64,
    /// DR7: for `#DB` the debug control register.
    pub dr7: u64,
}

impl DebugExit {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let arch = kvm_run_debug::of(payload).arch;
        Self {
            exception: arch.exception,
            pc: arch.pc,
            dr6: arch.dr6,
            dr7: arch.dr7,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let arch = &mut kvm_run_debug::of(payload).arch;
        arch.exception = self.exception;
        arch.pc = self.pc;
        arch.dr6 = self.dr6;
        arch.dr7 = self.dr7;
    }
}

/// `KVM_EXIT_TPR_ACCESS`: the guest touched the task priority register, and
/// `KVM_TPR_ACCESS_REPORTING` has it reported. Nothing is a reply; the access itself has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TprAccess {
    /// The address of the instruction.
    pub rip: u64,
    /// Whether it wrote.
    pub is_write: bool,
}

impl TprAccess {
    pub(crate) fn decode(payload: &mut Union) -> Self {
        let member = kvm_run_tpr_access::of(payload);
        Self {
            rip: member.rip,
            is_write: member.is_write != 0,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_tpr_access::of(payload);
        member.rip = self.rip;
        member.is_write = self.is_write.into();
    }
}

/// The synchronised registers and which of them hold, from byte 288 of `kvm_run` to its end.
///
/// The methods of [`RunPage`](crate::RunPage) say what each field means. They need
/// `KVM_CAP_SYNC_REGS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SyncArea {
    /// The sets that `KVM_RUN` copies here when it returns.
    pub valid: SyncRegs,
    /// The sets that the next `KVM_RUN` takes from here.
    pub dirty: SyncRegs,
    /// The registers.
    pub regs: kvm_sync_regs,
    rest: [u8; size_of::<kvm_run_s>() - size_of::<kvm_sync_regs>()],
}

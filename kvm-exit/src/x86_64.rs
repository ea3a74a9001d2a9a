//! What only an x86_64 run page has.

use core::fmt;

use kvm_sys::x86_64::{RunFlags, SyncRegs, kvm_run_debug, kvm_sync_regs};
use kvm_sys::{ExitReason, kvm_run_tpr_access};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::Page;
use crate::arch::{architecture, sync_rest};
use crate::member::{Member, Union};
use crate::state::State;

architecture! {
    /// 64-bit x86.
    X86_64: RunState, SyncArea, DebugExit;
}

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

impl fmt::Display for DebugExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exception {} at {:#x} dr6 {:#x} dr7 {:#x}",
            self.exception, self.pc, self.dr6, self.dr7
        )
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
    rest: sync_rest!(size_of::<kvm_sync_regs>()),
}

/// What `kvm_run` holds before its exit union, from byte 8 to byte 32.
///
/// The methods of [`RunPage`](crate::RunPage) say what each field means; here they are as the
/// kernel lays them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RunState {
    /// See [`Page::exit_reason`].
    pub exit_reason: ExitReason,
    /// See [`Page::ready_for_interrupt_injection`].
    pub ready_for_interrupt_injection: u8,
    /// See [`Page::if_flag`].
    pub if_flag: u8,
    /// See [`Page::flags`].
    pub flags: RunFlags,
    /// See [`Page::cr8`].
    pub cr8: u64,
    /// See [`Page::apic_base`].
    pub apic_base: u64,
}

impl State for RunState {
    #[inline(always)]
    fn reason(&self) -> ExitReason {
        self.exit_reason
    }

    fn set_reason(&mut self, reason: ExitReason) {
        self.exit_reason = reason;
    }
}

/// What stands beside the exit of an x86_64 guest.
impl Page<X86_64> {
    /// What the vCPU was doing when `KVM_RUN` returned.
    #[inline]
    pub fn flags(&self) -> RunFlags {
        self.state().flags
    }

    /// Whether the guest's interrupt flag was set. Only valid without an in-kernel local APIC.
    #[inline]
    pub fn if_flag(&self) -> bool {
        self.state().if_flag != 0
    }

    /// Whether an interrupt can be injected with `KVM_INTERRUPT` now. Only valid without an
    /// in-kernel local APIC.
    #[inline]
    pub fn ready_for_interrupt_injection(&self) -> bool {
        self.state().ready_for_interrupt_injection != 0
    }

    /// The task priority register, CR8. Only used without an in-kernel local APIC: written when
    /// `KVM_RUN` returns and read when it enters.
    #[inline]
    pub fn cr8(&self) -> u64 {
        self.state().cr8
    }

    /// Sets CR8 for the next `KVM_RUN`; without an in-kernel local APIC only.
    #[inline]
    pub fn set_cr8(&mut self, cr8: u64) {
        self.state_mut().cr8 = cr8;
    }

    /// The `IA32_APIC_BASE` register. Only valid without an in-kernel local APIC: written when
    /// `KVM_RUN` returns.
    #[inline]
    pub fn apic_base(&self) -> u64 {
        self.state().apic_base
    }

    /// Sets `apic_base`. The API calls it an input too, but current kernels only take the register
    /// from `KVM_SET_SREGS` and `KVM_SET_MSRS`.
    #[inline]
    pub fn set_apic_base(&mut self, apic_base: u64) {
        self.state_mut().apic_base = apic_base;
    }

    /// The register sets that `KVM_RUN` copies to the page when it returns.
    #[inline]
    pub fn valid_regs(&self) -> SyncRegs {
        self.sync().valid
    }

    /// Asks for these sets at each return of `KVM_RUN`, from the next one on. Those that
    /// `KVM_CHECK_EXTENSION(KVM_CAP_SYNC_REGS)` does not list make `KVM_RUN` fail with `EINVAL`.
    #[inline]
    pub fn set_valid_regs(&mut self, sets: SyncRegs) {
        self.sync_mut().valid = sets;
    }

    /// The register sets that the next `KVM_RUN` takes from the page before it enters.
    #[inline]
    pub fn dirty_regs(&self) -> SyncRegs {
        self.sync().dirty
    }

    /// Has the next `KVM_RUN` take these sets from the page. The kernel clears the field when it
    /// has.
    #[inline]
    pub fn set_dirty_regs(&mut self, sets: SyncRegs) {
        self.sync_mut().dirty = sets;
    }

    /// The synchronised registers; those in [`valid_regs`](Self::valid_regs) are the guest's.
    #[inline]
    pub fn sync_regs(&self) -> &kvm_sync_regs {
        &self.sync().regs
    }

    /// The synchronised registers, to be changed; [`set_dirty_regs`](Self::set_dirty_regs) says
    /// which were.
    #[inline]
    pub fn sync_regs_mut(&mut self) -> &mut kvm_sync_regs {
        &mut self.sync_mut().regs
    }
}

//! Registers that are read and written in the run page, without a system call.

use core::fmt;

use kvm_exit::{SyncArea, X86_64};
use kvm_sys::x86_64::{
    KVM_CAP_SYNC_REGS, KVM_CHECK_EXTENSION, KVM_GET_VCPU_EVENTS, KVM_RUN, SyncRegs, kvm_regs,
    kvm_sregs, kvm_vcpu_events,
};

use crate::error::Cause;
use crate::typed::Get;
use crate::{Errno, Error, Exit, Hypervisor, Registers, Vcpu};

const GET_EVENTS: Get<kvm_vcpu_events> = Get::new(&KVM_GET_VCPU_EVENTS);

const REGS: SyncRegs = SyncRegs::KVM_SYNC_X86_REGS;
const SREGS: SyncRegs = SyncRegs::KVM_SYNC_X86_SREGS;
const EVENTS: SyncRegs = SyncRegs::KVM_SYNC_X86_EVENTS;

impl<H: Hypervisor<Guest = X86_64>> Vcpu<H> {
    /// Has each run leave these sets of registers in the run page, and no others; they are there from now on.
    /// [`run_synced`](Self::run_synced) and [`sync_regs`](Self::sync_regs) give them. Section 5,
    /// `kvm_valid_regs`; needs `KVM_CAP_SYNC_REGS`.
    ///
    /// # Errors
    ///
    /// [`Cause::NotSynced`] when the kernel can't do that for all of the sets; nothing changes then.
    pub fn enable_sync_regs(&mut self, sets: SyncRegs) -> Result<(), Error> {
        let supported = self.vm().system.check_extension(KVM_CAP_SYNC_REGS)?;
        let missing = sets.difference(SyncRegs::from_bits_retain(supported.into()));
        if !missing.is_empty() {
            return Err(refused(&KVM_CHECK_EXTENSION, missing));
        }
        let page = self.run_page_mut();
        page.set_valid_regs(sets);
        page.set_dirty_regs(page.dirty_regs().intersection(sets));
        self.read_sync_regs()
    }

    /// Puts the enabled sets into the page, but for those that the next run is to take from there.
    pub(super) fn read_sync_regs(&mut self) -> Result<(), Error> {
        let sets = self.run_page().valid_regs();
        let sets = sets.difference(self.run_page().dirty_regs());
        if sets.contains(REGS) {
            self.run_page_mut().sync_regs_mut().regs = self.get_regs()?;
        }
        if sets.contains(SREGS) {
            self.run_page_mut().sync_regs_mut().sregs = self.get_sregs()?;
        }
        if sets.contains(EVENTS) {
            self.run_page_mut().sync_regs_mut().events = GET_EVENTS.call(self.backend())?;
        }
        Ok(())
    }

    /// Runs the guest until it exits: [`run`](Self::run), with the registers of the page beside the exit.
    /// To read and write them takes no system call.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm, kvm_sys::{SyncRegs, kvm_regs}};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// let at = |rip| kvm_regs { rip, rflags: 2, ..Default::default() };
    /// model.script(0, [Step::io_out(0x80, [1]).with_regs(at(0x1002)), Step::hlt()]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// vcpu.enable_sync_regs(SyncRegs::KVM_SYNC_X86_REGS)?;
    /// loop {
    ///     match vcpu.run_synced()? {
    ///         (Exit::IoOut(io), mut synced) => {
    ///             println!("{:x?} from {:#x}", io.data, synced.regs()?.rip);
    ///             synced.regs_mut()?.rbx = 7;
    ///         }
    ///         (Exit::Hlt, _) => break,
    ///         (other, _) => panic!("{other}"),
    ///     }
    /// }
    /// assert_eq!(vcpu.get_regs()?.rbx, 7);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), and `EINVAL` when the kernel refuses what was written to a set: the set stays
    /// written, so the next run fails too, until it is right.
    #[inline(always)]
    pub fn run_synced(&mut self) -> Result<(Exit<'_, X86_64>, SyncedRegisters<'_, H>), Error> {
        match self.run_beside() {
            Ok((exit, beside, registers)) => {
                let area = beside.sync;
                Ok((exit, SyncedRegisters { area, registers }))
            }
            Err(error) => Err(error),
        }
    }

    /// The registers of the page between runs: as the last run left them, with what was written to them since.
    ///
    /// ```
    /// use kvm_core::{Kvm, kvm_sys::SyncRegs};
    ///
    /// let mut vcpu = Kvm::with(kvm_mock::Model::new())?.create_vm()?.create_vcpu(0)?;
    /// vcpu.enable_sync_regs(SyncRegs::KVM_SYNC_X86_REGS | SyncRegs::KVM_SYNC_X86_SREGS)?;
    /// let mut synced = vcpu.sync_regs();
    /// synced.regs_mut()?.rip = 0x1000;
    /// assert_eq!(synced.sregs()?.cs.selector, 0xf000);
    /// assert!(synced.vcpu_events().is_err()); // not enabled
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    pub fn sync_regs(&mut self) -> SyncedRegisters<'_, H> {
        let (beside, registers) = self.beside();
        SyncedRegisters {
            area: beside.sync,
            registers,
        }
    }
}

/// The registers that the run page holds: those of the sets that [`Vcpu::enable_sync_regs`] names.
///
/// They are the guest's as of the last run. What is written through a `_mut` method the guest has from the next
/// run on, or once [`Vcpu::complete`] has taken it. Until then calls on the [`registers`](Self::registers) don't
/// see it; and what is set by such a call is not in the page before the next run.
///
/// As with calls that set registers: while an exit asks for a reply (a port or MMIO read), what completes the
/// access is still to come, so registers written now may undo it. Complete it first.
pub struct SyncedRegisters<'a, H: Hypervisor<Guest = X86_64>> {
    area: &'a mut SyncArea,
    registers: &'a Registers<H>,
}

macro_rules! sets {
    ($($set:ident: $read:ident, $write:ident, $field:ident: $type:ident, $what:literal;)*) => {
        impl<'a, H: Hypervisor<Guest = X86_64>> SyncedRegisters<'a, H> {
            $(
                #[doc = concat!($what, ".\n\n# Errors\n\n[`Cause::NotSynced`] when the set is not enabled.")]
                #[inline(always)]
                pub fn $read(&self) -> Result<&$type, Error> {
                    self.check($set)?;
                    Ok(&self.area.regs.$field)
                }

                #[doc = concat!(
                    $what, ", to be changed.\n\n# Errors\n\n[`Cause::NotSynced`] when the set is not enabled."
                )]
                #[inline(always)]
                pub fn $write(&mut self) -> Result<&mut $type, Error> {
                    self.check($set)?;
                    self.area.dirty |= $set;
                    Ok(&mut self.area.regs.$field)
                }
            )*
        }
    };
}

sets! {
    REGS: regs, regs_mut, regs: kvm_regs, "The general registers, instruction pointer and flags";
    SREGS: sregs, sregs_mut, sregs: kvm_sregs,
        "The segment, descriptor table and control registers, and the pending interrupt";
    EVENTS: vcpu_events, vcpu_events_mut, events: kvm_vcpu_events,
        "Pending and injected exceptions and interrupts";
}

impl<'a, H: Hypervisor<Guest = X86_64>> SyncedRegisters<'a, H> {
    /// The register half, for all other calls.
    pub fn registers(&self) -> &'a Registers<H> {
        self.registers
    }

    #[inline(always)]
    fn check(&self, set: SyncRegs) -> Result<(), Error> {
        if self.area.valid.contains(set) {
            Ok(())
        } else {
            Err(refused(&KVM_RUN, set))
        }
    }
}

#[cold]
fn refused(op: &'static kvm_sys::op::Op, sets: SyncRegs) -> Error {
    let sets = u32::try_from(sets.bits()).unwrap_or(u32::MAX);
    Error::with(op, Errno::EINVAL, Cause::NotSynced, sets)
}

impl<H: Hypervisor<Guest = X86_64> + fmt::Debug> fmt::Debug for SyncedRegisters<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncedRegisters")
            .field("enabled", &self.area.valid)
            .field("written", &self.area.dirty)
            .field("registers", &self.registers)
            .finish()
    }
}

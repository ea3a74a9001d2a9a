//! The synchronised registers of a run page: section 5, `kvm_valid_regs` and `kvm_dirty_regs`.

use kvm_core::Errno;
use kvm_core::kvm_sys::x86_64::SyncRegs;
use kvm_exit::{Page, SyncArea, X86_64};

use crate::model::vcpu::State;

/// Takes the sets that the VMM wrote, and clears their bits. Says whether there were any.
///
/// "EINVAL" for sets that `KVM_CAP_SYNC_REGS`, `supported` here, does not list: the kernel looks at both fields
/// before anything else.
pub(super) fn take(page: &mut [u64], state: &mut State, supported: u32) -> Result<bool, Errno> {
    let supported = SyncRegs::from_bits_retain(supported.into());
    // `RunMemory` has made sure that it is one.
    let page = Page::<X86_64>::from_words(page).map_err(|_| Errno::EINVAL)?;
    let area = page.sync_mut();
    if !supported.contains(area.valid | area.dirty) {
        return Err(Errno::EINVAL);
    }
    let SyncArea { dirty, regs, .. } = area;
    if dirty.contains(SyncRegs::KVM_SYNC_X86_REGS) {
        state.banks.set("regs", &regs.regs);
    }
    if dirty.contains(SyncRegs::KVM_SYNC_X86_SREGS) {
        state.banks.set("sregs", &regs.sregs);
    }
    if dirty.contains(SyncRegs::KVM_SYNC_X86_EVENTS) {
        state.banks.set("vcpu_events", &regs.events);
    }
    let any = !dirty.is_empty();
    *dirty = SyncRegs::empty();
    Ok(any)
}

/// Leaves the sets that the VMM asks for, whatever `KVM_RUN` returns.
pub(super) fn give(page: &mut [u64], state: &State) {
    let Ok(page) = Page::<X86_64>::from_words(page) else {
        return;
    };
    let SyncArea { valid, regs, .. } = page.sync_mut();
    if valid.contains(SyncRegs::KVM_SYNC_X86_REGS) {
        regs.regs = state.banks.get("regs");
    }
    if valid.contains(SyncRegs::KVM_SYNC_X86_SREGS) {
        regs.sregs = state.banks.get("sregs");
    }
    if valid.contains(SyncRegs::KVM_SYNC_X86_EVENTS) {
        regs.events = state.banks.get("vcpu_events");
    }
}

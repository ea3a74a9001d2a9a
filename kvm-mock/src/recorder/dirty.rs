//! Dirty logs that the recorder keeps behind the VMM's back.
#![expect(unsafe_code, reason = "makes calls of its own")]

use kvm_core::{Arg, Errno, Hypervisor, Part, PartBytes};
use kvm_sys::op::Op;
use kvm_sys::{
    KVM_CAP_DIRTY_LOG_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
    KVM_CLEAR_DIRTY_LOG, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, KVM_ENABLE_CAP, KVM_GET_DIRTY_LOG,
    KVM_MEM_LOG_DIRTY_PAGES, KVM_SET_USER_MEMORY_REGION, kvm_clear_dirty_log, kvm_dirty_log,
    kvm_enable_cap, kvm_userspace_memory_region,
};
use zerocopy::{FromBytes, IntoBytes};

use super::Recorder;
use crate::call;
use crate::format::{Kind, Record};
use crate::memory::{GuestMemory, Slots, changes_slots, loggable};

/// Whether the call's answer depends on dirty logs, or changes them.
pub(super) fn concerns(op: &Op) -> bool {
    let ops = [&KVM_GET_DIRTY_LOG, &KVM_CLEAR_DIRTY_LOG, &KVM_ENABLE_CAP];
    changes_slots(op) || ops.contains(&op)
}

/// A structure that the argument begins with.
fn read<T: FromBytes>(arg: &Arg<'_>) -> Option<T> {
    let (bytes, _) = call::head(arg)?;
    T::read_from_prefix(bytes).ok().map(|(value, _)| value)
}

impl<H: Hypervisor> Recorder<H> {
    /// Makes a call that [`concerns`] dirty logs, so that the kernel keeps them and the VMM sees what it asked for.
    ///
    /// # Safety
    ///
    /// As [`ioctl`](Hypervisor::ioctl).
    pub(super) unsafe fn logged_ioctl(
        &self,
        op: &'static Op,
        arg: &mut Arg<'_>,
        slots: &mut Slots,
    ) -> Result<u32, Errno> {
        if changes_slots(op) {
            // SAFETY: the caller's promise.
            return unsafe { self.set_region(op, arg, slots) };
        }
        let slot = read::<kvm_dirty_log>(arg).map(|log| log.slot);
        let is_log = *op != KVM_ENABLE_CAP;
        if let Some(slot) = slot.filter(|_| is_log) {
            slots.check_log(slot)?;
        }
        // SAFETY: the caller's promise.
        let returned = unsafe { self.inner.ioctl(op, arg) }?;
        if let (true, Some(enabled)) = (!is_log, read::<kvm_enable_cap>(arg)) {
            if enabled.cap == KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 {
                let [flags, ..] = enabled.args;
                slots.manual = flags & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE.0 != 0;
            }
            if [KVM_CAP_DIRTY_LOG_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL].contains(&enabled.cap) {
                slots.enable_rings(|region| {
                    let arg = &mut Arg::In(region.as_bytes());
                    // SAFETY: the region is the slot's, as the caller gave it. Where it goes on being logged, the rings
                    // tell pages that the VMM did not ask for.
                    let _ = unsafe { self.inner.ioctl(&KVM_SET_USER_MEMORY_REGION, arg) };
                });
            }
        }
        let clear = read::<kvm_clear_dirty_log>(arg).filter(|_| *op == KVM_CLEAR_DIRTY_LOG);
        let first = clear.map(|clear| clear.first_page);
        if let (Some(slot), true, Arg::Parts { parts: [part], .. }) = (slot, is_log, arg) {
            match (&mut part.bytes, first) {
                (PartBytes::Mut(bitmap), None) => slots.give(slot, bitmap),
                (PartBytes::In(bitmap), Some(first)) => slots.cleared(slot, first, bitmap),
                _ => {}
            }
        }
        Ok(returned)
    }

    /// # Safety
    ///
    /// As [`ioctl`](Hypervisor::ioctl).
    unsafe fn set_region(
        &self,
        op: &'static Op,
        arg: &mut Arg<'_>,
        slots: &mut Slots,
    ) -> Result<u32, Errno> {
        let bytes = call::head(arg).map(|(bytes, _)| bytes);
        let region = bytes.and_then(loggable).filter(|_| slots.can_log());
        let mut kept = false;
        let mut result = Err(Errno::EINVAL);
        if let (Some(mut logged), Some(bytes)) = (region, bytes) {
            logged.flags |= KVM_MEM_LOG_DIRTY_PAGES;
            let (_, rest) = bytes.split_at(size_of::<kvm_userspace_memory_region>());
            let bytes = [logged.as_bytes(), rest].concat();
            // SAFETY: the caller's promise: another flag makes no other address of the region.
            result = unsafe { self.inner.ioctl(op, &mut Arg::In(&bytes)) };
            kept = result.is_ok();
        }
        if !kept {
            // As the VMM has it: to learn its error, or of memory that can't be logged.
            // SAFETY: the caller's promise.
            result = unsafe { self.inner.ioctl(op, arg) };
        }
        if result.is_ok() {
            // SAFETY: the caller's promise; the objects of the VM own the slots, and use them as long as they live
            // only.
            unsafe { slots.learn(arg) };
            if let Some(region) = region {
                slots.note_log(&region, kept);
            }
        }
        result
    }

    /// Writes down the pages that were written to since the last look.
    pub(super) fn harvest(&self, memory: &GuestMemory) {
        let Some(vm) = &self.vm else {
            return;
        };
        let append = |record: &mut Record| self.tape().append(Kind::Pages, self.stream, record);
        let ask = |slot: u32, pages: usize, manual: bool, bits: &mut [u64]| {
            let mut head = kvm_dirty_log {
                slot,
                ..Default::default()
            };
            let bytes = PartBytes::Mut(bits.as_mut_bytes());
            let arg = &mut Arg::Parts {
                head: head.as_mut_bytes(),
                parts: &mut [Part { offset: 8, bytes }],
            };
            // SAFETY: the bitmap has a bit for each page of the slot, in whole words; the slots are locked, so
            // it stays as long.
            unsafe { vm.ioctl(&KVM_GET_DIRTY_LOG, arg) }?;
            if !manual || bits.iter().all(|word| *word == 0) {
                return Ok(());
            }
            let mut head = kvm_clear_dirty_log {
                slot,
                num_pages: u32::try_from(pages).map_err(|_| Errno::E2BIG)?,
                ..Default::default()
            };
            let bytes = PartBytes::In(bits.as_bytes());
            let arg = &mut Arg::Parts {
                head: head.as_mut_bytes(),
                parts: &mut [Part { offset: 16, bytes }],
            };
            // SAFETY: as before.
            unsafe { vm.ioctl(&KVM_CLEAR_DIRTY_LOG, arg) }.map(|_| ())
        };
        memory.lock().harvest(ask, append);
    }
}

//! The tags of memory: section 4.130.

use kvm_core::kvm_sys::aarch64::{
    KVM_ARM_TAGS_FROM_GUEST, KVM_ARM_TAGS_TO_GUEST, kvm_arm_copy_mte_tags,
};
use kvm_core::{Arg, Errno, PartBytes};

use crate::model::vm::Vm;
use crate::model::{args, lock};

/// Bytes of memory that share a tag.
const GRANULE: u64 = 16;

impl Vm {
    /// "`EINVAL` alignment incorrect, or MTE not enabled"; `EFAULT` where there is no memory. What was copied
    /// before counts.
    pub(super) fn arm_mte_copy_tags(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_arm_copy_mte_tags {
            guest_ipa,
            length,
            flags,
            reserved,
            ..
        } = args::head(arg)?;
        let page = self.page_size();
        let known = [KVM_ARM_TAGS_TO_GUEST, KVM_ARM_TAGS_FROM_GUEST].map(u64::from);
        let mut state = lock(&self.state);
        if !state.arm.has_tags
            || reserved != [0; 2]
            || !known.contains(&flags)
            || guest_ipa % page != 0
            || length % page != 0
            || guest_ipa.checked_add(length).is_none()
        {
            return Err(Errno::EINVAL);
        }
        let [part] = args::parts(arg)?;
        let PartBytes::Mut(bytes) = &mut part.bytes else {
            return Err(Errno::EFAULT);
        };
        let in_page = usize::try_from(page / GRANULE).map_err(|_| Errno::EINVAL)?;
        let mut copied = 0;
        for (at, tags) in (guest_ipa..guest_ipa + length)
            .step_by(usize::try_from(page).map_err(|_| Errno::EINVAL)?)
            .zip(bytes.chunks_exact_mut(in_page))
        {
            if !state.slots.read(at, &mut [0]) {
                break;
            }
            if flags == u64::from(KVM_ARM_TAGS_TO_GUEST) {
                state.arm.tags.insert(at, tags.to_vec());
            } else {
                let known = state.arm.tags.get(&at);
                for (i, tag) in tags.iter_mut().enumerate() {
                    *tag = known.and_then(|known| known.get(i)).copied().unwrap_or(0);
                }
            }
            copied += in_page;
        }
        match copied {
            0 if length > 0 => Err(Errno::EFAULT),
            copied if copied as u64 == length / GRANULE => Ok(0),
            copied => u32::try_from(copied).map_err(|_| Errno::EINVAL),
        }
    }
}

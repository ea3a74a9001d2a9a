//! What is said of a VM, and what it says of its vCPUs.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kvm_core::kvm_sys::aarch64::{
    ARM64_SYS_REG, KVM_ARM_FEATURE_ID_RANGE, KVM_ARM_FEATURE_ID_RANGE_IDX,
    KVM_ARM_FEATURE_ID_RANGE_SIZE, KVM_CAP_ARM_MTE, KVM_CAP_ARM_NISV_TO_USER,
    KVM_CAP_ARM_SYSTEM_SUSPEND, KVM_CAP_ARM_VM_IPA_SIZE, KVM_CAP_DIRTY_LOG_RING_ACQ_REL,
    KVM_CAP_HALT_POLL, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, kvm_arm_counter_offset, kvm_enable_cap,
    reg_mask_range,
};
use kvm_core::{Arg, Errno, PartBytes};
use zerocopy::IntoBytes;

use super::capture::feature_registers;
use super::gic::Gic;
use crate::model::host::Host;
use crate::model::vm::Vm;
use crate::model::{args, lock};

/// What a VM has on aarch64 only.
#[derive(Debug, Default)]
pub(in crate::model) struct VmState {
    /// The features of its vCPUs, once the first is initialised.
    pub(super) features: Option<[u32; 7]>,
    pub(super) has_tags: bool,
    pub(super) gic: Option<Gic>,
    /// The ranges of SMCCC calls that are filtered.
    pub(super) filtered: Vec<RangeInclusive<u32>>,
    /// The interrupts of timers that have others than at first.
    pub(super) timers: BTreeMap<u64, u32>,
    /// Whether there is an ITS, so that there can be LPIs.
    pub(super) has_its: bool,
    /// Affinities of the vCPUs that have been initialised.
    pub(super) affinities: BTreeMap<u64, u64>,
    /// Of each page that has other tags than 0, by its address.
    pub(super) tags: BTreeMap<u64, Vec<u8>>,
}

impl VmState {
    /// Whether there is an interrupt controller that works.
    pub(in crate::model) fn has_interrupts(&self) -> bool {
        self.gic.as_ref().is_some_and(|gic| gic.live().is_some())
    }

    /// Whether messages have to say which device they come from.
    pub(in crate::model) fn names_devices(&self) -> bool {
        self.has_its
    }

    /// Messages go to the ITS; the errno of a controller without one is KVM's.
    pub(in crate::model) fn takes_messages(&self) -> Result<(), Errno> {
        match self.gic {
            Some(_) if !self.has_its => Err(Errno::ENODEV),
            _ => Ok(()),
        }
    }

    /// Whether there can be another vCPU beside so many. An interrupt controller that is initialised takes none: "Must
    /// be called after all VCPUs have been created". Before that it has to have room.
    pub(in crate::model) fn takes_vcpu(&self, vcpus: usize) -> Result<(), Errno> {
        match &self.gic {
            Some(gic) if gic.live().is_some() => Err(Errno::EBUSY),
            Some(gic) => gic.fits(vcpus as u64),
            None => Ok(()),
        }
    }
}

/// Section 4.2: the type is the size of a guest-physical address, 0 for 40 bits.
pub(super) fn knows_type(host: &Host, vm_type: u64) -> bool {
    let most = host.system_cap(KVM_CAP_ARM_VM_IPA_SIZE);
    vm_type == 0 || (32..=u64::from(most)).contains(&vm_type)
}

/// Section 4.2: "Creation of the VM will fail if the requested IPA size (whether it is implicit or explicit) is
/// unsupported on the host", so each address below is the VM's.
pub(super) fn address_end(vm_type: u64) -> u64 {
    let bits = if vm_type == 0 { 40 } else { vm_type };
    let bits = u32::try_from(bits).unwrap_or(u32::MAX);
    1_u64.checked_shl(bits).unwrap_or(u64::MAX)
}

impl Vm {
    pub(super) fn arm_preferred_target(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        args::write(arg, &self.system().profile().target)?;
        Ok(0)
    }

    /// Section 4.138: the field that is reserved "must be zero". A script has no clock.
    #[expect(clippy::unused_self, reason = "an entry of the table of calls")]
    pub(super) fn arm_set_counter_offset(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        match args::read(arg)? {
            kvm_arm_counter_offset { reserved: 0, .. } => Ok(0),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Section 4.139: "reserved ... must be zero", and there is one range.
    pub(super) fn arm_get_reg_writable_masks(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let reg_mask_range {
            range, reserved, ..
        } = args::head(arg)?;
        if range != KVM_ARM_FEATURE_ID_RANGE || reserved != [0; 13] {
            return Err(Errno::EINVAL);
        }
        let mut masks = [0u64; KVM_ARM_FEATURE_ID_RANGE_SIZE];
        let writable = &self.system().profile().writable;
        for (op1, crm, op2) in feature_registers() {
            let mask = writable.get(&ARM64_SYS_REG(3, op1, 0, crm, op2));
            let index = KVM_ARM_FEATURE_ID_RANGE_IDX(3, op1, 0, crm, op2);
            let at = usize::try_from(index).ok().and_then(|at| masks.get_mut(at));
            if let (Some(mask), Some(at)) = (mask, at) {
                *at = *mask;
            }
        }
        let [part] = args::parts(arg)?;
        let PartBytes::Mut(bytes) = &mut part.bytes else {
            return Err(Errno::EFAULT);
        };
        masks.write_to_prefix(bytes).map_err(|_| Errno::EFAULT)?;
        Ok(0)
    }

    /// Section 4.37, with chapter 7. Section 7.26: tags must be enabled "before creating any VCPUs".
    pub(super) fn arm_enable_cap(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_enable_cap {
            cap, flags, args, ..
        } = args::read(arg)?;
        let [value, ..] = args;
        if flags != 0 || self.cap(cap) == 0 {
            return Err(Errno::EINVAL);
        }
        match cap {
            KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 => return self.protect_dirty_log(value),
            KVM_CAP_DIRTY_LOG_RING_ACQ_REL => return self.enable_dirty_ring(value),
            // Scripts say which accesses are not described, and what firmware is asked for; nobody waits.
            KVM_CAP_ARM_NISV_TO_USER | KVM_CAP_ARM_SYSTEM_SUSPEND => return Ok(0),
            // Section 7.21: "args[0] is the maximum poll time in nanoseconds", of 32 bits in KVM.
            KVM_CAP_HALT_POLL if value <= u64::from(u32::MAX) => return Ok(0),
            _ => {}
        }
        let mut state = lock(&self.state);
        if cap != KVM_CAP_ARM_MTE || !state.vcpus.is_empty() {
            return Err(Errno::EINVAL);
        }
        state.arm.has_tags = true;
        Ok(0)
    }
}

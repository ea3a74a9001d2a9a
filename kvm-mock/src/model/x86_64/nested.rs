//! The state of nested virtualization: sections 4.114 and 4.115. It is kept as it is.

use kvm_core::kvm_sys::x86_64::{
    KVM_STATE_NESTED_EVMCS, KVM_STATE_NESTED_FORMAT_VMX, KVM_STATE_NESTED_GIF_SET,
    KVM_STATE_NESTED_GUEST_MODE, KVM_STATE_NESTED_MTF_PENDING, KVM_STATE_NESTED_RUN_PENDING,
    NestedStateFlags, kvm_nested_state,
};
use kvm_core::{Arg, Errno};
use zerocopy::IntoBytes;

use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

/// The size of the header, which is all there is without a nested guest.
const HEADER: u32 = 128;
const _: () = assert!(HEADER as usize == size_of::<kvm_nested_state>());

const KNOWN: NestedStateFlags = KVM_STATE_NESTED_GUEST_MODE
    .union(KVM_STATE_NESTED_RUN_PENDING)
    .union(KVM_STATE_NESTED_EVMCS)
    .union(KVM_STATE_NESTED_MTF_PENDING)
    .union(KVM_STATE_NESTED_GIF_SET);

/// No VMX region, and no nested guest: all ones for both addresses.
pub(super) fn at_reset() -> Vec<u8> {
    let mut state = kvm_nested_state {
        format: KVM_STATE_NESTED_FORMAT_VMX,
        size: HEADER,
        ..Default::default()
    };
    let vmx = state.hdr.as_vmx_mut();
    (vmx.vmxon_pa, vmx.vmcs12_pa) = (u64::MAX, u64::MAX);
    state.as_bytes().to_vec()
}

impl Vcpu {
    /// `E2BIG` when there is less room than state; `size` is what is needed in any case.
    pub(super) fn get_nested_state(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut header: kvm_nested_state = args::read(arg)?;
        let state = lock(&self.state);
        let nested = &state.x86.nested;
        let room = header.size as usize;
        header.size = u32::try_from(nested.len()).map_err(|_| Errno::EFAULT)?;
        args::write(arg, &header)?;
        if room < nested.len() {
            return Err(Errno::E2BIG);
        }
        let to = args::bytes_mut(arg)?.get_mut(..nested.len());
        to.ok_or(Errno::EFAULT)?.copy_from_slice(nested);
        Ok(0)
    }

    pub(super) fn set_nested_state(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let header: kvm_nested_state = args::read(arg)?;
        let flags = header.flags;
        let pending_alone = flags.contains(KVM_STATE_NESTED_RUN_PENDING)
            && !flags.contains(KVM_STATE_NESTED_GUEST_MODE);
        if header.size < HEADER
            || KNOWN.complement().intersects(flags)
            || pending_alone
            || header.format != KVM_STATE_NESTED_FORMAT_VMX
        {
            return Err(Errno::EINVAL);
        }
        let bytes = args::bytes(arg)?.get(..header.size as usize);
        lock(&self.state).x86.nested = bytes.ok_or(Errno::EFAULT)?.to_vec();
        Ok(0)
    }
}

//! The state of nested virtualization: sections 4.114 and 4.115. It is kept as it is.

use kvm_core::kvm_sys::x86_64::{
    KVM_STATE_NESTED_EVMCS, KVM_STATE_NESTED_FORMAT_SVM, KVM_STATE_NESTED_FORMAT_VMX,
    KVM_STATE_NESTED_GIF_SET, KVM_STATE_NESTED_GUEST_MODE, KVM_STATE_NESTED_MTF_PENDING,
    KVM_STATE_NESTED_RUN_PENDING, NestedStateFlags, kvm_nested_state, kvm_sregs,
};
use kvm_core::{Arg, Errno};
use zerocopy::IntoBytes;

use crate::model::host::Host;
use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

/// The name under which it is kept.
pub(in crate::model) const BANK: &str = "nested_state";

/// The size of the header, which is all there is without a nested guest.
const HEADER: u32 = 128;
/// Whether SVM is on.
const EFER_SVME: u64 = 1 << 12;
const _: () = assert!(HEADER as usize == size_of::<kvm_nested_state>());

const KNOWN: NestedStateFlags = KVM_STATE_NESTED_GUEST_MODE
    .union(KVM_STATE_NESTED_RUN_PENDING)
    .union(KVM_STATE_NESTED_EVMCS)
    .union(KVM_STATE_NESTED_MTF_PENDING)
    .union(KVM_STATE_NESTED_GIF_SET);

/// Whether the host nests guests by SVM: leaf 0x8000_0001.
pub(super) fn by_svm(host: &Host) -> bool {
    let mut leaves = host.cpuid.iter();
    leaves.any(|leaf| leaf.function == 0x8000_0001 && leaf.ecx & 1 << 2 != 0)
}

/// No nested guest. Of SVM, all interrupts are let through; of VMX, there is no region: all ones for both addresses.
pub(super) fn at_reset(svm: bool) -> Vec<u8> {
    if svm {
        let state = kvm_nested_state {
            flags: KVM_STATE_NESTED_GIF_SET,
            format: KVM_STATE_NESTED_FORMAT_SVM,
            size: HEADER,
            ..Default::default()
        };
        return state.as_bytes().to_vec();
    }
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
        let nested = state.banks.all_bytes(BANK);
        let room = header.size as usize;
        header.size = u32::try_from(nested.len()).map_err(|_| Errno::EFAULT)?;
        args::write(arg, &header)?;
        if room < nested.len() {
            return Err(Errno::E2BIG);
        }
        let to = args::bytes_mut(arg)?.get_mut(..nested.len());
        to.ok_or(Errno::EFAULT)?.copy_from_slice(&nested);
        Ok(0)
    }

    pub(super) fn set_nested_state(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let header: kvm_nested_state = args::read(arg)?;
        let flags = header.flags;
        let pending_alone = flags.contains(KVM_STATE_NESTED_RUN_PENDING)
            && !flags.contains(KVM_STATE_NESTED_GUEST_MODE);
        if header.size < HEADER || KNOWN.complement().intersects(flags) || pending_alone {
            return Err(Errno::EINVAL);
        }
        let mut state = lock(&self.state);
        let (format, off) = if by_svm(self.vm().system().profile()) {
            let sregs: kvm_sregs = state.banks.get("sregs");
            let off = sregs.efer & EFER_SVME == 0;
            (KVM_STATE_NESTED_FORMAT_SVM, off)
        } else {
            (KVM_STATE_NESTED_FORMAT_VMX, false)
        };
        // A guest that has not switched SVM on has no other state than this.
        if header.format != format || off && flags != KVM_STATE_NESTED_GIF_SET {
            return Err(Errno::EINVAL);
        }
        let bytes = args::bytes(arg)?.get(..header.size as usize);
        state.banks.set_bytes(BANK, bytes.ok_or(Errno::EFAULT)?);
        Ok(0)
    }
}

//! Attributes of x86_64.

/// Of a vCPU: `Documentation/virt/kvm/devices/vcpu.rst`. Needs `KVM_CAP_VCPU_ATTRIBUTES`.
pub mod vcpu {
    #![expect(unsafe_code, reason = "a table of attributes with their types")]

    use kvm_sys::Arch;
    use kvm_sys::x86_64::{KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET};

    use crate::device::attr::attributes;
    use crate::device::{Attr, On};

    attributes! { On::Vcpu(Arch::X86_64);
        /// What is added to the host's time stamp counter to make the guest's, with the sign in the highest
        /// bit.
        TSC_OFFSET: u64 = KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET;
    }
}

/// Of the system. Needs `KVM_CAP_SYS_ATTRIBUTES`.
pub mod system {
    #![expect(unsafe_code, reason = "a table of attributes with their types")]

    use kvm_sys::Arch;
    use kvm_sys::x86_64::{
        KVM_X86_GRP_SEV, KVM_X86_GRP_SYSTEM, KVM_X86_SEV_VMSA_FEATURES, KVM_X86_XCOMP_GUEST_SUPP,
    };

    use crate::device::attr::attributes;
    use crate::device::{Attr, On};

    attributes! { On::System(Arch::X86_64);
        /// The components of extended state that guests can have, as in XCR0, those that need a permission
        /// included.
        XCOMP_GUEST_SUPP: u64 = KVM_X86_GRP_SYSTEM, KVM_X86_XCOMP_GUEST_SUPP;
        /// The features of SEV-ES guests that `KVM_SEV_INIT2` takes.
        SEV_VMSA_FEATURES: u64 = KVM_X86_GRP_SEV, KVM_X86_SEV_VMSA_FEATURES;
    }
}

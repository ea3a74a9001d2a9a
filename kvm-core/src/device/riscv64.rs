//! Attributes of riscv64.

/// Of an advanced interrupt architecture in the kernel, `KVM_DEV_TYPE_RISCV_AIA`: an APLIC, and an IMSIC
/// for each vCPU.
pub mod aia {
    #![expect(unsafe_code, reason = "a table of attributes with their types")]

    use kvm_sys::KVM_DEV_TYPE_RISCV_AIA;
    use kvm_sys::riscv64::{
        KVM_DEV_RISCV_AIA_ADDR_APLIC, KVM_DEV_RISCV_AIA_ADDR_IMSIC,
        KVM_DEV_RISCV_AIA_CONFIG_GROUP_BITS, KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT,
        KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS, KVM_DEV_RISCV_AIA_CONFIG_HART_BITS,
        KVM_DEV_RISCV_AIA_CONFIG_IDS, KVM_DEV_RISCV_AIA_CONFIG_MODE, KVM_DEV_RISCV_AIA_CONFIG_SRCS,
        KVM_DEV_RISCV_AIA_CTRL_INIT, KVM_DEV_RISCV_AIA_GRP_ADDR, KVM_DEV_RISCV_AIA_GRP_APLIC,
        KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_GRP_CTRL, KVM_DEV_RISCV_AIA_GRP_IMSIC,
        KVM_DEV_RISCV_AIA_IMSIC_MKATTR,
    };

    use crate::device::attr::attributes;
    use crate::device::{Attr, On};

    attributes! { On::Device(KVM_DEV_TYPE_RISCV_AIA);
        /// Who does the work: `KVM_DEV_RISCV_AIA_MODE_EMUL`, `_HWACCEL` or `_AUTO`.
        MODE: u32 = KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_MODE;
        /// How many interrupt identities an IMSIC has: from 63 on, each time 64 more.
        IDS: u32 = KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_IDS;
        /// How many wired interrupts the APLIC has; 0 for no APLIC.
        SRCS: u32 = KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_SRCS;
        /// How many bits of an IMSIC's address are the group of the hart.
        GROUP_BITS: u32 = KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_GROUP_BITS;
        /// Where in the address they are.
        GROUP_SHIFT: u32 = KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT;
        /// How many bits of an IMSIC's address are the hart in its group.
        HART_BITS: u32 = KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_HART_BITS;
        /// How many bits of an IMSIC's address are the guest's number.
        GUEST_BITS: u32 = KVM_DEV_RISCV_AIA_GRP_CONFIG, KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS;
        /// Guest-physical address of the APLIC.
        ADDR_APLIC: u64 = KVM_DEV_RISCV_AIA_GRP_ADDR, KVM_DEV_RISCV_AIA_ADDR_APLIC;
        /// Makes it work, once addresses and numbers are set and the vCPUs are there.
        INIT: () = KVM_DEV_RISCV_AIA_GRP_CTRL, KVM_DEV_RISCV_AIA_CTRL_INIT;

        {
        /// Guest-physical address of a vCPU's IMSIC.
        fn addr_imsic(vcpu: u64) -> u64 = KVM_DEV_RISCV_AIA_GRP_ADDR, KVM_DEV_RISCV_AIA_ADDR_IMSIC(vcpu);
        /// A register of the APLIC, by its offset in bytes.
        fn aplic(offset: u64) -> u32 = KVM_DEV_RISCV_AIA_GRP_APLIC, offset;
        /// A register of a vCPU's IMSIC, by its number. Of 64 identities that are set pending or enabled, Linux 6.12
        /// was observed to keep the lower 32 only.
        fn imsic(vcpu: u64, isel: u64) -> u64 = KVM_DEV_RISCV_AIA_GRP_IMSIC, KVM_DEV_RISCV_AIA_IMSIC_MKATTR(vcpu, isel);
        }
    }
}

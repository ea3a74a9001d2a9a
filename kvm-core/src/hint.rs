//! The likely cause of the failures that VMMs meet most.

use crate::Errno;

/// What to look at when a call gives this errno.
pub(crate) fn hint(call: &str, errno: Errno) -> Option<&'static str> {
    Some(match (call, errno) {
        ("/dev/kvm", Errno::ENOENT) => {
            "is KVM built into or loaded by this kernel, and virtualization enabled?"
        }
        ("/dev/kvm", Errno::EACCES | Errno::EPERM) => "is this user in the kvm group?",
        ("/dev/kvm", Errno::ENODEV) => {
            "does this CPU have virtualization, enabled in the firmware?"
        }
        ("/dev/kvm", Errno::ENOSYS) => "KVM exists on Linux only",
        ("/dev/kvm", Errno::ENOTTY) => "this file is no KVM device",
        ("KVM_GET_API_VERSION", Errno::ENOTTY) => "/dev/kvm is no KVM device",
        ("KVM_CREATE_VCPU", Errno::EEXIST) => "the VM has a vCPU with this id already",
        ("KVM_CREATE_VCPU", Errno::EINVAL) => {
            "is the id below KVM_CAP_MAX_VCPU_ID, and the VM not full?"
        }
        ("KVM_CREATE_IRQCHIP", Errno::EEXIST) => "the VM has an interrupt controller already",
        ("KVM_CREATE_IRQCHIP", Errno::EINVAL) => "is it created before the first vCPU?",
        ("KVM_GET_IRQCHIP" | "KVM_SET_IRQCHIP" | "KVM_IRQ_LINE", Errno::ENXIO) => {
            "the VM has no interrupt controller"
        }
        ("KVM_SET_USER_MEMORY_REGION", Errno::EINVAL) => "is the slot below KVM_CAP_NR_MEMSLOTS?",
        ("KVM_IRQFD", Errno::EINVAL) => {
            "is the file an eventfd, and has the VM an interrupt controller in the kernel?"
        }
        ("KVM_IRQFD", Errno::EBUSY) => "the eventfd raises an interrupt already",
        ("KVM_IOEVENTFD", Errno::EEXIST) => {
            "an event at this address is registered that some of the same writes would be"
        }
        ("KVM_IOEVENTFD", Errno::EINVAL) => {
            "is the file an eventfd, the length 0, 1, 2, 4 or 8, and not 0 with data to match?"
        }
        ("KVM_IOEVENTFD", Errno::ENOENT) => "this eventfd is not registered for this event",
        ("KVM_SET_GSI_ROUTING" | "KVM_SIGNAL_MSI", Errno::EINVAL) => {
            "has the VM an interrupt controller in the kernel?"
        }
        ("KVM_SIGNAL_MSI", Errno::EPERM) => "the VM has no vCPU that the message is for",
        ("KVM_CREATE_DEVICE", Errno::ENODEV) => "this kernel has no such device",
        ("KVM_RUN", Errno::ENOEXEC) => "the vCPU has not been initialised",
        ("KVM_CREATE_PIT" | "KVM_CREATE_PIT2", Errno::EEXIST) => "the VM has a timer already",
        ("KVM_CREATE_PIT" | "KVM_CREATE_PIT2", Errno::ENOENT) => {
            "the timer needs KVM_CREATE_IRQCHIP first; a split interrupt controller won't do"
        }
        (
            "KVM_GET_PIT"
            | "KVM_SET_PIT"
            | "KVM_GET_PIT2"
            | "KVM_SET_PIT2"
            | "KVM_REINJECT_CONTROL",
            Errno::ENXIO,
        ) => "the VM has no timer in the kernel",
        ("KVM_SET_BOOT_CPU_ID", Errno::EBUSY) => "is it chosen before the first vCPU?",
        ("KVM_SET_IDENTITY_MAP_ADDR", Errno::EINVAL) => "is it set before the first vCPU?",
        ("KVM_GET_LAPIC" | "KVM_SET_LAPIC", Errno::EINVAL) => {
            "was the vCPU created after KVM_CREATE_IRQCHIP or a split interrupt controller?"
        }
        ("KVM_SET_CPUID" | "KVM_SET_CPUID2", Errno::EINVAL) => {
            "has the vCPU run, or does a leaf have what the host lacks?"
        }
        ("KVM_SET_CPUID" | "KVM_SET_CPUID2", Errno::E2BIG) => "there may be 256 leaves",
        ("KVM_SET_SREGS" | "KVM_SET_SREGS2", Errno::EINVAL) => {
            "do cr0, cr4 and efer agree, with each other and with CPUID, which comes first?"
        }
        ("KVM_GET_XSAVE", Errno::EINVAL) => "state of more than 4096 bytes needs KVM_GET_XSAVE2",
        ("KVM_SET_XSAVE", Errno::EINVAL) => "does the state have components that the host lacks?",
        ("KVM_SET_XCRS", Errno::EINVAL) => "does CPUID, which comes first, have what XCR0 enables?",
        ("KVM_SET_NESTED_STATE", Errno::EINVAL) => {
            "do CPUID, the MSRs of VMX and the special registers, which come first, fit the state?"
        }
        ("KVM_SET_MP_STATE", Errno::EINVAL) => {
            "states but RUNNABLE need an interrupt controller in the kernel"
        }
        ("KVM_KVMCLOCK_CTRL", Errno::EINVAL) => "the guest has not set up kvmclock on this vCPU",
        ("KVM_SET_TSC_KHZ", Errno::EINVAL | Errno::EPERM) => {
            "can the processor scale its counter so far?"
        }
        ("KVM_X86_SETUP_MCE", Errno::EINVAL) => {
            "is the number of banks in 1..=KVM_CAP_MCE, and the rest supported?"
        }
        ("KVM_X86_SET_MCE", Errno::EINVAL) => {
            "does the bank exist, and the status have its valid bit?"
        }
        ("KVM_SET_PMU_EVENT_FILTER", Errno::E2BIG) => "there may be 300 events",
        ("KVM_X86_SET_MSR_FILTER", Errno::EINVAL) => {
            "denying by default needs a range, and a range a kind of access"
        }
        ("KVM_ENABLE_CAP", Errno::EINVAL) => {
            "does KVM_CHECK_EXTENSION have the capability and these arguments, and is it in time?"
        }
        ("KVM_MEMORY_ENCRYPT_OP", Errno::ENOTTY) => "has the VM a type with memory encryption?",
        ("KVM_SMI", Errno::ENOTTY) => "the kernel is built without system management mode",
        (_, Errno::EIO) => "does this process own the VM (KVM serves no child of a fork)?",
        (_, Errno::EMFILE) => "raise the limit of open files",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_has_a_hint() {
        assert!(hint("KVM_GET_XSAVE", Errno::EINVAL).is_some());
        assert_eq!(hint("KVM_GET_REGS", Errno::EFAULT), None);
    }

    /// A hint under a name that no call has is never shown.
    #[test]
    fn hints_are_on_calls_that_there_are() {
        let source = include_str!("hint.rs");
        let (hints, _) = source.split_once("#[cfg(test)]").unwrap();
        let names = hints
            .split('"')
            .filter(|text| text.starts_with("KVM_") && !text.contains(' '));
        let known = |name: &str| kvm_sys::x86_64::ALL.iter().any(|op| op.name == name);
        for name in names {
            assert!(known(name), "{name}");
        }
    }
}

//! The differences that are KVM's own: where it does other than its documentation and the model say, and why.

use std::mem::offset_of;
use std::ops::Range;

use kvm_core::Errno;
use kvm_core::kvm_sys::op::Op;
use kvm_core::kvm_sys::x86_64::{kvm_irqchip, kvm_pic_state, kvm_vcpu_events};

use super::host::{Host, Kind};
use super::step::{On, Step};
use super::world::Answer;

/// A difference that is not the model's.
pub(super) struct Known {
    /// The call, by its name.
    pub(super) op: &'static str,
    /// The kinds of KVM that have it.
    pub(super) kinds: &'static [Kind],
    /// The kernels that have it, from one version to before another.
    pub(super) kernels: Range<(u32, u32)>,
    /// Whether it is this one.
    pub(super) is: fn(&Step, &Answer, &Answer) -> bool,
    /// Why the kernel does so.
    pub(super) reason: &'static str,
}

impl Known {
    /// Whether such a host has it.
    pub(super) fn applies(&self, host: &Host) -> bool {
        self.kinds.contains(&host.kind) && self.kernels.contains(&host.kernel)
    }

    /// Whether it is this one: the kernel's answer is the first.
    pub(super) fn explains(&self, op: &Op, step: &Step, kvm: &Answer, model: &Answer) -> bool {
        self.op == op.name && (self.is)(step, kvm, model)
    }
}

/// Kernels of all versions.
const ALL: Range<(u32, u32)> = (0, 0)..(u32::MAX, 0);
const ARM: &[Kind] = &[Kind::Arm];
const X86: &[Kind] = &[Kind::Svm, Kind::Vmx, Kind::Pvm];

/// The id of a0 on riscv64, 0x8030_0000_0200_000a.
const A0: &str = "id: 9236882835770441738,";
/// The lines of the first PIC that are raised, in `kvm_irqchip`.
const IRR: usize = offset_of!(kvm_irqchip, chip) + offset_of!(kvm_pic_state, irr);
/// Not on each run: it depends on how long the calls take.
pub(super) const BY_TIME: &str = "time passes, and a PIT that was set raises its interrupt";
const PAT: &str = "index: 631,";
const NO_PAT: &str = "the types of memory in the page attribute table are not looked at";
const NO_PAGING: &str = "paging without long mode is taken back";

/// All that are known.
pub(super) static KNOWN: &[Known] = &[
    Known {
        op: "KVM_GET_ONE_REG",
        kinds: &[Kind::Riscv],
        kernels: (0, 0)..(6, 16),
        is: |step, kvm, model| {
            let none = |at: &usize| kvm.bytes.get(*at) == Some(&0);
            let differ = differ_at(kvm, model);
            step.names(A0) && !differ.is_empty() && differ.iter().all(none)
        },
        reason: "older kernels leave the id out of a0 until the guest starts the vCPU",
    },
    Known {
        op: "KVM_GET_DEVICE_ATTR",
        kinds: &[Kind::Riscv],
        kernels: ALL,
        is: |step, kvm, model| {
            let extends = |half: &[u8]| half == [0; 4] || half == [0xff; 4];
            let differ = differ_at(kvm, model);
            step.names("group: 4")
                && !differ.is_empty()
                && differ.iter().all(|at| (4..8).contains(at))
                && kvm.bytes.get(4..8).is_some_and(extends)
        },
        reason: "of 64 messages that are pending or enabled, KVM keeps what is set of the lower 32, and extends their sign",
    },
    Known {
        op: "KVM_CHECK_EXTENSION",
        kinds: ARM,
        kernels: ALL,
        is: |step, kvm, model| {
            step.on == On::System && kvm.result == Err(Errno::EINVAL) && model.result == Ok(0)
        },
        reason: "the system refuses to say of some capabilities what depends on the VM",
    },
    Known {
        op: "KVM_SET_DEVICE_ATTR",
        kinds: ARM,
        kernels: ALL,
        is: |_, kvm, model| kvm.result.is_ok() && model.result == Err(Errno::ENODEV),
        reason: "an interrupt controller is initialised without a vCPU, for which its document has an errno",
    },
    Known {
        op: "KVM_ENABLE_CAP",
        kinds: X86,
        kernels: ALL,
        is: |step, kvm, model| {
            step.names("KVM_CAP_X86_BUS_LOCK_EXIT") && kvm.result.is_ok() && model.result.is_err()
        },
        reason: "bus lock exits can be asked for, to no effect, where the processor has none",
    },
    Known {
        op: "KVM_ENABLE_CAP",
        kinds: X86,
        kernels: (0, 0)..(6, 16),
        is: |step, kvm, model| {
            step.names("KVM_CAP_X86_DISABLE_EXITS") && kvm.result.is_ok() && model.result.is_err()
        },
        reason: "older kernels let exits be switched off when there are vCPUs already",
    },
    Known {
        op: "KVM_SET_TSC_KHZ",
        kinds: X86,
        kernels: (0, 0)..(6, 16),
        is: |step, kvm, model| step.on == On::Vm && kvm.result.is_ok() && model.result.is_err(),
        reason: "older kernels let it be set for a VM that has vCPUs already",
    },
    Known {
        op: "KVM_SET_SREGS",
        kinds: &[Kind::Svm, Kind::Vmx],
        kernels: ALL,
        is: |step, kvm, model| {
            step.names("with efer") && kvm.result == Err(Errno::EINVAL) && model.result.is_ok()
        },
        reason: "kernels with a later correction refuse bits of EFER that the guest's CPUID does not have",
    },
    Known {
        op: "KVM_GET_VCPU_EVENTS",
        kinds: &[Kind::Svm],
        kernels: ALL,
        is: |_, kvm, model| {
            const SHADOW: usize = offset_of!(kvm_vcpu_events, interrupt.shadow);
            differ_at(kvm, model) == [SHADOW]
        },
        reason: "SVM does not tell one kind of interrupt shadow from the other",
    },
    Known {
        op: "KVM_SIGNAL_MSI",
        kinds: X86,
        kernels: ALL,
        is: |_, kvm, model| kvm.result == Err(Errno::EPERM) && model.result.is_ok(),
        reason: "a message for no vCPU is an error only where the kernel has no map of local APICs",
    },
    Known {
        op: "KVM_GET_IRQCHIP",
        kinds: X86,
        kernels: ALL,
        is: |_, kvm, model| {
            let raised = |answer: &Answer| answer.bytes.get(IRR).map(|lines| lines & 1);
            differ_at(kvm, model) == [IRR] && (raised(kvm), raised(model)) == (Some(1), Some(0))
        },
        reason: BY_TIME,
    },
    Known {
        op: "KVM_SET_GUEST_DEBUG",
        kinds: &[Kind::Pvm],
        kernels: ALL,
        is: |_, kvm, _| kvm.result == Err(Errno::EBUSY),
        reason: "a triple fault is pending already",
    },
    Known {
        op: "KVM_GET_DEVICE_ATTR",
        kinds: &[Kind::Pvm],
        kernels: ALL,
        is: both_succeed,
        reason: "the time stamp counter has no offset",
    },
    Known {
        op: "KVM_SET_MSRS",
        kinds: &[Kind::Pvm],
        kernels: ALL,
        is: |step, kvm, model| step.names(PAT) && kvm.result > model.result,
        reason: NO_PAT,
    },
    Known {
        op: "KVM_GET_MSRS",
        kinds: &[Kind::Pvm],
        kernels: ALL,
        is: |step, _, _| step.names(PAT),
        reason: NO_PAT,
    },
    Known {
        op: "KVM_GET_SREGS",
        kinds: &[Kind::Pvm],
        kernels: ALL,
        is: both_succeed,
        reason: NO_PAGING,
    },
    Known {
        op: "KVM_GET_SREGS2",
        kinds: &[Kind::Pvm],
        kernels: ALL,
        is: both_succeed,
        reason: NO_PAGING,
    },
];

/// The bytes in which two answers differ.
fn differ_at(kvm: &Answer, model: &Answer) -> Vec<usize> {
    let bytes = kvm.bytes.iter().zip(&model.bytes).enumerate();
    let differ = bytes.filter(|(_, (kvm, model))| kvm != model);
    differ.map(|(at, _)| at).collect()
}

fn both_succeed(_: &Step, kvm: &Answer, model: &Answer) -> bool {
    kvm.result.is_ok() && model.result.is_ok()
}

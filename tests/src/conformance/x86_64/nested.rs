//! A guest that runs a guest of its own, by SVM: sections 4.114 and 4.115.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{
    KVM_STATE_NESTED_FORMAT_VMX, KVM_STATE_NESTED_GUEST_MODE, kvm_nested_state,
};
use kvm_core::{Exit, GuestAddress, Hypervisor, Kvm, Vcpu};

use super::guest::{self, CODE};
use super::{Model, Outcome, Step, unexpected};
use crate::long_mode;

/// What the processor is told of the nested guest, and where it may leave what is the guest's own.
const VMCB: u64 = 0x9000;
/// How many of its bytes say how the nested guest is run; registers are behind.
const CONTROLS: usize = 0x400;
/// Where the nested guest's code is.
const NESTED: u64 = 0xb000;
const MEMORY: usize = 0x1_0000;

/// Turns SVM on, runs the nested guest, and says why it came back.
#[rustfmt::skip]
const OUTER: &[u8] = &[
    0xb9, 0x80, 0x00, 0x00, 0xc0, // mov ecx, 0xc0000080: EFER
    0x0f, 0x32,                   // rdmsr
    0x0d, 0x00, 0x10, 0x00, 0x00, // or eax, 0x1000: SVME
    0x0f, 0x30,                   // wrmsr
    0xb9, 0x17, 0x01, 0x01, 0xc0, // mov ecx, 0xc0010117: VM_HSAVE_PA
    0xb8, 0x00, 0xa0, 0x00, 0x00, // mov eax, 0xa000
    0x31, 0xd2,                   // xor edx, edx
    0x0f, 0x30,                   // wrmsr
    0xb8, 0x00, 0x90, 0x00, 0x00, // mov eax, 0x9000
    0x0f, 0x01, 0xd8,             // vmrun rax
    0x8b, 0x40, 0x70,             // mov eax, [rax + 0x70]: the exit code
    0xe7, 0x80,                   // out 0x80, eax
    0xf4,                         // hlt
];

/// Writes to a port twice, and calls the outer guest.
#[rustfmt::skip]
const INNER: &[u8] = &[
    0xb0, 0x01,       // mov al, 1
    0xe6, 0x80,       // out 0x80, al
    0xb0, 0x02,       // mov al, 2
    0xe6, 0x80,       // out 0x80, al
    0x0f, 0x01, 0xd9, // vmmcall
];

/// The exit code of that call.
const VMMCALL: u32 = 0x81;

/// The VMCB's fields that are not zero: those that say what comes back to the outer guest, and the nested guest's
/// registers, with the outer guest's page tables.
fn vmcb(cr0: u64, cr3: u64, cr4: u64, efer: u64) -> [(u64, u64); 12] {
    const SVME: u64 = 1 << 12;
    /// Selector, attributes and limit.
    const CODE_SEGMENT: u64 = 0xffff_ffff_0a9b_0008;
    const DATA_SEGMENT: u64 = 0xffff_ffff_0c93_0010;

    [
        (0x10, 0b11), // VMRUN and VMMCALL
        (0x58, 1),    // the address space's number
        (0x400, DATA_SEGMENT),
        (0x410, CODE_SEGMENT),
        (0x420, DATA_SEGMENT),
        (0x430, DATA_SEGMENT),
        (0x4d0, efer | SVME),
        (0x548, cr4),
        (0x550, cr3),
        (0x558, cr0),
        (0x570, 2), // rflags
        (0x578, NESTED),
    ]
}

pub(crate) fn goes_on_script(model: &Model) {
    // The model's processor is one of those with VMX.
    let nested = kvm_nested_state {
        flags: KVM_STATE_NESTED_GUEST_MODE,
        format: KVM_STATE_NESTED_FORMAT_VMX,
        ..Default::default()
    };
    model.script(
        0,
        [Step::io_out(0x80, [1]).with_nested_state(nested, [0; 4096])],
    );
    for vcpu in [0, 1] {
        model.script(
            vcpu,
            [
                Step::io_out(0x80, [2]),
                Step::io_out(0x80, VMMCALL.to_le_bytes())
                    .with_nested_state(kvm_nested_state::default(), []),
                Step::hlt(),
            ],
        );
    }
}

/// A vCPU is saved while it runs the nested guest, and restored into another VM. Both go on there, and come back to the
/// outer guest.
pub(crate) fn goes_on<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = guest::vm_with(&kvm, OUTER)?;
    vm.write_memory(GuestAddress(NESTED), INNER)?;
    for (table, entry) in long_mode::TABLES {
        vm.write_memory(GuestAddress(table), &entry.to_le_bytes())?;
    }
    let mut vcpu = guest::vcpu(&vm, 0)?;
    guest::enter_long_mode(&vcpu)?;
    vcpu.set_cpuid2(&kvm.get_supported_cpuid()?)?;
    vcpu.set_regs(&guest::regs(CODE))?;
    let sregs = vcpu.get_sregs()?;
    for (field, value) in vmcb(sregs.cr0, sregs.cr3, sregs.cr4, sregs.efer) {
        vm.write_memory(GuestAddress(VMCB + field), &value.to_le_bytes())?;
    }

    tells(&mut vcpu, &[1])?;
    let state = vcpu.save()?;
    assert!(is_nested(&vcpu)?);

    let other = guest::vm_with(&kvm, &[])?;
    let mut memory = vec![0; MEMORY];
    vm.read_memory(GuestAddress(0), &mut memory)?;
    other.write_memory(GuestAddress(0), &memory)?;
    let mut restored = other.create_vcpu(1)?;
    restored.restore(&state)?;
    assert!(is_nested(&restored)?);
    // Of the outer guest's registers, which are behind, the kernel takes those that coming back to it loads.
    assert_eq!(
        restored.get_nested_state()?.data().get(..CONTROLS),
        vcpu.get_nested_state()?.data().get(..CONTROLS)
    );
    for vcpu in [&mut vcpu, &mut restored] {
        tells(vcpu, &[2])?;
        tells(vcpu, &VMMCALL.to_le_bytes())?;
        assert!(!is_nested(vcpu)?);
        assert_eq!(vcpu.run()?.0, Exit::Hlt);
    }
    assert_eq!(restored.get_regs()?, vcpu.get_regs()?);
    Ok(())
}

/// Runs the vCPU up to this write to a port.
fn tells<H: Hypervisor<Guest = X86_64>>(vcpu: &mut Vcpu<H>, data: &[u8]) -> Outcome {
    match vcpu.run()?.0 {
        Exit::IoOut(io) if (io.port, io.data) == (0x80, data) => Ok(()),
        other => unexpected(&format!("a write of {data:02x?}"), other),
    }
}

/// Whether it runs the nested guest.
fn is_nested<H: Hypervisor<Guest = X86_64>>(vcpu: &Vcpu<H>) -> Result<bool, kvm_core::Error> {
    let flags = vcpu.get_nested_state()?.header().flags;
    Ok(flags.contains(KVM_STATE_NESTED_GUEST_MODE))
}

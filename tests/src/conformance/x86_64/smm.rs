//! System management mode: section 4.94, `KVM_SMI`.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{KVM_RUN_X86_SMM, RunFlags};
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Hypervisor, Kvm, Slot};

use super::guest::{self, Guest};
use super::{Model, Outcome, Step, unexpected};

/// Memory in this mode is an address space of its own, the second.
const SMRAM: Slot = Slot::in_address_space(1, 0);
/// Where a processor at reset has the memory that it saves its state in.
const MEMORY: u64 = 0x3_0000;
/// Where in it its code for this mode is.
const HANDLER: usize = 0x8000;

/// Writes to a port, and goes back.
#[rustfmt::skip]
const HANDLE: &[u8] = &[
    0xb0, 0x05, // mov al, 5
    0xe6, 0x80, // out 0x80, al
    0x0f, 0xaa, // rsm
];

pub(crate) fn entered_script(model: &Model) {
    model.script(
        0,
        [
            Step::exit(|page| {
                page.state_mut().flags = KVM_RUN_X86_SMM;
                let io = kvm_core::kvm_exit::IoOut {
                    port: 0x80,
                    size: 1,
                    data: &[5],
                };
                page.encode(&Exit::IoOut(io))
            }),
            Step::exit(|page| {
                page.state_mut().flags = RunFlags::empty();
                page.encode(&Exit::Hlt)
            }),
        ],
    );
}

/// The interrupt makes the guest run its handler, which the run page tells, and then what it was about to.
pub(crate) fn entered<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = guest::vm_with(&kvm, &[0xf4])?;
    let vcpu = guest::vcpu(&vm, 0)?;
    // It says in which layout the processor saves its state.
    vcpu.set_cpuid2(&kvm.get_supported_cpuid()?)?;
    let mut guest = Guest { vm, vcpu };
    let memory = AnonymousMemory::new(0x1_0000)?;
    let memory = guest.vm.add_memory(SMRAM, GuestAddress(MEMORY), memory)?;
    assert!(memory.write(HANDLER, HANDLE));
    guest.vcpu.smi()?;
    match guest.vcpu.run()?.0 {
        Exit::IoOut(io) => assert_eq!((io.port, io.data), (0x80, &[5][..])),
        other => return unexpected("the handler's write", other),
    }
    assert!(guest.vcpu.run_page().flags().contains(KVM_RUN_X86_SMM));
    guest.halts()?;
    assert!(!guest.vcpu.run_page().flags().contains(KVM_RUN_X86_SMM));
    Ok(())
}

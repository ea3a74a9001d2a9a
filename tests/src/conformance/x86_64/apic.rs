//! Local APICs: starting another vCPU, ends of interrupts, priorities.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::kvm_msi;
use kvm_core::{Exit, GuestAddress, Hypervisor, Kvm, Route, RoutingEntry, Vcpu, Vm};

use super::guest::{Guest, vcpu, vm_with};
use super::{Model, Outcome, Step, unexpected};

/// Enabled, and reached through MSRs.
const X2APIC: u64 = 1 << 11 | 1 << 10;

/// In ecx of leaf 1.
const HAS_X2APIC: u32 = 1 << 21;

/// A vCPU whose APIC the guest reaches through MSRs.
fn with_x2apic<H: Hypervisor<Guest = X86_64>>(
    kvm: &Kvm<H>,
    vm: &Vm<H>,
    id: u64,
) -> Result<Vcpu<H>, kvm_core::Error> {
    let vcpu = vcpu(vm, id)?;
    let mut cpuid = kvm.get_supported_cpuid()?;
    for leaf in cpuid.iter_mut().filter(|leaf| leaf.function == 1) {
        leaf.ecx |= HAS_X2APIC;
        // Its own id.
        leaf.ebx = leaf.ebx & 0x00ff_ffff | u32::try_from(id).unwrap_or(0) << 24;
    }
    vcpu.set_cpuid2(&cpuid)?;
    let mut sregs = vcpu.get_sregs()?;
    sregs.apic_base |= X2APIC;
    vcpu.set_sregs(&sregs)?;
    Ok(vcpu)
}

fn tells<H: Hypervisor<Guest = X86_64>>(vcpu: &mut Vcpu<H>, byte: u8) -> Outcome {
    match vcpu.run()?.0 {
        Exit::IoOut(io) if (io.port, io.data) == (0x80, &[byte][..]) => Ok(()),
        other => unexpected("a write to the port", other),
    }
}

/// Sends INIT and then a start at 0x9000 to the APIC with id 1.
#[rustfmt::skip]
const START: &[u8] = &[
    0x66, 0xb9, 0x30, 0x08, 0x00, 0x00, // mov ecx, 0x830: the command
    0x66, 0xba, 0x01, 0x00, 0x00, 0x00, // mov edx, 1: to whom
    0x66, 0xb8, 0x00, 0x45, 0x00, 0x00, // mov eax, 0x4500: INIT
    0x0f, 0x30,                         // wrmsr
    0x66, 0xb8, 0x09, 0x46, 0x00, 0x00, // mov eax, 0x4609: start
    0x0f, 0x30,                         // wrmsr
    0xb0, 0x01,                         // mov al, 1
    0xe6, 0x80,                         // out 0x80, al
    0xf4,                               // hlt
];

/// Says that it runs.
#[rustfmt::skip]
const STARTED: &[u8] = &[
    0xb0, 0x02, // mov al, 2
    0xe6, 0x80, // out 0x80, al
    0xf4,       // hlt
];

pub(crate) fn start_script(model: &Model) {
    model.script(0, [Step::io_out(0x80, [1])]);
    model.script(1, [Step::io_out(0x80, [2])]);
}

/// A vCPU that the guest starts runs from where it was told. Until then to enter it is `EAGAIN`.
pub(crate) fn start<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let kvm = Kvm::with(system)?;
    let vm = vm_with(&kvm, START)?;
    vm.write_memory(GuestAddress(0x9000), STARTED)?;
    vm.create_irq_chip()?;
    let mut first = with_x2apic(&kvm, &vm, 0)?;
    let mut second = with_x2apic(&kvm, &vm, 1)?;
    tells(&mut first, 1)?;
    loop {
        match second.run()?.0 {
            Exit::Again => {}
            Exit::IoOut(io) if io.data == [2] => break,
            other => return unexpected("the second vCPU's write", other),
        }
    }
    Ok(())
}

const VECTOR: u8 = 0x40;
const HANDLER: u16 = 0x1800;

/// Waits for interrupts.
#[rustfmt::skip]
const WAIT: &[u8] = &[
    0xfb,       // sti
    0xf4,       // hlt
    0xeb, 0xfd, // jmp to the hlt
];

/// Says so, ends the interrupt, and says so.
#[rustfmt::skip]
const HANDLE: &[u8] = &[
    0xb0, 0x03,                         // mov al, 3
    0xe6, 0x80,                         // out 0x80, al
    0x66, 0xb9, 0x0b, 0x08, 0x00, 0x00, // mov ecx, 0x80b: the end
    0x66, 0x31, 0xc0,                   // xor eax, eax
    0x66, 0x31, 0xd2,                   // xor edx, edx
    0x0f, 0x30,                         // wrmsr
    0xb0, 0x04,                         // mov al, 4
    0xe6, 0x80,                         // out 0x80, al
    0xcf,                               // iret
];

pub(crate) fn end_of_interrupt_script(model: &Model) {
    model.script(
        0,
        [
            Step::io_out(0x80, [3]),
            Step::exit(|page| page.encode(&Exit::IoapicEoi(VECTOR))),
            Step::io_out(0x80, [4]),
        ],
    );
}

/// Section 5, `KVM_EXIT_IOAPIC_EOI`: with the other half of the controllers in the VMM, it is told when the
/// guest ends an interrupt that is triggered by level.
pub(crate) fn end_of_interrupt<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    /// In the service routine's vector register, and by level.
    const LEVEL: u32 = 1 << 15 | 1 << 14;
    let kvm = Kvm::with(system)?;
    let vm = vm_with(&kvm, WAIT)?;
    vm.write_memory(GuestAddress(u64::from(VECTOR) * 4), &HANDLER.to_le_bytes())?;
    vm.write_memory(GuestAddress(HANDLER.into()), HANDLE)?;
    vm.enable_split_irqchip(24)?;
    let vcpu = with_x2apic(&kvm, &vm, 0)?;
    let mut lapic = vcpu.get_lapic()?;
    // The register of spurious interrupts has the switch, in its second byte.
    if let Some([spurious, on]) = lapic.regs.get_mut(0xf0..0xf2) {
        (*spurious, *on) = (0xff, 1);
    }
    vcpu.set_lapic(&lapic)?;
    let (address, data) = (0xfee0_0000, LEVEL | u32::from(VECTOR));
    let devid = None;
    let route = Route::Msi {
        address,
        data,
        devid,
    };
    vm.set_gsi_routing(&[RoutingEntry { gsi: 5, route }])?;
    let mut guest = Guest { vm, vcpu };
    let msi = kvm_msi {
        address_lo: 0xfee0_0000,
        data,
        ..Default::default()
    };
    assert!(guest.vm.signal_msi(&msi)?);
    tells(&mut guest.vcpu, 3)?;
    match guest.vcpu.run()?.0 {
        Exit::IoapicEoi(VECTOR) => {}
        other => return unexpected("the end of the interrupt", other),
    }
    tells(&mut guest.vcpu, 4)
}

/// Raises its priority, and lowers it.
#[rustfmt::skip]
const PRIORITY: &[u8] = &[
    0xb8, 0x05, 0x00, 0x00, 0x00, // mov eax, 5
    0x44, 0x0f, 0x22, 0xc0,       // mov cr8, rax
    0xb8, 0x02, 0x00, 0x00, 0x00, // mov eax, 2
    0x44, 0x0f, 0x22, 0xc0,       // mov cr8, rax
    0xf4,                         // hlt
];

pub(crate) fn priority_script(model: &Model) {
    model.script(
        0,
        [Step::exit(|page| page.encode(&Exit::SetTpr)), Step::hlt()],
    );
}

/// Section 5, `KVM_EXIT_SET_TPR`: without a controller in the kernel, the VMM is told that the guest takes
/// interrupts of lower priority again.
pub(crate) fn priority<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::in_long_mode(system, PRIORITY)?;
    match guest.vcpu.run()?.0 {
        Exit::SetTpr => {}
        other => return unexpected("a lower priority", other),
    }
    guest.halts()
}

//! [`Guest`]: a VM with some memory and one vCPU, about to run a few bytes of code.

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{kvm_cpuid_entry2, kvm_regs, kvm_segment};
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Hypervisor, Kvm, Slot, Vcpu, Vm};

use super::Outcome;
use crate::long_mode;
pub(crate) use crate::long_mode::HIGH_MMIO;

/// Where the code is.
pub(crate) const CODE: u64 = 0x1000;
/// Where guests find what the VMM wrote.
pub(crate) const INPUT: u64 = 0x2000;
/// Where guests leave what they got.
pub(crate) const OUTPUT: u64 = 0x3000;
/// What real-mode guests reach as MMIO, with the segment 0x2000: there is no memory.
pub(crate) const MMIO: u64 = 0x2_0000;

const STACK: u64 = 0x8000;

/// A VM with 64 KiB of memory from 0 on, and one vCPU, about to run what is at [`CODE`].
pub(crate) struct Guest<H: Hypervisor<Guest = X86_64>> {
    pub(crate) vm: Vm<H>,
    pub(crate) vcpu: Vcpu<H>,
}

impl<H: Hypervisor<Guest = X86_64>> Guest<H> {
    /// In real mode, all segments at 0.
    pub(crate) fn new(system: H, code: &[u8]) -> Result<Self, kvm_core::Error> {
        let vm = vm_with(&Kvm::with(system)?, code)?;
        let vcpu = vcpu(&vm, 0)?;
        Ok(Self { vm, vcpu })
    }

    /// In long mode, memory and MMIO mapped to themselves, no handlers of exceptions; rdi is [`HIGH_MMIO`].
    pub(crate) fn in_long_mode(system: H, code: &[u8]) -> Result<Self, kvm_core::Error> {
        let guest = Self::new(system, code)?;
        for (table, entry) in long_mode::TABLES {
            guest
                .vm
                .write_memory(GuestAddress(table), &entry.to_le_bytes())?;
        }
        enter_long_mode(&guest.vcpu)?;
        guest.vcpu.set_regs(&kvm_regs {
            rdi: HIGH_MMIO,
            ..regs(CODE)
        })?;
        Ok(guest)
    }

    /// The bytes that the guest left at [`OUTPUT`].
    pub(crate) fn output<const N: usize>(&self) -> Result<[u8; N], kvm_core::Error> {
        let mut bytes = [0; N];
        self.vm.read_memory(GuestAddress(OUTPUT), &mut bytes)?;
        Ok(bytes)
    }

    /// Runs the guest, which is to halt now.
    pub(crate) fn halts(&mut self) -> Outcome {
        assert_eq!(self.vcpu.run()?.0, Exit::Hlt);
        Ok(())
    }
}

/// A VM with 64 KiB of memory from 0 on, and code in it.
pub(crate) fn vm_with<H: Hypervisor<Guest = X86_64>>(
    kvm: &Kvm<H>,
    code: &[u8],
) -> Result<Vm<H>, kvm_core::Error> {
    let vm = kvm.create_vm()?;
    // Processors without a real mode for guests need these pages, outside of all memory.
    vm.set_tss_address(0xfffb_d000)?;
    vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x1_0000)?)?;
    vm.write_memory(GuestAddress(CODE), code)?;
    Ok(vm)
}

/// A vCPU in real mode, all segments at 0, about to run what is at [`CODE`].
pub(crate) fn vcpu<H: Hypervisor<Guest = X86_64>>(
    vm: &Vm<H>,
    id: u64,
) -> Result<Vcpu<H>, kvm_core::Error> {
    let vcpu = vm.create_vcpu(id)?;
    let mut sregs = vcpu.get_sregs()?;
    sregs.cs = kvm_segment {
        base: 0,
        selector: 0,
        ..sregs.cs
    };
    vcpu.set_sregs(&sregs)?;
    vcpu.set_regs(&regs(CODE))?;
    Ok(vcpu)
}

/// The registers of a guest at `rip`.
pub(crate) fn regs(rip: u64) -> kvm_regs {
    kvm_regs {
        rip,
        rsp: STACK,
        rflags: 2,
        ..Default::default()
    }
}

/// Puts a vCPU into long mode: its CPUID has to have that first.
pub(crate) fn enter_long_mode<H: Hypervisor<Guest = X86_64>>(
    vcpu: &Vcpu<H>,
) -> Result<(), kvm_core::Error> {
    /// PAE, and addresses of 40 and 48 bits.
    const LEAVES: [(u32, u32, u32); 5] = [
        (0, 1, 0),
        (1, 0, 1 << 6),
        (0x8000_0000, 0x8000_0008, 0),
        (0x8000_0001, 0, 1 << 29),
        (0x8000_0008, 0x3028, 0),
    ];
    let leaves = LEAVES.map(|(function, eax, edx)| kvm_cpuid_entry2 {
        function,
        eax,
        edx,
        ..Default::default()
    });
    vcpu.set_cpuid2(&leaves)?;
    vcpu.set_sregs(&long_mode::long_mode(vcpu.get_sregs()?))
}

//! x86_64 as a [`Machine`]: in long mode; rdi is the address, rax the value.

use kvm_core::kvm_exit::X86_64;
use kvm_core::{Error, GuestAddress, Hypervisor, Registers, Vcpu, Vm};

use super::guest;
use crate::conformance::common::machine::{CODE, Machine};
use crate::long_mode;

impl Machine for X86_64 {
    fn address(code: &mut Vec<u8>, address: u64) {
        code.extend([0x48, 0xbf]); // movabs rdi, address
        code.extend(address.to_le_bytes());
    }

    fn value(code: &mut Vec<u8>, value: u64) {
        code.extend([0x48, 0xb8]); // movabs rax, value
        code.extend(value.to_le_bytes());
    }

    fn store(code: &mut Vec<u8>, len: usize) {
        code.extend_from_slice(match len {
            1 => &[0x88, 0x07],       // mov [rdi], al
            2 => &[0x66, 0x89, 0x07], // mov [rdi], ax
            4 => &[0x89, 0x07],       // mov [rdi], eax
            _ => &[0x48, 0x89, 0x07], // mov [rdi], rax
        });
    }

    fn load(code: &mut Vec<u8>, len: usize) {
        code.extend_from_slice(match len {
            1 => &[0x0f, 0xb6, 0x07], // movzx eax, byte [rdi]
            2 => &[0x0f, 0xb7, 0x07], // movzx eax, word [rdi]
            4 => &[0x8b, 0x07],       // mov eax, [rdi]
            _ => &[0x48, 0x8b, 0x07], // mov rax, [rdi]
        });
    }

    fn spin(code: &mut Vec<u8>) {
        code.extend([0xeb, 0xfe]); // jmp $
    }

    fn set_up<H: Hypervisor<Guest = Self>>(vm: &Vm<H>) -> Result<(), Error> {
        // Processors without a real mode for guests need these pages, outside of all memory.
        vm.set_tss_address(0xfffb_d000)?;
        for (table, entry) in long_mode::TABLES {
            vm.write_memory(GuestAddress(table), &entry.to_le_bytes())?;
        }
        Ok(())
    }

    fn vcpu<H: Hypervisor<Guest = Self>>(vm: &Vm<H>, id: u64) -> Result<Vcpu<H>, Error> {
        let vcpu = vm.create_vcpu(id)?;
        guest::enter_long_mode(&vcpu)?;
        vcpu.set_regs(&guest::regs(CODE))?;
        Ok(vcpu)
    }

    fn pc<H: Hypervisor<Guest = Self>>(of: &Registers<H>) -> Result<u64, Error> {
        Ok(of.get_regs()?.rip)
    }
}

//! [`Machine`]: what differs between the architectures' guests, and [`Guest`]: one that runs a [program](super::program).

use kvm_core::kvm_exit::{MmioRead, MmioWrite};
use kvm_core::{
    AnonymousMemory, Error, Exit, GuestAddress, Hypervisor, Kvm, Registers, Slot, Vcpu, Vm,
};
use kvm_mock::ModelGuest;

use super::program::{self, DONE, Op};
use super::{Outcome, unexpected};

/// An architecture that guests of the suite run on. The machine code uses two registers, one for an address and
/// one for a value.
pub(crate) trait Machine: ModelGuest {
    /// Code that puts this into the register for addresses.
    fn address(code: &mut Vec<u8>, address: u64);

    /// Code that puts this into the register for values.
    fn value(code: &mut Vec<u8>, value: u64);

    /// Code that stores the last 1, 2, 4 or 8 bytes of the value at the address.
    fn store(code: &mut Vec<u8>, len: usize);

    /// Code that loads 1, 2, 4 or 8 bytes from the address into the value, and clears its other bytes.
    fn load(code: &mut Vec<u8>, len: usize);

    /// Code that does nothing for ever.
    fn spin(code: &mut Vec<u8>);

    /// What a VM needs beside memory with the program, which there is already.
    fn set_up<H: Hypervisor<Guest = Self>>(vm: &Vm<H>) -> Result<(), Error>;

    /// A vCPU about to run what is at [`CODE`], on addresses that are the physical ones.
    fn vcpu<H: Hypervisor<Guest = Self>>(vm: &Vm<H>, id: u64) -> Result<Vcpu<H>, Error>;

    /// Where it is.
    fn pc<H: Hypervisor<Guest = Self>>(of: &Registers<H>) -> Result<u64, Error>;
}

/// Where guests find what the VMM wrote.
pub(crate) const INPUT: u64 = 0x2000;
/// Where guests leave what they got.
pub(crate) const OUTPUT: u64 = 0x3000;
/// Where the program is.
pub(crate) const CODE: u64 = 0x8000;
/// The memory of [`Slot`] 0 ends here.
pub(crate) const RAM: u64 = 0x1_0000;
/// There is no memory.
pub(crate) const MMIO: u64 = 0x1000_0000;

/// A VM with [`RAM`] bytes of memory from 0 on and one vCPU, about to run a program.
pub(crate) struct Guest<H: Hypervisor> {
    pub(crate) vm: Vm<H>,
    pub(crate) vcpu: Vcpu<H>,
}

impl<H: Hypervisor<Guest: Machine>> Guest<H> {
    pub(crate) fn new(system: H, program: &[Op]) -> Result<Self, Error> {
        let vm = vm_with(&Kvm::with(system)?, program)?;
        let vcpu = H::Guest::vcpu(&vm, 0)?;
        Ok(Self { vm, vcpu })
    }

    /// Runs the guest up to this write.
    pub(crate) fn writes(&mut self, addr: u64, data: &[u8]) -> Outcome {
        writes(&mut self.vcpu, addr, data)
    }

    /// Runs the guest up to a read of as many bytes as `reply` has, and answers it.
    pub(crate) fn reads(&mut self, address: u64, reply: &[u8]) -> Outcome {
        match self.vcpu.run()?.0 {
            Exit::MmioRead(MmioRead { addr, data })
                if addr == address && data.len() == reply.len() =>
            {
                data.copy_from_slice(reply);
                Ok(())
            }
            other => unexpected(
                &format!("a read of {} bytes at {address:#x}", reply.len()),
                other,
            ),
        }
    }

    /// Runs the guest, which is to be done now.
    pub(crate) fn ends(&mut self) -> Outcome {
        self.writes(DONE, &[0])
    }

    /// The bytes that the guest left at [`OUTPUT`].
    pub(crate) fn output<const N: usize>(&self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.vm.read_memory(GuestAddress(OUTPUT), &mut bytes)?;
        Ok(bytes)
    }
}

/// Runs the guest up to this write.
pub(crate) fn writes<H: Hypervisor>(vcpu: &mut Vcpu<H>, addr: u64, data: &[u8]) -> Outcome {
    match vcpu.run()?.0 {
        Exit::MmioWrite(write) if write == (MmioWrite { addr, data }) => Ok(()),
        other => unexpected(&format!("a write of {data:02x?} at {addr:#x}"), other),
    }
}

/// A VM with [`RAM`] bytes of memory from 0 on, and the program in it.
pub(crate) fn vm_with<H: Hypervisor<Guest: Machine>>(
    kvm: &Kvm<H>,
    program: &[Op],
) -> Result<Vm<H>, Error> {
    vm_of_code(kvm, &program::code::<H::Guest>(program))
}

/// The same with machine code.
pub(crate) fn vm_of_code<H: Hypervisor<Guest: Machine>>(
    kvm: &Kvm<H>,
    code: &[u8],
) -> Result<Vm<H>, Error> {
    let vm = kvm.create_vm()?;
    add_memory(&vm, code)?;
    Ok(vm)
}

/// Gives the VM memory with machine code in it.
pub(crate) fn add_memory<H: Hypervisor<Guest: Machine>>(
    vm: &Vm<H>,
    code: &[u8],
) -> Result<(), Error> {
    vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(0x1_0000)?)?;
    vm.write_memory(GuestAddress(CODE), code)?;
    H::Guest::set_up(vm)
}

/// Instructions of 32 bits as bytes.
pub(crate) fn words(instructions: &[u32]) -> Vec<u8> {
    instructions
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect()
}

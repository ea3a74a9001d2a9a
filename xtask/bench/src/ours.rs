//! The programs over kvm-core.

use std::time::{Duration, Instant};

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::{SyncRegs, kvm_regs};
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Hypervisor, Kvm, Slot, Vcpu};

use crate::{CODE, MMIO_WRITE, Outcome, PORT_OUT, RAM, time};

fn vcpu(code: &[u8]) -> Result<Vcpu, kvm_core::Error> {
    vcpu_on(Kvm::open()?, code)
}

pub(crate) fn vcpu_on<H: Hypervisor<Guest = X86_64>>(
    kvm: Kvm<H>,
    code: &[u8],
) -> Result<Vcpu<H>, kvm_core::Error> {
    let vm = kvm.create_vm()?;
    vm.set_tss_address(0xfffb_d000)?;
    vm.add_memory(Slot(0), GuestAddress(0), AnonymousMemory::new(RAM)?)?;
    vm.write_memory(GuestAddress(CODE), code)?;
    let vcpu = vm.create_vcpu(0)?;
    let mut sregs = vcpu.get_sregs()?;
    (sregs.cs.base, sregs.cs.selector) = (0, 0);
    vcpu.set_sregs(&sregs)?;
    vcpu.set_regs(&kvm_regs {
        rip: CODE,
        rflags: 2,
        ..Default::default()
    })?;
    Ok(vcpu)
}

fn unexpected<T>(exit: Exit<'_>) -> Result<T, Box<dyn std::error::Error>> {
    Err(exit.to_string().into())
}

pub(crate) fn port_out(times: u64) -> Outcome {
    let mut vcpu = vcpu(PORT_OUT)?;
    time(times, || match vcpu.run()?.0 {
        Exit::IoOut(_) => Ok(()),
        other => unexpected(other),
    })
}

pub(crate) fn mmio_write(times: u64) -> Outcome {
    let mut vcpu = vcpu(MMIO_WRITE)?;
    time(times, || match vcpu.run()?.0 {
        Exit::MmioWrite(_) => Ok(()),
        other => unexpected(other),
    })
}

pub(crate) fn registers_ioctl(times: u64) -> Outcome {
    let mut vcpu = vcpu(PORT_OUT)?;
    time(times, || match vcpu.run()? {
        (Exit::IoOut(_), registers) => {
            let mut regs = registers.get_regs()?;
            regs.rbx = regs.rbx.wrapping_add(1);
            Ok(registers.set_regs(&regs)?)
        }
        (other, _) => unexpected(other),
    })
}

pub(crate) fn registers_sync(times: u64) -> Outcome {
    let mut vcpu = vcpu(PORT_OUT)?;
    vcpu.enable_sync_regs(SyncRegs::KVM_SYNC_X86_REGS)?;
    time(times, || match vcpu.run_synced()? {
        (Exit::IoOut(_), mut synced) => {
            let regs = synced.regs_mut()?;
            regs.rbx = regs.rbx.wrapping_add(1);
            Ok(())
        }
        (other, _) => unexpected(other),
    })
}

pub(crate) fn first_exit(times: u64) -> Outcome {
    let mut took = Duration::ZERO;
    for _ in 0..times {
        let begun = Instant::now();
        let mut vcpu = vcpu(PORT_OUT)?;
        let is_out = matches!(vcpu.run()?.0, Exit::IoOut(_));
        took += begun.elapsed();
        if !is_out {
            return Err("another exit".into());
        }
    }
    Ok(took)
}

//! The loops over kvm-core.

use kvm_core::kvm_exit::kvm_sys::SyncRegs;
use kvm_core::{DevKvm, Exit, Kvm, Vcpu};

use crate::kvm::{self, Exits};

pub(crate) fn vcpu(exits: Exits) -> Result<Vcpu, Box<dyn std::error::Error>> {
    // SAFETY: not a KVM, but `ioctl` is ours too, and writes to no memory.
    let backend = unsafe { DevKvm::from_fd(kvm::new(exits)?) };
    Ok(Kvm::with(backend)?.create_vm()?.create_vcpu(0)?)
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn ours_mmio_write(vcpu: &mut Vcpu, exits: u64) -> u64 {
    let mut total = 0;
    for _ in 0..exits {
        match vcpu.run() {
            Ok((Exit::MmioWrite(mmio), _)) => total += mmio.addr,
            _ => break,
        }
    }
    total
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn ours_port_out(vcpu: &mut Vcpu, exits: u64) -> u64 {
    let mut total = 0;
    for _ in 0..exits {
        match vcpu.run() {
            Ok((Exit::IoOut(io), _)) => total += u64::from(io.port),
            _ => break,
        }
    }
    total
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn ours_registers(vcpu: &mut Vcpu, exits: u64) -> u64 {
    let mut total = 0;
    vcpu.run_page_mut()
        .set_valid_regs(SyncRegs::KVM_SYNC_X86_REGS);
    for _ in 0..exits {
        match vcpu.run() {
            Ok((Exit::IoOut(io), _)) => total += u64::from(io.port),
            _ => break,
        }
        let page = vcpu.run_page_mut();
        let regs = &mut page.sync_regs_mut().regs;
        total += regs.rax;
        regs.rip += 1;
        page.set_dirty_regs(SyncRegs::KVM_SYNC_X86_REGS);
    }
    total
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn ours_ten_kinds(vcpu: &mut Vcpu, exits: u64) -> u64 {
    let (mut total, mut left) = (0, exits);
    while left > 0 {
        let ran = vcpu.run_with(
            #[inline(always)]
            |exit, _| {
                left -= 1;
                match exit {
                    Exit::IoOut(io) => total += u64::from(io.port),
                    Exit::IoIn(io) => io.data.fill(0xff),
                    Exit::MmioWrite(mmio) => total += mmio.addr,
                    Exit::MmioRead(mmio) => mmio.data.fill(0xff),
                    Exit::X86Rdmsr(msr) => *msr.data = 0,
                    Exit::X86Wrmsr(msr) => *msr.error = 1,
                    Exit::Hypercall(call) => *call.ret = 0,
                    Exit::SystemEvent(event) => total += event.data.len() as u64,
                    Exit::Interrupted => {}
                    Exit::Hlt | Exit::Shutdown => left = 0,
                    other => {
                        unexpected(&other);
                        left = 0;
                    }
                }
            },
        );
        if ran.is_err() {
            break;
        }
    }
    total
}

#[cold]
fn unexpected(exit: &Exit<'_>) {
    eprintln!("{exit}");
}

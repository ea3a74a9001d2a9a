//! The loops over kvm-ioctls.

use std::os::fd::FromRawFd;

use kvm_ioctls::{Kvm, SyncReg, VcpuExit, VcpuFd};

use crate::kvm::{self, Exits};

pub(crate) fn vcpu(exits: Exits) -> Result<VcpuFd, Box<dyn std::error::Error>> {
    let fd = kvm::raw(kvm::new(exits)?);
    // SAFETY: not a KVM, but `ioctl` is ours too; the descriptor is nobody else's.
    let kvm = unsafe { Kvm::from_raw_fd(fd) };
    Ok(kvm.create_vm()?.create_vcpu(0)?)
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn theirs_mmio_write(vcpu: &mut VcpuFd, exits: u64) -> u64 {
    let mut total = 0;
    for _ in 0..exits {
        match vcpu.run() {
            Ok(VcpuExit::MmioWrite(addr, _)) => total += addr,
            _ => break,
        }
    }
    total
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn theirs_port_out(vcpu: &mut VcpuFd, exits: u64) -> u64 {
    let mut total = 0;
    for _ in 0..exits {
        match vcpu.run() {
            Ok(VcpuExit::IoOut(port, _)) => total += u64::from(port),
            _ => break,
        }
    }
    total
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn theirs_registers(vcpu: &mut VcpuFd, exits: u64) -> u64 {
    let mut total = 0;
    vcpu.set_sync_valid_reg(SyncReg::Register);
    for _ in 0..exits {
        match vcpu.run() {
            Ok(VcpuExit::IoOut(port, _)) => total += u64::from(port),
            _ => break,
        }
        let regs = &mut vcpu.sync_regs_mut().regs;
        total += regs.rax;
        regs.rip += 1;
        vcpu.set_sync_dirty_reg(SyncReg::Register);
    }
    total
}

#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn theirs_ten_kinds(vcpu: &mut VcpuFd, exits: u64) -> u64 {
    let mut total = 0;
    for _ in 0..exits {
        match vcpu.run() {
            Ok(VcpuExit::IoOut(port, _)) => total += u64::from(port),
            Ok(VcpuExit::IoIn(_, data)) => data.fill(0xff),
            Ok(VcpuExit::MmioWrite(addr, _)) => total += addr,
            Ok(VcpuExit::MmioRead(_, data)) => data.fill(0xff),
            Ok(VcpuExit::X86Rdmsr(msr)) => *msr.data = 0,
            Ok(VcpuExit::X86Wrmsr(msr)) => *msr.error = 1,
            Ok(VcpuExit::Hypercall(call)) => *call.ret = 0,
            Ok(VcpuExit::SystemEvent(_, data)) => total += data.len() as u64,
            Ok(VcpuExit::Hlt | VcpuExit::Shutdown) => break,
            Ok(other) => {
                eprintln!("{other:?}");
                break;
            }
            Err(error) if error.errno() == libc::EINTR => {}
            Err(_) => break,
        }
    }
    total
}

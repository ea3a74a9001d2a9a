//! The programs over kvm-ioctls.

use std::ptr;
use std::time::{Duration, Instant};

use kvm_bindings::{kvm_regs, kvm_userspace_memory_region};
use kvm_ioctls::{Kvm, SyncReg, VcpuExit, VcpuFd, VmFd};

use crate::{CODE, MMIO_WRITE, Outcome, PORT_OUT, RAM, time};

/// Dropped in this order.
struct Guest {
    vcpu: VcpuFd,
    _vm: VmFd,
    _memory: Memory,
}

struct Memory(*mut libc::c_void);

impl Memory {
    fn new() -> Result<Self, std::io::Error> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: at an address of the kernel's choice.
        let start = unsafe { libc::mmap(ptr::null_mut(), RAM, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        Ok(Self(start))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped in `new`; the guest that had it is gone.
        unsafe { libc::munmap(self.0, RAM) };
    }
}

fn guest(code: &[u8]) -> Result<Guest, Box<dyn std::error::Error>> {
    let vm = Kvm::new()?.create_vm()?;
    vm.set_tss_address(0xfffb_d000)?;
    let memory = Memory::new()?;
    // SAFETY: the memory outlives the VM.
    unsafe {
        vm.set_user_memory_region(kvm_userspace_memory_region {
            memory_size: RAM as u64,
            userspace_addr: memory.0 as u64,
            ..Default::default()
        })
    }?;
    let at = memory.0.wrapping_byte_add(CODE as usize).cast::<u8>();
    // SAFETY: the code is shorter than what is left of the memory, and no guest runs.
    unsafe { ptr::copy_nonoverlapping(code.as_ptr(), at, code.len()) };
    let vcpu = vm.create_vcpu(0)?;
    let mut sregs = vcpu.get_sregs()?;
    (sregs.cs.base, sregs.cs.selector) = (0, 0);
    vcpu.set_sregs(&sregs)?;
    vcpu.set_regs(&kvm_regs {
        rip: CODE,
        rflags: 2,
        ..Default::default()
    })?;
    Ok(Guest {
        vcpu,
        _vm: vm,
        _memory: memory,
    })
}

fn unexpected<T>(exit: VcpuExit<'_>) -> Result<T, Box<dyn std::error::Error>> {
    Err(format!("{exit:?}").into())
}

pub(crate) fn port_out(times: u64) -> Outcome {
    let mut guest = guest(PORT_OUT)?;
    time(times, || match guest.vcpu.run()? {
        VcpuExit::IoOut(..) => Ok(()),
        other => unexpected(other),
    })
}

pub(crate) fn mmio_write(times: u64) -> Outcome {
    let mut guest = guest(MMIO_WRITE)?;
    time(times, || match guest.vcpu.run()? {
        VcpuExit::MmioWrite(..) => Ok(()),
        other => unexpected(other),
    })
}

pub(crate) fn registers_ioctl(times: u64) -> Outcome {
    let mut guest = guest(PORT_OUT)?;
    time(times, || {
        match guest.vcpu.run()? {
            VcpuExit::IoOut(..) => {}
            other => return unexpected(other),
        }
        let mut regs = guest.vcpu.get_regs()?;
        regs.rbx = regs.rbx.wrapping_add(1);
        Ok(guest.vcpu.set_regs(&regs)?)
    })
}

pub(crate) fn registers_sync(times: u64) -> Outcome {
    let mut guest = guest(PORT_OUT)?;
    guest.vcpu.set_sync_valid_reg(SyncReg::Register);
    time(times, || {
        match guest.vcpu.run()? {
            VcpuExit::IoOut(..) => {}
            other => return unexpected(other),
        }
        let regs = &mut guest.vcpu.sync_regs_mut().regs;
        regs.rbx = regs.rbx.wrapping_add(1);
        guest.vcpu.set_sync_dirty_reg(SyncReg::Register);
        Ok(())
    })
}

pub(crate) fn first_exit(times: u64) -> Outcome {
    let mut took = Duration::ZERO;
    for _ in 0..times {
        let begun = Instant::now();
        let mut guest = guest(PORT_OUT)?;
        let is_out = matches!(guest.vcpu.run()?, VcpuExit::IoOut(..));
        took += begun.elapsed();
        if !is_out {
            return Err("another exit".into());
        }
    }
    Ok(took)
}

//! What all architectures have, and the guest that it needs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test without libtest, which is what clippy looks for"
)]

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "riscv64.rs")]
mod arch;
#[cfg(not(target_arch = "x86_64"))]
mod by_number;
#[cfg(target_arch = "x86_64")]
mod xen;

use std::fmt::Debug;
use std::os::fd::OwnedFd;

use kvm_core::kvm_sys::{
    KVM_CAP_NR_MEMSLOTS, KVM_CHECK_EXTENSION, KVM_EXIT_MMIO, KVM_GET_API_VERSION, KVM_GET_MP_STATE,
    kvm_mp_state,
};
use kvm_core::{
    AnonymousMemory, Arg, Errno, Error, Exit, GuestAddress, IoEventAddress, Slot, Vcpu, Vm,
};
use kvm_tests::checks::{self, Check, NotRun};
use rustix::event::{EventfdFlags, eventfd};
use zerocopy::IntoBytes;

const RAM: u64 = 0x8000_0000;
/// There is no memory.
const MMIO: u64 = 0x1000_0000;

pub(super) fn main() {
    const COMMON: &[Check] = &[
        ("limits", limits),
        ("rows", rows),
        ("exits", exits),
        ("coalesced_zone", coalesced_zone),
    ];
    checks::main(&[COMMON, arch::CHECKS].concat());
}

/// A VM with memory at [`RAM`], and a vCPU about to run what is there: [`arch::CODE`].
fn guest() -> Result<(Vm, Vcpu), NotRun> {
    let vm = checks::kvm()?.create_vm().unwrap();
    let memory = AnonymousMemory::new(0x1_0000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(RAM), memory).unwrap();
    let code: Vec<u8> = arch::CODE
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    vm.write_memory(GuestAddress(RAM), &code).unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    arch::start(&vm, &vcpu);
    Ok((vm, vcpu))
}

/// The error's number.
fn errno<T: Debug>(result: Result<T, Error>) -> Errno {
    result.unwrap_err().errno()
}

fn event() -> OwnedFd {
    eventfd(0, EventfdFlags::empty()).unwrap()
}

/// Sections 4.4 and 4.7: there is no less of what is possible than of what is recommended.
fn limits() -> Result<(), NotRun> {
    let kvm = checks::kvm()?;
    let recommended = kvm.get_nr_vcpus().unwrap();
    let most = kvm.get_max_vcpus().unwrap();
    assert!(
        recommended >= 1 && most >= recommended,
        "{recommended} {most}"
    );
    assert!(kvm.get_max_vcpu_id().unwrap() >= most);
    assert!(kvm.get_nr_memslots().unwrap() >= 32);
    Ok(())
}

/// A row of the table answers as its method does.
#[expect(unsafe_code, reason = "calls of rows")]
fn rows() -> Result<(), NotRun> {
    let kvm = checks::kvm()?;
    // SAFETY: the call takes nothing.
    let version = unsafe { kvm.ioctl(&KVM_GET_API_VERSION, &mut Arg::None) };
    assert_eq!(version.unwrap(), 12);
    let (vm, vcpu) = guest()?;
    let cap = KVM_CAP_NR_MEMSLOTS;
    // SAFETY: the call takes a number.
    let slots = unsafe { vm.ioctl(&KVM_CHECK_EXTENSION, &mut Arg::Value(cap.0.into())) };
    assert_eq!(slots.unwrap(), vm.check_extension(cap).unwrap());
    let mut state = kvm_mp_state::default();
    // SAFETY: the call writes this structure.
    unsafe { vcpu.ioctl(&KVM_GET_MP_STATE, &mut Arg::Mut(state.as_mut_bytes())) }.unwrap();
    assert_eq!(state.mp_state, vcpu.get_mp_state().unwrap());
    Ok(())
}

/// The guest stores a value, and loads another: a kick does not end the run that waits for its exit, and the load is
/// completed without running on.
fn exits() -> Result<(), NotRun> {
    let (_vm, mut vcpu) = guest()?;
    arch::set(&vcpu, MMIO, 0x1234);
    // No controller of interrupts looks at it here; it is written and read as the other bytes of the page are.
    vcpu.request_interrupt_window(true);
    vcpu.request_interrupt_window(false);
    vcpu.kicker().kick();
    match vcpu.run_uninterrupted().unwrap().0 {
        Exit::MmioWrite(write) => {
            assert_eq!(
                (write.addr, write.data),
                (MMIO, &0x1234_u64.to_le_bytes()[..arch::WIDTH])
            );
        }
        other => panic!("{other}"),
    }
    assert_eq!(vcpu.run_page().exit_reason(), KVM_EXIT_MMIO);
    match vcpu.run().unwrap().0 {
        Exit::MmioRead(read) => {
            let bytes = 0x5678_u64.to_le_bytes();
            read.data.copy_from_slice(&bytes[..arch::WIDTH]);
        }
        other => panic!("{other}"),
    }
    vcpu.complete_with(|exit, _| panic!("{exit}")).unwrap();
    assert_eq!(arch::value(&vcpu), 0x5678);
    assert_eq!(vcpu.run_page_mut().exit_reason(), KVM_EXIT_MMIO);
    Ok(())
}

/// Section 4.116: a zone is there until it is taken back.
fn coalesced_zone() -> Result<(), NotRun> {
    let (vm, mut vcpu) = guest()?;
    arch::set(&vcpu, MMIO, 0x1234);
    vm.register_coalesced_mmio(IoEventAddress::Mmio(MMIO), 8)
        .unwrap();
    vm.unregister_coalesced_mmio(IoEventAddress::Mmio(MMIO), 8)
        .unwrap();
    match vcpu.run().unwrap().0 {
        Exit::MmioWrite(write) => assert_eq!(write.addr, MMIO),
        other => panic!("{other}"),
    }
    Ok(())
}

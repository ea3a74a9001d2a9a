//! Any type that has a descriptor serves as an eventfd: the standard library's, rustix', vmm-sys-util's.
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "borrows a descriptor by its number")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use kvm_core::{Descriptor, Exit, IoEvent, Kvm, Vm};
use kvm_mock::{Model, Step};
use rustix::event::{EventfdFlags, eventfd};
use vmm_sys_util::eventfd::EventFd;

const DOORBELL: u64 = 0xd000_0000;

/// A VM whose guest rings the doorbell once, and halts.
fn machine() -> Vm<Model> {
    let model = Model::new();
    model.script(0, [Step::mmio_write(DOORBELL, [1]), Step::hlt()]);
    let vm = Kvm::with(model).unwrap().create_vm().unwrap();
    vm.create_irq_chip().unwrap();
    vm
}

/// Registers the eventfd both ways, and has the guest signal it.
fn serves<'fd>(eventfd: impl Into<Descriptor<'fd>> + Copy) {
    let vm = machine();
    let event = IoEvent::mmio(DOORBELL);
    vm.register_ioevent(eventfd, event).unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    assert_eq!(vcpu.run().unwrap().0, Exit::Hlt);
    vm.unregister_ioevent(eventfd, event).unwrap();
    vm.register_irqfd(eventfd, 5).unwrap();
    vm.unregister_irqfd(eventfd, 5).unwrap();
}

#[test]
fn of_vmm_sys_util() {
    let doorbell = EventFd::new(0).unwrap();
    // It has no `AsFd`, so its number is borrowed.
    // SAFETY: the descriptor is open as long as `doorbell` is borrowed, which is to the end of the test.
    let borrowed = unsafe { BorrowedFd::borrow_raw(doorbell.as_raw_fd()) };
    serves(borrowed);
    assert_eq!(doorbell.read().unwrap(), 1);
}

#[test]
fn of_the_standard_library() {
    let doorbell: OwnedFd = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    serves(&doorbell);
    serves(doorbell.as_fd());
    let mut count = [0; 8];
    rustix::io::read(&doorbell, &mut count).unwrap();
    assert_eq!(u64::from_ne_bytes(count), 2);
}

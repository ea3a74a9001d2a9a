//! Eventfds, for interrupts and in place of exits: sections 4.59 and 4.75.

use std::os::unix::net::UnixStream;

use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{KVM_DEV_TYPE_ARM_VGIC_V3, KVM_DEV_TYPE_VFIO};
use kvm_core::{Errno, Hypervisor, IoEvent, Kvm};

use super::guest::Guest;
use super::waiting::{LINE, interrupted, steps, waiting};
use super::{Model, Outcome, Step};
use crate::conformance::common::ioeventfd::{new_eventfd, signal};

fn errno(refused: Result<(), kvm_core::Error>) -> Option<Errno> {
    refused.err().map(|error| error.errno())
}

/// An irqfd needs an interrupt controller, and an eventfd raises one interrupt. KVM keeps its own reference.
pub(crate) fn irqfds<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let one = new_eventfd()?;
    assert_eq!(errno(vm.register_irqfd(&one, LINE)), Some(Errno::EINVAL));
    vm.create_irq_chip()?;
    vm.register_irqfd(&one, LINE)?;
    assert_eq!(errno(vm.register_irqfd(&one, LINE)), Some(Errno::EBUSY));
    assert_eq!(errno(vm.register_irqfd(&one, 6)), Some(Errno::EBUSY));
    let same = one.try_clone()?;
    assert_eq!(errno(vm.register_irqfd(&same, 6)), Some(Errno::EBUSY));

    // Another line than it was registered for: no error, and no change.
    vm.unregister_irqfd(&one, 6)?;
    assert_eq!(errno(vm.register_irqfd(&one, 6)), Some(Errno::EBUSY));
    vm.unregister_irqfd(&same, LINE)?;
    vm.unregister_irqfd(&one, LINE)?;
    let resample = new_eventfd()?;
    vm.register_irqfd_with_resample(&one, &resample, 6)?;

    let (socket, _other) = UnixStream::pair()?;
    assert_eq!(errno(vm.register_irqfd(&socket, 7)), Some(Errno::EINVAL));
    assert_eq!(errno(vm.unregister_irqfd(&socket, 7)), Some(Errno::EINVAL));
    let two = new_eventfd()?;
    let refused = vm.register_irqfd_with_resample(&two, &socket, 7);
    assert_eq!(errno(refused), Some(Errno::EINVAL));
    drop((one, two, same, resample));
    Ok(())
}

pub(crate) fn interrupted_script(model: &Model) {
    model.script(0, steps().into_iter().chain(steps()));
}

/// Signalling the eventfd interrupts the guest, which the VMM is no part of; also before it was registered.
pub(crate) fn irqfd_interrupts<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = waiting(system, false)?;
    let line = new_eventfd()?;
    guest.vm.register_irqfd(&line, LINE)?;
    signal(&line)?;
    interrupted(&mut guest)?;
    guest.vm.unregister_irqfd(&line, LINE)?;
    let other = new_eventfd()?;
    signal(&other)?;
    guest.vm.register_irqfd(&other, LINE)?;
    interrupted(&mut guest)
}

/// A write to a port, twice.
const PORT: &[u8] = &[
    0xe6, 0x80, // out 0x80, al
    0xe6, 0x80, // out 0x80, al
    0xf4, // hlt
];

pub(crate) fn port_without_exit_script(model: &Model) {
    model.script(
        0,
        [
            Step::io_out(0x80, [0]).in_kernel(),
            Step::io_out(0x80, [0]).in_kernel(),
            Step::hlt(),
        ],
    );
}

/// A write to a port that is registered signals and does not exit.
pub(crate) fn port_without_exit<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let mut guest = Guest::new(system, PORT)?;
    let port = new_eventfd()?;
    guest
        .vm
        .register_ioevent(&port, IoEvent::pio(0x80).len(1))?;
    guest.halts()
}

/// A file is told KVM of only if it is one of VFIO.
pub(crate) fn vfio_files<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let device = vm.create_device(KVM_DEV_TYPE_VFIO)?;
    let (socket, _other) = UnixStream::pair()?;
    assert_eq!(errno(device.add_vfio_file(&socket)), Some(Errno::EINVAL));
    assert_eq!(errno(device.remove_vfio_file(&socket)), Some(Errno::ENOENT));
    Ok(())
}

/// A test for a kind of device answers without a descriptor, and none that the program has is taken for
/// one: what it has open stays open.
pub(crate) fn forged_device_fd_cannot_be_adopted<H: Hypervisor<Guest = X86_64>>(
    system: H,
) -> Outcome {
    let open: Vec<_> = (0..16).map(|_| new_eventfd()).collect::<Result<_, _>>()?;
    let vm = Kvm::with(system)?.create_vm()?;
    assert!(vm.has_device(KVM_DEV_TYPE_VFIO)?);
    assert!(!vm.has_device(KVM_DEV_TYPE_ARM_VGIC_V3)?);
    let device = vm.create_device(KVM_DEV_TYPE_VFIO)?;
    assert!(vm.create_device(KVM_DEV_TYPE_VFIO).is_err());
    drop((device, vm));
    for file in &open {
        rustix::io::fcntl_getfd(file)?;
    }
    rustix::io::fcntl_getfd(std::io::stderr())?;
    Ok(())
}

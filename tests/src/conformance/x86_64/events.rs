//! Eventfds, for interrupts and in place of exits: sections 4.59 and 4.75.

use std::error::Error;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use kvm_core::kvm_exit::MmioWrite;
use kvm_core::kvm_exit::X86_64;
use kvm_core::kvm_sys::x86_64::{KVM_DEV_TYPE_ARM_VGIC_V3, KVM_DEV_TYPE_VFIO};
use kvm_core::{Errno, Exit, Hypervisor, IoEvent, Kvm};
use rustix::event::{EventfdFlags, eventfd};

use super::guest::{Guest, MMIO};
use super::signals::signal;
use super::waiting::{LINE, interrupted, steps, waiting};
use super::{Model, Outcome, Step};

fn errno(refused: Result<(), kvm_core::Error>) -> Option<Errno> {
    refused.err().map(|error| error.errno())
}

pub(crate) fn new_eventfd() -> Result<OwnedFd, rustix::io::Errno> {
    eventfd(0, EventfdFlags::NONBLOCK)
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

/// Which events exclude each other, and what can be registered.
pub(crate) fn ioeventfds<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    let vm = Kvm::with(system)?.create_vm()?;
    let (one, two) = (new_eventfd()?, new_eventfd()?);
    let at = IoEvent::mmio(0x1_0000);
    let taken = Some(Errno::EEXIST);
    vm.register_ioevent(&one, at.len(2))?;
    assert_eq!(errno(vm.register_ioevent(&one, at.len(2))), taken);
    assert_eq!(errno(vm.register_ioevent(&two, at.len(2))), taken);
    assert_eq!(
        errno(vm.register_ioevent(&two, at.len(2).datamatch(3))),
        taken
    );
    assert_eq!(errno(vm.register_ioevent(&two, at)), taken);
    vm.register_ioevent(&two, at.len(4).datamatch(3))?;
    vm.register_ioevent(&two, at.len(4).datamatch(4))?;
    vm.register_ioevent(&two, IoEvent::pio(0x1_0000).len(2))?;
    for len in [1, 2, 4, 8] {
        vm.register_ioevent(&two, IoEvent::mmio(0x2_0000).len(len))?;
    }
    vm.register_ioevent(&two, IoEvent::mmio(0x3_0000))?;

    let invalid = Some(Errno::EINVAL);
    let refused = |event| errno(vm.register_ioevent(&one, event));
    assert_eq!(refused(IoEvent::mmio(0x4_0000).len(3)), invalid);
    assert_eq!(refused(IoEvent::mmio(0x4_0000).datamatch(1)), invalid);
    assert_eq!(refused(IoEvent::mmio(u64::MAX).len(8)), invalid);
    let (socket, _other) = UnixStream::pair()?;
    assert_eq!(errno(vm.register_ioevent(&socket, at.len(8))), invalid);

    let absent = Some(Errno::ENOENT);
    assert_eq!(errno(vm.unregister_ioevent(&two, at.len(2))), absent);
    assert_eq!(errno(vm.unregister_ioevent(&one, at)), absent);
    let data = at.len(4).datamatch(5);
    assert_eq!(errno(vm.unregister_ioevent(&two, data)), absent);
    vm.unregister_ioevent(&one, at.len(2))?;
    assert_eq!(errno(vm.unregister_ioevent(&one, at.len(2))), absent);
    Ok(())
}

/// Writes of each width, the last to a port.
#[rustfmt::skip]
const NOTIFY: &[u8] = &[
    0xb8, 0x00, 0x20, // mov ax, 0x2000
    0x8e, 0xd8,       // mov ds, ax
    0xb8, 0x03, 0x00, // mov ax, 3
    0xa3, 0x00, 0x00, // mov [0], ax
    0xa2, 0x00, 0x00, // mov [0], al
    0xa3, 0x10, 0x00, // mov [0x10], ax
    0xfe, 0xc0,       // inc al
    0xa3, 0x10, 0x00, // mov [0x10], ax
    0xa2, 0x20, 0x00, // mov [0x20], al
    0xe6, 0x80,       // out 0x80, al
    0xa3, 0x00, 0x00, // mov [0], ax
    0xf4,             // hlt
];

pub(crate) fn ioeventfd_without_exit_script(model: &Model) {
    model.script(
        0,
        [
            Step::mmio_write(MMIO, [3, 0]).in_kernel(),
            Step::mmio_write(MMIO, [3]),
            Step::mmio_write(MMIO + 0x10, [3, 0]).in_kernel(),
            Step::mmio_write(MMIO + 0x10, [4, 0]),
            Step::mmio_write(MMIO + 0x20, [4]).in_kernel(),
            Step::io_out(0x80, [4]).in_kernel(),
            Step::mmio_write(MMIO, [4, 0]),
            Step::hlt(),
        ],
    );
}

/// A write that is registered signals and does not exit; one of another length or value exits, as does one
/// that is registered no longer.
pub(crate) fn ioeventfd_without_exit<H: Hypervisor<Guest = X86_64>>(system: H) -> Outcome {
    notified(system).map(|_| ())
}

/// Runs the guest of [`NOTIFY`]. Gives its eventfds, each of which was signalled once.
pub(crate) fn notified<H: Hypervisor<Guest = X86_64>>(
    system: H,
) -> Result<[OwnedFd; 4], Box<dyn Error>> {
    let mut guest = Guest::new(system, NOTIFY)?;
    let eventfds = [
        new_eventfd()?,
        new_eventfd()?,
        new_eventfd()?,
        new_eventfd()?,
    ];
    let [len, data, any, port] = &eventfds;
    let of_len = IoEvent::mmio(MMIO).len(2);
    guest.vm.register_ioevent(len, of_len)?;
    let of_data = IoEvent::mmio(MMIO + 0x10).len(2).datamatch(3);
    guest.vm.register_ioevent(data, of_data)?;
    guest.vm.register_ioevent(any, IoEvent::mmio(MMIO + 0x20))?;
    guest.vm.register_ioevent(port, IoEvent::pio(0x80).len(1))?;

    exits(&mut guest, MMIO, &[3])?;
    exits(&mut guest, MMIO + 0x10, &[4, 0])?;
    guest.vm.unregister_ioevent(len, of_len)?;
    exits(&mut guest, MMIO, &[4, 0])?;
    guest.halts()?;
    Ok(eventfds)
}

fn exits<H: Hypervisor<Guest = X86_64>>(guest: &mut Guest<H>, addr: u64, data: &[u8]) -> Outcome {
    assert_eq!(
        guest.vcpu.run()?.0,
        Exit::MmioWrite(MmioWrite { addr, data })
    );
    Ok(())
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

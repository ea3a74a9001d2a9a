//! Eventfds in place of exits: section 4.59.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use kvm_core::{Errno, Hypervisor, IoEvent, Kvm};
use kvm_mock::Model;
use rustix::event::{EventfdFlags, eventfd};

use super::Outcome;
use super::machine::{Guest, MMIO, Machine};
use super::program::{Op, play};

fn errno(refused: Result<(), kvm_core::Error>) -> Option<Errno> {
    refused.err().map(|error| error.errno())
}

pub(crate) fn new_eventfd() -> Result<OwnedFd, rustix::io::Errno> {
    eventfd(0, EventfdFlags::NONBLOCK)
}

pub(crate) fn signal(eventfd: &OwnedFd) -> Outcome {
    rustix::io::write(eventfd, &1_u64.to_ne_bytes())?;
    Ok(())
}

/// How often it was signalled since this was last asked.
pub(crate) fn signals(eventfd: &OwnedFd) -> Result<u64, rustix::io::Errno> {
    let mut count = [0; 8];
    match rustix::io::read(eventfd, &mut count) {
        Ok(_) => Ok(u64::from_ne_bytes(count)),
        Err(rustix::io::Errno::AGAIN) => Ok(0),
        Err(error) => Err(error),
    }
}

/// Which events exclude each other, and what can be registered.
pub(crate) fn rules<H: Hypervisor>(system: H) -> Outcome {
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

/// Writes of several widths and values.
const NOTIFY: &[Op] = &[
    Op::Notify(MMIO, &[3, 0]),
    Op::Write(MMIO, &[3]),
    Op::Notify(MMIO + 0x10, &[3, 0]),
    Op::Write(MMIO + 0x10, &[4, 0]),
    Op::Notify(MMIO + 0x20, &[4]),
    Op::Write(MMIO, &[4, 0]),
];

pub(crate) fn without_exit_script<G: Machine>(model: &Model<G>) {
    play(model, NOTIFY);
}

/// Where a recorder keeps the eventfds, what signals them exits to it.
pub(crate) fn signalled_script<G: Machine>(model: &Model<G>) {
    let writes = NOTIFY.iter().map(|op| match *op {
        Op::Notify(to, bytes) => Op::Write(to, bytes),
        op => op,
    });
    play(model, &writes.collect::<Vec<_>>());
}

/// A write that is registered signals and does not exit; one of another length or value exits, as does one
/// that is registered no longer.
pub(crate) fn without_exit<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    notified(system).map(|_| ())
}

/// Each write signals its eventfd once, and no other.
pub(crate) fn signalled<H: Hypervisor<Guest: Machine>>(system: H) -> Outcome {
    for eventfd in notified(system)? {
        assert_eq!(signals(&eventfd)?, 1);
    }
    Ok(())
}

/// Runs the guest of [`NOTIFY`]. Gives its eventfds, each of which was signalled once.
fn notified<H: Hypervisor<Guest: Machine>>(
    system: H,
) -> Result<[OwnedFd; 3], Box<dyn std::error::Error>> {
    let mut guest = Guest::new(system, NOTIFY)?;
    let eventfds = [new_eventfd()?, new_eventfd()?, new_eventfd()?];
    let [len, data, any] = &eventfds;
    let of_len = IoEvent::mmio(MMIO).len(2);
    guest.vm.register_ioevent(len, of_len)?;
    let of_data = IoEvent::mmio(MMIO + 0x10).len(2).datamatch(3);
    guest.vm.register_ioevent(data, of_data)?;
    guest.vm.register_ioevent(any, IoEvent::mmio(MMIO + 0x20))?;

    guest.writes(MMIO, &[3])?;
    guest.writes(MMIO + 0x10, &[4, 0])?;
    guest.vm.unregister_ioevent(len, of_len)?;
    guest.writes(MMIO, &[4, 0])?;
    guest.ends()?;
    Ok(eventfds)
}

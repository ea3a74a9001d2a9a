//! Writes of the guest that made no exit.
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "makes an eventfd")]

use std::os::fd::{FromRawFd, OwnedFd};

use kvm_core::{IoEvent, IoEventAddress, Kvm};
use kvm_mock::{Model, RecorderOptions, Step};

use crate::common::Shared;
use crate::{file, kvmrec};

const ZONE: u64 = 0xd000_0000;
const BELL: u64 = 0xe000_0000;

/// A guest that writes to a ring and to eventfds, to the second of them this byte, and halts.
fn silent(byte: u8) -> Vec<u8> {
    let model = Model::new();
    let steps = [
        Step::mmio_write(ZONE, [1, 2, 3, 4]),
        Step::mmio_write(BELL, [1, 0, 0, 0]),
        Step::mmio_write(ZONE + 0x10, [5]),
        Step::io_out(0x70, [6, 7]),
        Step::io_out(0x50, [byte]),
        Step::mmio_write(ZONE, [8, 9]),
        Step::hlt(),
    ];
    model.script(0, steps);
    let out = Shared::default();
    let options = RecorderOptions::new().eventfds(true);
    let recorder = options.to_writer(model, out.clone()).unwrap();
    let vm = Kvm::with(recorder).unwrap().create_vm().unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    for (zone, len) in [
        (IoEventAddress::Mmio(ZONE), 0x1000),
        (IoEventAddress::Pio(0x70), 2),
    ] {
        vm.register_coalesced_mmio(zone, len).unwrap();
    }
    // SAFETY: takes no address.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
    assert!(fd >= 0);
    // SAFETY: the descriptor was just made, and nobody else has it.
    let eventfd = unsafe { OwnedFd::from_raw_fd(fd) };
    vm.register_ioevent(&eventfd, IoEvent::mmio(BELL)).unwrap();
    vm.register_ioevent(&eventfd, IoEvent::pio(0x50)).unwrap();
    vcpu.run().unwrap();
    drop((vcpu, vm));
    out.bytes()
}

#[test]
fn they_are_counted_shown_and_compared() {
    let path = file("silent.kvmrec", &silent(7));
    let out = kvmrec(&["stats", &path]).good();
    let expected = "\
writes without an exit
  kind                         count         bytes
  coalesced io                     1             2
  coalesced mmio                   3             7
  eventfd io                       1             1
  eventfd mmio                     1             4

ports and addresses
  at                   kind                   count         bytes
  0xd0000000           coalesced mmio             2             6
  0xe0000000           eventfd mmio               1             4
  port 0x70            coalesced io               1             2
  port 0x50            eventfd io                 1             1
  0xd0000010           coalesced mmio             1             1

calls
";
    assert!(out.contains(expected), "{out}");
    let report = &kvmrec(&["stats", "--json", &path]).json()[0];
    assert_eq!(report["exits"], 1);
    assert_eq!(report["silent"][1]["kind"], "coalesced mmio");
    assert_eq!(report["silent"][1]["bytes"], 7);
    let part = kvmrec(&["stats", "--json", &path, "--vcpu", "1"]);
    assert_eq!(part.json()[0]["silent"].as_array().unwrap().len(), 0);

    let shown = kvmrec(&["show", "--exits", &path]).good();
    let lines: Vec<_> = shown.lines().map(|line| line[19..].trim()).collect();
    let expected = [
        "coalesced mmio write 0xd0000000 <- 01 02 03 04",
        "eventfd signalled by mmio write 0xe0000000 <- 01 00 00 00",
        "coalesced mmio write 0xd0000010 <- 05",
        "coalesced io out 0x70 <- 06 07",
        "eventfd signalled by io out 0x50 <- 07",
        "coalesced mmio write 0xd0000000 <- 08 09",
        "#0    hlt",
    ];
    assert_eq!(lines, expected);

    let other = file("silent-other.kvmrec", &silent(8));
    let diff = kvmrec(&["diff", &path, &other]);
    assert!(
        diff.out.contains("another write that signalled an eventfd"),
        "{}",
        diff.out
    );
    assert!(
        diff.out.contains("eventfd signalled by io out 0x50 <- 08"),
        "{}",
        diff.out
    );
}

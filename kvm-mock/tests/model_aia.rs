//! The advanced interrupt architecture of riscv64 on the model: what it refuses, and that its state comes back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use kvm_core::device::riscv64::aia;
use kvm_core::device::{Device, DeviceAttributes};
use kvm_core::kvm_exit::Riscv64;
use kvm_core::kvm_sys::riscv64::*;
use kvm_core::{Errno, Error, Kvm, Route, RoutingEntry, Vcpu, Vm};
use kvm_mock::{Model, Profile, Step};

type Riscv = Model<Riscv64>;

const DOMAIN: u64 = 0x0;
const SOURCES: u64 = 0x4;
const PENDING: u64 = 0x1c00;
const ENABLE: u64 = 0x1e00;
const TARGETS: u64 = 0x3004;
/// The domain is enabled.
const IE: u32 = 1 << 8;
/// Triggered by a rising edge.
const EDGE: u32 = 4;

fn errno<T>(result: Result<T, Error>) -> Option<Errno> {
    result.err().map(|error| error.errno())
}

fn machine(vcpus: u64) -> (Vm<Riscv>, Vec<Vcpu<Riscv>>) {
    machine_of(Riscv::default(), vcpus)
}

fn machine_of(model: Riscv, vcpus: u64) -> (Vm<Riscv>, Vec<Vcpu<Riscv>>) {
    let vm = Kvm::with(model).unwrap().create_vm().unwrap();
    let vcpus = (0..vcpus).map(|id| vm.create_vcpu(id).unwrap()).collect();
    (vm, vcpus)
}

fn controller(vm: &Vm<Riscv>, vcpus: u64) -> Device<Riscv> {
    let device = vm.create_device(KVM_DEV_TYPE_RISCV_AIA).unwrap();
    device.set_device_attr(&aia::SRCS, &40).unwrap();
    device.set_device_attr(&aia::IDS, &127).unwrap();
    device.set_device_attr(&aia::HART_BITS, &1).unwrap();
    device
        .set_device_attr(&aia::ADDR_APLIC, &0xd00_0000)
        .unwrap();
    for vcpu in 0..vcpus {
        let at = 0x2800_0000 + 0x1000 * vcpu;
        device.set_device_attr(&aia::addr_imsic(vcpu), &at).unwrap();
    }
    device.set_device_attr(&aia::INIT, &()).unwrap();
    device
}

#[test]
fn there_is_one_and_it_comes_before_the_vcpus_run() {
    let (vm, _vcpus) = machine(1);
    assert!(vm.has_device(KVM_DEV_TYPE_RISCV_AIA).unwrap());
    let _device = vm.create_device(KVM_DEV_TYPE_RISCV_AIA).unwrap();
    let second = vm.create_device(KVM_DEV_TYPE_RISCV_AIA);
    assert_eq!(errno(second), Some(Errno::EEXIST));

    let model = Riscv::default();
    model.script(0, [Step::mmio_write(0x1000_0000, [0])]);
    let vm = Kvm::with(model).unwrap().create_vm().unwrap();
    vm.create_vcpu(0).unwrap().run().unwrap();
    let late = vm.create_device(KVM_DEV_TYPE_RISCV_AIA);
    assert_eq!(errno(late), Some(Errno::EBUSY));
}

#[test]
fn it_is_set_up_before_it_is_initialised() {
    let (vm, _vcpus) = machine(1);
    let device = vm.create_device(KVM_DEV_TYPE_RISCV_AIA).unwrap();
    let early = device.get_device_attr(&aia::aplic(DOMAIN));
    assert_eq!(errno(early), Some(Errno::ENODEV));
    let set = |attr, value: u32| errno(device.set_device_attr(&attr, &value));
    assert_eq!(set(aia::IDS, 62), Some(Errno::EINVAL));
    assert_eq!(set(aia::IDS, 64), Some(Errno::EINVAL));
    assert_eq!(set(aia::MODE, 3), Some(Errno::EINVAL));
    assert_eq!(set(aia::SRCS, 40), None);
    let unaligned = device.set_device_attr(&aia::ADDR_APLIC, &0x800);
    assert_eq!(errno(unaligned), Some(Errno::EINVAL));
    let nobody = device.set_device_attr(&aia::addr_imsic(1), &0x2800_0000);
    assert_eq!(errno(nobody), Some(Errno::ENXIO));
    // Without addresses.
    let incomplete = device.set_device_attr(&aia::INIT, &());
    assert_eq!(errno(incomplete), Some(Errno::EINVAL));
    device
        .set_device_attr(&aia::ADDR_APLIC, &0xd00_0000)
        .unwrap();
    device
        .set_device_attr(&aia::addr_imsic(0), &0x2800_0000)
        .unwrap();
    device.set_device_attr(&aia::INIT, &()).unwrap();
    let again = device.set_device_attr(&aia::INIT, &());
    assert_eq!(errno(again), Some(Errno::EBUSY));
    assert_eq!(set(aia::SRCS, 40), Some(Errno::EBUSY));
    let none = device.get_device_attr(&aia::imsic(3, 0x70));
    assert_eq!(errno(none), Some(Errno::ENODEV));
    let odd = device.get_device_attr(&aia::imsic(0, 0x81));
    assert_eq!(errno(odd), Some(Errno::EINVAL));
}

#[test]
fn vcpus_are_in_one_group_of_addresses() {
    let (vm, _vcpus) = machine(2);
    let device = vm.create_device(KVM_DEV_TYPE_RISCV_AIA).unwrap();
    for vcpu in [0, 1] {
        let at = 0x2800_0000 + 0x1000 * vcpu;
        device.set_device_attr(&aia::addr_imsic(vcpu), &at).unwrap();
    }
    // No bit of an address says which vCPU it is.
    let apart = device.set_device_attr(&aia::INIT, &());
    assert_eq!(errno(apart), Some(Errno::EINVAL));
    device.set_device_attr(&aia::HART_BITS, &1).unwrap();
    device.set_device_attr(&aia::INIT, &()).unwrap();
}

#[test]
fn places_are_those_of_vcpus_in_the_order_of_their_creation() {
    let (vm, _) = machine(0);
    let _second = vm.create_vcpu(1).unwrap();
    let device = vm.create_device(KVM_DEV_TYPE_RISCV_AIA).unwrap();
    device
        .set_device_attr(&aia::addr_imsic(0), &0x2800_0000)
        .unwrap();
    let _first = vm.create_vcpu(0).unwrap();
    let place = |vcpu| device.get_device_attr(&aia::addr_imsic(vcpu)).unwrap();
    assert_eq!((place(0), place(1)), (0x2800_0000, u64::MAX));
}

#[test]
fn a_source_that_is_pending_and_enabled_sends_its_message() {
    let (vm, _vcpus) = machine(2);
    let device = controller(&vm, 2);
    let set = |offset, value: u32| device.set_device_attr(&aia::aplic(offset), &value).unwrap();
    let get = |offset| device.get_device_attr(&aia::aplic(offset)).unwrap();
    // Source 3 is message 70 to the second vCPU.
    set(SOURCES + 8, EDGE);
    set(TARGETS + 8, 1 << 18 | 70);
    set(PENDING, 1 << 3 | 1 << 4);
    // A source that is off is never pending.
    assert_eq!(get(PENDING), 1 << 3);
    set(ENABLE, 1 << 3);
    assert_eq!(get(PENDING), 1 << 3);
    set(DOMAIN, IE);
    assert_eq!(get(PENDING), 0);
    let pending = |vcpu, word: u64| device.get_device_attr(&aia::imsic(vcpu, 0x80 + 2 * word));
    assert_eq!(pending(1, 1).unwrap(), 1 << 6);
    assert_eq!(pending(0, 1).unwrap(), 0);
}

#[test]
fn it_comes_back_as_it_was() {
    let (vm, _vcpus) = machine(2);
    let device = controller(&vm, 2);
    let set = |offset, value: u32| device.set_device_attr(&aia::aplic(offset), &value).unwrap();
    set(SOURCES + 4 * 35, EDGE);
    set(TARGETS + 4 * 35, 1 << 18 | 9);
    set(PENDING + 4, 1 << 4);
    set(ENABLE, 0xff0);
    set(DOMAIN, IE);
    for (isel, value) in [(0x70, 1), (0x72, 5), (0x80, 1 << 9), (0xc2, 0xff)] {
        device
            .set_device_attr(&aia::imsic(1, isel), &value)
            .unwrap();
    }
    let state = device.save().unwrap();

    let (other_vm, _others) = machine(2);
    let other = controller(&other_vm, 2);
    assert_ne!(other.save().unwrap(), state);
    other.restore(&state).unwrap();
    assert_eq!(other.save().unwrap(), state);
    let pending = other.get_device_attr(&aia::aplic(PENDING + 4)).unwrap();
    assert_eq!(pending, 1 << 4);
}

#[test]
fn messages_go_to_the_vcpu_at_their_address() {
    let machine = || {
        let host = Profile::default()
            .cap(KVM_CAP_SIGNAL_MSI, 1)
            .cap(KVM_CAP_IRQ_ROUTING, 4096);
        machine_of(Riscv::with_profile(host), 2)
    };
    let (vm, _vcpus) = machine();
    let message = |address_lo, data| kvm_msi {
        address_lo,
        data,
        ..Default::default()
    };
    let route = RoutingEntry {
        gsi: 1,
        route: Route::Irqchip { irqchip: 0, pin: 1 },
    };
    assert_eq!(errno(vm.signal_msi(&message(0, 5))), Some(Errno::EINVAL));
    assert_eq!(errno(vm.set_gsi_routing(&[route])), Some(Errno::EINVAL));

    let early = vm.create_device(KVM_DEV_TYPE_RISCV_AIA).unwrap();
    assert_eq!(errno(vm.signal_msi(&message(0, 5))), Some(Errno::EBUSY));
    vm.set_gsi_routing(&[route]).unwrap();
    drop((early, vm));

    let (vm, _vcpus) = machine();
    let device = controller(&vm, 2);
    let pending = |vcpu| device.get_device_attr(&aia::imsic(vcpu, 0x80)).unwrap();
    assert_eq!(vm.signal_msi(&message(0x2800_1000, 5)), Ok(false));
    assert_eq!((pending(0), pending(1)), (0, 1 << 5));
    // With its bytes turned round, to the first.
    let turned = message(0x2800_0004, 6 << 24);
    assert_eq!(vm.signal_msi(&turned), Ok(false));
    assert_eq!((pending(0), pending(1)), (1 << 6, 1 << 5));
    // Nobody's address.
    assert_eq!(vm.signal_msi(&message(0x2800_5000, 7)), Ok(false));
    for (address, data, refused) in [
        (0x2800_1000, 0, Errno::ENODEV),
        (0x2800_1008, 7, Errno::ENODEV),
        (0x2800_1000, 128, Errno::EINVAL),
    ] {
        let sent = vm.signal_msi(&message(address, data));
        assert_eq!(errno(sent), Some(refused));
    }
    assert_eq!((pending(0), pending(1)), (1 << 6, 1 << 5));
}

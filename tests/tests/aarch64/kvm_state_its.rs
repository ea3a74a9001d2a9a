//! The machine: a vGIC of version 3 with its translation service.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test without libtest, which is what clippy looks for"
)]

use kvm_core::aarch64::register;
use kvm_core::device::aarch64::vgic_its;
use kvm_core::device::{Device, DeviceAttributes};
use kvm_core::kvm_sys::aarch64::{KVM_ARM_VCPU_PSCI_0_2, kvm_msi};
use kvm_core::kvm_sys::{KVM_DEV_TYPE_ARM_VGIC_ITS, KVM_DEV_TYPE_ARM_VGIC_V3, KVM_MSI_VALID_DEVID};
use kvm_core::{AnonymousMemory, Exit, GuestAddress, Kvm, SavedState, Slot, Vcpu, Vm};
use kvm_tests::checks::{self, NotRun};
use kvm_tests::vgic::vgic_v3;

const GUEST: &[u8] = include_bytes!("../../guests/aarch64/messages.bin");
const RAM: GuestAddress = GuestAddress(0x4000_0000);
const MEMORY: usize = 0x8_0000;
const CODE: GuestAddress = GuestAddress(RAM.0 + 0x1000);
const ITS: u64 = 0x808_0000;
/// Where devices write their messages.
const TRANSLATER: u32 = 0x809_0040;
/// Where the guest says that it is set up, and which interrupt it has taken.
const READY: u64 = 0x900_0000;
const TAKEN: u64 = READY + 8;
/// What the guest makes of the message.
const INTERRUPT: u32 = 8195;

struct Machine {
    vm: Vm,
    vcpu: Vcpu,
    gic: Device,
    its: Device,
}

fn with_memory(kvm: &Kvm) -> (Vm, Vcpu) {
    let vm = kvm.create_vm().unwrap();
    let ram = AnonymousMemory::new(MEMORY).unwrap();
    vm.add_memory(Slot(0), RAM, ram).unwrap();
    let vcpu = vm.create_vcpu(0).unwrap();
    (vm, vcpu)
}

fn controllers(vm: &Vm) -> (Device, Device) {
    let gic = vgic_v3(vm).unwrap();
    let its = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_ITS).unwrap();
    its.set_device_attr(&vgic_its::ADDR, &ITS).unwrap();
    its.set_device_attr(&vgic_its::INIT, &()).unwrap();
    (gic, its)
}

impl Machine {
    /// Whose guest is set up, and takes no interrupts yet.
    fn new() -> Result<Self, NotRun> {
        let kvm = checks::kvm()?;
        let (vm, vcpu) = with_memory(&kvm);
        for device in [KVM_DEV_TYPE_ARM_VGIC_V3, KVM_DEV_TYPE_ARM_VGIC_ITS] {
            if !vm.has_device(device).unwrap() {
                return Err(NotRun::because(format_args!("this host has no {device:?}")));
            }
        }
        vm.write_memory(CODE, GUEST).unwrap();
        let mut init = vm.get_preferred_target().unwrap();
        init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
        vcpu.vcpu_init(&init).unwrap();
        vcpu.set_reg(register::PC, &CODE.0).unwrap();
        let (gic, its) = controllers(&vm);
        let mut machine = Self { vm, vcpu, gic, its };
        machine.writes(READY, 1);
        Ok(machine)
    }

    fn writes(&mut self, addr: u64, value: u32) {
        match self.vcpu.run().unwrap().0 {
            Exit::MmioWrite(write) => {
                assert_eq!((write.addr, write.data), (addr, &value.to_le_bytes()[..]));
            }
            other => panic!("{other}"),
        }
    }

    /// Sends the message, and gives whether it came as far as the guest's controller.
    fn send(&self) -> bool {
        let message = kvm_msi {
            address_lo: TRANSLATER,
            data: 3,
            devid: 7,
            flags: KVM_MSI_VALID_DEVID,
            ..Default::default()
        };
        self.vm.signal_msi(&message).unwrap()
    }

    /// Ends here, and goes on in another VM.
    fn migrate(mut self) -> Self {
        let vcpu_state = self.vcpu.save().unwrap().into_bytes();
        let [gic_state, its_state] =
            [&self.gic, &self.its].map(|device| device.save().unwrap().into_bytes());
        // The tables of the translation service, and of what is pending, are in it now.
        let mut memory = vec![0; MEMORY];
        self.vm.read_memory(RAM, &mut memory).unwrap();
        drop(self);

        let kvm = Kvm::open().unwrap();
        let (vm, mut vcpu) = with_memory(&kvm);
        vm.write_memory(RAM, &memory).unwrap();
        let state = SavedState::from_bytes(vcpu_state).unwrap();
        vcpu.restore(&state).unwrap();
        let (gic, its) = controllers(&vm);
        gic.restore(&SavedState::from_bytes(gic_state).unwrap())
            .unwrap();
        its.restore(&SavedState::from_bytes(its_state).unwrap())
            .unwrap();
        Self { vm, vcpu, gic, its }
    }
}

/// Else what follows shows nothing.
pub(crate) fn messages_come() -> Result<(), NotRun> {
    let mut machine = Machine::new()?;
    for _ in 0..3 {
        assert!(machine.send());
        machine.writes(TAKEN, INTERRUPT);
    }
    Ok(())
}

pub(crate) fn moved_with_its_tables() -> Result<(), NotRun> {
    let mut machine = Machine::new()?.migrate().migrate();
    for _ in 0..3 {
        assert!(machine.send());
        machine.writes(TAKEN, INTERRUPT);
    }
    Ok(())
}

pub(crate) fn moved_with_a_message_pending() -> Result<(), NotRun> {
    let machine = Machine::new()?;
    assert!(machine.send());
    let mut machine = machine.migrate().migrate();
    machine.writes(TAKEN, INTERRUPT);
    // It came once.
    assert!(machine.send());
    machine.writes(TAKEN, INTERRUPT);
    Ok(())
}

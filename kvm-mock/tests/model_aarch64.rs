//! A guest of aarch64 on the model, recorded and replayed: on any host.
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use std::fmt::Debug;

use common::Shared;
use kvm_core::aarch64::register;
use kvm_core::device::DeviceAttributes;
use kvm_core::device::aarch64 as attributes;
use kvm_core::kvm_exit::{Aarch64, MmioWrite, SystemEvent};
use kvm_core::kvm_sys::aarch64::*;
use kvm_core::{
    AnonymousMemory, Cause, Errno, Error, Exit, GuestAddress, Hypervisor, Kvm, Slot, Vcpu, Vm,
};
use kvm_mock::{Model, Outcome, PendingIo, Profile, Recorder, Replay, Step};

fn errno<T>(result: Result<T, Error>) -> Option<Errno> {
    result.err().map(|error| error.errno())
}

fn vm() -> Vm<Model<Aarch64>> {
    Kvm::with(Model::default()).unwrap().create_vm().unwrap()
}

fn init(features: u32) -> kvm_vcpu_init {
    kvm_vcpu_init {
        target: KVM_ARM_TARGET_GENERIC_V8,
        features: [features, 0, 0, 0, 0, 0, 0],
    }
}

const SVE: u32 = 1 << KVM_ARM_VCPU_SVE;

#[test]
fn nothing_works_before_a_vcpu_is_initialised() {
    let mut vcpu = vm().create_vcpu(0).unwrap();
    let early = Some(Errno::ENOEXEC);
    assert_eq!(errno(vcpu.run()), early);
    assert_eq!(errno(vcpu.get_reg_list()), early);
    assert_eq!(errno(vcpu.get_reg::<u64>(register::PC)), early);
    assert_eq!(errno(vcpu.set_reg(register::PC, &0u64)), early);
    assert_eq!(errno(vcpu.get_vcpu_events()), early);
    assert_eq!(errno(vcpu.vcpu_finalize(KVM_ARM_VCPU_SVE)), early);
    vcpu.vcpu_init(&init(0)).unwrap();
    assert!(vcpu.get_reg_list().unwrap().contains(&register::PC));
}

#[test]
fn a_processor_is_what_the_first_one_is() {
    let vm = vm();
    assert_eq!(vm.get_preferred_target().unwrap(), init(0));
    let [one, two] = [0, 1].map(|id| vm.create_vcpu(id).unwrap());
    assert_eq!(errno(one.vcpu_init(&init(1 << 31))), Some(Errno::ENOENT));
    let unknown = kvm_vcpu_init {
        target: 77,
        ..init(0)
    };
    assert_eq!(errno(one.vcpu_init(&unknown)), Some(Errno::EINVAL));
    let old = init(1 << KVM_ARM_VCPU_EL1_32BIT);
    assert_eq!(errno(one.vcpu_init(&old)), Some(Errno::EINVAL));
    one.vcpu_init(&init(1 << KVM_ARM_VCPU_PSCI_0_2)).unwrap();
    assert_eq!(errno(two.vcpu_init(&init(0))), Some(Errno::EINVAL));
    let off = 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_POWER_OFF;
    two.vcpu_init(&init(off)).unwrap();
    assert_eq!(one.get_mp_state().unwrap(), KVM_MP_STATE_RUNNABLE);
    assert_eq!(two.get_mp_state().unwrap(), KVM_MP_STATE_STOPPED);
    let halted = two.set_mp_state(KVM_MP_STATE_HALTED);
    assert_eq!(errno(halted), Some(Errno::EINVAL));
    assert_eq!(
        one.get_reg::<u64>(KVM_REG_ARM_PSCI_VERSION).unwrap(),
        0x1_0003
    );
}

#[test]
fn a_further_initialisation_resets() {
    let vcpu = vm().create_vcpu(0).unwrap();
    vcpu.vcpu_init(&init(0)).unwrap();
    vcpu.set_reg(register::x(7), &7u64).unwrap();
    vcpu.vcpu_init(&init(0)).unwrap();
    assert_eq!(vcpu.get_reg::<u64>(register::x(7)).unwrap(), 0);
    assert_eq!(errno(vcpu.vcpu_init(&init(SVE))), Some(Errno::EINVAL));
}

#[test]
fn a_buffer_of_another_size_than_the_register_is_refused() {
    let vcpu = vm().create_vcpu(0).unwrap();
    vcpu.vcpu_init(&init(0)).unwrap();
    let error = vcpu.get_one_reg(register::PC, &mut [0; 4]).unwrap_err();
    assert_eq!(
        (error.cause(), error.detail(), error.op().name),
        (Cause::Length, 4, "KVM_GET_ONE_REG")
    );
    let error = vcpu.set_one_reg(register::v(0), &[0; 8]).unwrap_err();
    assert_eq!((error.cause(), error.detail()), (Cause::Length, 8));
    assert_eq!(vcpu.get_one_reg(register::v(0), &mut [0; 16]).unwrap(), 16);
    assert_eq!(vcpu.set_one_reg(register::FPSR, &[0; 4]).unwrap(), 4);
}

#[test]
fn ids_of_what_is_not_there_are_told_from_those_of_others() {
    let vcpu = vm().create_vcpu(0).unwrap();
    vcpu.vcpu_init(&init(0)).unwrap();
    let missing = vcpu.get_reg::<u64>(ARM64_SYS_REG(3, 7, 15, 0, 0));
    assert_eq!(errno(missing), Some(Errno::ENOENT));
    let foreign = vcpu.get_reg::<u64>(kvm_core::riscv64::register::PC);
    assert_eq!(errno(foreign), Some(Errno::EINVAL));
}

#[test]
fn vectors_are_there_once_their_lengths_are_final() {
    let mut vcpu = vm().create_vcpu(0).unwrap();
    vcpu.vcpu_init(&init(SVE)).unwrap();
    let not_yet = Some(Errno::EPERM);
    let zreg = KVM_REG_ARM64_SVE_ZREG(0, 0);
    assert_eq!(errno(vcpu.get_reg::<[u8; 256]>(zreg)), not_yet);
    assert_eq!(errno(vcpu.get_reg_list()), not_yet);
    assert_eq!(errno(vcpu.run()), not_yet);
    let lengths = |low| [low, 0, 0, 0, 0, 0, 0, 0u64];
    let all: [u64; 8] = vcpu.get_reg(KVM_REG_ARM64_SVE_VLS).unwrap();
    assert_eq!(all, lengths(0b11));
    // The shortest is always there; the host has not the third.
    for refused in [0b10, 0b111] {
        let set = vcpu.set_reg(KVM_REG_ARM64_SVE_VLS, &lengths(refused));
        assert_eq!(errno(set), Some(Errno::EINVAL));
    }
    vcpu.set_reg(KVM_REG_ARM64_SVE_VLS, &lengths(1)).unwrap();
    vcpu.vcpu_finalize(KVM_ARM_VCPU_SVE).unwrap();

    assert_eq!(errno(vcpu.vcpu_finalize(KVM_ARM_VCPU_SVE)), not_yet);
    assert_eq!(errno(vcpu.vcpu_finalize(77)), Some(Errno::EINVAL));
    let late = vcpu.set_reg(KVM_REG_ARM64_SVE_VLS, &lengths(3));
    assert_eq!(errno(late), not_yet);
    let kept: [u64; 8] = vcpu.get_reg(KVM_REG_ARM64_SVE_VLS).unwrap();
    assert_eq!(kept, lengths(1));
    vcpu.set_reg(zreg, &[7u8; 256]).unwrap();
    assert_eq!(vcpu.get_reg::<[u8; 256]>(zreg).unwrap(), [7; 256]);
    let ids = vcpu.get_reg_list().unwrap();
    assert!(ids.contains(&zreg) && !ids.contains(&register::v(0)));

    let without = vm().create_vcpu(0).unwrap();
    without.vcpu_init(&init(0)).unwrap();
    assert_eq!(errno(without.vcpu_finalize(KVM_ARM_VCPU_SVE)), not_yet);
    let missing = without.get_reg::<[u8; 256]>(zreg);
    assert_eq!(errno(missing), Some(Errno::ENOENT));
}

#[test]
fn features_can_be_denied_as_far_as_the_masks_go() {
    let vm = vm();
    let masks = vm.get_reg_writable_masks().unwrap();
    assert_eq!(masks.of(3, 0, 0, 4, 0), 0xf << 32);
    assert_eq!(masks.of(3, 3, 0, 0, 1), 0);
    assert_eq!(masks.of(3, 2, 0, 0, 1), 0);
    let vcpu = vm.create_vcpu(0).unwrap();
    vcpu.vcpu_init(&init(0)).unwrap();
    let id = ARM64_SYS_REG(3, 0, 0, 4, 0);
    let value: u64 = vcpu.get_reg(id).unwrap();
    vcpu.set_reg(id, &(value ^ 1 << 32)).unwrap();
    assert_eq!(errno(vcpu.set_reg(id, &(value ^ 1))), Some(Errno::EINVAL));
}

#[test]
fn tags_are_copied_by_pages_of_memory() {
    let plain = vm();
    let mut tags = [0u8; 256];
    let refused = plain.get_mte_tags(GuestAddress(0), &mut tags);
    assert_eq!(errno(refused), Some(Errno::EINVAL));

    let vm = vm();
    vm.enable_cap(&kvm_enable_cap {
        cap: KVM_CAP_ARM_MTE,
        ..Default::default()
    })
    .unwrap();
    let ram = AnonymousMemory::new(0x2000).unwrap();
    vm.add_memory(Slot(0), GuestAddress(0x4000_0000), ram)
        .unwrap();
    let tags: Vec<u8> = (0..=255).collect();
    let second = GuestAddress(0x4000_1000);
    assert_eq!(vm.set_mte_tags(second, &tags).unwrap(), 256);
    let mut both = [1; 512];
    let first = GuestAddress(0x4000_0000);
    assert_eq!(vm.get_mte_tags(first, &mut both).unwrap(), 512);
    assert_eq!((&both[..256], &both[256..]), (&[0; 256][..], &tags[..]));
    // The copy ends where the memory does.
    assert_eq!(vm.get_mte_tags(second, &mut both).unwrap(), 256);
    let outside = vm.get_mte_tags(GuestAddress(0x5000_0000), &mut both);
    assert_eq!(errno(outside), Some(Errno::EFAULT));
    let part = vm.get_mte_tags(first, &mut [0; 255]);
    assert_eq!(errno(part), Some(Errno::EINVAL));
}

#[test]
fn an_error_is_injected_with_a_syndrome() {
    let vcpu = vm().create_vcpu(0).unwrap();
    vcpu.vcpu_init(&init(0)).unwrap();
    let mut events = kvm_vcpu_events::default();
    events.exception.serror_has_esr = 1;
    // A syndrome of nothing is not looked at.
    vcpu.set_vcpu_events(&events).unwrap();
    let now = vcpu.get_vcpu_events().unwrap().exception;
    assert_eq!((now.serror_pending, now.serror_has_esr), (0, 1));
    events.exception.serror_pending = 1;
    events.exception.serror_esr = 0x1ff;
    events.exception.ext_dabt_pending = 1;
    vcpu.set_vcpu_events(&events).unwrap();
    let now = vcpu.get_vcpu_events().unwrap().exception;
    assert_eq!((now.serror_esr, now.ext_dabt_pending), (0x1ff, 0));
    events.exception.serror_esr = 1 << 25;
    assert_eq!(errno(vcpu.set_vcpu_events(&events)), Some(Errno::EINVAL));
}

#[test]
fn ranges_of_calls_are_filtered_once() {
    let vm = vm();
    let filter = |base, nr_functions, action| {
        let filter = kvm_smccc_filter {
            base,
            nr_functions,
            action,
            ..Default::default()
        };
        errno(vm.set_device_attr(&attributes::vm::SMCCC_FILTER, &filter))
    };
    let deny = KVM_SMCCC_FILTER_DENY.0;
    assert_eq!(filter(0x8400_0000, 0x20, deny), None);
    assert_eq!(filter(0x8400_001f, 1, deny), Some(Errno::EEXIST));
    // The architecture's own, and none.
    assert_eq!(filter(0x8000_0001, 1, deny), Some(Errno::EEXIST));
    assert_eq!(filter(0, 0, deny), Some(Errno::EINVAL));
    assert_eq!(filter(1, 0, deny), Some(Errno::EINVAL));
    assert_eq!(filter(u32::MAX, 2, deny), Some(Errno::EINVAL));
    assert_eq!(filter(0x8600_0000, 1, 3), Some(Errno::EINVAL));
}

#[test]
fn timers_have_interrupts_of_the_vcpus_own_and_stolen_time_has_memory() {
    let host = || Profile::default().cap(KVM_CAP_VCPU_ATTRIBUTES, 1);
    let vm = |host| {
        let kvm = Kvm::with(Model::with_profile(host)).unwrap();
        kvm.create_vm().unwrap()
    };
    let (host, counting) = (host(), host().cap(KVM_CAP_STEAL_TIME, 1));
    let old = self::vm().create_vcpu(0).unwrap();
    let none = old.get_device_attr(&attributes::vcpu::TIMER_IRQ_VTIMER);
    assert_eq!(
        errno(none),
        Some(Errno::EINVAL),
        "a host without attributes"
    );
    let (vm, counting) = (vm(host), vm(counting));
    let vcpu = vm.create_vcpu(0).unwrap();
    let timer = |interrupt: i32| {
        errno(vcpu.set_device_attr(&attributes::vcpu::TIMER_IRQ_VTIMER, &interrupt))
    };
    assert_eq!(
        vcpu.get_device_attr(&attributes::vcpu::TIMER_IRQ_VTIMER),
        Ok(27)
    );
    assert_eq!(timer(20), Some(Errno::EINVAL), "no controller");
    let _gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap();
    for shared_or_software in [15, 32] {
        assert_eq!(timer(shared_or_software), Some(Errno::EINVAL));
    }
    assert_eq!(timer(20), None);
    assert_eq!(
        vcpu.get_device_attr(&attributes::vcpu::TIMER_IRQ_VTIMER),
        Ok(20)
    );

    let stolen = |vcpu: &Vcpu<Model<Aarch64>>, at: u64| {
        errno(vcpu.set_device_attr(&attributes::vcpu::PVTIME_IPA, &at))
    };
    assert_eq!(stolen(&vcpu, 0x1000), Some(Errno::ENXIO));
    let vcpu = counting.create_vcpu(0).unwrap();
    for (slot, start, flags) in [(0, 0x1000, MemFlags(0)), (1, 0x2000, KVM_MEM_READONLY)] {
        let ram = AnonymousMemory::new(0x1000).unwrap();
        counting
            .add_memory_with(Slot(slot), GuestAddress(start), ram, flags)
            .unwrap();
    }
    for nowhere in [0x1020, 0x2000, 0x3000] {
        assert_eq!(stolen(&vcpu, nowhere), Some(Errno::EINVAL), "{nowhere:#x}");
    }
    assert_eq!(stolen(&vcpu, 0x1000), None);
    assert_eq!(stolen(&vcpu, 0x1040), Some(Errno::EEXIST));
}

/// Runs a guest that writes to a UART and turns the machine off, and tells what it did.
fn boot<H: Hypervisor<Guest = Aarch64>>(system: H) -> Result<Vec<String>, Error> {
    fn tell(told: &mut Vec<String>, what: impl Debug) {
        told.push(format!("{what:?}"));
    }
    let kvm = Kvm::with(system)?;
    let vm = kvm.create_vm()?;
    let ram = AnonymousMemory::new(0x1_0000)?;
    vm.add_memory(Slot(0), GuestAddress(0x4000_0000), ram)?;
    let mut vcpu: Vcpu<H> = vm.create_vcpu(0)?;
    vcpu.vcpu_init(&vm.get_preferred_target()?)?;
    vcpu.set_reg(register::PC, &0x4000_0000u64)?;
    vcpu.set_single_step(false)?;
    let mut told = Vec::new();
    tell(&mut told, vcpu.get_reg_list()?.len());
    loop {
        let (exit, regs) = vcpu.run()?;
        let pc: u64 = regs.get_reg(register::PC)?;
        tell(&mut told, (exit.to_string(), pc));
        match exit {
            Exit::MmioRead(read) => read.data.fill(0x90),
            Exit::SystemEvent(_) => break,
            _ => {}
        }
    }
    Ok(told)
}

#[test]
fn a_recorded_guest_replays_on_any_host() {
    let model = Model::<Aarch64>::default();
    model.pending_io(PendingIo::Readable);
    model.script(
        0,
        [
            Step::mmio_read(0x900_0018, [0x90, 0x90, 0x90, 0x90])
                .with_register(register::PC, 0x4000_0010u64)
                .register_then(register::x(1), 0x9090_9090u64),
            Step::exit(|page| {
                let data = b"!";
                page.encode(&Exit::MmioWrite(MmioWrite {
                    addr: 0x900_0000,
                    data,
                }))
            }),
            Step::exit(|page| {
                page.encode(&Exit::SystemEvent(SystemEvent {
                    kind: KVM_SYSTEM_EVENT_SHUTDOWN,
                    data: &[],
                }))
            }),
        ],
    );
    let file = Shared::default();
    let recorder = Recorder::to_writer(model.clone(), file.clone()).unwrap();
    let handle = recorder.handle();
    let told = boot(recorder).unwrap();
    handle.finish().unwrap();
    model.verify().unwrap();
    assert!(told[1].contains("mmio read 0x9000018"), "{told:?}");

    let replay = Replay::<Aarch64>::guest_from_bytes(file.bytes()).unwrap();
    assert_eq!(boot(replay.clone()).unwrap(), told);
    assert_eq!(replay.outcome(), Outcome::Complete);
    let foreign = Replay::from_bytes(file.bytes()).unwrap_err();
    assert_eq!(
        foreign.to_string(),
        "the recorded guest is aarch64, and x86_64 is expected"
    );
}

//! Interrupt controllers of aarch64 on the model: what they refuse, and that their state comes back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use kvm_core::device::aarch64::{vgic_its as its, vgic_v2 as v2, vgic_v3 as v3};
use kvm_core::device::{Device, DeviceAttributes};
use kvm_core::kvm_exit::Aarch64;
use kvm_core::kvm_sys::aarch64::*;
use kvm_core::{AnonymousMemory, Cause, Errno, Error, GuestAddress, Kvm, Slot, Vcpu, Vm};
use kvm_mock::{Model, Step};

type Arm = Model<Aarch64>;

const ENABLE: u32 = 0x100;
const DISABLE: u32 = 0x180;
const PENDING: u32 = 0x200;
const PRIORITY: u32 = 0x400;
const SGI: u32 = 0x1_0000;
/// `ICC_PMR_EL1`.
const PMR: u16 = 0xc230;

fn errno<T>(result: Result<T, Error>) -> Option<Errno> {
    result.err().map(|error| error.errno())
}

/// A VM with so many vCPUs.
fn machine(vcpus: u64) -> (Vm<Arm>, Vec<Vcpu<Arm>>) {
    let vm = Kvm::with(Arm::default()).unwrap().create_vm().unwrap();
    let init = vm.get_preferred_target().unwrap();
    let vcpus = (0..vcpus).map(|id| {
        let vcpu = vm.create_vcpu(id).unwrap();
        vcpu.vcpu_init(&init).unwrap();
        vcpu
    });
    let vcpus = vcpus.collect();
    (vm, vcpus)
}

fn gic_v3(vm: &Vm<Arm>) -> Device<Arm> {
    let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap();
    gic.set_device_attr(&v3::NR_IRQS, &128).unwrap();
    gic.set_device_attr(&v3::ADDR_DIST, &0x800_0000).unwrap();
    gic.set_device_attr(&v3::ADDR_REDIST, &0x80a_0000).unwrap();
    gic.set_device_attr(&v3::INIT, &()).unwrap();
    gic
}

/// A shared interrupt, as `KVM_IRQ_LINE` wants it.
fn shared(interrupt: u32) -> u32 {
    KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | interrupt
}

#[test]
fn there_is_one_controller_and_it_comes_before_the_vcpus_run() {
    let (vm, _vcpus) = machine(1);
    assert!(vm.has_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap());
    let _gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V2).unwrap();
    for kind in [KVM_DEV_TYPE_ARM_VGIC_V2, KVM_DEV_TYPE_ARM_VGIC_V3] {
        assert_eq!(errno(vm.create_device(kind)), Some(Errno::EEXIST));
    }
    assert_eq!(errno(vm.create_irq_chip()), Some(Errno::EEXIST));

    let model = Arm::default();
    model.script(0, [Step::mmio_write(0x900_0000, [0])]);
    let vm = Kvm::with(model).unwrap().create_vm().unwrap();
    let mut vcpu = vm.create_vcpu(0).unwrap();
    vcpu.vcpu_init(&vm.get_preferred_target().unwrap()).unwrap();
    vcpu.run().unwrap();
    let late = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3);
    assert_eq!(errno(late), Some(Errno::EBUSY));

    let (vm, _vcpus) = machine(9);
    let many = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V2);
    assert_eq!(errno(many), Some(Errno::E2BIG));
}

#[test]
fn addresses_are_aligned_and_set_once() {
    let (vm, _vcpus) = machine(2);
    let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap();
    let set = |attr, value: u64| errno(gic.set_device_attr(&attr, &value));
    assert_eq!(set(v3::ADDR_DIST, 0x1000), Some(Errno::EINVAL));
    assert_eq!(set(v3::ADDR_DIST, 1 << 40), Some(Errno::E2BIG));
    assert_eq!(set(v3::ADDR_DIST, 0x800_0000), None);
    assert_eq!(set(v3::ADDR_DIST, 0x800_0000), Some(Errno::EEXIST));
    assert_eq!(gic.get_device_attr(&v3::ADDR_DIST).unwrap(), 0x800_0000);

    let region = |index: u64, base: u64, count: u64| count << 52 | base | index;
    let regions = v3::ADDR_REDIST_REGION;
    assert_eq!(set(regions, region(1, 0x1000_0000, 1)), Some(Errno::EINVAL));
    assert_eq!(set(regions, region(0, 0x1000_0000, 0)), Some(Errno::EINVAL));
    assert_eq!(set(regions, region(0, 0x1000_0000, 2)), None);
    assert_eq!(set(regions, region(1, 0x1002_0000, 1)), Some(Errno::EINVAL));
    assert_eq!(set(v3::ADDR_REDIST, 0x2000_0000), Some(Errno::EINVAL));
    let first = gic.get_device_attr_with(&regions, 0).unwrap();
    assert_eq!(first, region(0, 0x1000_0000, 2));
    let second = gic.get_device_attr_with(&regions, 1);
    assert_eq!(errno(second), Some(Errno::ENOENT));
    // Attributes of the other version.
    let other = gic.set_device_attr(&v2::ADDR_CPU, &0);
    assert_eq!(other.unwrap_err().cause(), Cause::Attribute);
}

#[test]
fn registers_are_there_once_it_is_initialised() {
    let (vm, vcpus) = machine(1);
    let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap();
    let early = gic.get_device_attr(&v3::dist(0));
    assert_eq!(errno(early), Some(Errno::EBUSY));
    let number = |n: u32| errno(gic.set_device_attr(&v3::NR_IRQS, &n));
    assert_eq!(number(48), Some(Errno::EINVAL));
    assert_eq!(number(1056), Some(Errno::EINVAL));
    assert_eq!(number(64), None);
    assert_eq!(number(64), Some(Errno::EBUSY));
    gic.set_device_attr(&v3::INIT, &()).unwrap();
    assert_eq!(errno(vm.create_vcpu(1)), Some(Errno::EBUSY));

    assert!(gic.has_device_attr(&v3::dist(0x6100)).unwrap());
    for unknown in [v3::dist(0xf000), v3::redist(0, 0x1_0084)] {
        assert!(!gic.has_device_attr(&unknown).unwrap());
        gic.set_device_attr(&unknown, &1).unwrap();
        assert_eq!(gic.get_device_attr(&unknown), Ok(0));
    }
    // Of interrupts that there are not.
    assert!(!gic.has_device_attr(&v3::dist(0x108)).unwrap());
    let unknown = gic.get_device_attr(&v3::cpu_sysreg(0, 0xc000));
    assert_eq!(errno(unknown), Some(Errno::ENOENT));
    let nobody = gic.get_device_attr(&v3::redist(7, 0));
    assert_eq!(errno(nobody), Some(Errno::EINVAL));
    let odd = gic.get_device_attr(&v3::line_levels(0, 33));
    assert_eq!(errno(odd), Some(Errno::EINVAL));
    let identity = gic.get_device_attr(&v3::dist(8)).unwrap();
    gic.set_device_attr(&v3::dist(8), &identity).unwrap();
    let other = gic.set_device_attr(&v3::dist(8), &0);
    assert_eq!(errno(other), Some(Errno::EINVAL));
    drop(vcpus);
}

#[test]
fn private_interrupts_are_in_the_redistributors() {
    let (vm, _vcpus) = machine(2);
    let gic = gic_v3(&vm);
    let get = |attr| gic.get_device_attr(&attr).unwrap();
    let set = |attr, value: u32| gic.set_device_attr(&attr, &value).unwrap();
    set(v3::dist(ENABLE), u32::MAX);
    assert_eq!(get(v3::dist(ENABLE)), 0);
    set(v3::redist(1, SGI + ENABLE), 1 << 27);
    assert_eq!(get(v3::redist(1, SGI + ENABLE)), 1 << 27 | 0xffff);
    assert_eq!(get(v3::redist(0, SGI + ENABLE)), 0xffff);
    set(v3::redist(1, SGI + DISABLE), 1 << 27 | 1);
    assert_eq!(get(v3::redist(1, SGI + ENABLE)), 0xfffe);
    set(v3::dist(PRIORITY + 32), 0xa1a2_a3a4);
    assert_eq!(get(v3::dist(PRIORITY + 32)), 0xa0a0_a0a0);
    // Of interrupts that there are not.
    set(v3::dist(ENABLE + 16), u32::MAX);
    assert_eq!(get(v3::dist(ENABLE + 16)), 0);
}

#[test]
fn a_level_is_up_as_long_as_its_line_and_an_edge_stays() {
    let (vm, _vcpus) = machine(1);
    assert_eq!(errno(vm.set_irq_line(shared(40), true)), Some(Errno::ENXIO));
    let gic = gic_v3(&vm);
    let get = |attr| gic.get_device_attr(&attr).unwrap();
    assert_eq!(get(v3::dist(0xc08)), 0xaaaa_aaaa, "edges at first");
    // Interrupt 41 is triggered by edges.
    gic.set_device_attr(&v3::dist(0xc08), &(0b10 << 18))
        .unwrap();
    for interrupt in [40, 41] {
        vm.set_irq_line(shared(interrupt), true).unwrap();
    }
    assert_eq!(get(v3::line_levels(0, 32)), 1 << 8);
    assert_eq!(get(v3::dist(PENDING + 4)), 1 << 9);
    for interrupt in [40, 41] {
        vm.set_irq_line(shared(interrupt), false).unwrap();
    }
    assert_eq!(get(v3::line_levels(0, 32)), 0);
    assert_eq!(get(v3::dist(PENDING + 4)), 1 << 9);
    assert_eq!(errno(vm.set_irq_line(shared(5), true)), Some(Errno::EINVAL));
    assert_eq!(
        errno(vm.set_irq_line(shared(900), true)),
        Some(Errno::EINVAL)
    );
}

#[test]
fn a_gic_v3_comes_back_as_it_was() {
    let (vm, _vcpus) = machine(3);
    let gic = gic_v3(&vm);
    let set = |attr, value: u32| gic.set_device_attr(&attr, &value).unwrap();
    set(v3::dist(0), 2);
    set(v3::dist(ENABLE + 4), 0xff00);
    set(v3::dist(PENDING + 4), 0x100);
    set(v3::dist(0x380 + 4), 0);
    set(v3::dist(0x300 + 4), 0x400);
    set(v3::dist(0x6000 + 8 * 42), 2);
    // One of software's own is off, which a new controller has on.
    set(v3::redist(2, SGI + DISABLE), 1 << 3);
    gic.set_device_attr(&v3::cpu_sysreg(1, PMR), &0xf0).unwrap();
    set(v3::dist(0xc0c), 0);
    vm.set_irq_line(shared(60), true).unwrap();
    let state = gic.save().unwrap();

    let (other_vm, _others) = machine(3);
    let other = gic_v3(&other_vm);
    assert_ne!(other.save().unwrap(), state);
    other.restore(&state).unwrap();
    assert_eq!(other.save().unwrap(), state);
    let get = |attr| other.get_device_attr(&attr).unwrap();
    assert_eq!(get(v3::redist(2, SGI + ENABLE)), 0xfff7);
    assert_eq!(get(v3::line_levels(0, 32)), 1 << 28);
    assert_eq!(
        other.get_device_attr(&v3::cpu_sysreg(1, PMR)).unwrap(),
        0xf0
    );
}

#[test]
fn state_of_another_controller_is_refused() {
    let cause = |result: Result<(), Error>| result.unwrap_err().cause();
    let (vm, vcpus) = machine(2);
    let gic = gic_v3(&vm);
    let state = gic.save().unwrap();
    // One vCPU less, one more.
    let (fewer_vm, _fewer) = machine(1);
    let fewer = gic_v3(&fewer_vm);
    assert_eq!(cause(fewer.restore(&state)), Cause::Attribute);
    assert_eq!(
        cause(gic.restore(&fewer.save().unwrap())),
        Cause::StateMissing
    );
    let (v2_vm, _v2) = machine(2);
    let v2 = v2_vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V2).unwrap();
    assert_eq!(cause(v2.restore(&state)), Cause::StateOfOther);
    assert_eq!(cause(vm.restore(&state)), Cause::StateOfOther);

    drop(vcpus);
    let error = gic.save().unwrap_err();
    assert_eq!((error.cause(), error.detail()), (Cause::VcpuDropped, 0));
}

#[test]
fn a_device_without_state_says_so() {
    let (vm, _vcpus) = machine(1);
    let vfio = vm.create_device(KVM_DEV_TYPE_VFIO).unwrap();
    let error = vfio.save().unwrap_err();
    assert_eq!(
        error.to_string(),
        "saved state: there is no state of devices of kind 4"
    );
}

#[test]
fn a_gic_v2_comes_back_as_it_was() {
    let new = |vm: &Vm<Arm>| {
        let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V2).unwrap();
        gic.set_device_attr(&v2::ADDR_DIST, &0x800_0000).unwrap();
        gic.set_device_attr(&v2::ADDR_CPU, &0x801_0000).unwrap();
        gic.set_device_attr(&v2::NR_IRQS, &96).unwrap();
        gic.set_device_attr(&v2::INIT, &()).unwrap();
        gic
    };
    let (vm, _vcpus) = machine(2);
    let gic = new(&vm);
    let set = |attr, value: u32| gic.set_device_attr(&attr, &value).unwrap();
    set(v2::dist(0, 0), 1);
    set(v2::dist(0, ENABLE + 4), 0xf0);
    set(v2::dist(1, ENABLE), 1 << 30);
    set(v2::dist(0, 0x800 + 32), 0x0202_0201);
    // Software's interrupt 2, from vCPU 0 to 1.
    set(v2::dist(1, 0xf20), 1 << 16);
    set(v2::cpu(1, 4), 0x1e);
    let state = gic.save().unwrap();

    let (other_vm, _others) = machine(2);
    let other = new(&other_vm);
    other.restore(&state).unwrap();
    assert_eq!(other.save().unwrap(), state);
    let get = |attr| other.get_device_attr(&attr).unwrap();
    assert_eq!(get(v2::dist(1, 0xf20)), 1 << 16);
    assert_eq!(get(v2::dist(0, ENABLE)), 0xffff);
    assert_eq!(get(v2::cpu(1, 4)), 0x1e);
    let nobody = other.get_device_attr(&v2::cpu(5, 4));
    assert_eq!(errno(nobody), Some(Errno::EINVAL));
}

#[test]
fn an_its_comes_back_with_its_tables_in_memory() {
    let new = || {
        let (vm, vcpus) = machine(1);
        let ram = AnonymousMemory::new(0x10_0000).unwrap();
        let base = GuestAddress(0x4000_0000);
        vm.add_memory(Slot(0), base, ram).unwrap();
        let its = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_ITS).unwrap();
        let gic = gic_v3(&vm);
        (vm, vcpus, gic, its)
    };
    let (_vm, _vcpus, gic, its) = new();
    let early = its.get_device_attr(&its::register(0));
    assert_eq!(errno(early), Some(Errno::ENXIO));
    its.set_device_attr(&its::ADDR, &0x808_0000).unwrap();
    its.set_device_attr(&its::INIT, &()).unwrap();
    let set = |offset, value: u64| its.set_device_attr(&its::register(offset), &value);
    let get = |offset| its.get_device_attr(&its::register(offset)).unwrap();
    assert_eq!(errno(set(0x84, 0)), Some(Errno::EINVAL));
    assert_eq!(errno(set(0x1000, 0)), Some(Errno::ENXIO));
    let table = 1 << 63 | 0x4001_0000;
    set(0, 1).unwrap();
    assert_eq!(get(0), 1 << 31, "without tables it is not enabled");
    for register in [0x100, 0x108] {
        set(register, table).unwrap();
    }
    set(0x80, 1 << 63 | 0x4002_0000 | 0xf).unwrap();
    set(0x88, 0x60).unwrap();
    set(0x90, 0x40).unwrap();
    set(0, 1).unwrap();
    // Interrupts of messages need their own tables.
    gic.set_device_attr(&v3::redist(0, 0x70), &0x4003_000f)
        .unwrap();
    gic.set_device_attr(&v3::redist(0, 0), &1).unwrap();
    let states = (gic.save().unwrap(), its.save().unwrap());

    let (_other_vm, _others, other_gic, other) = new();
    other.set_device_attr(&its::ADDR, &0x808_0000).unwrap();
    other.set_device_attr(&its::INIT, &()).unwrap();
    other_gic.restore(&states.0).unwrap();
    other.restore(&states.1).unwrap();
    assert_eq!((other_gic.save().unwrap(), other.save().unwrap()), states);
    // The read pointer was not reset; the table's kind and page size are the register's own, and it is cached.
    let own = 1 << 56 | 7 << 48 | 3 << 59 | 2 << 8;
    assert_eq!((get(0), get(0x90), get(0x100)), (1, 0x40, table | own));
    assert_eq!(errno(set(0x90, 0)), Some(Errno::EBUSY), "enabled");

    // A table outside of memory.
    set(0, 0).unwrap();
    set(0x108, 1 << 63 | 0x9000_0000).unwrap();
    assert_eq!(errno(its.save()), Some(Errno::EFAULT));
    its.set_device_attr(&its::RESET, &()).unwrap();
    assert_eq!((get(0), get(0x90)), (1 << 31, 0));
    assert_eq!(get(0x100), (table | own) & !(1 << 63), "how, but not that");
    its.save().unwrap();
}

#[test]
fn tables_are_cached_and_those_of_properties_are_everybodys() {
    let (vm, _vcpus) = machine(2);
    let gic = gic_v3(&vm);
    let set = |attr, value: u32| gic.set_device_attr(&attr, &value).unwrap();
    let get = |attr| gic.get_device_attr(&attr).unwrap();
    assert_eq!(get(v3::redist(0, 0x78)), 1 << 10 | 3 << 7);
    // Uncached, and shared with everybody; its upper half asks for outer caches.
    set(v3::redist(0, 0x70), 0x4003_0800);
    set(v3::redist(0, 0x74), 0x0700_0001);
    assert_eq!(get(v3::redist(1, 0x70)), 0x4003_0000 | 1 << 10 | 3 << 7);
    assert_eq!(get(v3::redist(1, 0x74)), 1);
}

#[test]
fn a_vcpus_interface_has_as_many_bits_as_the_vmm_leaves_it() {
    const CTLR: u16 = 0xc664;
    let (vm, _vcpus) = machine(1);
    let gic = gic_v3(&vm);
    let set = |value: u64| errno(gic.set_device_attr(&v3::cpu_sysreg(0, CTLR), &value));
    let get = || gic.get_device_attr(&v3::cpu_sysreg(0, CTLR)).unwrap();
    let all = get();
    assert_eq!(set(all | 0b11), None);
    assert_eq!(get(), all | 0b11);
    assert_eq!(set(all + (1 << 8)), Some(Errno::EINVAL), "more priorities");
    // One that the host is not like, behind one with fewer priorities.
    let fewer = all - (1 << 8);
    assert_eq!(set(fewer ^ 1 << 15), Some(Errno::EINVAL));
    assert_eq!(get(), fewer | 0b11, "the first fields are taken");
    assert_eq!(set(all), Some(Errno::EINVAL), "they do not come back");
}

#[test]
fn older_programs_place_a_gic_v2_by_a_call_of_the_vm() {
    let (vm, _vcpus) = machine(1);
    let place = |part: u64, addr| kvm_arm_device_addr {
        id: u64::from(KVM_ARM_DEVICE_VGIC_V2) << 16 | part,
        addr,
    };
    let early = vm.set_device_addr(&place(0, 0x800_0000));
    assert_eq!(errno(early), Some(Errno::ENXIO));
    vm.create_irq_chip().unwrap();
    vm.set_device_addr(&place(0, 0x800_0000)).unwrap();
    let again = vm.set_device_addr(&place(0, 0x800_0000));
    assert_eq!(errno(again), Some(Errno::EEXIST));
    let unknown = vm.set_device_addr(&place(9, 0));
    assert_eq!(errno(unknown), Some(Errno::ENODEV));
}

#[test]
fn a_distributor_is_not_amid_redistributors() {
    let (vm, _vcpus) = machine(1);
    let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap();
    gic.set_device_attr(&v3::ADDR_DIST, &0x80_0000).unwrap();
    let amid = gic.set_device_attr(&v3::ADDR_REDIST, &0x80_0000);
    assert_eq!(errno(amid), Some(Errno::EINVAL));
    gic.set_device_attr(&v3::ADDR_REDIST, &0x81_0000).unwrap();

    // It is looked for with the vCPUs that there are: the first one has room anyhow.
    let (vm, _vcpus) = machine(0);
    let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap();
    gic.set_device_attr(&v3::ADDR_REDIST, &0x80_0000).unwrap();
    gic.set_device_attr(&v3::ADDR_DIST, &0x80_0000).unwrap();
    vm.create_vcpu(2).unwrap();
    for id in [0, 2] {
        assert_eq!(errno(vm.create_vcpu(id)), Some(Errno::EINVAL));
    }
}

#[test]
fn registers_are_those_of_vcpus_that_there_are() {
    let (vm, _vcpus) = machine(0);
    let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3).unwrap();
    let has_dist = || gic.has_device_attr(&v3::dist(0));
    assert_eq!(errno(has_dist()), Some(Errno::EINVAL));
    let private = KVM_ARM_IRQ_TYPE_PPI << KVM_ARM_IRQ_TYPE_SHIFT | 23;
    let raised = vm.set_irq_line(private, true);
    assert_eq!(errno(raised), Some(Errno::EINVAL));

    // Before it is initialised, a vCPU is the one with affinities of 0, whatever its id.
    let vcpu = vm.create_vcpu(1).unwrap();
    assert!(has_dist().unwrap());
    assert!(gic.has_device_attr(&v3::redist(0, 0)).unwrap());
    let by_id = gic.has_device_attr(&v3::redist(1, 0));
    assert_eq!(errno(by_id), Some(Errno::EINVAL));
    vcpu.vcpu_init(&vm.get_preferred_target().unwrap()).unwrap();
    assert!(gic.has_device_attr(&v3::redist(1, 0)).unwrap());
    let raised = vm.set_irq_line(
        KVM_ARM_IRQ_TYPE_PPI << KVM_ARM_IRQ_TYPE_SHIFT | 1 << 16 | 23,
        true,
    );
    assert_eq!(
        errno(raised),
        Some(Errno::EBUSY),
        "the controller is not initialised"
    );
}

#[test]
fn messages_name_their_devices_once_there_is_an_its() {
    let (vm, _vcpus) = machine(1);
    assert_eq!(vm.check_extension(KVM_CAP_MSI_DEVID), Ok(0));
    let _its = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_ITS).unwrap();
    assert_eq!(vm.check_extension(KVM_CAP_MSI_DEVID), Ok(1));
}

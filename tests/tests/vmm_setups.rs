//! How three VMMs set up a machine, call by call, works on the model: for x86_64 on a made-up host and one taken from a
//! machine, for aarch64 on any host.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "also in what the tests share")]

use std::os::fd::OwnedFd;

use kvm_core::device::{DeviceAttributes, aarch64};
use kvm_core::kvm_exit::{Aarch64, X86_64};
use kvm_core::kvm_sys::aarch64 as arm;
use kvm_core::kvm_sys::x86_64::*;
use kvm_core::{
    AnonymousMemory, Error, Exit, GuestAddress, Hypervisor, IoEvent, Kvm, Registers, Route,
    RoutingEntry, Slot, Vcpu, Vm,
};
use kvm_mock::{Model, ModelGuest, Profile, Step};
use rustix::event::{EventfdFlags, eventfd};

const MIB: u64 = 1 << 20;

fn event() -> OwnedFd {
    eventfd(0, EventfdFlags::NONBLOCK).unwrap()
}

fn msr(index: u32, data: u64) -> kvm_msr_entry {
    kvm_msr_entry {
        index,
        data,
        ..Default::default()
    }
}

/// The last step of a set-up: the guest halts, with all that its VMM set.
fn run<H: Hypervisor>(mut vcpu: Vcpu<H>) -> Result<Vcpu<H>, Error> {
    assert!(vcpu.run()?.0 == Exit::Hlt);
    Ok(vcpu)
}

/// Registers of a 64-bit kernel's entry.
fn boot_registers<H: Hypervisor<Guest = X86_64>>(vcpu: &Registers<H>) -> Result<(), Error> {
    vcpu.set_regs(&kvm_regs {
        rflags: 2,
        rip: 16 * MIB,
        rsp: 0x8ff0,
        rbp: 0x8ff0,
        rsi: 0x7000,
        ..Default::default()
    })?;
    vcpu.set_fpu(&kvm_fpu {
        fcw: 0x37f,
        mxcsr: 0x1f80,
        ..Default::default()
    })?;
    let mut sregs = vcpu.get_sregs()?;
    let code = kvm_segment {
        limit: 0xf_ffff,
        selector: 8,
        type_: 0xb,
        present: 1,
        s: 1,
        l: 1,
        g: 1,
        ..Default::default()
    };
    let data = kvm_segment {
        selector: 0x10,
        type_: 3,
        l: 0,
        db: 1,
        ..code
    };
    (sregs.cs, sregs.ds, sregs.es, sregs.fs, sregs.gs, sregs.ss) =
        (code, data, data, data, data, data);
    (sregs.gdt.base, sregs.gdt.limit) = (0x500, 31);
    (sregs.idt.base, sregs.idt.limit) = (0x520, 7);
    sregs.cr0 |= 0x8000_0001;
    (sregs.cr3, sregs.cr4) = (0x9000, 0x20);
    sregs.efer |= 0x500;
    vcpu.set_sregs(&sregs)?;
    vcpu.set_msrs(&[
        msr(0x174, 0),
        msr(0x175, 0),
        msr(0x176, 0),
        msr(0xc000_0081, 0),
        msr(0xc000_0082, 0),
        msr(0xc000_0083, 0),
        msr(0xc000_0084, 0),
        msr(0xc000_0102, 0),
        msr(0x10, 0),
        msr(0x1a0, 1),
        msr(0x2ff, 0x806),
    ])
}

/// The pins of the local APIC that firmware sets up.
fn boot_lapic<H: Hypervisor<Guest = X86_64>>(vcpu: &Registers<H>) -> Result<(), Error> {
    let mut lapic = vcpu.get_lapic()?;
    for (offset, mode) in [(0x350, 7u32), (0x360, 4)] {
        let pin = lapic.regs.iter_mut().skip(offset);
        pin.zip((mode << 8).to_le_bytes())
            .for_each(|(to, byte)| *to = byte);
    }
    vcpu.set_lapic(&lapic)
}

fn memory<H: Hypervisor>(vm: &Vm<H>, slot: u32, at: u64, len: u64) -> Result<(), Error> {
    let memory = AnonymousMemory::new(usize::try_from(len).unwrap())?;
    vm.add_memory(Slot(slot), GuestAddress(at), memory)
        .map(drop)
}

fn msi(gsi: u32) -> RoutingEntry {
    RoutingEntry {
        gsi,
        route: Route::Msi {
            address: 0xfee0_0000,
            data: 0x4030 + gsi,
            devid: None,
        },
    }
}

/// All irqchips in the kernel, and a snapshot that is put back into another machine.
fn like_firecracker<H: Hypervisor<Guest = X86_64>>(kvm: &Kvm<H>) -> Result<Vcpu<H>, Error> {
    for cap in [
        KVM_CAP_IRQCHIP,
        KVM_CAP_IOEVENTFD,
        KVM_CAP_IRQFD,
        KVM_CAP_USER_MEMORY,
        KVM_CAP_SET_TSS_ADDR,
        KVM_CAP_PIT2,
        KVM_CAP_PIT_STATE2,
        KVM_CAP_ADJUST_CLOCK,
        KVM_CAP_DEBUGREGS,
        KVM_CAP_MP_STATE,
        KVM_CAP_VCPU_EVENTS,
        KVM_CAP_XCRS,
        KVM_CAP_XSAVE,
        KVM_CAP_EXT_CPUID,
    ] {
        assert!(kvm.check_extension(cap)? > 0, "{cap:?}");
    }
    let machine = || {
        let vm = kvm.create_vm()?;
        vm.set_tss_address(0xfffb_d000)?;
        memory(&vm, 0, 0, 64 * MIB)?;
        vm.create_irq_chip()?;
        vm.create_pit2(&kvm_pit_config {
            flags: KVM_PIT_SPEAKER_DUMMY,
            ..Default::default()
        })?;
        let vcpu = vm.create_vcpu(0)?;
        Ok::<_, Error>((vm, vcpu))
    };
    let (vm, vcpu) = machine()?;
    vcpu.set_cpuid2(&kvm.get_supported_cpuid()?)?;
    boot_registers(&vcpu)?;
    boot_lapic(&vcpu)?;
    let (queue, interrupt) = (event(), event());
    vm.register_ioevent(&queue, IoEvent::mmio(0xd000_0050).len(4).datamatch(0))?;
    vm.set_gsi_routing(&[msi(24), msi(25)])?;
    vm.register_irqfd(&interrupt, 24)?;

    // The state of a microVM, by the calls that a snapshot makes, in their order.
    let (pit, clock) = (vm.get_pit2()?, vm.get_clock()?);
    let mut chips = [0, 1, 2].map(|chip_id| kvm_irqchip {
        chip_id,
        ..Default::default()
    });
    for chip in &mut chips {
        vm.get_irqchip(chip)?;
    }
    let mp_state = vcpu.get_mp_state()?;
    let (regs, sregs) = (vcpu.get_regs()?, vcpu.get_sregs()?);
    let (xsave, xcrs) = (vcpu.get_xsave()?, vcpu.get_xcrs()?);
    let debugregs = vcpu.get_debug_regs()?;
    let (lapic, khz) = (vcpu.get_lapic()?, vcpu.get_tsc_khz()?);
    let cpuid = vcpu.get_cpuid2()?;
    let indices = kvm.get_msr_index_list()?;
    let mut msrs: Vec<_> = indices.into_iter().map(|index| msr(index, 0)).collect();
    vcpu.get_msrs(&mut msrs)?;
    let events = vcpu.get_vcpu_events()?;
    assert!(khz > 0);

    let (other, again) = machine()?;
    again.set_cpuid2(&cpuid)?;
    again.set_mp_state(mp_state)?;
    again.set_regs(&regs)?;
    again.set_sregs(&sregs)?;
    again.set_xsave(&xsave)?;
    again.set_xcrs(&xcrs)?;
    again.set_debug_regs(&debugregs)?;
    again.set_lapic(&lapic)?;
    again.set_msrs(&msrs)?;
    again.set_vcpu_events(&events)?;
    other.set_pit2(&pit)?;
    other.set_clock(&kvm_clock_data {
        clock: clock.clock,
        ..Default::default()
    })?;
    for chip in &chips {
        other.set_irqchip(chip)?;
    }
    assert_eq!((again.get_regs()?, again.get_sregs()?), (regs, sregs));
    run(vcpu)
}

/// Local APICs in the kernel only, and dirty pages for a migration.
fn like_cloud_hypervisor<H: Hypervisor<Guest = X86_64>>(kvm: &Kvm<H>) -> Result<Vcpu<H>, Error> {
    let vm = kvm.create_vm_with_type(0)?;
    vm.set_identity_map_address(0xfeff_c000)?;
    vm.set_tss_address(0xfeff_d000)?;
    vm.enable_split_irqchip(24)?;
    if vm.check_extension(KVM_CAP_X2APIC_API)? & 3 == 3 {
        vm.enable_x2apic_api(
            KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK,
        )?;
    }
    memory(&vm, 0, 0, 3 << 20)?;
    memory(&vm, 1, 4 << 30, MIB)?;
    let vcpu = vm.create_vcpu(0)?;
    vcpu.set_cpuid2(&kvm.get_supported_cpuid()?)?;
    boot_registers(&vcpu)?;
    boot_lapic(&vcpu)?;
    let interrupt = event();
    vm.set_gsi_routing(&[msi(1)])?;
    vm.register_irqfd(&interrupt, 1)?;
    vm.unregister_irqfd(&interrupt, 1)?;
    vm.register_ioevent(&event(), IoEvent::mmio(0xe800_0000))?;
    vm.create_device(KVM_DEV_TYPE_VFIO)?;
    vm.set_memory_flags(Slot(1), KVM_MEM_LOG_DIRTY_PAGES)?;
    vm.get_dirty_log(Slot(1))?;
    vm.set_memory_flags(Slot(1), MemFlags::empty())?;
    run(vcpu)
}

/// Lines of the interrupt controllers, resampled, and slots that come and go.
fn like_crosvm<H: Hypervisor<Guest = X86_64>>(kvm: &Kvm<H>) -> Result<Vcpu<H>, Error> {
    let vm = kvm.create_vm()?;
    vm.set_identity_map_address(0xfffb_c000)?;
    vm.set_tss_address(0xfffb_d000)?;
    vm.create_irq_chip()?;
    vm.create_pit2(&kvm_pit_config::default())?;
    memory(&vm, 0, 0, MIB)?;
    memory(&vm, 1, 1 << 32, MIB)?;
    let vcpu = vm.create_vcpu(0)?;
    vcpu.set_cpuid2(&kvm.get_supported_cpuid()?)?;
    boot_registers(&vcpu)?;
    // All of memory write-back but what is below 4 GiB and has devices.
    let mut mtrrs = vec![msr(0x200, 0xc000_0000), msr(0x201, 0xf_c000_0800)];
    mtrrs.extend([0x250, 0x258, 0x259].map(|index| msr(index, 0x0606_0606_0606_0606)));
    mtrrs.push(msr(0x2ff, 0xc06));
    vcpu.set_msrs(&mtrrs)?;
    boot_lapic(&vcpu)?;
    let pin = |gsi| RoutingEntry {
        gsi,
        route: Route::Irqchip {
            irqchip: KVM_IRQCHIP_IOAPIC,
            pin: gsi,
        },
    };
    let mut routes: Vec<_> = (0..24).map(pin).collect();
    routes.push(msi(24));
    vm.set_gsi_routing(&routes)?;
    let (line, ended) = (event(), event());
    vm.register_irqfd_with_resample(&line, &ended, 10)?;
    vm.set_irq_line(5, true)?;
    vm.set_irq_line(5, false)?;
    let mut chip = kvm_irqchip {
        chip_id: KVM_IRQCHIP_IOAPIC,
        ..Default::default()
    };
    vm.get_irqchip(&mut chip)?;
    vm.set_irqchip(&chip)?;
    let events = [0x9000_0000, 0x9000_0004].map(|at| (event(), IoEvent::mmio(at).len(2)));
    for (eventfd, at) in &events {
        vm.register_ioevent(eventfd, *at)?;
    }
    for (eventfd, at) in &events {
        vm.unregister_ioevent(eventfd, *at)?;
    }
    drop(vm.remove_memory(Slot(1))?);
    memory(&vm, 1, 1 << 33, MIB)?;
    vm.set_clock(&kvm_clock_data {
        clock: 10,
        ..Default::default()
    })?;
    run(vcpu)
}

/// Runs the set-up on a model of this host, whose guest halts.
fn on<G: ModelGuest>(
    host: Profile<G>,
    set_up: impl FnOnce(&Kvm<Model<G>>) -> Result<Vcpu<Model<G>>, Error>,
) {
    let model = Model::with_profile(host);
    model.script(0, [Step::hlt()]);
    set_up(&Kvm::with(model.clone()).unwrap()).unwrap();
    model.verify().unwrap();
}

#[test]
fn three_vmms_on_x86_64() {
    for host in [
        Profile::<X86_64>::default(),
        Profile::amd_pvm().unwrap(),
        Profile::qemu_epyc().unwrap(),
    ] {
        on(host.clone(), like_firecracker);
        on(host.clone(), like_cloud_hypervisor);
        on(host, like_crosvm);
    }
}

/// A vCPU with firmware's calls, ready to start at a kernel.
fn arm_vcpu<H: Hypervisor<Guest = Aarch64>>(vm: &Vm<H>, id: u64) -> Result<Vcpu<H>, Error> {
    let vcpu = vm.create_vcpu(id)?;
    let mut init = vm.get_preferred_target()?;
    init.features[0] |= 1 << arm::KVM_ARM_VCPU_PSCI_0_2;
    if id > 0 {
        init.features[0] |= 1 << arm::KVM_ARM_VCPU_POWER_OFF;
    }
    vcpu.vcpu_init(&init)?;
    Ok(vcpu)
}

/// vGIC v3 with its redistributors below the RAM, the MSIs of an ITS, and a kernel's entry. What all three do; they differ in what of it
/// they do first.
fn arm_machine<H: Hypervisor<Guest = Aarch64>>(
    kvm: &Kvm<H>,
    gic_first: bool,
    its: bool,
) -> Result<Vcpu<H>, Error> {
    use kvm_core::aarch64::register;

    let bits = kvm.get_host_ipa_limit()?;
    let vm = kvm.create_vm_with_type(bits.into())?;
    memory(&vm, 0, 0x8000_0000, 64 * MIB)?;
    let gic = || {
        let gic = vm.create_device(arm::KVM_DEV_TYPE_ARM_VGIC_V3)?;
        gic.set_device_attr(&aarch64::vgic_v3::ADDR_DIST, &0x3fff_0000)?;
        gic.set_device_attr(&aarch64::vgic_v3::ADDR_REDIST, &0x3ff0_0000)?;
        Ok::<_, Error>(gic)
    };
    let early = if gic_first { Some(gic()?) } else { None };
    let vcpus = [arm_vcpu(&vm, 0)?, arm_vcpu(&vm, 1)?];
    let gic = match early {
        Some(gic) => gic,
        None => gic()?,
    };
    gic.set_device_attr(&aarch64::vgic_v3::NR_IRQS, &128)?;
    if its {
        let its = vm.create_device(arm::KVM_DEV_TYPE_ARM_VGIC_ITS)?;
        its.set_device_attr(&aarch64::vgic_its::ADDR, &0x3fe0_0000)?;
        its.set_device_attr(&aarch64::vgic_its::INIT, &())?;
    }
    gic.set_device_attr(&aarch64::vgic_v3::INIT, &())?;
    let [first, second] = vcpus;
    first.set_reg(register::PSTATE, &0x3c5u64)?;
    first.set_reg(register::PC, &0x8008_0000u64)?;
    first.set_reg(register::x(0), &0x8300_0000u64)?;
    for n in 1..4 {
        first.set_reg(register::x(n), &0u64)?;
    }
    let mpidr: u64 = second.get_reg(arm::ARM64_SYS_REG(3, 0, 0, 0, 5))?;
    assert_eq!(mpidr & 0xff, 1);
    assert_eq!(second.get_mp_state()?, arm::KVM_MP_STATE_STOPPED);

    // A snapshot reads all registers and sets those that take it.
    let mut saved = Vec::new();
    for id in first.get_reg_list()? {
        let len = usize::try_from(arm::KVM_REG_SIZE(id)).unwrap();
        let mut value = vec![0; len];
        first.get_one_reg(id, &mut value)?;
        saved.push((id, value));
    }
    for (id, value) in &saved {
        first.set_one_reg(*id, value)?;
    }
    let (queue, interrupt) = (event(), event());
    vm.register_ioevent(&queue, IoEvent::mmio(0x4000_0050).len(4).datamatch(0))?;
    let route = match its {
        true => Route::Msi {
            address: 0x3fe1_0040,
            data: 1,
            devid: Some(8),
        },
        false => Route::Irqchip { irqchip: 0, pin: 8 },
    };
    vm.set_gsi_routing(&[RoutingEntry { gsi: 8, route }])?;
    vm.register_irqfd(&interrupt, 8)?;
    vm.set_irq_line(1 << 24 | 40, true)?;
    run(first)
}

#[test]
fn three_vmms_on_aarch64() {
    for (gic_first, its) in [(false, false), (true, true), (false, true)] {
        on(Profile::<Aarch64>::default(), |kvm| {
            arm_machine(kvm, gic_first, its)
        });
    }
}

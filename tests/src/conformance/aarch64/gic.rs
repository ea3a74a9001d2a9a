//! An interrupt controller of version 3, and its translation service, in the kernel: devices of section 4.79.

use kvm_core::device::aarch64::{vgic_its, vgic_v3};
use kvm_core::device::{Device, DeviceAttributes};
use kvm_core::kvm_exit::Aarch64;
use kvm_core::kvm_sys::aarch64::{KVM_ARM_IRQ_TYPE_SHIFT, KVM_ARM_IRQ_TYPE_SPI};
use kvm_core::kvm_sys::{KVM_DEV_TYPE_ARM_VGIC_ITS, KVM_DEV_TYPE_ARM_VGIC_V3};
use kvm_core::{Errno, Error, GuestAddress, Hypervisor};

use super::guest::{SECOND, vm};
use super::{Model, Outcome, Step};
use crate::conformance::common::machine::{Guest, MMIO, Machine, words};

const DISTRIBUTOR: u64 = 0x800_0000;
const REDISTRIBUTORS: u64 = 0x80a_0000;
const ITS: u64 = 0x808_0000;

/// The first interrupt that is not private to a vCPU, and the virtual timer's, which is.
pub(super) const SPI: u32 = 32;
const TIMER: u32 = 27;

/// Waits for interrupts.
#[rustfmt::skip]
pub(super) const WAIT: &[u32] = &[
    0xd2a2_0004, // mov x4, #0x10000000
    0xd292_0001, // mov x1, #0x9000
    0xd518_c001, // msr vbar_el1, x1
    0xd280_1fe1, // mov x1, #0xff
    0xd518_4601, // msr icc_pmr_el1, x1
    0xd280_0021, // mov x1, #1
    0xd518_cce1, // msr icc_igrpen1_el1, x1
    0xd503_3fdf, // isb
    0xd503_42ff, // msr daifclr, #2
    0xd503_207f, // wfi
    0x17ff_ffff, // b to the wfi
];

/// Says which interrupt it is, and ends it.
#[rustfmt::skip]
pub(super) const HANDLE: &[u32] = &[
    0xd538_cc01, // mrs x1, icc_iar1_el1
    0xb900_0081, // str w1, [x4]
    0xd518_cc21, // msr icc_eoir1_el1, x1
    0xd69f_03e0, // eret
];

/// Where in the table of handlers that for interrupts of the same level is.
const IRQ: u64 = SECOND + 0x280;

/// A guest that waits for the interrupts [`SPI`] and [`TIMER`], and the controller.
pub(super) fn waiting<H: Hypervisor<Guest = Aarch64>>(
    system: H,
    code: &[u32],
    handler: &[u32],
) -> Result<(Guest<H>, Device<H>), Error> {
    let vm = vm(system, code, &[])?;
    vm.write_memory(GuestAddress(IRQ), &words(handler))?;
    let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3)?;
    gic.set_device_attr(&vgic_v3::NR_IRQS, &64)?;
    gic.set_device_attr(&vgic_v3::ADDR_DIST, &DISTRIBUTOR)?;
    gic.set_device_attr(&vgic_v3::ADDR_REDIST, &REDISTRIBUTORS)?;
    let vcpu = Aarch64::vcpu(&vm, 0)?;
    gic.set_device_attr(&vgic_v3::INIT, &())?;
    // Interrupts of group 1, the first 64 of them, and those that the guest waits for.
    gic.set_device_attr(&vgic_v3::dist(GICD_CTLR), &(1 << 4 | 1 << 1))?;
    gic.set_device_attr(&vgic_v3::dist(GICD_IGROUPR + 4), &u32::MAX)?;
    gic.set_device_attr(&vgic_v3::dist(GICD_ISENABLER + 4), &1)?;
    gic.set_device_attr(&vgic_v3::redist(0, SGI_PAGE + GICD_IGROUPR), &u32::MAX)?;
    gic.set_device_attr(
        &vgic_v3::redist(0, SGI_PAGE + GICD_ISENABLER),
        &(1 << TIMER),
    )?;
    Ok((Guest { vm, vcpu }, gic))
}

const GICD_CTLR: u32 = 0;
const GICD_IGROUPR: u32 = 0x80;
const GICD_ISENABLER: u32 = 0x100;
const GICD_ICFGR: u32 = 0xc00;
/// The second page of a redistributor has the same registers for the private interrupts.
const SGI_PAGE: u32 = 0x1_0000;

pub(super) fn tells(interrupt: u32) -> Step {
    Step::mmio_write(MMIO, interrupt.to_le_bytes())
}

pub(crate) fn line_script(model: &Model) {
    model.script(0, [tells(SPI), tells(SPI)]);
}

/// Section 4.25: raising the line interrupts the guest, once for as long as the line is low in between.
pub(crate) fn line<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let (mut guest, _gic) = waiting(system, WAIT, HANDLE)?;
    let line = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | SPI;
    for _ in 0..2 {
        guest.vm.set_irq_line(line, true)?;
        guest.writes(MMIO, &SPI.to_le_bytes())?;
        guest.vm.set_irq_line(line, false)?;
    }
    Ok(())
}

/// A number beyond the interrupts that there are is refused.
pub(crate) fn no_such_line<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let (guest, _gic) = waiting(system, WAIT, HANDLE)?;
    let beyond = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | 64;
    let refused = guest.vm.set_irq_line(beyond, true);
    assert_eq!(
        refused.err().map(|error| error.errno()),
        Some(Errno::EINVAL)
    );
    Ok(())
}

/// Sets the virtual timer, and waits.
#[rustfmt::skip]
const TIMED: &[u32] = &[
    0xd2a2_0004, // mov x4, #0x10000000
    0xd292_0001, // mov x1, #0x9000
    0xd518_c001, // msr vbar_el1, x1
    0xd280_1fe1, // mov x1, #0xff
    0xd518_4601, // msr icc_pmr_el1, x1
    0xd280_0021, // mov x1, #1
    0xd518_cce1, // msr icc_igrpen1_el1, x1
    0xd503_3fdf, // isb
    0xd280_0c81, // mov x1, #100
    0xd51b_e301, // msr cntv_tval_el0, x1
    0xd280_0021, // mov x1, #1
    0xd51b_e321, // msr cntv_ctl_el0, x1
    0xd503_42ff, // msr daifclr, #2
    0xd503_207f, // wfi
    0x17ff_ffff, // b to the wfi
];

/// Turns the timer off, and says which interrupt it was.
#[rustfmt::skip]
const TIME_UP: &[u32] = &[
    0xd538_cc01, // mrs x1, icc_iar1_el1
    0xd51b_e33f, // msr cntv_ctl_el0, xzr
    0xb900_0081, // str w1, [x4]
    0xd518_cc21, // msr icc_eoir1_el1, x1
    0xd69f_03e0, // eret
];

pub(crate) fn timer_script(model: &Model) {
    model.script(0, [tells(TIMER)]);
}

/// The virtual timer interrupts the guest, without the VMM.
pub(crate) fn timer<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let (mut guest, _gic) = waiting(system, TIMED, TIME_UP)?;
    guest.writes(MMIO, &TIMER.to_le_bytes())
}

/// What the VMM sets in the controller it gets back, and the lines are what they were set to.
pub(crate) fn registers<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let (guest, gic) = waiting(system, WAIT, HANDLE)?;
    let enabled = gic.get_device_attr(&vgic_v3::dist(GICD_ISENABLER + 4))?;
    assert_eq!(enabled, 1);
    // Levels are kept of those that are triggered by them.
    gic.set_device_attr(&vgic_v3::dist(GICD_ICFGR + 8), &0)?;
    let line = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (SPI + 1);
    guest.vm.set_irq_line(line, true)?;
    assert_eq!(gic.get_device_attr(&vgic_v3::line_levels(0, 32))?, 1 << 1);
    guest.vm.set_irq_line(line, false)?;
    assert_eq!(gic.get_device_attr(&vgic_v3::line_levels(0, 32))?, 0);
    let again = gic.set_device_attr(&vgic_v3::NR_IRQS, &128);
    assert_eq!(again.err().map(|error| error.errno()), Some(Errno::EBUSY));
    Ok(())
}

/// The translation service is there once it has an address, which it is given once.
pub(crate) fn its<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    let (guest, _gic) = waiting(system, WAIT, HANDLE)?;
    let its = guest.vm.create_device(KVM_DEV_TYPE_ARM_VGIC_ITS)?;
    its.set_device_attr(&vgic_its::ADDR, &ITS)?;
    its.set_device_attr(&vgic_its::INIT, &())?;
    let again = its.set_device_attr(&vgic_its::ADDR, &ITS);
    assert_eq!(again.err().map(|error| error.errno()), Some(Errno::EEXIST));
    // GITS_CBASER: where the guest's commands are.
    let commands = vgic_its::register(0x80);
    its.set_device_attr(&commands, &(1 << 63 | 0x1_0000))?;
    assert_eq!(
        its.get_device_attr(&commands)? & (1 << 63 | 0xf_0000),
        1 << 63 | 0x1_0000
    );
    Ok(())
}

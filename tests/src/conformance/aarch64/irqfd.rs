//! Eventfds for interrupts: section 4.75.

use kvm_core::Hypervisor;
use kvm_core::device::DeviceAttributes;
use kvm_core::device::aarch64::vgic_v3;
use kvm_core::kvm_exit::Aarch64;

use super::gic::{HANDLE, SPI, WAIT, tells, waiting};
use super::{Model, Outcome};
use crate::conformance::common::ioeventfd::{new_eventfd, signal};
use crate::conformance::common::machine::MMIO;

pub(crate) fn interrupts_script(model: &Model) {
    model.script(0, [tells(SPI)]);
}

/// Signalling the eventfd interrupts the guest. Its lines are counted from the first that is not private.
pub(crate) fn interrupts<H: Hypervisor<Guest = Aarch64>>(system: H) -> Outcome {
    /// Of the first 16 interrupts that are not private, two bits each.
    const GICD_ICFGR: u32 = 0xc08;
    let (mut guest, gic) = waiting(system, WAIT, HANDLE)?;
    // By edges: an eventfd raises the line and lowers it at once.
    gic.set_device_attr(&vgic_v3::dist(GICD_ICFGR), &0b10)?;
    let eventfd = new_eventfd()?;
    guest.vm.register_irqfd(&eventfd, SPI - 32)?;
    signal(&eventfd)?;
    guest.writes(MMIO, &SPI.to_le_bytes())
}

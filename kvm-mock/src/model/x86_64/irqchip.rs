//! The interrupt controllers and the timer that a VM can have in the kernel.

use kvm_core::kvm_sys::x86_64::{
    KVM_IRQ_ROUTING_IRQCHIP, KVM_IRQ_ROUTING_MSI, KVM_IRQCHIP_IOAPIC, KVM_IRQCHIP_PIC_MASTER,
    KVM_IRQCHIP_PIC_SLAVE, KVM_MSI_VALID_DEVID, KVM_NR_IRQCHIPS, kvm_irq_routing_entry,
    kvm_irqchip, kvm_irqchip_chip, kvm_pit_channel_state, kvm_pit_config, kvm_pit_state2,
    kvm_reinject_control,
};
use kvm_core::{Arg, Errno};

use crate::model::args;
use crate::model::lock;
use crate::model::routing::{IOAPIC_PINS, PIC_PINS, Routes};
use crate::model::vm::{self, Vm};

/// The lines that may be level-triggered: not those of the timer, the keyboard and the other PIC, nor those of the clock
/// and the coprocessor.
const ELCR_MASTER: u8 = 0xf8;
const ELCR_SLAVE: u8 = 0xde;

/// What a VM has in the kernel.
#[derive(Debug, Default)]
pub(in crate::model) struct Irqchips {
    chips: Option<[kvm_irqchip_chip; KVM_NR_IRQCHIPS as usize]>,
    /// Local APICs only: `KVM_CAP_SPLIT_IRQCHIP`.
    split: bool,
    pit: bool,
}

impl Irqchips {
    pub(in crate::model) fn exist(&self) -> bool {
        self.chips.is_some() || self.split
    }

    pub(in crate::model) fn split(&mut self) {
        self.split = true;
    }

    pub(in crate::model) fn has_pics(&self) -> bool {
        self.chips.is_some()
    }

    pub(in crate::model) fn has_pit(&self) -> bool {
        self.pit
    }

    pub(in crate::model) fn chip(&mut self, id: u32) -> Result<&mut kvm_irqchip_chip, Errno> {
        let chips = self.chips.as_mut().ok_or(Errno::ENXIO)?;
        usize::try_from(id)
            .ok()
            .and_then(|id| chips.get_mut(id))
            .ok_or(Errno::EINVAL)
    }
}

/// Section 4.52: routes to what is there. Of a split controller, the pins are the VMM's.
pub(super) fn takes_routes(vm: &vm::State, entries: &[kvm_irq_routing_entry]) -> bool {
    let chips = &vm.irqchips;
    let pin = |entry: &kvm_irq_routing_entry| entry.type_ == KVM_IRQ_ROUTING_IRQCHIP;
    chips.exist() && entries.iter().all(leads) && (chips.has_pics() || !entries.iter().any(pin))
}

/// Section 4.75 leaves it out: the controller has to be there, and where the VMM is to be told of an interrupt's end, all
/// of it: of a split one, the half that sees that is the VMM's.
pub(super) fn takes_irqfd(vm: &vm::State, resamples: bool) -> Result<(), Errno> {
    let chips = &vm.irqchips;
    if chips.exist() && (chips.has_pics() || !resamples) {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// Whether the entry leads to what x86_64 has.
fn leads(entry: &kvm_irq_routing_entry) -> bool {
    match entry.type_ {
        KVM_IRQ_ROUTING_IRQCHIP => {
            let pin = entry.u.as_irqchip();
            let pins = match pin.irqchip {
                KVM_IRQCHIP_PIC_MASTER | KVM_IRQCHIP_PIC_SLAVE => PIC_PINS,
                KVM_IRQCHIP_IOAPIC => IOAPIC_PINS,
                _ => 0,
            };
            entry.flags == 0 && pin.pin < pins
        }
        KVM_IRQ_ROUTING_MSI => entry.flags & !KVM_MSI_VALID_DEVID.bits() == 0,
        _ => false,
    }
}

impl Vm {
    /// Section 4.24; must come before the first vCPU, and once.
    pub(in crate::model) fn create_irqchip(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut state = lock(&self.state);
        if state.irqchips.exist() {
            return Err(Errno::EEXIST);
        }
        if !state.vcpus.is_empty() {
            return Err(Errno::EINVAL);
        }
        let mut chips = [kvm_irqchip_chip::default(); KVM_NR_IRQCHIPS as usize];
        if let Some(ioapic) = chips.get_mut(KVM_IRQCHIP_IOAPIC as usize) {
            *ioapic = ioapic_at_reset();
        }
        let masks = [
            (KVM_IRQCHIP_PIC_MASTER, ELCR_MASTER),
            (KVM_IRQCHIP_PIC_SLAVE, ELCR_SLAVE),
        ];
        for (pic, mask) in masks {
            if let Some(pic) = chips.get_mut(pic as usize) {
                pic.as_pic_mut().elcr_mask = mask;
            }
        }
        state.irqchips.chips = Some(chips);
        state.routes = Routes::of_irqchip();
        Ok(0)
    }

    /// Section 4.26: reads the state of the chip that `chip_id` names.
    pub(in crate::model) fn get_irqchip(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut chip: kvm_irqchip = args::read(arg)?;
        chip.chip = *lock(&self.state).irqchips.chip(chip.chip_id)?;
        args::write(arg, &chip)?;
        Ok(0)
    }

    /// Section 4.27: sets the state of the chip that `chip_id` names.
    pub(in crate::model) fn set_irqchip(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let chip: kvm_irqchip = args::read(arg)?;
        *lock(&self.state).irqchips.chip(chip.chip_id)? = chip.chip;
        Ok(0)
    }

    /// Section 4.71: "This call is only valid after enabling in-kernel irqchip support via
    /// KVM_CREATE_IRQCHIP."
    pub(in crate::model) fn create_pit2(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let _: kvm_pit_config = args::read(arg)?;
        self.create_pit(arg)
    }

    pub(super) fn create_pit(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        let mut state = lock(&self.state);
        if state.irqchips.pit {
            return Err(Errno::EEXIST);
        }
        // A local APIC alone won't do.
        if state.irqchips.chips.is_none() {
            return Err(Errno::ENOENT);
        }
        state.irqchips.pit = true;
        state.banks.set("pit2", &pit_at_reset());
        Ok(0)
    }

    /// Section 4.99 has no errno for a VM without a timer; the kernel's is this one.
    pub(super) fn reinject_control(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let _: kvm_reinject_control = args::read(arg)?;
        if lock(&self.state).irqchips.pit {
            Ok(0)
        } else {
            Err(Errno::ENXIO)
        }
    }
}

/// No channel has a mode yet; a count of 0 stands for the greatest, and the last channel's gate is closed.
fn pit_at_reset() -> kvm_pit_state2 {
    let channel = |gate| kvm_pit_channel_state {
        count: 0x1_0000,
        mode: 0xff,
        gate,
        ..Default::default()
    };
    kvm_pit_state2 {
        channels: [channel(1), channel(1), channel(0)],
        ..Default::default()
    }
}

/// At its usual address, all 24 inputs masked.
fn ioapic_at_reset() -> kvm_irqchip_chip {
    const BASE: u64 = 0xfec0_0000;
    const MASKED: u64 = 1 << 16;

    let mut chip = kvm_irqchip_chip::default();
    let ioapic = chip.as_ioapic_mut();
    ioapic.base_address = BASE;
    for input in &mut ioapic.redirtbl {
        *input.as_bits_mut() = MASKED;
    }
    chip
}

//! Where GSIs lead, and what raising one comes to.

use kvm_core::kvm_sys::x86_64::{
    KVM_CAP_HYPERV_SYNIC, KVM_IRQCHIP_IOAPIC, KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE,
    kvm_irqchip_chip, kvm_pic_state,
};
use kvm_core::kvm_sys::{
    KVM_CAP_IRQ_ROUTING, KVM_IRQ_ROUTING_HV_SINT, KVM_IRQ_ROUTING_IRQCHIP, KVM_MSI_VALID_DEVID,
    kvm_irq_level, kvm_irq_routing, kvm_irq_routing_entry, kvm_irq_routing_irqchip, kvm_msi,
};
use kvm_core::{Arg, Errno};

use super::args::{self, List};
use super::lock;
use super::vm::Vm;
use super::x86_64::irqchip::Irqchips;

const ROUTES: List = List::behind::<kvm_irq_routing>();

/// Pins of the I/O APIC.
pub(super) const IOAPIC_PINS: u32 = 24;
/// Lines of one PIC.
pub(super) const PIC_PINS: u32 = 8;

/// What became of a line's change, as `KVM_IRQ_LINE_STATUS` says it: none took it.
const IGNORED: i32 = -1;

/// Where each GSI leads.
#[derive(Debug, Default)]
pub(super) struct Routes(Vec<kvm_irq_routing_entry>);

impl Routes {
    /// As `KVM_CREATE_IRQCHIP` sets them up, section 4.24: "GSI 0-15 is set to both PIC and IOAPIC; GSI
    /// 16-23 only go to the IOAPIC."
    pub(super) fn of_irqchip() -> Self {
        let pics = (0..2 * PIC_PINS).map(|gsi| {
            let irqchip = if gsi < PIC_PINS {
                KVM_IRQCHIP_PIC_MASTER
            } else {
                KVM_IRQCHIP_PIC_SLAVE
            };
            to_pin(gsi, irqchip, gsi % PIC_PINS)
        });
        let ioapic = (0..IOAPIC_PINS).map(|gsi| to_pin(gsi, KVM_IRQCHIP_IOAPIC, gsi));
        Self(pics.chain(ioapic).collect())
    }
}

fn to_pin(gsi: u32, irqchip: u32, pin: u32) -> kvm_irq_routing_entry {
    let mut entry = kvm_irq_routing_entry {
        gsi,
        type_: KVM_IRQ_ROUTING_IRQCHIP,
        ..Default::default()
    };
    *entry.u.as_irqchip_mut() = kvm_irq_routing_irqchip { irqchip, pin };
    entry
}

impl Vm {
    /// Section 4.52; the rules that it leaves out, and the errno, are KVM's.
    pub(super) fn set_gsi_routing(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let most = self.cap(KVM_CAP_IRQ_ROUTING);
        let head: kvm_irq_routing = args::read(arg)?;
        let count = ROUTES.count(arg)?;
        if head.nr > most || head.flags != 0 {
            return Err(Errno::EINVAL);
        }
        let entries: Vec<kvm_irq_routing_entry> = ROUTES.elements(arg, count)?;
        let mut state = lock(&self.state);
        let hyperv = self.cap(KVM_CAP_HYPERV_SYNIC) != 0;
        let synthetic =
            |entry: &kvm_irq_routing_entry| hyperv && entry.type_ == KVM_IRQ_ROUTING_HV_SINT;
        let others = entries.iter().filter(|entry| !synthetic(entry)).copied();
        let others: Vec<_> = others.collect();
        let known = entries
            .iter()
            .all(|entry| entry.gsi < most && !(synthetic(entry) && entry.flags != 0));
        let takes = self.system().platform().takes_routes;
        if !known || !takes(&state, &others) || clash(&entries) {
            return Err(Errno::EINVAL);
        }
        state.routes = Routes(entries);
        Ok(0)
    }

    /// Section 4.25: "Requires that an interrupt controller model has been previously created with
    /// KVM_CREATE_IRQCHIP."
    pub(super) fn irq_line(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        self.set_line(args::read(arg)?)?;
        Ok(0)
    }

    pub(super) fn irq_line_status(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let status = self.set_line(args::read(arg)?)?;
        args::write(arg, &status)?;
        Ok(0)
    }

    /// What the controllers behind the GSI say, as KVM adds it up.
    fn set_line(&self, line: kvm_irq_level) -> Result<i32, Errno> {
        let mut state = lock(&self.state);
        if !state.irqchips.exist() {
            return Err(Errno::ENXIO);
        }
        let state = &mut *state;
        let mut sum = IGNORED;
        let routes = state.routes.0.iter();
        for route in routes.filter(|route| route.gsi == line.irq) {
            let status = match route.type_ {
                KVM_IRQ_ROUTING_IRQCHIP => {
                    let pin = route.u.as_irqchip();
                    set_pin(&mut state.irqchips, *pin, line.level != 0)
                }
                // A message is sent by the edge; its guest takes it.
                _ => i32::from(line.level != 0) * 2 - 1,
            };
            if status >= 0 {
                sum = status + sum.max(0);
            }
        }
        Ok(sum)
    }

    /// Section 4.71: "Returns >0 on delivery, 0 if guest blocked the MSI, and -1 on error". The guests here
    /// block none; without a vCPU KVM answers `EPERM`.
    pub(super) fn signal_msi(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let msi: kvm_msi = args::read(arg)?;
        let mut state = lock(&self.state);
        if !KVM_MSI_VALID_DEVID.contains(msi.flags) {
            return Err(Errno::EINVAL);
        }
        if let Some(answer) = state.riscv.message(&msi) {
            return answer;
        }
        state.arm.takes_messages()?;
        if !state.irqchips.exist() {
            return Err(Errno::EINVAL);
        }
        if state.vcpus.is_empty() {
            return Err(Errno::EPERM);
        }
        Ok(1)
    }
}

/// Section 4.52 does not say so, but KVM allows a GSI one pin of each controller, or else one other route.
fn clash(entries: &[kvm_irq_routing_entry]) -> bool {
    let mut chips: Vec<(u32, Option<u32>)> = entries
        .iter()
        .map(|entry| {
            let pin = entry.type_ == KVM_IRQ_ROUTING_IRQCHIP;
            (entry.gsi, pin.then(|| entry.u.as_irqchip().irqchip))
        })
        .collect();
    chips.sort_unstable();
    chips.windows(2).any(|two| match two {
        [(one, chip), (other, also)] => one == other && (chip.is_none() || chip == also),
        _ => false,
    })
}

fn set_pin(chips: &mut Irqchips, to: kvm_irq_routing_irqchip, level: bool) -> i32 {
    let Ok(chip) = chips.chip(to.irqchip) else {
        return IGNORED;
    };
    if to.irqchip == KVM_IRQCHIP_IOAPIC {
        ioapic(chip, to.pin, level)
    } else {
        pic(chip.as_pic_mut(), 1 << to.pin, level)
    }
}

/// An input of an i8259, edge-triggered unless the mask in `elcr` says otherwise: a request that waits
/// already swallows the next one.
fn pic(pic: &mut kvm_pic_state, input: u8, level: bool) -> i32 {
    let mut status = 1;
    let rises = level && (pic.last_irr & input == 0 || pic.elcr & input != 0);
    if rises {
        status = i32::from(pic.irr & input == 0);
        pic.irr |= input;
    } else if !level && pic.elcr & input != 0 {
        pic.irr &= !input;
    }
    if level {
        pic.last_irr |= input;
    } else {
        pic.last_irr &= !input;
    }
    if pic.imr & input != 0 {
        IGNORED
    } else {
        status
    }
}

/// An input of the I/O APIC. No scripted guest takes the interrupt, so a request waits for ever.
fn ioapic(chip: &mut kvm_irqchip_chip, pin: u32, level: bool) -> i32 {
    const MASKED: u64 = 1 << 16;

    let ioapic = chip.as_ioapic_mut();
    let redirect = usize::try_from(pin)
        .ok()
        .and_then(|pin| ioapic.redirtbl.get_mut(pin));
    if !level {
        ioapic.irr &= !(1 << pin);
        return 1;
    }
    let waits = ioapic.irr >> pin & 1 != 0;
    ioapic.irr |= 1 << pin;
    if waits {
        return 0;
    }
    let masked = redirect.is_none_or(|entry| *entry.as_bits_mut() & MASKED != 0);
    if masked { IGNORED } else { 1 }
}

//! [`Aia`]: an advanced interrupt architecture in the kernel. The kernel has no document of this device; rules
//! and errnos are KVM's own, and of the registers those of the architecture's specification.

use std::collections::BTreeMap;

use kvm_core::kvm_sys::riscv64::{
    KVM_DEV_RISCV_AIA_ADDR_APLIC, KVM_DEV_RISCV_AIA_ADDR_IMSIC,
    KVM_DEV_RISCV_AIA_CONFIG_GROUP_BITS, KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT,
    KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS, KVM_DEV_RISCV_AIA_CONFIG_HART_BITS,
    KVM_DEV_RISCV_AIA_CONFIG_IDS, KVM_DEV_RISCV_AIA_CONFIG_MODE, KVM_DEV_RISCV_AIA_CONFIG_SRCS,
    KVM_DEV_RISCV_AIA_CTRL_INIT, KVM_DEV_RISCV_AIA_GROUP_BITS_MAX,
    KVM_DEV_RISCV_AIA_GROUP_SHIFT_MAX, KVM_DEV_RISCV_AIA_GROUP_SHIFT_MIN,
    KVM_DEV_RISCV_AIA_GRP_ADDR, KVM_DEV_RISCV_AIA_GRP_APLIC, KVM_DEV_RISCV_AIA_GRP_CONFIG,
    KVM_DEV_RISCV_AIA_GRP_CTRL, KVM_DEV_RISCV_AIA_GRP_IMSIC, KVM_DEV_RISCV_AIA_GUEST_BITS_MAX,
    KVM_DEV_RISCV_AIA_HART_BITS_MAX, KVM_DEV_RISCV_AIA_IDS_MIN, KVM_DEV_RISCV_AIA_IMSIC_GET_ISEL,
    KVM_DEV_RISCV_AIA_IMSIC_GET_VCPU, KVM_DEV_RISCV_AIA_MODE_AUTO, KVM_DEV_RISCV_AIA_MODE_EMUL,
    KVM_DEV_RISCV_AIA_MODE_HWACCEL, KVM_DEV_RISCV_APLIC_ALIGN, KVM_DEV_RISCV_IMSIC_ALIGN,
};
use kvm_core::kvm_sys::{
    DeviceType, KVM_IRQ_ROUTING_IRQCHIP, KVM_IRQ_ROUTING_MSI, KVM_MSI_VALID_DEVID, kvm_device_attr,
    kvm_irq_level, kvm_irq_routing_entry, kvm_msi,
};
use kvm_core::{Arg, Errno};

use super::aplic::{Aplic, Message};
use super::imsic::Imsic;
use crate::model::device::Kind;
use crate::model::vm::{State, Vm};
use crate::model::{args, lock};

/// What a VM has on riscv64 only.
#[derive(Debug, Default)]
pub(in crate::model) struct VmState {
    aia: Option<Aia>,
}

/// As many identities, and one more.
const MOST_IDS: u32 = 255;
/// How a vCPU's controller is had: by emulation, by a guest interrupt file of the host's, or by one as long as there is
/// one. This host has some, but what can be seen of them is the same.
const MODES: [u32; 3] = [
    KVM_DEV_RISCV_AIA_MODE_EMUL,
    KVM_DEV_RISCV_AIA_MODE_HWACCEL,
    KVM_DEV_RISCV_AIA_MODE_AUTO,
];

const APLIC_ALIGN: u64 = KVM_DEV_RISCV_APLIC_ALIGN;
const IMSIC_ALIGN: u64 = KVM_DEV_RISCV_IMSIC_ALIGN;
/// Where a message is written, of such a page: its identity, and that with its bytes turned round.
const SETIPNUM_LE: u64 = 0;
const SETIPNUM_BE: u64 = 4;
/// KVM's value for an address that is not set.
const UNSET: u64 = u64::MAX;

#[derive(Debug)]
struct Aia {
    /// By number.
    config: BTreeMap<u64, u32>,
    aplic_at: u64,
    /// By the vCPU's id.
    imsics_at: BTreeMap<u64, u64>,
    live: Option<Live>,
}

/// Once it is initialised.
#[derive(Debug)]
struct Live {
    aplic: Option<Aplic>,
    imsics: BTreeMap<u64, Imsic>,
    /// vCPUs by the numbers that the APLIC has for them.
    harts: BTreeMap<usize, u64>,
}

impl Live {
    /// Delivers messages of the APLIC.
    fn deliver(&mut self, messages: Vec<Message>) {
        for (hart, identity) in messages {
            let vcpu = self.harts.get(&hart);
            if let Some(imsic) = vcpu.and_then(|vcpu| self.imsics.get_mut(vcpu)) {
                imsic.raise(identity);
            }
        }
    }
}

/// One for a VM, and before a vCPU runs.
pub(super) fn create(vm: &Vm, _: DeviceType) -> Result<Box<dyn Kind>, Errno> {
    let state = &mut *lock(&vm.state);
    if state.riscv.aia.is_some() {
        return Err(Errno::EEXIST);
    }
    if state.has_run {
        return Err(Errno::EBUSY);
    }
    let config = [
        (KVM_DEV_RISCV_AIA_CONFIG_MODE, KVM_DEV_RISCV_AIA_MODE_AUTO),
        (KVM_DEV_RISCV_AIA_CONFIG_IDS, MOST_IDS),
        (KVM_DEV_RISCV_AIA_CONFIG_SRCS, 0),
        (KVM_DEV_RISCV_AIA_CONFIG_GROUP_BITS, 0),
        (
            KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT,
            KVM_DEV_RISCV_AIA_GROUP_SHIFT_MIN,
        ),
        (KVM_DEV_RISCV_AIA_CONFIG_HART_BITS, 0),
        (KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS, 0),
    ];
    state.riscv.aia = Some(Aia {
        config: config.into(),
        aplic_at: UNSET,
        imsics_at: BTreeMap::new(),
        live: None,
    });
    Ok(Box::new(Handle))
}

/// KVM's number of pins.
const PINS: u32 = 1024;

impl VmState {
    /// Section 4.52: pins are the sources of the only controller.
    pub(super) fn takes_routes(&self, entries: &[kvm_irq_routing_entry]) -> bool {
        self.aia.is_some()
            && entries.iter().all(|entry| match entry.type_ {
                KVM_IRQ_ROUTING_IRQCHIP => {
                    let pin = entry.u.as_irqchip();
                    entry.flags == 0 && pin.irqchip == 0 && pin.pin < PINS
                }
                KVM_IRQ_ROUTING_MSI => entry.flags & !KVM_MSI_VALID_DEVID.bits() == 0,
                _ => false,
            })
    }

    /// What becomes of a message where there is a controller. Section 4.71 has more than 0 for one that is delivered;
    /// here it is 0.
    pub(in crate::model) fn message(&mut self, msi: &kvm_msi) -> Option<Result<u32, Errno>> {
        self.aia.as_mut().map(|aia| aia.message(msi))
    }
}

impl Vm {
    /// Section 4.25: a line is a source of the APLIC's.
    pub(super) fn riscv_irq_line(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let kvm_irq_level { irq, level, .. } = args::read(arg)?;
        let state = &mut *lock(&self.state);
        let live = aia_mut(state)?.live.as_mut().ok_or(Errno::EBUSY)?;
        let aplic = live.aplic.as_mut().ok_or(Errno::ENODEV)?;
        let messages = aplic.line(irq, level != 0)?;
        live.deliver(messages);
        Ok(0)
    }
}

/// The device; what it is stands in the VM.
#[derive(Debug)]
struct Handle;

impl Kind for Handle {
    fn has(&self, vm: &Vm, attr: &kvm_device_attr) -> Result<(), Errno> {
        let state = &*lock(&vm.state);
        let aia = aia(state)?;
        let number = attr.attr;
        let known = match attr.group {
            KVM_DEV_RISCV_AIA_GRP_CONFIG => aia.config.contains_key(&number),
            KVM_DEV_RISCV_AIA_GRP_ADDR => imsic_or_aplic(state, number).is_ok(),
            KVM_DEV_RISCV_AIA_GRP_CTRL => number == KVM_DEV_RISCV_AIA_CTRL_INIT,
            KVM_DEV_RISCV_AIA_GRP_APLIC => return aia.aplic()?.get(number).map(|_| ()),
            KVM_DEV_RISCV_AIA_GRP_IMSIC => {
                let isel = KVM_DEV_RISCV_AIA_IMSIC_GET_ISEL(number);
                return aia.imsic(number)?.get(isel).map(|_| ());
            }
            _ => false,
        };
        known.then_some(()).ok_or(Errno::ENXIO)
    }

    fn get(&self, vm: &Vm, attr: &kvm_device_attr, arg: &mut Arg<'_>) -> Result<(), Errno> {
        let state = &*lock(&vm.state);
        let aia = aia(state)?;
        let number = attr.attr;
        match attr.group {
            KVM_DEV_RISCV_AIA_GRP_CONFIG => {
                args::set_attribute(arg, aia.config.get(&number).ok_or(Errno::ENXIO)?)
            }
            KVM_DEV_RISCV_AIA_GRP_ADDR => {
                let at = match imsic_or_aplic(state, number)? {
                    None => aia.aplic_at,
                    Some(vcpu) => aia.imsics_at.get(&vcpu).copied().unwrap_or(UNSET),
                };
                args::set_attribute(arg, &at)
            }
            KVM_DEV_RISCV_AIA_GRP_APLIC => args::set_attribute(arg, &aia.aplic()?.get(number)?),
            KVM_DEV_RISCV_AIA_GRP_IMSIC => {
                let isel = KVM_DEV_RISCV_AIA_IMSIC_GET_ISEL(number);
                args::set_attribute(arg, &aia.imsic(number)?.get(isel)?)
            }
            _ => Err(Errno::ENXIO),
        }
    }

    fn set(&self, vm: &Vm, attr: &kvm_device_attr, arg: &mut Arg<'_>) -> Result<(), Errno> {
        let state = &mut *lock(&vm.state);
        let number = attr.attr;
        match attr.group {
            KVM_DEV_RISCV_AIA_GRP_CONFIG => {
                let aia = aia_mut(state)?;
                aia.unfinished()?;
                check_config(number, args::attribute(arg)?)?;
                aia.config.insert(number, args::attribute(arg)?);
                Ok(())
            }
            KVM_DEV_RISCV_AIA_GRP_ADDR => {
                let whose = imsic_or_aplic(state, number)?;
                let aia = aia_mut(state)?;
                aia.unfinished()?;
                aia.place(whose, args::attribute(arg)?)
            }
            KVM_DEV_RISCV_AIA_GRP_CTRL if number == KVM_DEV_RISCV_AIA_CTRL_INIT => init(state),
            KVM_DEV_RISCV_AIA_GRP_APLIC => {
                let live = aia_mut(state)?.live.as_mut();
                let live = live.ok_or(Errno::ENODEV)?;
                let aplic = live.aplic.as_mut().ok_or(Errno::ENODEV)?;
                let messages = aplic.set(number, args::attribute(arg)?)?;
                live.deliver(messages);
                Ok(())
            }
            KVM_DEV_RISCV_AIA_GRP_IMSIC => {
                let vcpu = KVM_DEV_RISCV_AIA_IMSIC_GET_VCPU(number);
                let isel = KVM_DEV_RISCV_AIA_IMSIC_GET_ISEL(number);
                let live = aia_mut(state)?.live.as_mut();
                let imsic = live.and_then(|live| live.imsics.get_mut(&vcpu));
                imsic.ok_or(Errno::ENODEV)?.set(isel, args::attribute(arg)?)
            }
            _ => Err(Errno::ENXIO),
        }
    }
}

fn aia(state: &State) -> Result<&Aia, Errno> {
    state.riscv.aia.as_ref().ok_or(Errno::ENXIO)
}

fn aia_mut(state: &mut State) -> Result<&mut Aia, Errno> {
    state.riscv.aia.as_mut().ok_or(Errno::ENXIO)
}

/// The vCPU whose IMSIC an address is that of, by the order in which vCPUs were created; nothing for the APLIC's.
fn imsic_or_aplic(state: &State, number: u64) -> Result<Option<u64>, Errno> {
    if number == KVM_DEV_RISCV_AIA_ADDR_APLIC {
        return Ok(None);
    }
    let index = number.checked_sub(KVM_DEV_RISCV_AIA_ADDR_IMSIC(0));
    let index = index.and_then(|index| usize::try_from(index).ok());
    let vcpu = index.and_then(|index| state.vcpus.get(index));
    vcpu.map(|vcpu| Some(*vcpu)).ok_or(Errno::ENXIO)
}

fn check_config(number: u64, value: u32) -> Result<(), Errno> {
    let fits = match number {
        KVM_DEV_RISCV_AIA_CONFIG_MODE => MODES.contains(&value),
        KVM_DEV_RISCV_AIA_CONFIG_IDS => {
            value & KVM_DEV_RISCV_AIA_IDS_MIN == KVM_DEV_RISCV_AIA_IDS_MIN && value <= MOST_IDS
        }
        KVM_DEV_RISCV_AIA_CONFIG_SRCS => value <= MOST_IDS,
        KVM_DEV_RISCV_AIA_CONFIG_GROUP_BITS => value < KVM_DEV_RISCV_AIA_GROUP_BITS_MAX,
        KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT => {
            (KVM_DEV_RISCV_AIA_GROUP_SHIFT_MIN..KVM_DEV_RISCV_AIA_GROUP_SHIFT_MAX).contains(&value)
        }
        KVM_DEV_RISCV_AIA_CONFIG_HART_BITS => value < KVM_DEV_RISCV_AIA_HART_BITS_MAX,
        KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS => value < KVM_DEV_RISCV_AIA_GUEST_BITS_MAX,
        _ => return Err(Errno::ENXIO),
    };
    fits.then_some(()).ok_or(Errno::EINVAL)
}

/// No more sources than identities, a place for all that there is, and one group of places for all vCPUs.
fn init(state: &mut State) -> Result<(), Errno> {
    let vcpus = state.vcpus.clone();
    let aia = aia_mut(state)?;
    aia.unfinished()?;
    let ids = aia.number(KVM_DEV_RISCV_AIA_CONFIG_IDS);
    let sources = aia.number(KVM_DEV_RISCV_AIA_CONFIG_SRCS);
    if ids < sources || sources != 0 && aia.aplic_at == UNSET {
        return Err(Errno::EINVAL);
    }
    let (mut harts, mut base) = (BTreeMap::new(), None);
    for vcpu in &vcpus {
        let at = *aia.imsics_at.get(vcpu).ok_or(Errno::EINVAL)?;
        let (hart, rest) = aia.hart(at);
        if *base.get_or_insert(rest) != rest {
            return Err(Errno::EINVAL);
        }
        // The first vCPU with a number is the one that the kernel finds.
        harts.entry(hart).or_insert(*vcpu);
    }
    aia.live = Some(Live {
        aplic: (sources != 0).then(|| Aplic::new(sources)),
        imsics: vcpus.into_iter().map(|id| (id, Imsic::new(ids))).collect(),
        harts,
    });
    Ok(())
}

impl Aia {
    /// A message to no vCPU's address is lost. `ENODEV` where it is no place for messages, or of no identity; `EINVAL` for
    /// an identity that there is not.
    fn message(&mut self, msi: &kvm_msi) -> Result<u32, Errno> {
        let guest_bits = self.number(KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS);
        let live = self.live.as_mut().ok_or(Errno::EBUSY)?;
        let address = u64::from(msi.address_hi) << 32 | u64::from(msi.address_lo);
        let page = address & !(IMSIC_ALIGN - 1);
        let guest = page & ((IMSIC_ALIGN << guest_bits) - IMSIC_ALIGN);
        let mut all = self.imsics_at.iter();
        let vcpu = all.find(|(_, at)| **at == page - guest);
        let Some(imsic) = vcpu.and_then(|(vcpu, _)| live.imsics.get_mut(vcpu)) else {
            return Ok(0);
        };
        let identity = match address - page {
            SETIPNUM_LE => msi.data,
            SETIPNUM_BE => msi.data.swap_bytes(),
            _ => 0,
        };
        // A vCPU has no guests of its own.
        if identity == 0 || guest != 0 {
            return Err(Errno::ENODEV);
        }
        let known = imsic.raise(identity);
        known.then_some(0).ok_or(Errno::EINVAL)
    }

    /// The number that the APLIC has for the vCPU whose IMSIC is at an address, and the bits that are of no number.
    fn hart(&self, at: u64) -> (usize, u64) {
        let bits = |which| self.number(which);
        let field = |shift: u32, bits: u32| ((1_u64 << bits) - 1) << shift;
        let guests = bits(KVM_DEV_RISCV_AIA_CONFIG_GUEST_BITS) + IMSIC_ALIGN.trailing_zeros();
        let harts = bits(KVM_DEV_RISCV_AIA_CONFIG_HART_BITS);
        let groups = bits(KVM_DEV_RISCV_AIA_CONFIG_GROUP_SHIFT);
        let hart = field(guests, harts);
        let group = field(groups, bits(KVM_DEV_RISCV_AIA_CONFIG_GROUP_BITS));
        let number = (at & group) >> groups << harts | (at & hart) >> guests;
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        (number, at & !(group | hart | field(0, guests)))
    }

    fn number(&self, which: u64) -> u32 {
        self.config.get(&which).copied().unwrap_or(0)
    }

    /// It is set up before it is initialised, and that is done once.
    fn unfinished(&self) -> Result<(), Errno> {
        match self.live {
            None => Ok(()),
            Some(_) => Err(Errno::EBUSY),
        }
    }

    fn place(&mut self, whose: Option<u64>, at: u64) -> Result<(), Errno> {
        let align = whose.map_or(APLIC_ALIGN, |_| IMSIC_ALIGN);
        if at % align != 0 {
            return Err(Errno::EINVAL);
        }
        match whose {
            None => self.aplic_at = at,
            Some(vcpu) => {
                self.imsics_at.insert(vcpu, at);
            }
        }
        Ok(())
    }

    fn aplic(&self) -> Result<&Aplic, Errno> {
        let live = self.live.as_ref();
        live.and_then(|live| live.aplic.as_ref())
            .ok_or(Errno::ENODEV)
    }

    fn imsic(&self, number: u64) -> Result<&Imsic, Errno> {
        let vcpu = KVM_DEV_RISCV_AIA_IMSIC_GET_VCPU(number);
        let live = self.live.as_ref();
        live.and_then(|live| live.imsics.get(&vcpu))
            .ok_or(Errno::ENODEV)
    }
}

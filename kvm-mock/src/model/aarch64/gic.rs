//! [`Gic`]: an interrupt controller of version 2 or 3, by `Documentation/virt/kvm/devices/arm-vgic.rst` and
//! `arm-vgic-v3.rst`.

use kvm_core::kvm_sys::aarch64::{
    KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_DEV_ARM_VGIC_GRP_CTRL,
    KVM_DEV_ARM_VGIC_GRP_NR_IRQS, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES, KVM_VGIC_V2_ADDR_TYPE_CPU,
    KVM_VGIC_V2_ADDR_TYPE_DIST, KVM_VGIC_V2_CPU_SIZE, KVM_VGIC_V2_DIST_SIZE,
    KVM_VGIC_V3_ADDR_TYPE_DIST, KVM_VGIC_V3_ADDR_TYPE_REDIST, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
};
use kvm_core::kvm_sys::{
    DeviceType, KVM_DEV_TYPE_ARM_VGIC_ITS, KVM_DEV_TYPE_ARM_VGIC_V2, KVM_DEV_TYPE_ARM_VGIC_V3,
    kvm_device_attr,
};
use kvm_core::{Arg, Errno};

use super::gic_files::PRIVATE;
use super::gic_live::Live;
use super::its::Its;
use super::vm::address_end;
use crate::model::device::Kind;
use crate::model::vm::{State, Vm};
use crate::model::{args, lock};

pub(super) static DEVICES: &[DeviceType] = &[
    KVM_DEV_TYPE_ARM_VGIC_V2,
    KVM_DEV_TYPE_ARM_VGIC_V3,
    KVM_DEV_TYPE_ARM_VGIC_ITS,
];

/// What GICv2 can have.
const V2_MOST_VCPUS: usize = 8;
/// Where the number is not set, as in KVM.
const INTERRUPTS: u32 = 256;

const V3_ALIGN: u64 = 0x1_0000;
/// Two pages of 64 KiB.
const REDIST_SIZE: u64 = 0x2_0000;

/// The controller of a VM.
#[derive(Debug)]
pub(super) struct Gic {
    is_v3: bool,
    interrupts: Option<u32>,
    dist: Option<u64>,
    /// Of GICv2.
    cpu: Option<u64>,
    /// Of GICv3.
    redists: Vec<Redists>,
    /// Once it is initialised.
    live: Option<Live>,
}

/// A region of redistributors.
#[derive(Debug)]
struct Redists {
    base: u64,
    /// How many; 0 for as many as there are vCPUs, and then this is the only region.
    count: u64,
}

/// Creates one of [`DEVICES`].
pub(super) fn create(vm: &Vm, kind: DeviceType) -> Result<Box<dyn Kind>, Errno> {
    if kind == KVM_DEV_TYPE_ARM_VGIC_ITS {
        let arm = &mut lock(&vm.state).arm;
        arm.has_its = true;
        let live = arm.gic.as_mut().and_then(Gic::live_mut);
        live.into_iter().for_each(Live::its_comes);
        return Ok(Box::new(Its::default()));
    }
    create_gic(vm, kind == KVM_DEV_TYPE_ARM_VGIC_V3)?;
    Ok(Box::new(Handle))
}

/// "Only one VGIC instance may be instantiated"; "It is not possible to create both a GICv3 and GICv2 on the
/// same VM." That no vCPU has run, and `EBUSY` and `E2BIG`, are KVM's.
pub(super) fn create_gic(vm: &Vm, is_v3: bool) -> Result<(), Errno> {
    let state = &mut *lock(&vm.state);
    if state.arm.gic.is_some() {
        return Err(Errno::EEXIST);
    }
    if state.has_run {
        return Err(Errno::EBUSY);
    }
    if !is_v3 && state.vcpus.len() > V2_MOST_VCPUS {
        return Err(Errno::E2BIG);
    }
    state.arm.gic = Some(Gic {
        is_v3,
        interrupts: None,
        dist: None,
        cpu: None,
        redists: Vec::new(),
        live: None,
    });
    Ok(())
}

/// "-E2BIG Address outside of addressable IPA range; -EINVAL Incorrectly aligned address".
pub(super) fn check_range(vm: &Vm, base: u64, align: u64, len: u64) -> Result<(), Errno> {
    let end = base.checked_add(len).ok_or(Errno::EINVAL)?;
    if base % align != 0 {
        Err(Errno::EINVAL)
    } else if end > address_end(vm.vm_type()) {
        Err(Errno::E2BIG)
    } else {
        Ok(())
    }
}

/// An address that can be set once: "-EEXIST Address already configured", which KVM looks at first.
pub(super) fn unplaced(at: Option<u64>) -> Result<(), Errno> {
    at.map_or(Ok(()), |_| Err(Errno::EEXIST))
}

/// The device; what it is stands in the VM, where interrupts are raised too.
#[derive(Debug)]
struct Handle;

impl Kind for Handle {
    fn has(&self, vm: &Vm, attr: &kvm_device_attr) -> Result<(), Errno> {
        let state = &*lock(&vm.state);
        let gic = state.arm.gic.as_ref().ok_or(Errno::ENXIO)?;
        match attr.group {
            KVM_DEV_ARM_VGIC_GRP_ADDR if gic.has_address(attr.attr) => Ok(()),
            KVM_DEV_ARM_VGIC_GRP_NR_IRQS => Ok(()),
            KVM_DEV_ARM_VGIC_GRP_CTRL => match attr.attr {
                KVM_DEV_ARM_VGIC_CTRL_INIT => Ok(()),
                KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES if gic.is_v3 => Ok(()),
                _ => Err(Errno::ENXIO),
            },
            _ => {
                let interrupts = gic.interrupts.unwrap_or(PRIVATE);
                Live::has(gic.is_v3, interrupts, state, attr)
            }
        }
    }

    fn get(&self, vm: &Vm, attr: &kvm_device_attr, arg: &mut Arg<'_>) -> Result<(), Errno> {
        let state = &mut *lock(&vm.state);
        let gic = state.arm.gic.as_ref().ok_or(Errno::ENXIO)?;
        match attr.group {
            KVM_DEV_ARM_VGIC_GRP_ADDR => {
                let address = gic.address(attr.attr, args::attribute(arg)?)?;
                args::set_attribute(arg, &address)
            }
            KVM_DEV_ARM_VGIC_GRP_NR_IRQS => {
                args::set_attribute(arg, &gic.interrupts.unwrap_or(PRIVATE))
            }
            group if !Live::has_group(gic.is_v3, group) => Err(Errno::ENXIO),
            _ => Live::get(vm, state, attr, arg),
        }
    }

    fn set(&self, vm: &Vm, attr: &kvm_device_attr, arg: &mut Arg<'_>) -> Result<(), Errno> {
        let state = &mut *lock(&vm.state);
        let gic = state.arm.gic.as_mut().ok_or(Errno::ENXIO)?;
        match (attr.group, attr.attr) {
            (KVM_DEV_ARM_VGIC_GRP_ADDR, part) => {
                let vcpus = state.vcpus.len() as u64;
                gic.set_address(vm, part, args::attribute(arg)?, vcpus)
            }
            (KVM_DEV_ARM_VGIC_GRP_NR_IRQS, _) => gic.set_interrupts(args::attribute(arg)?),
            (KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT) => Gic::init(state),
            // No guest here has a message of its own pending.
            (KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES) if gic.is_v3 => {
                vm.stopped()?;
                gic.live.as_ref().map(|_| ()).ok_or(Errno::ENXIO)
            }
            (group, _) if !Live::has_group(gic.is_v3, group) => Err(Errno::ENXIO),
            _ => Live::set(vm, state, attr, arg),
        }
    }
}

impl Gic {
    pub(super) fn is_v3(&self) -> bool {
        self.is_v3
    }

    pub(super) fn live(&self) -> Option<&Live> {
        self.live.as_ref()
    }

    pub(super) fn live_mut(&mut self) -> Option<&mut Live> {
        self.live.as_mut()
    }

    fn has_address(&self, part: u64) -> bool {
        match part {
            KVM_VGIC_V2_ADDR_TYPE_DIST | KVM_VGIC_V2_ADDR_TYPE_CPU => !self.is_v3,
            KVM_VGIC_V3_ADDR_TYPE_DIST
            | KVM_VGIC_V3_ADDR_TYPE_REDIST
            | KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION => self.is_v3,
            _ => false,
        }
    }

    /// "-ENOENT Attempt to read the characteristics of a non existing redistributor region".
    fn address(&self, part: u64, preset: u64) -> Result<u64, Errno> {
        if !self.has_address(part) {
            return Err(Errno::ENXIO);
        }
        let at = match part {
            KVM_VGIC_V2_ADDR_TYPE_DIST | KVM_VGIC_V3_ADDR_TYPE_DIST => self.dist,
            KVM_VGIC_V2_ADDR_TYPE_CPU => self.cpu,
            KVM_VGIC_V3_ADDR_TYPE_REDIST => self.redists.first().map(|region| region.base),
            _ => {
                let index = preset & 0xfff;
                let region = usize::try_from(index)
                    .ok()
                    .and_then(|at| self.redists.get(at));
                let region = region.ok_or(Errno::ENOENT)?;
                Some(region.count << 52 | region.base | index)
            }
        };
        // KVM's value for what is not set.
        Ok(at.unwrap_or(u64::MAX))
    }

    pub(super) fn set_address(
        &mut self,
        vm: &Vm,
        part: u64,
        value: u64,
        vcpus: u64,
    ) -> Result<(), Errno> {
        if !self.has_address(part) {
            return Err(Errno::ENXIO);
        }
        match part {
            KVM_VGIC_V2_ADDR_TYPE_DIST => {
                unplaced(self.dist)?;
                check_range(vm, value, 0x1000, KVM_VGIC_V2_DIST_SIZE)?;
                self.dist = Some(value);
                Ok(())
            }
            KVM_VGIC_V2_ADDR_TYPE_CPU => {
                unplaced(self.cpu)?;
                check_range(vm, value, 0x1000, KVM_VGIC_V2_CPU_SIZE)?;
                self.cpu = Some(value);
                Ok(())
            }
            KVM_VGIC_V3_ADDR_TYPE_DIST => {
                unplaced(self.dist)?;
                check_range(vm, value, V3_ALIGN, V3_ALIGN)?;
                self.dist = Some(value);
                Ok(())
            }
            KVM_VGIC_V3_ADDR_TYPE_REDIST => {
                let end = value.checked_add(vcpus * REDIST_SIZE);
                end.ok_or(Errno::EINVAL)?;
                match self.redists.first() {
                    // "It is invalid to mix calls".
                    Some(Redists { count: 1.., .. }) => Err(Errno::EINVAL),
                    Some(_) => Err(Errno::EEXIST),
                    None => {
                        self.add_redists(vm, value, 0, vcpus)?;
                        self.fits(vcpus).inspect_err(|_| self.redists.clear())
                    }
                }
            }
            _ => self.add_region(vm, value),
        }
    }

    /// Refuses a distributor amid the redistributors of so many vCPUs, which KVM looks for when redistributors are
    /// placed and when a vCPU is added: observed on Linux 6.12.
    pub(super) fn fits(&self, vcpus: u64) -> Result<(), Errno> {
        let Some(dist) = self.dist.filter(|_| self.is_v3) else {
            return Ok(());
        };
        let overlaps = |region: &Redists| {
            let count = if region.count == 0 {
                vcpus
            } else {
                region.count
            };
            let end = region.base.saturating_add(count * REDIST_SIZE);
            dist < end && region.base < dist.saturating_add(V3_ALIGN)
        };
        if self.redists.iter().any(overlaps) {
            return Err(Errno::EINVAL);
        }
        Ok(())
    }

    /// "count ... Must be greater than 0", "flags: reserved for future use, currently 0"; "regions must be
    /// registered in the incremental index order, starting from index 0".
    fn add_region(&mut self, vm: &Vm, value: u64) -> Result<(), Errno> {
        let (index, flags, count) = (value & 0xfff, value >> 12 & 0xf, value >> 52);
        let base = value & 0x000f_ffff_ffff_0000;
        let mixed = self.redists.iter().any(|region| region.count == 0);
        if count == 0 || flags != 0 || mixed || index != self.redists.len() as u64 {
            return Err(Errno::EINVAL);
        }
        self.add_redists(vm, base, count, count)
    }

    fn add_redists(&mut self, vm: &Vm, base: u64, count: u64, room: u64) -> Result<(), Errno> {
        let len = room * REDIST_SIZE;
        check_range(vm, base, V3_ALIGN, len)?;
        let overlaps = |region: &Redists| {
            base < region.base + region.count * REDIST_SIZE && region.base < base + len
        };
        if self.redists.iter().any(overlaps) {
            return Err(Errno::EINVAL);
        }
        self.redists.push(Redists { base, count });
        Ok(())
    }

    /// "ranging from 64 to 1024, in increments of 32", of which KVM refuses 1024; "-EBUSY Value has already be set, or GIC has already been
    /// initialized with default values."
    fn set_interrupts(&mut self, interrupts: u32) -> Result<(), Errno> {
        if !(64..1024).contains(&interrupts) || interrupts % 32 != 0 {
            return Err(Errno::EINVAL);
        }
        if self.interrupts.is_some() {
            return Err(Errno::EBUSY);
        }
        self.interrupts = Some(interrupts);
        Ok(())
    }

    /// "-ENODEV no online VCPU"; once is enough.
    pub(super) fn init(state: &mut State) -> Result<(), Errno> {
        let (vcpus, has_its) = (&state.vcpus, state.arm.has_its);
        let gic = state.arm.gic.as_mut().ok_or(Errno::ENXIO)?;
        if gic.live.is_some() {
            return Ok(());
        }
        if vcpus.is_empty() {
            return Err(Errno::ENODEV);
        }
        let interrupts = *gic.interrupts.get_or_insert(INTERRUPTS);
        gic.live = Some(Live::new(
            gic.is_v3,
            has_its,
            interrupts,
            vcpus.iter().copied(),
        ));
        Ok(())
    }
}

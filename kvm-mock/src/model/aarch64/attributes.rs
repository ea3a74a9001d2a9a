//! Attributes of vCPUs, by `Documentation/virt/kvm/devices/vcpu.rst`. No vCPU here has a PMU.

use kvm_core::kvm_sys::aarch64::{
    KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ, KVM_ARM_VCPU_PVTIME_CTRL,
    KVM_ARM_VCPU_PVTIME_IPA, KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_HPTIMER,
    KVM_ARM_VCPU_TIMER_IRQ_HVTIMER, KVM_ARM_VCPU_TIMER_IRQ_PTIMER, KVM_ARM_VCPU_TIMER_IRQ_VTIMER,
    KVM_CAP_STEAL_TIME, KVM_CAP_VCPU_ATTRIBUTES,
};
use kvm_core::kvm_sys::kvm_device_attr;
use kvm_core::{Arg, Errno};

use super::gic_files::PRIVATE;
use super::lines::SGIS;
use crate::model::vcpu::Vcpu;
use crate::model::{args, lock};

/// An attribute that a vCPU has.
enum Known {
    /// 2.1: the interrupt of a timer, by the attribute's number, and which one it is at first.
    Timer(u64, u32),
    /// 3.1: where stolen time is told.
    StolenTime,
}

impl Vcpu {
    /// "-ENXIO", or as KVM refuses all attributes where it has none.
    fn attribute(&self, attr: &kvm_device_attr) -> Result<Known, Errno> {
        if self.vm().cap(KVM_CAP_VCPU_ATTRIBUTES) == 0 {
            return Err(Errno::EINVAL);
        }
        let counts = self.vm().cap(KVM_CAP_STEAL_TIME) != 0;
        let number = attr.attr;
        match (attr.group, number) {
            (KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_VTIMER) => {
                Ok(Known::Timer(number, 27))
            }
            (KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_PTIMER) => {
                Ok(Known::Timer(number, 30))
            }
            (KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_HVTIMER) => {
                Ok(Known::Timer(number, 28))
            }
            (KVM_ARM_VCPU_TIMER_CTRL, KVM_ARM_VCPU_TIMER_IRQ_HPTIMER) => {
                Ok(Known::Timer(number, 26))
            }
            (KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA) if counts => Ok(Known::StolenTime),
            _ => Err(Errno::ENXIO),
        }
    }

    pub(super) fn arm_has_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        self.attribute(&args::read(arg)?)?;
        Ok(0)
    }

    pub(super) fn arm_get_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let attr: kvm_device_attr = args::head(arg)?;
        // 1.1; KVM looks for the controller first.
        if (attr.group, attr.attr) == (KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ) {
            let has_gic = lock(&self.vm().state).arm.gic.is_some();
            return Err(if has_gic {
                Errno::ENODEV
            } else {
                Errno::EINVAL
            });
        }
        match self.attribute(&attr)? {
            Known::Timer(number, at_first) => {
                let changed = lock(&self.vm().state).arm.timers.get(&number).copied();
                args::set_attribute(arg, &changed.unwrap_or(at_first))?;
            }
            // KVM's value for what is not set.
            Known::StolenTime => {
                let at = lock(&self.state).arm.stolen_time.unwrap_or(u64::MAX);
                args::set_attribute(arg, &at)?;
            }
        }
        Ok(0)
    }

    /// "-EINVAL Invalid timer interrupt number" and, by KVM, no controller; of stolen time "-EEXIST Base address
    /// already set for this VCPU; -EINVAL Base address not 64 byte aligned", or not in memory that can be written.
    pub(super) fn arm_set_attr(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let attr: kvm_device_attr = args::head(arg)?;
        if attr.group == KVM_ARM_VCPU_PMU_V3_CTRL {
            return Err(Errno::ENODEV);
        }
        let known = self.attribute(&attr);
        let mut state = lock(&self.state);
        let vm = &mut *lock(&self.vm().state);
        // KVM looks for the controller and at the interrupt before it looks which timer is meant.
        let mut interrupt = 0;
        if attr.group == KVM_ARM_VCPU_TIMER_CTRL {
            interrupt = args::attribute(arg)?;
            if vm.arm.gic.is_none() || !(SGIS..PRIVATE).contains(&interrupt) {
                return Err(Errno::EINVAL);
            }
        }
        match known? {
            Known::Timer(number, _) => {
                if vm.has_run {
                    return Err(Errno::EBUSY);
                }
                vm.arm.timers.insert(number, interrupt);
            }
            Known::StolenTime => {
                let at: u64 = args::attribute(arg)?;
                if at % 64 != 0 {
                    return Err(Errno::EINVAL);
                }
                if state.arm.stolen_time.is_some() {
                    return Err(Errno::EEXIST);
                }
                if !vm.slots.is_writable(at, 1) {
                    return Err(Errno::EINVAL);
                }
                state.arm.stolen_time = Some(at);
            }
        }
        Ok(0)
    }
}

//! Saving and restoring the state of devices.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use kvm_exit::GuestArch;
use kvm_sys::op::Fds;
use kvm_sys::{DeviceType, KVM_GET_DEVICE_ATTR};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{Attr, Device, DeviceAttributes};
use crate::error::Cause;
use crate::state::{StateGuest, Writer, length, value};
use crate::{Errno, Error, Hypervisor, SavedState, ops};

/// What the state of a device consists of, in the order in which it is restored.
///
/// Saving and restoring both go by the plan of the device at hand, so nothing that the bytes of a state say
/// chooses an attribute.
#[derive(Debug, Default)]
pub struct Plan(Vec<Step>);

#[derive(Clone, Copy, Debug)]
enum Step {
    Word(Attr<u32>),
    Long(Attr<u64>),
    /// Clears bits where a write of the register that follows only sets some.
    Clear(Attr<u32>),
    /// Done before anything is saved.
    Save(Attr<()>),
    /// Done when what stands before is restored.
    Restore(Attr<()>),
}

impl Plan {
    /// A register of 32 bits.
    pub fn word(&mut self, attr: Attr<u32>) {
        self.0.push(Step::Word(attr));
    }

    /// A register of 64 bits.
    pub fn long(&mut self, attr: Attr<u64>) {
        self.0.push(Step::Long(attr));
    }

    /// A register whose bits are set by writing to it, and cleared by writing to another one.
    pub fn set_bits(&mut self, clear: Attr<u32>, set: Attr<u32>) {
        self.0.push(Step::Clear(clear));
        self.word(set);
    }

    /// To be done before anything is saved.
    pub fn before_saving(&mut self, attr: Attr<()>) {
        self.0.push(Step::Save(attr));
    }

    /// To be done when what stands before is restored.
    pub fn when_restored(&mut self, attr: Attr<()>) {
        self.0.push(Step::Restore(attr));
    }
}

/// The values of a saved device, by group and number of the attribute.
type Values<'a> = BTreeMap<(u32, u64), &'a [u8]>;

impl<H: Hypervisor> Device<H>
where
    H::Guest: StateGuest,
{
    /// The device's state, to be [restored](Self::restore) into another one, here or elsewhere: of a vGIC
    /// (version 2 or 3) the distributor, redistributors and CPU interfaces of all vCPUs and the levels of lines,
    /// of an ITS its registers, of an AIA the APLIC and the IMSICs. All vCPUs have to be stopped;
    /// [`SavedState`] says in which order. Needs the device to be initialised.
    ///
    /// A vGIC of version 3 with LPIs writes what is pending, and an ITS its tables, to guest memory where the guest
    /// has provided for it: memory is copied after that. (The writes are in dirty logs, but in no dirty ring.)
    ///
    /// Not in it is what the VMM set up and has to set up again: addresses, numbers of interrupts, routes. Neither
    /// are the levels of lines of a GICv2 and an APLIC, which KVM does not tell: devices that hold
    /// one up raise it again, for an APLIC before it is restored, for a GICv2 after.
    ///
    /// Of an IMSIC, Linux 6.12 was observed to keep of each 64 identities that are [set](crate::device::riscv64::aia::imsic)
    /// pending or enabled the lower 32 only, and to copy the last of these into the others: a guest that uses identities
    /// from 32 to 63, 96 to 127 and so on does not go on elsewhere as it was.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::device::{DeviceAttributes, aarch64::vgic_v3};
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_core::kvm_sys::KVM_DEV_TYPE_ARM_VGIC_V3;
    /// use kvm_mock::Model;
    ///
    /// let vm = Kvm::with(Model::<Aarch64>::default())?.create_vm()?;
    /// let vcpu = vm.create_vcpu(0)?;
    /// vcpu.vcpu_init(&vm.get_preferred_target()?)?;
    /// let gic = vm.create_device(KVM_DEV_TYPE_ARM_VGIC_V3)?;
    /// gic.set_device_attr(&vgic_v3::ADDR_DIST, &0x800_0000)?;
    /// gic.set_device_attr(&vgic_v3::ADDR_REDIST, &0x80a_0000)?;
    /// gic.set_device_attr(&vgic_v3::INIT, &())?;
    ///
    /// let state = gic.save()?;
    /// assert_eq!(state.device_kind(), Some(KVM_DEV_TYPE_ARM_VGIC_V3));
    /// gic.restore(&state)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Cause::DeviceKind`] when there is no state of such a device, as of VFIO's; [`Cause::VcpuDropped`] when a
    /// vCPU of the VM has no handle any more that says what its registers are called. Else what
    /// the device answers: mostly `EBUSY` while a vCPU runs or before the device is initialised, `EFAULT` where its
    /// tables are not in memory.
    pub fn save(&self) -> Result<SavedState, Error> {
        let plan = self.plan()?;
        for step in &plan.0 {
            if let Step::Save(attr) = step {
                self.set_device_attr(attr, &())?;
            }
        }
        let mut state = Writer::of_device(H::Guest::ARCH, self.kind())?;
        for step in &plan.0 {
            match step {
                Step::Word(attr) => self.save_attr(attr, &mut state)?,
                Step::Long(attr) => self.save_attr(attr, &mut state)?,
                Step::Clear(_) | Step::Save(_) | Step::Restore(_) => {}
            }
        }
        Ok(state.finish())
    }

    /// Gives the device a saved state. It is of the same kind, set up as the saved one was and initialised; no
    /// vCPU has run, all have got their state [before](crate::Vcpu::restore), and guest memory is there.
    /// [`SavedState`] says in which order.
    ///
    /// When it fails, the device is left with a part of the state.
    ///
    /// # Errors
    ///
    /// [`Cause::ForeignState`] and the other refusals of [`Vcpu::restore`](crate::Vcpu::restore);
    /// [`Cause::StateMissing`] and [`Cause::Attribute`] when the saved device had fewer or more registers: other
    /// numbers of interrupts or vCPUs. Else what the device answers: `EINVAL` when it can't be as the
    /// saved one was.
    pub fn restore(&self, state: &SavedState) -> Result<(), Error> {
        state.check(H::Guest::ARCH, Fds::DEVICE, &[&KVM_GET_DEVICE_ATTR])?;
        let kind = state.device_kind();
        if kind != Some(self.kind()) {
            let kind = kind.unwrap_or(DeviceType(0)).0;
            let (errno, cause) = (Errno::EOPNOTSUPP, Cause::StateOfOther);
            return Err(Error::with(&ops::STATE, errno, cause, kind));
        }
        let plan = self.plan()?;
        let mut values = Values::new();
        for piece in state.all(&KVM_GET_DEVICE_ATTR) {
            let (group, attr, value) = parse(piece)?;
            values.insert((group, attr), value);
        }
        for step in &plan.0 {
            match step {
                Step::Word(attr) => self.restore_attr(attr, &mut values)?,
                Step::Long(attr) => self.restore_attr(attr, &mut values)?,
                Step::Clear(attr) => self.set_device_attr(attr, &u32::MAX)?,
                Step::Restore(attr) => self.set_device_attr(attr, &())?,
                Step::Save(_) => {}
            }
        }
        match values.keys().next() {
            None => Ok(()),
            Some((group, _)) => {
                let op = &KVM_GET_DEVICE_ATTR;
                Err(Error::with(op, Errno::ENXIO, Cause::Attribute, *group))
            }
        }
    }

    fn plan(&self) -> Result<Plan, Error> {
        let (errno, cause) = (Errno::EOPNOTSUPP, Cause::DeviceKind);
        let none = Error::with(&ops::STATE, errno, cause, self.kind().0);
        let vcpus: Vec<_> = self
            .vm
            .vcpus
            .lock()
            .iter()
            .map(|(id, vcpu)| (*id, vcpu.upgrade()))
            .collect();
        H::Guest::device_plan(self, &vcpus)?.ok_or(none)
    }

    fn save_attr<T>(&self, attr: &Attr<T>, to: &mut Writer) -> Result<(), Error>
    where
        T: FromBytes + IntoBytes + Immutable,
    {
        let value = self.get_device_attr(attr)?;
        let mut piece = Vec::from(attr.group().to_ne_bytes());
        piece.extend_from_slice(&attr.attr().to_ne_bytes());
        to.put_two(&KVM_GET_DEVICE_ATTR, piece.as_slice(), value.as_bytes())
    }

    fn restore_attr<T>(&self, attr: &Attr<T>, from: &mut Values<'_>) -> Result<(), Error>
    where
        T: FromBytes + IntoBytes + Immutable,
    {
        let op = &KVM_GET_DEVICE_ATTR;
        let saved = from.remove(&(attr.group(), attr.attr()));
        let (errno, cause) = (Errno::ENOENT, Cause::StateMissing);
        let bytes = saved.ok_or(Error::with(op, errno, cause, attr.group()))?;
        self.set_device_attr(attr, &value::<T>(op, bytes)?)
    }
}

/// Group and number of the attribute that a piece is of, and its value.
fn parse(piece: &[u8]) -> Result<(u32, u64, &[u8]), Error> {
    let parts = piece.split_first_chunk().and_then(|(group, rest)| {
        let (attr, value) = rest.split_first_chunk()?;
        Some((u32::from_ne_bytes(*group), u64::from_ne_bytes(*attr), value))
    });
    parts.ok_or(length(&KVM_GET_DEVICE_ATTR, piece))
}

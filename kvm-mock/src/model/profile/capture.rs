//! Takes a profile from a host.

use std::collections::BTreeMap;

use kvm_core::kvm_sys::op::{Fds, Op};
use kvm_core::kvm_sys::{
    Cap, DeviceType, KVM_CAP_CHECK_EXTENSION_VM, KVM_CAP_DEVICE_CTRL, KVM_CAP_ONE_REG, KVM_REG_SIZE,
};
use kvm_core::{Arg, Errno, Error, Hypervisor, Kvm, Registers, Vcpu, Vm};

use super::MOST_REGISTER_BYTES;
use super::display::gets;
use crate::model::guest::{ModelGuest, Platform};
use crate::model::host::Host;
use crate::model::one_reg::OneRegs;

/// The capabilities that a host is asked for: all of now, and as many again.
const CAPS: u32 = 512;

/// What all architectures have.
pub(super) fn capture<G: ModelGuest, H: Hypervisor<Guest = G>>(
    kvm: &Kvm<H>,
) -> Result<Host, Error> {
    let mut host = Host {
        name: G::platform().arch.name().into(),
        api_version: kvm.get_api_version()?,
        page_size: u32::try_from(kvm.page_size()).unwrap_or(u32::MAX),
        vcpu_mmap_size: u32::try_from(kvm.get_vcpu_mmap_size()?).unwrap_or(u32::MAX),
        ..Host::unnamed()
    };
    let vm = kvm.create_vm()?;
    for cap in (0..CAPS).map(Cap) {
        let value = answer(kvm.check_extension(cap))?;
        if value != 0 {
            host.caps.insert(cap, value);
        }
    }
    if host.system_cap(KVM_CAP_CHECK_EXTENSION_VM) != 0 {
        for cap in (0..CAPS).map(Cap) {
            let value = answer(vm.check_extension(cap))?;
            if value != host.system_cap(cap) {
                host.vm_caps.insert(cap, value);
            }
        }
    }
    if host.cap_of_vm(KVM_CAP_DEVICE_CTRL) != 0 {
        for (kind, _) in DeviceType::NAMES {
            if vm.has_device(*kind)? {
                host.devices.insert(*kind);
            }
        }
    }
    G::capture(kvm, &mut host)?;
    Ok(host)
}

/// On aarch64 the system refuses to say of some capabilities what depends on the VM.
fn answer(value: Result<u32, Error>) -> Result<u32, Error> {
    match value {
        Err(error) if error.errno() == Errno::EINVAL => Ok(0),
        value => value,
    }
}

/// Two vCPUs that were made in the same way, each in a VM of its own: what they do not agree on is no state of
/// a reset, but counts, and is left 0.
#[derive(Debug)]
pub(crate) struct Twins<H: Hypervisor>([Vcpu<H>; 2]);

impl<H: Hypervisor> Twins<H> {
    pub(crate) fn new(
        kvm: &Kvm<H>,
        make: impl Fn(&Vm<H>) -> Result<Vcpu<H>, Error>,
    ) -> Result<Self, Error> {
        let make = || make(&kvm.create_vm()?);
        Ok(Self([make()?, make()?]))
    }

    pub(crate) fn first(&self) -> &Registers<H> {
        let [first, _] = &self.0;
        first.registers()
    }

    /// A number that both have, or 0.
    pub(crate) fn number(
        &self,
        get: impl Fn(&Registers<H>) -> Result<u64, Error>,
    ) -> Result<u64, Error> {
        let [one, other] = &self.0;
        let (one, other) = (get(one.registers())?, get(other.registers())?);
        Ok(if one == other { one } else { 0 })
    }

    /// The banks that there are, by name.
    pub(crate) fn banks(
        &self,
        platform: &Platform,
    ) -> Result<BTreeMap<&'static str, Vec<u8>>, Error> {
        let mut banks = BTreeMap::new();
        let [one, other] = &self.0;
        for op in gets(platform).filter(|op| op.fds.contains(Fds::VCPU)) {
            let answers = get(one.registers(), op).and_then(|one| Ok((one, get(other, op)?)));
            match (op.bank, answers) {
                (Some(bank), Ok((one, other))) => {
                    let state = agreed(one, &other);
                    // What is all 0 needs no words.
                    if state.iter().any(|byte| *byte != 0) {
                        banks.entry(bank).or_insert(state);
                    }
                }
                // The host does not know the call, or the vCPU lacks what it gets.
                (_, Err(error)) if matches!(error.errno(), Errno::EINVAL | Errno::ENOTTY) => {}
                (_, answers) => {
                    answers?;
                }
            }
        }
        Ok(banks)
    }

    /// The registers of the list, if there is one.
    pub(crate) fn registers(&self, host: &Host) -> Result<OneRegs, Error> {
        let mut registers = OneRegs::default();
        if host.system_cap(KVM_CAP_ONE_REG) == 0 {
            return Ok(registers);
        }
        for id in self.first().get_reg_list()? {
            let len = usize::try_from(KVM_REG_SIZE(id)).unwrap_or(usize::MAX);
            let mut value = vec![0; len.min(MOST_REGISTER_BYTES)];
            let mut others = value.clone();
            let [one, other] = &self.0;
            one.get_one_reg(id, &mut value)?;
            other.get_one_reg(id, &mut others)?;
            if value != others {
                value.fill(0);
            }
            registers.put(id, value.as_slice());
        }
        Ok(registers)
    }
}

#[expect(unsafe_code, reason = "makes any call of the table")]
fn get<H: Hypervisor>(from: &Registers<H>, op: &'static Op) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; op.size()];
    // SAFETY: `gets`, which all `op`s come from, gives rows that take a structure of this size, with no
    // pointer, array or descriptor in it.
    unsafe { from.ioctl(op, &mut Arg::Mut(&mut bytes)) }?;
    Ok(bytes)
}

/// The words on which both agree, and 0 for the others.
fn agreed(mut one: Vec<u8>, other: &[u8]) -> Vec<u8> {
    for (one, other) in one.chunks_mut(8).zip(other.chunks(8)) {
        if one != other {
            one.fill(0);
        }
    }
    one
}

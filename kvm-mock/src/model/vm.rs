//! A virtual machine.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kvm_core::kvm_sys::op::{Fds, Op};
use kvm_core::kvm_sys::{
    Cap, KVM_CAP_CHECK_EXTENSION_VM, KVM_CAP_MAX_VCPU_ID, KVM_CAP_MAX_VCPUS, KVM_CAP_MSI_DEVID,
    KVM_CAP_NR_VCPUS, KVM_CHECK_EXTENSION, KVM_CLEAR_DIRTY_LOG, KVM_CREATE_DEVICE,
    KVM_GET_DIRTY_LOG, KVM_IOEVENTFD, KVM_IRQFD, KVM_REGISTER_COALESCED_MMIO,
    KVM_RESET_DIRTY_RINGS, KVM_SET_GSI_ROUTING, KVM_SET_MEMORY_ATTRIBUTES,
    KVM_SET_USER_MEMORY_REGION, KVM_SET_USER_MEMORY_REGION2, KVM_SIGNAL_MSI,
    KVM_UNREGISTER_COALESCED_MMIO,
};
use kvm_core::{Arg, Errno};

use super::aarch64;
use super::args;
use super::banks::Banks;
use super::calls::{self, Call};
use super::coalesced::Coalesced;
use super::dirty_ring::Rings;
use super::events::Events;
use super::guest_memfd::Files;
use super::host::Host;
use super::lock;
use super::riscv64;
use super::routing::Routes;
use super::slots::Slots;
use super::system::{self, System};
use super::vcpu::Vcpu;
use super::x86_64::{self, irqchip::Irqchips};
use crate::model::script::Write;

/// The calls that all architectures have.
static CALLS: &[Call<Vm>] = &[
    Call(&KVM_CHECK_EXTENSION, Vm::check_extension),
    Call(&KVM_SET_USER_MEMORY_REGION, Vm::set_user_memory_region),
    Call(&KVM_SET_USER_MEMORY_REGION2, Vm::set_user_memory_region2),
    Call(&KVM_SET_MEMORY_ATTRIBUTES, Vm::set_memory_attributes),
    Call(&KVM_GET_DIRTY_LOG, Vm::get_dirty_log),
    Call(&KVM_CLEAR_DIRTY_LOG, Vm::clear_dirty_log),
    Call(&KVM_RESET_DIRTY_RINGS, Vm::reset_dirty_rings),
    Call(&KVM_SET_GSI_ROUTING, Vm::set_gsi_routing),
    Call(&KVM_SIGNAL_MSI, Vm::signal_msi),
    Call(&KVM_IRQFD, Vm::irqfd),
    Call(&KVM_IOEVENTFD, Vm::ioeventfd),
    Call(&KVM_CREATE_DEVICE, Vm::test_device),
    Call(&KVM_REGISTER_COALESCED_MMIO, Vm::register_coalesced_mmio),
    Call(
        &KVM_UNREGISTER_COALESCED_MMIO,
        Vm::unregister_coalesced_mmio,
    ),
];

#[derive(Debug)]
pub(super) struct Vm {
    system: Arc<System>,
    number: i32,
    vm_type: u64,
    /// How many vCPUs are being entered.
    pub(super) running: AtomicUsize,
    pub(super) state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) slots: Slots,
    pub(super) rings: Rings,
    pub(super) files: Files,
    /// The ids of all vCPUs that were ever created, in that order: closing one's descriptor does not end it.
    pub(super) vcpus: Vec<u64>,
    pub(super) irqchips: Irqchips,
    pub(super) routes: Routes,
    pub(super) events: Events,
    pub(super) coalesced: Coalesced,
    /// Whether a vCPU was entered.
    pub(super) has_run: bool,
    /// The kinds of device of which there can't be another.
    pub(super) devices: BTreeSet<u32>,
    pub(super) banks: Banks,
    pub(super) boot_cpu: u64,
    pub(super) x86: x86_64::VmState,
    pub(super) arm: aarch64::VmState,
    pub(super) riscv: riscv64::VmState,
}

impl State {
    /// Does what the VMM asked the kernel to do with a write of the guest's. Says whether it did.
    pub(super) fn take(&mut self, write: Write<'_>) -> bool {
        self.events.take(write) || self.coalesced.take(write)
    }
}

impl Vm {
    pub(super) fn create(system: &Arc<System>, vm_type: u64) -> Result<Self, Errno> {
        if !(system.platform().knows_vm_type)(system.profile(), vm_type) {
            return Err(Errno::EINVAL);
        }
        Ok(Self {
            number: system.next_number(),
            vm_type,
            running: AtomicUsize::new(0),
            state: Mutex::new(State {
                slots: Slots::new((system.platform().memory_end)(system.profile(), vm_type)),
                rings: Rings::default(),
                files: Files::default(),
                vcpus: Vec::new(),
                irqchips: Irqchips::default(),
                routes: Routes::default(),
                events: Events::default(),
                coalesced: Coalesced::default(),
                has_run: false,
                devices: BTreeSet::new(),
                banks: Banks::new(&system.profile().resets),
                boot_cpu: 0,
                x86: x86_64::VmState::new(system.profile()),
                arm: aarch64::VmState::default(),
                riscv: riscv64::VmState::default(),
            }),
            system: Arc::clone(system),
        })
    }

    /// Section 4.7: ids are below `KVM_CAP_MAX_VCPU_ID`, VMs have at most `KVM_CAP_MAX_VCPUS`.
    pub(super) fn create_vcpu(self: &Arc<Self>, id: u64) -> Result<Vcpu, Errno> {
        let host = self.system.profile();
        let mut state = lock(&self.state);
        // From the first vCPU on it is settled.
        let most_ids = most_vcpu_ids(host);
        let most_ids = *state.x86.most_vcpu_ids.get_or_insert(most_ids);
        if id >= most_ids || state.vcpus.len() as u64 >= most_vcpus(host) {
            return Err(Errno::EINVAL);
        }
        state.arm.takes_vcpu(state.vcpus.len())?;
        if state.vcpus.contains(&id) {
            return Err(Errno::EEXIST);
        }
        state.vcpus.push(id);
        let ring = state.rings.add()?;
        drop(state);
        Ok(Vcpu::new(self, id, ring))
    }

    pub(super) fn system(&self) -> &System {
        &self.system
    }

    pub(super) fn number(&self) -> i32 {
        self.number
    }

    /// What `KVM_CREATE_VM` was given.
    pub(super) fn vm_type(&self) -> u64 {
        self.vm_type
    }

    /// Refuses what can't be done while a vCPU runs.
    pub(super) fn stopped(&self) -> Result<(), Errno> {
        match self.running.load(Ordering::SeqCst) {
            0 => Ok(()),
            _ => Err(Errno::EBUSY),
        }
    }

    pub(super) fn has_irqchip(&self) -> bool {
        lock(&self.state).irqchips.exist()
    }

    pub(super) fn page_size(&self) -> u64 {
        self.system.profile().page_size.max(1).into()
    }

    pub(super) fn cap(&self, cap: Cap) -> u32 {
        self.system.profile().cap_of_vm(cap)
    }

    pub(super) fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let platform = self.system.platform();
        let tables = [CALLS, platform.vm];
        let cap = |cap| self.cap(cap);
        if let Some(Call(_, call)) = calls::find(tables, op, platform, Fds::VM, cap)? {
            return call(self, arg);
        }
        let mut state = lock(&self.state);
        (platform.check_vm)(&state, op, arg)?;
        let unknown = Err(calls::unknown(platform, Fds::VM));
        state.banks.call(op, arg).unwrap_or(unknown)
    }

    /// Refuses a call that makes an object of this VM, if what it needs is not offered.
    pub(super) fn offers(&self, op: &Op) -> Result<(), Errno> {
        calls::offered(op, self.system.platform(), Fds::VM, |cap| self.cap(cap))
    }

    fn check_extension(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        // Section 4.4: on a VM, the call has a capability of its own, which the table can't say.
        if self.cap(KVM_CAP_CHECK_EXTENSION_VM) == 0 {
            return Err(Errno::ENOTTY);
        }
        let Some(cap) = system::cap(arg)? else {
            return Ok(0);
        };
        // Section 4.71: the capability "advertises the requirement to provide the device ID", which an ITS has.
        if cap == KVM_CAP_MSI_DEVID && lock(&self.state).arm.names_devices() {
            return Ok(1);
        }
        Ok(self.cap(cap))
    }

    fn set_user_memory_region(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let region = args::read(arg)?;
        lock(&self.state)
            .slots
            .set(&region, self.system.profile())?;
        Ok(0)
    }
}

/// Section 4.7: without `KVM_CAP_MAX_VCPUS`, what is recommended is the most, and without
/// `KVM_CAP_NR_VCPUS` that is 4.
fn most_vcpus(host: &Host) -> u64 {
    let caps = [KVM_CAP_MAX_VCPUS, KVM_CAP_NR_VCPUS].map(|cap| host.cap_of_vm(cap));
    u64::from(caps.into_iter().find(|most| *most != 0).unwrap_or(4))
}

/// Section 4.7: without `KVM_CAP_MAX_VCPU_ID`, as many ids as vCPUs.
pub(super) fn most_vcpu_ids(host: &Host) -> u64 {
    match host.cap_of_vm(KVM_CAP_MAX_VCPU_ID) {
        0 => most_vcpus(host),
        most => most.into(),
    }
}

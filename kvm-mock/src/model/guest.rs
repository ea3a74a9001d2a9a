//! [`ModelGuest`]: the architectures that there is a model of, and what is different on each.

use kvm_core::kvm_sys::kvm_irq_routing_entry;
use kvm_core::kvm_sys::op::Op;
use kvm_core::kvm_sys::{Arch, DeviceType};
use kvm_core::{Arg, Errno, Error, Hypervisor, Kvm};
use kvm_exit::GuestArch;

use super::calls::Call;
use super::device::Kind;
use super::host::Host;
use super::system::System;
use super::vcpu::{self, Vcpu};
use super::vm::{self, Vm};

/// An architecture that there is a [`Model`](crate::Model) of.
#[expect(private_bounds, reason = "only this crate can add one")]
pub trait ModelGuest: Rules {}

impl<G: Rules> ModelGuest for G {}

/// What a model does as KVM does on one architecture.
pub(crate) trait Rules: GuestArch {
    /// The same as a value.
    fn platform() -> &'static Platform;

    /// Asks for what only this architecture has.
    fn capture<H: Hypervisor<Guest = Self>>(kvm: &Kvm<H>, host: &mut Host) -> Result<(), Error>;
}

/// Creates a device of this type.
pub(super) type CreateDevice = fn(&Vm, DeviceType) -> Result<Box<dyn Kind>, Errno>;

/// What is different on an architecture.
pub(crate) struct Platform {
    pub(super) arch: Arch,
    /// Its rows of the ioctl table.
    pub(super) rows: &'static [&'static Op],
    /// The synthetic host.
    pub(super) host: fn() -> Host,
    /// The calls that it has beside those that all have.
    pub(super) system: &'static [Call<System>],
    pub(super) vm: &'static [Call<Vm>],
    pub(super) vcpu: &'static [Call<Vcpu>],
    /// Pairs of calls that all architectures dispatch, and this one only refuses.
    pub(super) lacks: &'static [&'static str],
    /// How a VM refuses a call that it does not know.
    pub(super) unknown_on_vm: Errno,
    /// Section 4.2: whether there is such a type of VM.
    pub(super) knows_vm_type: fn(&Host, u64) -> bool,
    /// The address behind the last that memory can have in such a VM, and how memory beyond is refused.
    pub(super) memory_end: fn(&Host, u64) -> (u64, Errno),
    /// The kinds of device that it has beside those that all have.
    pub(super) devices: &'static [DeviceType],
    /// Creates a device of one of these.
    pub(super) create_device: CreateDevice,
    /// Sets up a new vCPU.
    pub(super) start: fn(&vm::State, u64, &mut vcpu::State),
    /// Section 4.52: whether a VM takes these routes of interrupts.
    pub(super) takes_routes: fn(&vm::State, &[kvm_irq_routing_entry]) -> bool,
    /// Section 4.75: whether it takes an eventfd for an interrupt, perhaps with one that is told of its end.
    pub(super) takes_irqfd: fn(&vm::State, bool) -> Result<(), Errno>,
    /// What is refused of the calls that only get and set state.
    pub(super) check_vm: fn(&vm::State, &Op, &Arg<'_>) -> Result<(), Errno>,
    pub(super) check_vcpu: fn(&Vcpu, &Op, &Arg<'_>) -> Result<(), Errno>,
    /// Looks at the page before anything else when a vCPU is entered; the last is what
    /// `KVM_CAP_SYNC_REGS` says. Gives whether the VMM set registers there.
    pub(super) before_enter: fn(&mut [u64], &mut vcpu::State, u32) -> Result<bool, Errno>,
    /// Leaves in the page what the VMM asked for, whatever `KVM_RUN` returns.
    pub(super) after_enter: fn(&mut [u64], &vcpu::State),
    /// Writes into the page what KVM says beside the exit: section 5.
    pub(super) tell_state: fn(&mut [u64], &vcpu::State, &vm::State),
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Platform").field(&self.arch).finish()
    }
}

/// The architecture whose model is meant if nothing else is said: this host's, or x86_64 where there is no
/// model of that.
pub type NativeModel = native::Native;

mod native {
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    pub(super) use kvm_exit::Aarch64 as Native;
    #[cfg(target_arch = "riscv64")]
    pub(super) use kvm_exit::Riscv64 as Native;
    #[cfg(not(any(
        all(target_arch = "aarch64", target_endian = "little"),
        target_arch = "riscv64",
    )))]
    pub(super) use kvm_exit::X86_64 as Native;
}

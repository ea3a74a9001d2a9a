//! kvmclock: sections 4.29, 4.30 and 4.70.

use std::time::Instant;

use kvm_core::kvm_sys::x86_64::{
    KVM_CLOCK_HOST_TSC, KVM_CLOCK_REALTIME, KVM_CLOCK_TSC_STABLE, kvm_clock_data,
};
use kvm_core::{Arg, Errno};

use crate::model::vcpu::Vcpu;
use crate::model::vm::Vm;
use crate::model::{args, lock};

impl Vm {
    /// The clock goes on from where it was set, or from the VM's beginning.
    pub(super) fn get_clock(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let state = lock(&self.state);
        let mut clock: kvm_clock_data = state.banks.get("clock");
        let passed = state.x86.clock_since.elapsed().as_nanos();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        clock.clock = clock.clock.wrapping_add(passed);
        args::write(arg, &clock)?;
        Ok(0)
    }

    pub(super) fn set_clock(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let clock: kvm_clock_data = args::read(arg)?;
        // Those that only `KVM_GET_CLOCK` gives meaning to are ignored.
        let known = KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
        if known.complement().intersects(clock.flags) {
            return Err(Errno::EINVAL);
        }
        let kept = kvm_clock_data {
            clock: clock.clock,
            ..Default::default()
        };
        let mut state = lock(&self.state);
        state.banks.set("clock", &kept);
        state.x86.clock_since = Instant::now();
        Ok(0)
    }
}

impl Vcpu {
    /// A guest that executes nothing has not set up kvmclock; the errno for it is the kernel's.
    #[expect(clippy::unused_self, reason = "an entry of the table of calls")]
    pub(super) fn kvmclock_ctrl(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        Err(Errno::EINVAL)
    }
}

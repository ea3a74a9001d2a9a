//! The frequency of time stamp counters: sections 4.55 and 4.56.

use kvm_core::kvm_sys::x86_64::KVM_CAP_TSC_CONTROL;
use kvm_core::{Arg, Errno};

use crate::model::vcpu::Vcpu;
use crate::model::vm::Vm;
use crate::model::{args, lock};

impl Vm {
    pub(super) fn get_tsc_khz(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        Ok(lock(&self.state).x86.tsc_khz)
    }

    /// For the vCPUs made after. Kernels since 6.16 refuse it once there is one.
    pub(super) fn set_tsc_khz(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let khz = self.tsc_khz_or_host(arg)?;
        let mut state = lock(&self.state);
        if !state.vcpus.is_empty() {
            return Err(Errno::EINVAL);
        }
        state.x86.tsc_khz = khz;
        Ok(0)
    }

    /// 0 stands for the host's. The kernel looks at 32 bits.
    #[expect(clippy::cast_possible_truncation, reason = "as the call does")]
    fn tsc_khz_or_host(&self, arg: &Arg<'_>) -> Result<u32, Errno> {
        let khz = args::value(arg)? as u32;
        Ok(if khz == 0 {
            self.system().profile().tsc_khz
        } else {
            khz
        })
    }
}

impl Vcpu {
    pub(super) fn get_tsc_khz(&self, _: &mut Arg<'_>) -> Result<u32, Errno> {
        Ok(lock(&self.state).x86.tsc_khz)
    }

    /// A counter that can't be scaled can be made to catch up with a higher frequency, but not to lag behind.
    pub(super) fn set_tsc_khz(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let vm = self.vm();
        let khz = vm.tsc_khz_or_host(arg)?;
        if vm.cap(KVM_CAP_TSC_CONTROL) == 0 && khz < vm.system().profile().tsc_khz {
            return Err(Errno::EINVAL);
        }
        lock(&self.state).x86.tsc_khz = khz;
        Ok(0)
    }
}

//! [`Registers`]: the half of a vCPU that is not its run page.

use alloc::sync::{Arc, Weak};
use core::sync::atomic::AtomicBool;

use kvm_sys::{MpState, kvm_mp_state};

use crate::sync::Mutex;
use crate::typed::{Get, Set};
use crate::{DevKvm, Error, Hypervisor, vm};

const GET_MP_STATE: Get<kvm_mp_state> = Get::new(&kvm_sys::KVM_GET_MP_STATE);
const SET_MP_STATE: Set<kvm_mp_state> = Set::new(&kvm_sys::KVM_SET_MP_STATE);

/// A vCPU's state: all its calls but the run.
///
/// Clones are handles on the same vCPU, for any thread. While the vCPU runs, their calls wait for its
/// next exit. After an exit that asks for a reply, state is what the guest sees only once the
/// access is complete: at the next run, or by [`Vcpu::complete`](crate::Vcpu::complete).
#[derive(Debug)]
pub struct Registers<H: Hypervisor = DevKvm>(Arc<Inner<H>>);

/// The descriptor comes first, so that it is closed before the VM and its memory may go.
#[derive(Debug)]
struct Inner<H> {
    vcpu: H,
    vm: Arc<vm::Inner<H>>,
    /// Whether the dirty ring has its consumer.
    ring_taken: AtomicBool,
    /// What the vCPU was initialised as, on architectures where that is said once and never answered.
    setup: Mutex<Option<[u32; 8]>>,
}

/// Leads to a vCPU's state as long as there is a handle.
#[derive(Debug)]
pub(crate) struct WeakRegisters<H>(Weak<Inner<H>>);

impl<H: Hypervisor> WeakRegisters<H> {
    pub(crate) fn upgrade(&self) -> Option<Registers<H>> {
        self.0.upgrade().map(Registers)
    }
}

impl<H: Hypervisor> Registers<H> {
    pub(crate) fn new(vcpu: H, vm: Arc<vm::Inner<H>>) -> Self {
        Self(Arc::new(Inner {
            vcpu,
            vm,
            ring_taken: AtomicBool::new(false),
            setup: Mutex::default(),
        }))
    }

    pub(crate) fn downgrade(&self) -> WeakRegisters<H> {
        WeakRegisters(Arc::downgrade(&self.0))
    }

    /// What the vCPU was initialised as.
    #[allow(dead_code, reason = "of aarch64 only, which may be left out")]
    pub(crate) fn setup(&self) -> &Mutex<Option<[u32; 8]>> {
        &self.0.setup
    }

    /// Whether the vCPU's dirty ring has its consumer: to be set by the first one.
    pub(crate) fn ring_taken(&self) -> &AtomicBool {
        &self.0.ring_taken
    }

    /// The backend's vCPU object.
    #[inline(always)]
    pub(crate) fn backend(&self) -> &H {
        &self.0.vcpu
    }

    /// The VM that the vCPU is of.
    pub(crate) fn vm(&self) -> &Arc<vm::Inner<H>> {
        &self.0.vm
    }

    /// What the vCPU is doing: running, halted, waiting to be started. Section 4.38; needs
    /// `KVM_CAP_MP_STATE`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_mp_state(&self) -> Result<MpState, Error> {
        Ok(GET_MP_STATE.call(self.backend())?.mp_state)
    }

    /// Makes the vCPU run, halt or wait to be started. Section 4.39; needs `KVM_CAP_MP_STATE`.
    ///
    /// ```
    /// use kvm_core::kvm_sys::KVM_MP_STATE_HALTED;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.create_irq_chip()?;
    /// let vcpu = vm.create_vcpu(0)?;
    /// vcpu.set_mp_state(KVM_MP_STATE_HALTED)?;
    /// assert_eq!(vcpu.get_mp_state()?, KVM_MP_STATE_HALTED);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the state is unknown, or on x86_64 needs an in-kernel interrupt controller.
    pub fn set_mp_state(&self, state: MpState) -> Result<(), Error> {
        SET_MP_STATE
            .call(self.backend(), &kvm_mp_state { mp_state: state })
            .map(|_| ())
    }
}

/// A handle on the same vCPU.
impl<H: Hypervisor> Clone for Registers<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

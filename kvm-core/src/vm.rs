//! [`Vm`]: a virtual machine. Its memory is in [`memory`](crate::memory).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::AtomicU32;

use kvm_sys::Cap;

use crate::kvm::Shared;
use crate::memory::Slots;
use crate::registers::WeakRegisters;
use crate::sync::Mutex;
use crate::typed::Call;
use crate::{CoalescedPage, DevKvm, Error, Hypervisor, Vcpu};

const CHECK_EXTENSION: Call = Call::new(&kvm_sys::KVM_CHECK_EXTENSION);
const CREATE_VCPU: Call = Call::new(&kvm_sys::KVM_CREATE_VCPU);

/// A virtual machine.
///
/// Clones are handles on the same VM. Its vCPUs keep it, and all memory in its slots, alive.
#[derive(Debug)]
pub struct Vm<H: Hypervisor = DevKvm> {
    pub(crate) inner: Arc<Inner<H>>,
}

/// What every handle of a VM keeps alive. The descriptor comes first, so that it is closed before the
/// memory goes.
#[derive(Debug)]
pub(crate) struct Inner<H> {
    pub(crate) vm: H,
    /// The ring of coalesced writes, once there is a vCPU through whose mapping it is seen; that mapping keeps the VM,
    /// so it goes before the memory too.
    pub(crate) coalesced: Mutex<Option<CoalescedPage>>,
    pub(crate) slots: Mutex<Slots<H>>,
    /// Bytes of each vCPU's dirty ring; 0 without.
    pub(crate) ring_len: AtomicU32,
    /// All vCPUs that were ever made, with their ids.
    pub(crate) vcpus: Mutex<Vec<(u64, WeakRegisters<H>)>>,
    pub(crate) system: Arc<Shared<H>>,
}

impl<H: Hypervisor> Inner<H> {
    /// Whether the system has a capability.
    pub(crate) fn has(&self, cap: Cap) -> Result<bool, Error> {
        Ok(self.system.check_extension(cap)? != 0)
    }
}

impl<H: Hypervisor> Vm<H> {
    pub(crate) fn new(vm: H, system: Arc<Shared<H>>) -> Self {
        Self {
            inner: Arc::new(Inner {
                vm,
                slots: Mutex::default(),
                ring_len: AtomicU32::new(0),
                coalesced: Mutex::default(),
                vcpus: Mutex::default(),
                system,
            }),
        }
    }

    /// The backend's VM object.
    pub(crate) fn backend(&self) -> &H {
        &self.inner.vm
    }

    /// What every handle of the VM keeps alive.
    pub(crate) fn inner(&self) -> &Arc<Inner<H>> {
        &self.inner
    }

    /// Whether, or how far, this VM has a capability. It may differ from the system's answer. Section
    /// 4.4; needs `KVM_CAP_CHECK_EXTENSION_VM`.
    ///
    /// # Errors
    ///
    /// What the backend answers; the kernel answers 0 to what it does not know.
    pub fn check_extension(&self, cap: Cap) -> Result<u32, Error> {
        CHECK_EXTENSION.with(&self.inner.vm, cap.0.into())
    }

    /// Creates a vCPU. Section 4.7.
    ///
    /// The id is also the vCPU's APIC id on x86_64; ids need not be dense.
    ///
    /// # Errors
    ///
    /// `EEXIST` when the VM has a vCPU with this id, `EINVAL` when the id is not below
    /// `KVM_CAP_MAX_VCPU_ID` or the VM has `KVM_CAP_MAX_VCPUS`.
    pub fn create_vcpu(&self, id: u64) -> Result<Vcpu<H>, Error> {
        let vcpu = CREATE_VCPU.create(&self.inner.vm, id)?;
        let vcpu = Vcpu::new(vcpu, Arc::clone(&self.inner))?;
        let registers = vcpu.registers().downgrade();
        self.inner.vcpus.lock().push((id, registers));
        Ok(vcpu)
    }
}

/// A handle on the same VM.
impl<H: Hypervisor> Clone for Vm<H> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

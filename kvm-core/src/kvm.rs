//! [`Kvm`]: the system.

use alloc::sync::Arc;

use kvm_sys::{Cap, KVM_CAP_MAX_VCPU_ID, KVM_CAP_MAX_VCPUS, KVM_CAP_NR_MEMSLOTS, KVM_CAP_NR_VCPUS};

use crate::error::Cause;
use crate::typed::Call;
use crate::{DevKvm, Errno, Error, Hypervisor, Vm, ops};

const GET_API_VERSION: Call = Call::new(&kvm_sys::KVM_GET_API_VERSION);
const CHECK_EXTENSION: Call = Call::new(&kvm_sys::KVM_CHECK_EXTENSION);
const GET_VCPU_MMAP_SIZE: Call = Call::new(&kvm_sys::KVM_GET_VCPU_MMAP_SIZE);
const CREATE_VM: Call = Call::new(&kvm_sys::KVM_CREATE_VM);
const PAGE_SIZE: Call = Call::new(&ops::PAGE_SIZE);

/// The version of the interface: the same since Linux 2.6.22.
const API_VERSION: u32 = 12;

/// Times a signal may interrupt the creation of a VM before it is an error. The kernel answers
/// `EINTR` when a signal arrives while it registers with the memory manager, and leaves nothing behind.
const CREATE_VM_TRIES: usize = 16;

/// The system: `/dev/kvm`, or what stands for it.
#[derive(Debug)]
pub struct Kvm<H: Hypervisor = DevKvm> {
    shared: Arc<Shared<H>>,
}

/// What a VM needs of the system.
#[derive(Debug)]
pub(crate) struct Shared<H> {
    pub(crate) system: H,
    pub(crate) page_size: u64,
    pub(crate) run_size: usize,
    pub(crate) run_private: usize,
}

impl<H: Hypervisor> Shared<H> {
    pub(crate) fn check_extension(&self, cap: Cap) -> Result<u32, Error> {
        CHECK_EXTENSION.with(&self.system, cap.0.into())
    }
}

impl Kvm {
    /// Opens `/dev/kvm`.
    ///
    /// # Errors
    ///
    /// `ENOENT` when the kernel has no KVM, `EACCES` when this user may not use it (most
    /// distributions have a group `kvm`), `ENOSYS` off Linux; and as [`Kvm::with`].
    pub fn open() -> Result<Self, Error> {
        Self::with(DevKvm::open()?)
    }
}

impl<H: Hypervisor> Kvm<H> {
    /// The system that `backend` answers for.
    ///
    /// ```
    /// let kvm = kvm_core::Kvm::with(kvm_mock::Model::new())?;
    /// assert!(kvm.check_extension(kvm_sys::KVM_CAP_USER_MEMORY)? > 0);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Cause::ApiVersion`] when the backend's interface is not version 12.
    pub fn with(backend: H) -> Result<Self, Error> {
        let version = GET_API_VERSION.call(&backend)?;
        if version != API_VERSION {
            let op = &kvm_sys::KVM_GET_API_VERSION;
            return Err(Error::with(op, Errno::EPROTO, Cause::ApiVersion, version));
        }
        let page_size = PAGE_SIZE.call(&backend)?;
        let run_size = GET_VCPU_MMAP_SIZE.call(&backend)?;
        // The ring of coalesced writes is on a page of the same mapping, but is the VM's.
        let ring_page = CHECK_EXTENSION.with(&backend, kvm_sys::KVM_CAP_COALESCED_MMIO.0.into())?;
        let run_private = match ring_page.checked_mul(page_size) {
            Some(at @ 1..) if at < run_size => at,
            _ => run_size,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                system: backend,
                page_size: page_size.max(1).into(),
                run_size: run_size as usize,
                run_private: run_private as usize,
            }),
        })
    }

    /// Version of the interface: 12. Section 4.1.
    ///
    /// ```
    /// let kvm = kvm_core::Kvm::with(kvm_mock::Model::new())?;
    /// assert_eq!(kvm.get_api_version()?, 12);
    /// assert!(kvm.get_nr_memslots()? > 0);
    /// // The run page, and what lies behind it.
    /// assert!(kvm.get_vcpu_mmap_size()? as u64 >= kvm.page_size());
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_api_version(&self) -> Result<u32, Error> {
        GET_API_VERSION.call(&self.shared.system)
    }

    /// Whether, or how far, the system has a capability: 0 when it does not, else a number that the
    /// capability gives meaning to, mostly 1. Section 4.4.
    ///
    /// # Errors
    ///
    /// What the backend answers; the kernel answers 0 to what it does not know.
    pub fn check_extension(&self, cap: Cap) -> Result<u32, Error> {
        self.shared.check_extension(cap)
    }

    /// The number of vCPUs that a VM should have at most: 4 where the kernel does not say. Section 4.7;
    /// `KVM_CAP_NR_VCPUS`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_nr_vcpus(&self) -> Result<u32, Error> {
        Ok(match self.check_extension(KVM_CAP_NR_VCPUS)? {
            0 => 4,
            number => number,
        })
    }

    /// The number of vCPUs that a VM can have at most: as many as [it should](Self::get_nr_vcpus) where the
    /// kernel does not say. Section 4.7; `KVM_CAP_MAX_VCPUS`.
    ///
    /// ```
    /// let kvm = kvm_core::Kvm::with(kvm_mock::Model::new())?;
    /// assert!(kvm.get_nr_vcpus()? <= kvm.get_max_vcpus()?);
    /// assert!(kvm.get_max_vcpus()? <= kvm.get_max_vcpu_id()?);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_max_vcpus(&self) -> Result<u32, Error> {
        match self.check_extension(KVM_CAP_MAX_VCPUS)? {
            0 => self.get_nr_vcpus(),
            number => Ok(number),
        }
    }

    /// What the ids of vCPUs are below: the [number of vCPUs](Self::get_max_vcpus) where the kernel does not
    /// say. Section 4.7; `KVM_CAP_MAX_VCPU_ID`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_max_vcpu_id(&self) -> Result<u32, Error> {
        match self.check_extension(KVM_CAP_MAX_VCPU_ID)? {
            0 => self.get_max_vcpus(),
            number => Ok(number),
        }
    }

    /// The number of memory slots that a VM can have in each address space. Section 4.35;
    /// `KVM_CAP_NR_MEMSLOTS`.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_nr_memslots(&self) -> Result<u32, Error> {
        self.check_extension(KVM_CAP_NR_MEMSLOTS)
    }

    /// Size of a vCPU's mapping in bytes. Section 4.5.
    ///
    /// # Errors
    ///
    /// What the backend answers.
    pub fn get_vcpu_mmap_size(&self) -> Result<usize, Error> {
        Ok(GET_VCPU_MMAP_SIZE.call(&self.shared.system)? as usize)
    }

    /// The host's page size in bytes: that of the recording's host in a replay.
    pub fn page_size(&self) -> u64 {
        self.shared.page_size
    }

    /// Creates a VM of the default type, with neither vCPUs nor memory. Section 4.2.
    ///
    /// # Errors
    ///
    /// As [`create_vm_with_type`](Self::create_vm_with_type).
    pub fn create_vm(&self) -> Result<Vm<H>, Error> {
        self.create_vm_with_type(0)
    }

    /// Creates a VM of a type as `KVM_CAP_VM_TYPES` (x86_64) or the size of its physical addresses
    /// (aarch64) has it. Section 4.2.
    ///
    /// A signal that interrupts the call does not make it fail.
    ///
    /// ```
    /// let kvm = kvm_core::Kvm::with(kvm_mock::Model::new())?;
    /// assert!(kvm.create_vm_with_type(0).is_ok());
    /// assert!(kvm.create_vm_with_type(9999).is_err());
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` when the type is unknown, `ENOMEM`, `EMFILE`.
    pub fn create_vm_with_type(&self, vm_type: u64) -> Result<Vm<H>, Error> {
        let mut tries = 1;
        loop {
            match CREATE_VM.create(&self.shared.system, vm_type) {
                Err(error) if error.errno() == Errno::EINTR && tries < CREATE_VM_TRIES => {
                    tries += 1
                }
                vm => return Ok(Vm::new(vm?, Arc::clone(&self.shared))),
            }
        }
    }

    /// The backend's system object.
    pub(crate) fn system(&self) -> &H {
        &self.shared.system
    }
}

/// A handle on the same system.
impl<H: Hypervisor> Clone for Kvm<H> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

//! Registers that are had one by one, by an id.

use alloc::vec::Vec;

use kvm_sys::{KVM_GET_ONE_REG, KVM_GET_REG_LIST, KVM_SET_ONE_REG, kvm_one_reg};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::pointed::Pointed;
use crate::typed::UpdateList;
use crate::{Error, Hypervisor, Registers};

const GET_ONE_REG: Pointed<kvm_one_reg> = Pointed::new(&KVM_GET_ONE_REG);
const SET_ONE_REG: Pointed<kvm_one_reg> = Pointed::new(&KVM_SET_ONE_REG);
const GET_REG_LIST: UpdateList<u64> = UpdateList::new(&KVM_GET_REG_LIST);

fn head(id: u64) -> kvm_one_reg {
    kvm_one_reg { id, addr: 0 }
}

impl<H: Hypervisor> Registers<H> {
    /// Reads the register with this id into `data`, in host byte order, and gives its size in bytes. The id has
    /// the size in it: [`KVM_REG_SIZE`](kvm_sys::KVM_REG_SIZE). Section 4.69; needs `KVM_CAP_ONE_REG`.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Riscv64;
    /// use kvm_core::riscv64::register;
    ///
    /// let vcpu = Kvm::with(kvm_mock::Model::<Riscv64>::default())?.create_vm()?.create_vcpu(0)?;
    /// vcpu.set_one_reg(register::PC, &0x8020_0000_u64.to_ne_bytes())?;
    /// let mut pc = [0; 8];
    /// assert_eq!(vcpu.get_one_reg(register::PC, &mut pc)?, 8);
    /// assert_eq!(u64::from_ne_bytes(pc), 0x8020_0000);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Cause::Length`](crate::Cause::Length) when `data` has not that size. `ENOENT` when there is no such
    /// register, `EINVAL` when there can be none; on aarch64 `ENOEXEC` before the vCPU is
    /// initialised, and `EPERM` for what it has only once it is finalized.
    pub fn get_one_reg(&self, id: u64, data: &mut [u8]) -> Result<usize, Error> {
        GET_ONE_REG.get(self.backend(), &head(id), data)?;
        Ok(data.len())
    }

    /// Writes `data` to the register with this id, and gives its size in bytes. Section 4.68; needs
    /// `KVM_CAP_ONE_REG`.
    ///
    /// # Errors
    ///
    /// As [`get_one_reg`](Self::get_one_reg); and `EINVAL` when the register does not take the value,
    /// `EPERM` or `EBUSY` when it can't be changed, or can't any longer.
    pub fn set_one_reg(&self, id: u64, data: &[u8]) -> Result<usize, Error> {
        SET_ONE_REG.set(self.backend(), &head(id), data)?;
        Ok(data.len())
    }

    /// The register with this id, as an integer or structure of its size. Section 4.69; needs
    /// `KVM_CAP_ONE_REG`.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Riscv64;
    /// use kvm_core::riscv64::register;
    ///
    /// let model = kvm_mock::Model::<Riscv64>::default();
    /// let vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// vcpu.set_reg(register::PC, &0x8020_0000u64)?;
    /// assert_eq!(vcpu.get_reg::<u64>(register::PC)?, 0x8020_0000);
    /// assert!(vcpu.get_reg::<u32>(register::PC).is_err());
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get_one_reg`](Self::get_one_reg).
    pub fn get_reg<T: FromBytes + IntoBytes>(&self, id: u64) -> Result<T, Error> {
        let mut value = T::new_zeroed();
        self.get_one_reg(id, value.as_mut_bytes())?;
        Ok(value)
    }

    /// Sets the register with this id to an integer or structure of its size. Section 4.68; needs
    /// `KVM_CAP_ONE_REG`.
    ///
    /// # Errors
    ///
    /// As [`set_one_reg`](Self::set_one_reg).
    pub fn set_reg<T: IntoBytes + Immutable>(&self, id: u64, value: &T) -> Result<(), Error> {
        self.set_one_reg(id, value.as_bytes()).map(|_| ())
    }

    /// The ids of the registers that this vCPU has. Section 4.84; needs `KVM_CAP_ONE_REG`, and on x86_64
    /// is there for the guest's registers that have no call of their own.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Riscv64;
    ///
    /// let model = kvm_mock::Model::<Riscv64>::default();
    /// let vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// assert!(vcpu.get_reg_list()?.contains(&kvm_core::riscv64::register::PC));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the backend answers: on aarch64 `ENOEXEC` before the vCPU is initialised, and `EPERM` before it is
    /// finalized.
    pub fn get_reg_list(&self) -> Result<Vec<u64>, Error> {
        GET_REG_LIST.get(self.backend())
    }
}

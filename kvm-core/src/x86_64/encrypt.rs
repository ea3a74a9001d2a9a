//! Encrypted guests: commands to SEV and TDX, and the memory that they pin.
#![expect(unsafe_code, reason = "commands are not typed here")]

use kvm_exit::X86_64;
use kvm_sys::x86_64::{
    KVM_MEMORY_ENCRYPT_OP, KVM_MEMORY_ENCRYPT_REG_REGION, KVM_MEMORY_ENCRYPT_UNREG_REGION,
    kvm_enc_region, kvm_sev_cmd, kvm_tdx_cmd,
};
use zerocopy::IntoBytes;

use crate::{Arg, Error, Hypervisor, Part, PartBytes, Registers, Vm};

/// A command that [`Vm::encrypt_op`] and [`Registers::encrypt_op`] take: a `kvm_sev_cmd` or a
/// `kvm_tdx_cmd`.
pub trait EncryptCommand: sealed::Bytes {}

impl EncryptCommand for kvm_sev_cmd {}
impl EncryptCommand for kvm_tdx_cmd {}

mod sealed {
    /// The bytes of a command: as many as the row has, with the address of its arguments where the row says.
    pub trait Bytes {
        fn bytes(&mut self) -> &mut [u8];
    }
}

impl sealed::Bytes for kvm_sev_cmd {
    fn bytes(&mut self) -> &mut [u8] {
        self.as_mut_bytes()
    }
}

impl sealed::Bytes for kvm_tdx_cmd {
    fn bytes(&mut self) -> &mut [u8] {
        self.as_mut_bytes()
    }
}

/// # Safety
///
/// As [`Vm::encrypt_op`].
unsafe fn encrypt_op<H: Hypervisor<Guest = X86_64>>(
    on: &H,
    command: &mut impl EncryptCommand,
    data: Option<&mut [u8]>,
) -> Result<(), Error> {
    let op = &KVM_MEMORY_ENCRYPT_OP;
    let mut part = data.map(|data| Part {
        offset: core::mem::offset_of!(kvm_sev_cmd, data),
        bytes: PartBytes::Mut(data),
    });
    let mut arg = Arg::Parts {
        head: command.bytes(),
        parts: part.as_mut_slice(),
    };
    // SAFETY: both kinds of command have the row's size and its pointer. That what it points to is what the
    // command wants is the caller's promise.
    unsafe { on.ioctl(op, &mut arg) }
        .map(|_| ())
        .map_err(|errno| Error::new(op, errno))
}

impl<H: Hypervisor<Guest = X86_64>> Vm<H> {
    /// Does a command of SEV or TDX. Section 4.110; the commands are in the kernel's documents on both.
    ///
    /// The address of `data` is put into the command's `data`; without any, that keeps what it holds,
    /// which for some commands is a number. Codes of the firmware are left in the command.
    ///
    /// ```
    /// use kvm_core::Errno;
    /// use kvm_core::kvm_sys::{KVM_SEV_ES_INIT, kvm_sev_cmd};
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// let mut command = kvm_sev_cmd { id: KVM_SEV_ES_INIT, ..Default::default() };
    /// // SAFETY: the command has no arguments.
    /// let refused = unsafe { vm.encrypt_op(&mut command, None) };
    /// assert_eq!(refused.unwrap_err().errno(), Errno::ENOTTY, "no such host");
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// The kernel reads and writes where the arguments point to, so there is no safe form:
    ///
    /// ```compile_fail,E0133
    /// # let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// vm.encrypt_op(&mut kvm_core::kvm_sys::kvm_sev_cmd::default(), None)?;
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Safety
    ///
    /// `data` is as long as the command's arguments are, addresses and lengths in it are of memory that the
    /// command may read or write, and `sev_fd`, where the command needs it, is open.
    ///
    /// # Errors
    ///
    /// `ENOTTY` when the host or the VM has no memory encryption; else as the command documents.
    pub unsafe fn encrypt_op(
        &self,
        command: &mut impl EncryptCommand,
        data: Option<&mut [u8]>,
    ) -> Result<(), Error> {
        // SAFETY: the caller's promise, passed on.
        unsafe { encrypt_op(self.backend(), command, data) }
    }

    /// Pins memory of this process that is to hold encrypted guest memory. Section 4.111.
    ///
    /// ```
    /// use kvm_core::kvm_sys::x86_64::kvm_enc_region;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// // Not a VM whose memory is encrypted.
    /// // SAFETY: there is nothing in the range.
    /// assert!(unsafe { vm.register_enc_memory_region(&kvm_enc_region::default()) }.is_err());
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Safety
    ///
    /// The range is the caller's, mapped, and stays so until
    /// [`unregister_enc_memory_region`](Self::unregister_enc_memory_region) or the end of the VM.
    ///
    /// # Errors
    ///
    /// `ENOTTY` when the VM has no memory encryption, `ENOMEM` beyond the limit of locked memory.
    pub unsafe fn register_enc_memory_region(&self, region: &kvm_enc_region) -> Result<(), Error> {
        let op = &KVM_MEMORY_ENCRYPT_REG_REGION;
        // SAFETY: the argument is the row's structure; the caller promises that the range stays.
        unsafe { self.backend().ioctl(op, &mut Arg::In(region.as_bytes())) }
            .map(|_| ())
            .map_err(|errno| Error::new(op, errno))
    }

    /// Lets go of memory that
    /// [`register_enc_memory_region`](Self::register_enc_memory_region) pinned. Section 4.112.
    ///
    /// ```
    /// use kvm_core::kvm_sys::x86_64::kvm_enc_region;
    ///
    /// let vm = kvm_core::Kvm::with(kvm_mock::Model::new())?.create_vm()?;
    /// // Not a VM whose memory is encrypted.
    /// assert!(vm.unregister_enc_memory_region(&kvm_enc_region::default()).is_err());
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `ENOTTY` when the VM has no memory encryption, `EINVAL` when the range is not one that was
    /// pinned.
    pub fn unregister_enc_memory_region(&self, region: &kvm_enc_region) -> Result<(), Error> {
        let op = &KVM_MEMORY_ENCRYPT_UNREG_REGION;
        // SAFETY: the argument is the row's structure. The kernel only looks the range up among those that
        // it pinned.
        unsafe { self.backend().ioctl(op, &mut Arg::In(region.as_bytes())) }
            .map(|_| ())
            .map_err(|errno| Error::new(op, errno))
    }
}

impl<H: Hypervisor<Guest = X86_64>> Registers<H> {
    /// Does a command of TDX on the vCPU: as [`Vm::encrypt_op`].
    ///
    /// # Safety
    ///
    /// As [`Vm::encrypt_op`].
    ///
    /// # Errors
    ///
    /// As [`Vm::encrypt_op`].
    pub unsafe fn encrypt_op(
        &self,
        command: &mut impl EncryptCommand,
        data: Option<&mut [u8]>,
    ) -> Result<(), Error> {
        // SAFETY: the caller's promise, passed on.
        unsafe { encrypt_op(self.backend(), command, data) }
    }
}

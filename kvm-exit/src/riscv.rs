//! What only RISC-V has.

use kvm_sys::{kvm_run_riscv_csr, kvm_run_riscv_sbi};

use crate::arch::{NoDebug, SyncWords, architecture};
use crate::member::{Member, Union};
use crate::state::PlainState;

architecture! {
    /// 64-bit RISC-V.
    Riscv64: PlainState, SyncWords, NoDebug;
}

/// `KVM_EXIT_RISCV_SBI`: the guest called its supervisor execution environment, and KVM leaves the
/// call to user space.
///
/// ```
/// use kvm_exit::RiscvSbi;
///
/// fn sbi(call: RiscvSbi<'_>) {
///     const CONSOLE_PUTCHAR: u64 = 1;
///     if call.extension_id == CONSOLE_PUTCHAR {
///         let [byte, ..] = *call.args;
///         put(byte);
///         *call.ret = [0, 0];
///     }
/// }
/// # fn put(_: u64) {}
/// # let mut ret = [u64::MAX, 0];
/// # sbi(RiscvSbi { extension_id: 1, function_id: 0, args: &[65; 6], ret: &mut ret });
/// # assert_eq!(ret, [0, 0]);
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct RiscvSbi<'a> {
    /// The extension (a7).
    pub extension_id: u64,
    /// The function in it (a6).
    pub function_id: u64,
    /// The arguments (a0 to a5).
    pub args: &'a [u64; 6],
    /// Reply: the error (a0) and the value (a1). KVM puts "not supported" (-2) and 0 there
    /// beforehand.
    pub ret: &'a mut [u64; 2],
}

impl<'a> RiscvSbi<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        let member = kvm_run_riscv_sbi::of(payload);
        Self {
            extension_id: member.extension_id,
            function_id: member.function_id,
            args: &member.args,
            ret: &mut member.ret,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_riscv_sbi::of(payload);
        member.extension_id = self.extension_id;
        member.function_id = self.function_id;
        member.args = *self.args;
        member.ret = *self.ret;
    }
}

/// `KVM_EXIT_RISCV_CSR`: the guest accesses a control and status register that KVM does not handle.
///
/// The register's new value is its old one with the bits in `write_mask` taken from `new_value`. An
/// instruction that only reads has a mask of 0.
///
/// ```
/// use kvm_exit::RiscvCsr;
///
/// fn csr(access: RiscvCsr<'_>, register: &mut u64) {
///     *access.ret_value = *register;
///     *register = *register & !access.write_mask | access.new_value & access.write_mask;
/// }
///
/// let mut register = 0xf0;
/// let mut old = 0;
/// csr(RiscvCsr { csr_num: 0x15, new_value: 0xff, write_mask: 0x0f, ret_value: &mut old }, &mut register);
/// assert_eq!((old, register), (0xf0, 0xff));
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct RiscvCsr<'a> {
    /// The register's number, 0 to 4095.
    pub csr_num: u64,
    /// The bits that the guest writes.
    pub new_value: u64,
    /// Which bits the guest writes.
    pub write_mask: u64,
    /// Reply: the register's old value, which the guest reads. 0 if left unwritten.
    pub ret_value: &'a mut u64,
}

impl<'a> RiscvCsr<'a> {
    pub(crate) fn decode(payload: &'a mut Union) -> Self {
        let member = kvm_run_riscv_csr::of(payload);
        Self {
            csr_num: member.csr_num,
            new_value: member.new_value,
            write_mask: member.write_mask,
            ret_value: &mut member.ret_value,
        }
    }

    pub(crate) fn encode(&self, payload: &mut Union) {
        let member = kvm_run_riscv_csr::of(payload);
        member.csr_num = self.csr_num;
        member.new_value = self.new_value;
        member.write_mask = self.write_mask;
        member.ret_value = *self.ret_value;
    }
}

//! Registers that have a number, on the architectures that name them so.

use kvm_core::Vcpu;
use kvm_tests::checks::NotRun;

use super::{arch, guest};

/// How many bytes the guest stores and loads.
pub(super) const WIDTH: usize = 8;

/// What the guest stores, and where.
pub(super) fn set(vcpu: &Vcpu, address: u64, value: u64) {
    vcpu.set_reg(arch::ADDRESS, &address).unwrap();
    vcpu.set_reg(arch::VALUE, &value).unwrap();
}

/// What it loaded.
pub(super) fn value(vcpu: &Vcpu) -> u64 {
    vcpu.get_reg(arch::VALUE).unwrap()
}

/// Section 4.68, with the bytes as they are.
pub(super) fn register_by_bytes() -> Result<(), NotRun> {
    let (_vm, vcpu) = guest()?;
    let value = 0x1234_u64.to_ne_bytes();
    assert_eq!(vcpu.set_one_reg(arch::VALUE, &value).unwrap(), 8);
    let mut bytes = [0; 8];
    assert_eq!(vcpu.get_one_reg(arch::VALUE, &mut bytes).unwrap(), 8);
    assert_eq!(bytes, value);
    Ok(())
}

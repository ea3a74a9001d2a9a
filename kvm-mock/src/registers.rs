//! Registers that are recorded at each exit.

use kvm_sys::op::Op;
use kvm_sys::x86_64::{KVM_GET_REGS, KVM_GET_SREGS, kvm_regs, kvm_sregs};

/// The calls that get them. They are those of x86_64; others have no call for so many at once.
pub(crate) const SETS: [&Op; 2] = [&KVM_GET_REGS, &KVM_GET_SREGS];

/// Bytes of the largest set.
pub(crate) const MOST: usize = size_of::<kvm_sregs>();

/// Bytes of each set.
pub(crate) const SIZES: [usize; 2] = [size_of::<kvm_regs>(), size_of::<kvm_sregs>()];

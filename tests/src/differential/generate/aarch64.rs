//! What only aarch64 has.

use kvm_core::kvm_exit::Aarch64;

use super::objects::new_vcpu;
use super::{Draft, Kind, Sequences};

impl Sequences for Aarch64 {
    const KINDS: &'static [(u32, Kind)] = &[];

    fn begin(draft: &mut Draft) {
        new_vcpu(draft, 0);
    }
}

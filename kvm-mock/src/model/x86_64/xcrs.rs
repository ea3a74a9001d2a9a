//! Extended control registers: sections 4.44 and 4.45.

use kvm_core::kvm_sys::x86_64::{kvm_xcr, kvm_xcrs};
use kvm_core::{Arg, Errno};

use crate::model::vcpu::{State, Vcpu};
use crate::model::{args, lock};

/// Components of the processor's state: x87, SSE and AVX, which needs SSE.
const X87: u64 = 1;
const SSE: u64 = 1 << 1;
const AVX: u64 = 1 << 2;

impl Vcpu {
    /// There is one register, XCR0. The kernel looks no further than at it, and takes the components that the
    /// vCPU's CPUID has.
    pub(super) fn set_xcrs(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        let given: kvm_xcrs = args::read(arg)?;
        let count = usize::try_from(given.nr_xcrs).map_err(|_| Errno::EINVAL)?;
        let registers = given.xcrs.get(..count).ok_or(Errno::EINVAL)?;
        if given.flags != 0 {
            return Err(Errno::EINVAL);
        }
        let mut state = lock(&self.state);
        let Some(xcr0) = registers.iter().find(|register| register.xcr == 0) else {
            return Ok(0);
        };
        let value = xcr0.value;
        let unknown = value & !(supported(&state) | X87) != 0;
        if value & X87 == 0 || value & (SSE | AVX) == AVX || unknown {
            return Err(Errno::EINVAL);
        }
        let mut xcrs: kvm_xcrs = state.banks.get("xcrs");
        xcrs.nr_xcrs = 1;
        if let Some(first) = xcrs.xcrs.first_mut() {
            *first = kvm_xcr {
                value,
                ..Default::default()
            };
        }
        state.banks.set("xcrs", &xcrs);
        Ok(0)
    }
}

/// Leaf 0xd.
fn supported(state: &State) -> u64 {
    let mut leaves = state.cpuid.iter();
    let leaf = leaves.find(|leaf| (leaf.function, leaf.index) == (0xd, 0));
    leaf.map_or(0, |leaf| u64::from(leaf.edx) << 32 | u64::from(leaf.eax))
}

//! What is said of a VM before its guest runs.

use kvm_core::{Arg, Errno};

use crate::model::args;
use crate::model::vm::Vm;

/// Shadow page tables take no fewer pages.
const LEAST_MMU_PAGES: u64 = 64;

impl Vm {
    /// The API has no section on it; the errno is the kernel's.
    #[expect(clippy::unused_self, reason = "an entry of the table of calls")]
    pub(super) fn set_nr_mmu_pages(&self, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        if args::value(arg)? < LEAST_MMU_PAGES {
            return Err(Errno::EINVAL);
        }
        Ok(0)
    }
}

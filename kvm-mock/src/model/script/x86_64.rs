//! What the steps of guests of x86_64 can do beside the others.

use kvm_core::kvm_sys::x86_64::{DB_VECTOR, kvm_regs};
use kvm_exit::{DebugExit, X86_64};
use zerocopy::IntoBytes;

use super::Step;

impl Step<X86_64> {
    /// The guest has executed one instruction, and the next one is at the linear address `pc`: the debug
    /// event that single-stepping gives.
    #[track_caller]
    pub fn stepped(pc: u64) -> Self {
        /// Bit 14, single step, beside those that are always set.
        const DR6: u64 = 0xffff_4ff0;
        /// The bit that is always set.
        const DR7: u64 = 0x400;

        Self::debug(DebugExit {
            exception: DB_VECTOR,
            pc,
            dr6: DR6,
            dr7: DR7,
        })
    }

    /// What `KVM_GET_REGS` gives at this step's exit.
    #[must_use]
    pub fn with_regs(mut self, regs: kvm_regs) -> Self {
        self.frame.state.push(("regs", regs.as_bytes().to_vec()));
        self
    }

    /// What `KVM_GET_REGS` gives once the access is complete: after the next entry, or
    /// [`Vcpu::complete`](kvm_core::Vcpu::complete).
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm, kvm_sys::kvm_regs};
    /// use kvm_mock::{Model, Step};
    ///
    /// let read = kvm_regs { rax: 7, rip: 0x1002, rflags: 2, ..Default::default() };
    /// let model = Model::new();
    /// model.script(0, [Step::io_in(0x60, [7]).regs_then(read)]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// if let (Exit::IoIn(io), _) = vcpu.run()? {
    ///     io.data.fill(7);
    /// }
    /// assert_eq!(vcpu.complete()?, None);
    /// assert_eq!(vcpu.get_regs()?, read);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    #[must_use]
    pub fn regs_then(mut self, regs: kvm_regs) -> Self {
        self.frame
            .state_then
            .push(("regs", regs.as_bytes().to_vec()));
        self
    }
}

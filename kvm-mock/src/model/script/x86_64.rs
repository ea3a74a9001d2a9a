//! What the steps of guests of x86_64 can do beside the others.

use kvm_core::kvm_sys::x86_64::{
    DB_VECTOR, KVM_GET_REGS, KVM_MSR_EXIT_REASON_FILTER, kvm_nested_state, kvm_regs,
};
use kvm_exit::{DebugExit, Exit, MsrRead, MsrWrite, Page, X86_64};
use zerocopy::IntoBytes;

use super::Step;
use super::failure::Mismatch;
use crate::model::x86_64::nested;

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

    /// The guest reads a model-specific register that the VMM [asked](kvm_core::Vm::enable_msr_exits) to be told of, and
    /// it has to answer with `reply`: a value, or nothing, which the guest gets a general protection fault for.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::rdmsr(0x8b, Some(7)), Step::rdmsr(0x1b, None), Step::hlt()]);
    /// let mut vcpu = Kvm::with(model.clone())?.create_vm()?.create_vcpu(0)?;
    /// loop {
    ///     match vcpu.run()?.0 {
    ///         Exit::X86Rdmsr(msr) if msr.index == 0x8b => *msr.data = 7,
    ///         Exit::X86Rdmsr(msr) => *msr.error = 1,
    ///         _ => break,
    ///     }
    /// }
    /// model.verify()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn rdmsr(index: u32, reply: Option<u64>) -> Self {
        let unanswered = !reply.unwrap_or(0);
        let encode = move |page: &mut Page<X86_64>| {
            page.encode(&Exit::X86Rdmsr(MsrRead {
                index,
                reason: KVM_MSR_EXIT_REASON_FILTER,
                data: &mut unanswered.clone(),
                error: &mut 0,
            }))
        };
        Self::exit(encode).answered(move |exit| match exit {
            Exit::X86Rdmsr(msr) => reply == (*msr.error == 0).then_some(*msr.data),
            _ => false,
        })
    }

    /// The guest writes a model-specific register that the VMM [asked](kvm_core::Vm::enable_msr_exits) to be told of,
    /// and it has to take the write, or else the guest gets a general protection fault.
    #[track_caller]
    pub fn wrmsr(index: u32, data: u64, takes: bool) -> Self {
        let encode = move |page: &mut Page<X86_64>| {
            page.encode(&Exit::X86Wrmsr(MsrWrite {
                index,
                reason: KVM_MSR_EXIT_REASON_FILTER,
                data,
                error: &mut 0,
            }))
        };
        Self::exit(encode)
            .answered(move |exit| matches!(exit, Exit::X86Wrmsr(msr) if (*msr.error == 0) == takes))
    }

    /// The guest can take an interrupt now.
    #[track_caller]
    pub fn irq_window_open() -> Self {
        Self::plain(Exit::IrqWindowOpen)
    }

    /// The guest ended a level-triggered interrupt of this vector, of an I/O APIC in user space.
    #[track_caller]
    pub fn ioapic_eoi(vector: u8) -> Self {
        Self::plain(Exit::IoapicEoi(vector))
    }

    /// `holds` has to be true of the general registers when the vCPU is entered for this step.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [Step::hlt().finds_regs(|regs| regs.rip == 0x10_0000)]);
    /// let mut vcpu = Kvm::with(model.clone())?.create_vm()?.create_vcpu(0)?;
    /// assert!(vcpu.run().is_err()); // the VMM forgot them
    /// let failure = model.outcome().unwrap_err();
    /// assert!(failure.to_string().ends_with("what KVM_GET_REGS gets is not as the step checks"));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    #[must_use]
    pub fn finds_regs(self, holds: impl Fn(&kvm_regs) -> bool + Send + 'static) -> Self {
        self.finds_state(&KVM_GET_REGS, holds)
    }

    /// The VMM has to have set the model-specific register to `value` when the vCPU is entered for this step.
    #[must_use]
    pub fn finds_msr(self, index: u32, value: u64) -> Self {
        self.expects(move |state| match state.msrs.get(&index).copied() {
            Some(found) if found == value => Ok(()),
            found => Err(Mismatch::Msr {
                index,
                expected: value,
                found,
            }),
        })
    }

    /// What `KVM_GET_REGS` gives at this step's exit.
    #[must_use]
    pub fn with_regs(mut self, regs: kvm_regs) -> Self {
        self.frame.state.push(("regs", regs.as_bytes().to_vec()));
        self
    }

    /// What `KVM_GET_NESTED_STATE` gives at this step's exit, which a guest of the guest may have led to: a header, in
    /// which `size` is filled in, and what is behind it.
    ///
    /// ```
    /// use kvm_core::{Kvm, kvm_sys::x86_64::{KVM_STATE_NESTED_GUEST_MODE, kvm_nested_state}};
    /// use kvm_mock::{Model, Step};
    ///
    /// let header = kvm_nested_state { flags: KVM_STATE_NESTED_GUEST_MODE, ..Default::default() };
    /// let model = Model::new();
    /// model.script(0, [Step::hlt().with_nested_state(header, [0; 4096])]);
    /// let mut vcpu = Kvm::with(model)?.create_vm()?.create_vcpu(0)?;
    /// vcpu.run()?;
    /// assert_eq!(vcpu.get_nested_state()?.header().flags, KVM_STATE_NESTED_GUEST_MODE);
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_nested_state(mut self, header: kvm_nested_state, data: impl AsRef<[u8]>) -> Self {
        let data = data.as_ref();
        let len = size_of_val(&header).saturating_add(data.len());
        let header = kvm_nested_state {
            size: u32::try_from(len).unwrap_or(u32::MAX),
            ..header
        };
        let bytes = [header.as_bytes(), data].concat();
        self.frame.state.push((nested::BANK, bytes));
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

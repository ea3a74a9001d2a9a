//! What the steps of guests of riscv64 can do beside the others.

use kvm_exit::{Exit, Page, Riscv64, RiscvCsr, RiscvSbi};

use super::Step;

impl Step<Riscv64> {
    /// The guest calls its supervisor execution environment, and the VMM has to answer with `reply`: error and value.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm};
    /// use kvm_core::kvm_exit::Riscv64;
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::<Riscv64>::default();
    /// model.script(0, [Step::sbi(0x0a00_0000, 1, [0; 6], [0, 7])]);
    /// let mut vcpu = Kvm::with(model.clone())?.create_vm()?.create_vcpu(0)?;
    /// if let (Exit::RiscvSbi(call), _) = vcpu.run()? {
    ///     *call.ret = [0, 7];
    /// }
    /// assert_eq!(vcpu.complete()?, None);
    /// model.verify()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn sbi(extension_id: u64, function_id: u64, args: [u64; 6], reply: [u64; 2]) -> Self {
        let encode = move |page: &mut Page<Riscv64>| {
            page.encode(&Exit::RiscvSbi(RiscvSbi {
                extension_id,
                function_id,
                args: &args,
                ret: &mut reply.map(|word| !word),
            }))
        };
        Self::exit(encode)
            .answered(move |exit| matches!(exit, Exit::RiscvSbi(call) if *call.ret == reply))
    }

    /// The guest accesses a control and status register that KVM leaves to the VMM, which has to answer with the value
    /// from before.
    #[track_caller]
    pub fn csr(csr_num: u64, new_value: u64, write_mask: u64, reply: u64) -> Self {
        let encode = move |page: &mut Page<Riscv64>| {
            page.encode(&Exit::RiscvCsr(RiscvCsr {
                csr_num,
                new_value,
                write_mask,
                ret_value: &mut !reply,
            }))
        };
        Self::exit(encode)
            .answered(move |exit| matches!(exit, Exit::RiscvCsr(csr) if *csr.ret_value == reply))
    }
}

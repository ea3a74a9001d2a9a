//! What the VMM has to have done before a step.

use kvm_core::kvm_sys::op::Op;
use kvm_exit::GuestArch;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::Step;
use super::failure::Mismatch;
use crate::model::vcpu::State;

/// What is looked at when the vCPU is entered for a step.
pub(crate) type Expectation = Box<dyn Fn(&State) -> Result<(), Mismatch> + Send>;

impl<G: GuestArch> Step<G> {
    /// The VMM has to have left `bytes` in the guest's memory at a guest-physical address when the vCPU is
    /// entered for this step. Looked at before the step's own writes.
    #[must_use]
    pub fn finds_memory(mut self, address: u64, bytes: impl Into<Vec<u8>>) -> Self {
        self.frame.finds.push((address, bytes.into()));
        self
    }

    /// The VMM has to have set the register with this id to `value` when the vCPU is entered for this step.
    ///
    /// ```
    /// use kvm_core::Kvm;
    /// use kvm_core::kvm_exit::Aarch64;
    /// use kvm_core::aarch64::register;
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::<Aarch64>::default();
    /// model.script(0, [Step::shutdown().finds_register(register::PC, 0x8000_0000u64)]);
    /// let vm = Kvm::with(model.clone())?.create_vm()?;
    /// let mut vcpu = vm.create_vcpu(0)?;
    /// vcpu.vcpu_init(&vm.get_preferred_target()?)?;
    /// assert!(vcpu.run().is_err());
    /// let failure = model.outcome().unwrap_err();
    /// assert!(failure.to_string().contains("expected 0x80000000 in register 0x6030000000100040, found 0x0"));
    /// # Ok::<(), kvm_core::Error>(())
    /// ```
    #[must_use]
    pub fn finds_register(self, id: u64, value: impl IntoBytes + Immutable) -> Self {
        let expected = value.as_bytes().to_vec();
        self.expects(move |state| {
            let found = state.registers.bytes(id).map(<[u8]>::to_vec);
            if found.as_ref() == Some(&expected) {
                return Ok(());
            }
            let expected = expected.clone();
            Err(Mismatch::Register {
                id,
                expected,
                found,
            })
        })
    }

    /// `holds` has to be true of what the call `op` would get when the vCPU is entered for this step: one that gets a
    /// `T`, and that another call sets.
    ///
    /// ```
    /// use kvm_core::{Exit, Kvm, kvm_sys::{KVM_GET_SREGS, kvm_sregs}};
    /// use kvm_mock::{Model, Step};
    ///
    /// let model = Model::new();
    /// model.script(0, [
    ///     Step::hlt().finds_state(&KVM_GET_SREGS, |sregs: &kvm_sregs| sregs.cs.base == 0),
    /// ]);
    /// let mut vcpu = Kvm::with(model.clone())?.create_vm()?.create_vcpu(0)?;
    /// let mut sregs = vcpu.get_sregs()?;
    /// sregs.cs.base = 0;
    /// vcpu.set_sregs(&sregs)?;
    /// assert_eq!(vcpu.run()?.0, Exit::Hlt);
    /// model.verify()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn finds_state<T: FromBytes + IntoBytes>(
        self,
        op: &'static Op,
        holds: impl Fn(&T) -> bool + Send + 'static,
    ) -> Self {
        self.expects(move |state| match op.bank {
            Some(bank) if holds(&state.banks.get(bank)) => Ok(()),
            _ => Err(Mismatch::State { op }),
        })
    }

    pub(super) fn expects(
        mut self,
        look: impl Fn(&State) -> Result<(), Mismatch> + Send + 'static,
    ) -> Self {
        self.frame.expects.push(Box::new(look));
        self
    }
}

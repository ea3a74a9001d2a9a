//! [`Backend`]: what can answer for KVM, and how a scenario runs on it.

use std::fmt;

use kvm_core::{DevKvm, Kvm};
use kvm_mock::Model;

use super::{Outcome, Scenario};

/// What answers for KVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The model.
    Model,
    /// The kernel.
    Kvm,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Model, Self::Kvm];

    /// Its name on the command line and in the names of tests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Kvm => "kvm",
        }
    }

    /// Whether it can be had here.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn usable(self) -> Result<(), kvm_core::Error> {
        match self {
            Self::Model => Ok(()),
            Self::Kvm => Kvm::open().and_then(|kvm| kvm.create_vm()).map(|_| ()),
        }
    }

    /// Runs the scenario on it.
    pub(super) fn run(self, scenario: &Scenario) -> Outcome {
        match self {
            Self::Model => {
                let model = Model::new();
                (scenario.script)(&model);
                let ended = (scenario.on_model)(model.clone());
                // Says more than the error that it led to.
                model.outcome()?;
                ended?;
                Ok(model.verify()?)
            }
            Self::Kvm => (scenario.on_kvm)(DevKvm::open()?),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

//! [`Backend`]: what can answer for KVM, and how a scenario runs on it.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use kvm_core::kvm_exit::X86_64;
use kvm_core::{DevKvm, Hypervisor, Kvm};
use kvm_mock::{Model, Recorder, RecorderOptions, Replay};

use super::{Outcome, Scenario};

/// What answers for KVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The model.
    Model,
    /// A recording of the same scenario on the model.
    ModelReplay,
    /// The kernel.
    Kvm,
    /// A recording of the same scenario on the kernel.
    KvmReplay,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Model, Self::ModelReplay, Self::Kvm, Self::KvmReplay];

    /// Its name on the command line and in the names of tests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::ModelReplay => "model-replay",
            Self::Kvm => "kvm",
            Self::KvmReplay => "kvm-replay",
        }
    }

    /// Whether it answers from a recording.
    pub(super) fn is_replay(self) -> bool {
        matches!(self, Self::ModelReplay | Self::KvmReplay)
    }

    /// Whether it can be had here.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn usable(self) -> Result<(), kvm_core::Error> {
        match self {
            Self::Model | Self::ModelReplay => Ok(()),
            Self::Kvm | Self::KvmReplay => Kvm::open()?.create_vm().map(|_| ()),
        }
    }

    /// Runs the scenario on it.
    pub(super) fn run(self, scenario: &Scenario) -> Outcome {
        match self {
            Self::Model => on_model(scenario, scenario.on_model),
            Self::Kvm => (scenario.on_kvm)(DevKvm::open()?),
            Self::ModelReplay => {
                let mut recording = Recording::default();
                on_model(scenario, |model| {
                    recording.make(model, scenario.on_recorded_model)
                })?;
                recording.replay(scenario.on_replay)
            }
            Self::KvmReplay => {
                let mut recording = Recording::default();
                recording.make(DevKvm::open()?, scenario.on_recorded_kvm)?;
                recording.replay(scenario.on_replay)
            }
        }
    }
}

fn on_model(scenario: &Scenario, run: impl FnOnce(Model) -> Outcome) -> Outcome {
    let model = Model::new();
    (scenario.script)(&model);
    let ended = run(model.clone());
    // Says more than the error that it led to.
    model.outcome()?;
    ended?;
    Ok(model.verify()?)
}

/// A recording in memory.
#[derive(Clone, Default)]
struct Recording(Arc<Mutex<Vec<u8>>>);

impl Recording {
    /// Records the scenario.
    fn make<H: Hypervisor<Guest = X86_64>>(
        &mut self,
        on: H,
        run: fn(Recorder<H>) -> Outcome,
    ) -> Outcome {
        let recorder = RecorderOptions::new()
            .memory(true)
            .to_writer(on, self.clone())?;
        let handle = recorder.handle();
        run(recorder).map_err(|error| while_("recording", error))?;
        handle.finish()?;
        Ok(())
    }

    /// Runs the scenario on what was recorded, which has to be all of it.
    fn replay(self, run: fn(Replay) -> Outcome) -> Outcome {
        let bytes = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let replay = Replay::from_bytes(bytes)?;
        let ended = run(replay.clone());
        let outcome = replay.outcome();
        match (ended, outcome.is_complete()) {
            (Ok(()), true) => Ok(()),
            (Ok(()), false) => Err(while_("replaying", outcome.to_string().into())),
            (Err(error), _) => Err(while_("replaying", format!("{error}\n{outcome}").into())),
        }
    }
}

impl Write for Recording {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn while_(doing: &str, error: Box<dyn Error>) -> Box<dyn Error> {
    format!("while {doing}: {error}").into()
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

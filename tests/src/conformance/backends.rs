//! [`Backend`]: what can answer for KVM, and how a scenario runs on it.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use kvm_core::Kvm;
use kvm_core::kvm_sys::Arch;
use kvm_mock::recording;
use kvm_mock::{CallLog, Log, Model, ModelGuest, Replay};

use super::Outcome;
use super::table::Mark;
use crate::any::Any;

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

    /// Whether its guests may be of this architecture: the kernel's are of the host's own.
    pub(super) fn has_guests_of(self, arch: Arch) -> bool {
        match self {
            Self::Model | Self::ModelReplay => true,
            Self::Kvm | Self::KvmReplay => arch == Arch::NATIVE,
        }
    }

    /// Runs a scenario on it, whose guest does on the model what the script says.
    pub(super) fn run<G: ModelGuest>(
        self,
        script: fn(&Model<G>),
        scenario: fn(Watched<G>) -> Outcome,
        mark: Mark,
        calls: &Calls,
    ) -> Outcome {
        let run = |any| {
            let watched = Log::new(any);
            calls.are(watched.calls());
            scenario(watched)
        };
        match self {
            Self::Model => on_model(script, run),
            Self::ModelReplay => {
                let recording = Recording::default();
                on_model(script, |model| recording.make(model, run, mark))?;
                recording.replay(run, mark)
            }
            Self::Kvm => run(Any::kvm().map_err(plain)?),
            Self::KvmReplay => {
                let recording = Recording::default();
                recording.make(Any::kvm().map_err(plain)?, run, mark)?;
                recording.replay(run, mark)
            }
        }
    }
}

/// What scenarios run on.
pub(super) type Watched<G> = Log<Any<G>>;

/// The calls that a scenario made, for whoever wants to know how it came to fail. Clones are handles on the same
/// calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls(Arc<Mutex<CallLog>>);

impl Calls {
    fn are(&self, calls: CallLog) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = calls;
    }

    /// The last ones, each a line.
    pub(super) fn last(&self, count: usize) -> Vec<String> {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = calls.entries();
        let last = calls.len().saturating_sub(count);
        calls.iter().skip(last).map(ToString::to_string).collect()
    }
}

fn on_model<G: ModelGuest>(script: fn(&Model<G>), run: impl FnOnce(Any<G>) -> Outcome) -> Outcome {
    let model = Model::default();
    script(&model);
    let ended = run(Any::model(model.clone()));
    // Says more than the error that it led to.
    model.outcome()?;
    ended?;
    Ok(model.verify()?)
}

/// A recording in memory.
#[derive(Clone, Default)]
struct Recording(Arc<Mutex<Vec<u8>>>);

impl Recording {
    /// Records a run.
    fn make<G: ModelGuest>(
        &self,
        on: Any<G>,
        run: impl FnOnce(Any<G>) -> Outcome,
        mark: Mark,
    ) -> Outcome {
        let eventfds = mark == Mark::Signals;
        let (recorded, handle) = on.recorded(self.clone(), eventfds).map_err(plain)?;
        run(recorded).map_err(|error| while_("recording", error))?;
        handle.finish()?;
        Ok(())
    }

    /// Runs on what was recorded, which has to be all of it, and records that: the recordings have to be the same.
    fn replay<G: ModelGuest>(self, run: impl FnOnce(Any<G>) -> Outcome, mark: Mark) -> Outcome {
        let bytes = self.bytes();
        let replay = Replay::guest_from_bytes(&bytes[..])?;
        let again = Self::default();
        let (recorded, handle) = Any::replay(replay.clone())
            .recorded(again.clone(), mark == Mark::Signals)
            .map_err(plain)?;
        let ended = run(recorded);
        let outcome = replay.outcome();
        match (ended, outcome.is_complete()) {
            (Ok(()), true) => {}
            (Ok(()), false) => return Err(while_("replaying", outcome.to_string().into())),
            (Err(error), _) => {
                return Err(while_("replaying", format!("{error}\n{outcome}").into()));
            }
        }
        handle.finish()?;
        same(&bytes, &again.bytes(), mark)
            .map_err(|error| while_("comparing with the recording of the replay", error))
    }

    fn bytes(&self) -> Vec<u8> {
        let recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.clone()
    }
}

/// Fails with the first record in which two recordings differ, which are to be the same byte for byte.
///
/// What several threads do at once has no order but each vCPU's own: there each object's records are the same.
fn same(recorded: &[u8], again: &[u8], mark: Mark) -> Outcome {
    if recorded == again {
        return Ok(());
    }
    let [recorded, again] = [recorded, again].map(recording::Recording::from_bytes);
    let (recorded, again) = (recorded?, again?);
    if mark != Mark::Racing {
        all_same(recorded.records(), again.records())?;
        return Err("the headers differ".into());
    }
    let streams: BTreeSet<_> = recorded
        .records()
        .filter_map(|record| record.stream)
        .collect();
    for stream in streams {
        let [recorded, again] = [&recorded, &again]
            .map(|recording| recording.records_of(stream).map(|record| record.content));
        all_same(recorded, again)?;
    }
    Ok(())
}

fn all_same<T: PartialEq + fmt::Debug>(
    mut recorded: impl Iterator<Item = T>,
    mut again: impl Iterator<Item = T>,
) -> Outcome {
    loop {
        let (recorded, again) = (recorded.next(), again.next());
        if recorded != again {
            return Err(format!("recorded {recorded:?}\n    then {again:?}").into());
        }
        if recorded.is_none() {
            return Ok(());
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

/// Scenarios fail with what need not go to other threads.
fn plain(error: crate::Failure) -> Box<dyn Error> {
    error
}

fn while_(doing: &str, error: Box<dyn Error>) -> Box<dyn Error> {
    format!("while {doing}: {error}").into()
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

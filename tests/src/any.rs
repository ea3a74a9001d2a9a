//! [`Any`]: all backends as one type, so that a scenario or an example is compiled once.
#![expect(unsafe_code, reason = "implements the contract of backends")]

use std::io::Write;

use kvm_core::kvm_sys::Arch;
use kvm_core::kvm_sys::op::Op;
use kvm_core::{Arg, DevKvm, Errno, Hypervisor, Mapping, Region};
use kvm_mock::{Model, ModelGuest, Recorder, RecorderHandle, RecorderOptions, Replay};

use crate::Failure;

/// A backend whose guests are of the architecture `G`.
#[derive(Debug)]
pub(crate) struct Any<G>(Of<G>);

/// `DevKvm` is here only where `G` is the host's architecture.
#[derive(Debug)]
enum Of<G> {
    Model(Model<G>),
    RecordedModel(Recorder<Model<G>>),
    Kvm(DevKvm),
    RecordedKvm(Recorder<DevKvm>),
    Replay(Replay<G>),
    RecordedReplay(Recorder<Replay<G>>),
}

impl<G: ModelGuest> Any<G> {
    pub(crate) fn model(model: Model<G>) -> Self {
        Self(Of::Model(model))
    }

    /// `/dev/kvm`, whose guests are of the host's architecture.
    pub(crate) fn kvm() -> Result<Self, Failure> {
        if G::ARCH != Arch::NATIVE {
            let (wanted, host) = (G::ARCH.name(), std::env::consts::ARCH);
            return Err(format!(
                "the guest is for {wanted}, and KVM on this host runs guests for {host}"
            )
            .into());
        }
        Ok(Self(Of::Kvm(DevKvm::open()?)))
    }

    pub(crate) fn replay(replay: Replay<G>) -> Self {
        Self(Of::Replay(replay))
    }

    /// The same, recorded with the guest's memory and, if asked for, its signals.
    pub(crate) fn recorded(
        self,
        to: impl Write + Send + 'static,
        eventfds: bool,
    ) -> Result<(Self, RecorderHandle), Failure> {
        let options = RecorderOptions::new().memory(true).eventfds(eventfds);
        match self.0 {
            Of::Model(model) => {
                let recorder = options.to_writer(model, to)?;
                let handle = recorder.handle();
                Ok((Self(Of::RecordedModel(recorder)), handle))
            }
            Of::Kvm(kvm) => {
                let recorder = options.to_writer(kvm, to)?;
                let handle = recorder.handle();
                Ok((Self(Of::RecordedKvm(recorder)), handle))
            }
            Of::Replay(replay) => {
                let recorder = options.to_writer(replay, to)?;
                let handle = recorder.handle();
                Ok((Self(Of::RecordedReplay(recorder)), handle))
            }
            Of::RecordedModel(_) | Of::RecordedKvm(_) | Of::RecordedReplay(_) => {
                Err("this is a recording already".into())
            }
        }
    }
}

/// The same on whichever backend it is.
macro_rules! on {
    ($any:ident, $backend:ident => $answer:expr) => {
        match &$any.0 {
            Of::Model($backend) => $answer,
            Of::RecordedModel($backend) => $answer,
            Of::Kvm($backend) => $answer,
            Of::RecordedKvm($backend) => $answer,
            Of::Replay($backend) => $answer,
            Of::RecordedReplay($backend) => $answer,
        }
    };
}

// SAFETY: all is passed on as it came, to a backend whose guests are of the architecture `G`: the type says so,
// and of `/dev/kvm` its constructor made sure.
unsafe impl<G: ModelGuest> Hypervisor for Any<G> {
    type Guest = G;

    unsafe fn ioctl(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<u32, Errno> {
        // SAFETY: the caller's promises, passed on.
        on!(self, backend => unsafe { backend.ioctl(op, arg) })
    }

    unsafe fn create(&self, op: &'static Op, arg: &mut Arg<'_>) -> Result<Self, Errno> {
        /// What a call on a backend makes is of the same backend.
        macro_rules! create {
            ($($of:ident),*) => {
                match &self.0 {
                    $(Of::$of(backend) => {
                        // SAFETY: the caller's promises, passed on.
                        let created = unsafe { backend.create(op, arg) };
                        created.map(|object| Self(Of::$of(object)))
                    })*
                }
            };
        }
        create!(
            Model,
            RecordedModel,
            Kvm,
            RecordedKvm,
            Replay,
            RecordedReplay
        )
    }

    fn map(&self, region: Region) -> Result<Mapping, Errno> {
        on!(self, backend => backend.map(region))
    }

    unsafe fn enter(&self) -> Result<(), Errno> {
        // SAFETY: the caller's promises, passed on.
        on!(self, backend => unsafe { backend.enter() })
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        on!(self, backend => backend.read(offset, buf))
    }

    fn number(&self) -> i32 {
        on!(self, backend => backend.number())
    }
}

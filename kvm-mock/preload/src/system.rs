//! [`System`]: what `/dev/kvm` stands for, one for all descriptors of a process.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, mem};

use kvm_core::DevKvm;
use kvm_core::{Arg, Errno, Hypervisor, ops};
use kvm_mock::{FaultPlan, Model, Profile, Recorder, RecorderHandle, Replay, ReplayOptions};
use kvm_sys::op::Op;
use kvm_sys::{KVM_CAP_COALESCED_MMIO, KVM_CHECK_EXTENSION, KVM_GET_VCPU_MMAP_SIZE};

use crate::backend::Backend;
use crate::config::{self, Config, Source};
use crate::report;
use crate::table::{self, Held};
use crate::turns::turn;

/// What `/dev/kvm` stands for.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) backend: Backend,
    /// Of the host in bytes; a recording's is that of the machine it was made on.
    pub(crate) page_size: u32,
    /// Of a vCPU's mapping in bytes.
    pub(crate) run_size: usize,
    /// How many of its first bytes are the vCPU's own.
    pub(crate) run_private: usize,
    /// Whether descriptors are the kernel's own.
    pub(crate) kernel: bool,
    pub(crate) plan: Option<FaultPlan>,
    recorder: Option<RecorderHandle>,
    replay: Option<Replay>,
    path: PathBuf,
    /// People were told that the run has left its recording.
    said: AtomicBool,
    /// What became of the run was told.
    ended: AtomicBool,
}

/// The system of this process; `kernel` is its `/dev/kvm`, where that answers.
pub(crate) fn get(
    held: &mut Held,
    kernel: impl FnOnce() -> Result<OwnedFd, Errno>,
) -> Result<Arc<System>, Errno> {
    if let Some(system) = &held.system {
        return Ok(Arc::clone(system));
    }
    let config = config::get().ok_or(Errno::ENODEV)?;
    let system = Arc::new(System::open(config, kernel)?);
    held.system = Some(Arc::clone(&system));
    Ok(system)
}

/// This is a new process: what the other one uses is left alone.
pub(crate) fn leave(held: &mut Held) {
    mem::forget(held.system.take());
}

/// The process ends: ends the recording, and says what became of the run.
pub(crate) fn end() {
    let system = table::lock().system.clone();
    if let Some(system) = system {
        system.end();
    }
}

impl System {
    fn open(
        config: &Config,
        kernel: impl FnOnce() -> Result<OwnedFd, Errno>,
    ) -> Result<Self, Errno> {
        let trouble = |path: &Path, error: &dyn std::fmt::Display| {
            report::trouble(&format!("{}: {error}", path.display()));
            Errno::EIO
        };
        report::event("opened");
        let mut replay = None;
        let mut path = PathBuf::new();
        let mut backend = match &config.source {
            Source::Kernel => Backend::Kernel(dev_kvm(kernel()?)),
            Source::Model { profile } => {
                Backend::Model(Model::with_profile(profile_of(profile.as_deref())?))
            }
            Source::Replay { path: first, mode } => {
                path = turn(config, first).map_err(|error| trouble(first, &error))?;
                let opened = ReplayOptions::new().mode(*mode).unowned(true).open(&path);
                let opened = opened.map_err(|error| trouble(&path, &error))?;
                replay = Some(opened.clone());
                Backend::Replay(opened)
            }
        };
        let mut recorder = None;
        if let Some(first) = &config.record {
            path = turn(config, first).map_err(|error| trouble(first, &error))?;
            let recording: Recorder<Backend> = config
                .options
                .create(backend, &path)
                .map_err(|error| trouble(&path, &error))?;
            recorder = Some(recording.handle());
            backend = Backend::Recorder(Box::new(recording));
        }
        let kernel = matches!(config.source, Source::Kernel);
        let asked = Asked::of(&backend).inspect_err(|_| {
            if let Some(replay) = &replay {
                report::trouble(&format!("{}: {}", path.display(), replay.outcome()));
            }
        });
        let Asked {
            page_size,
            run_size,
            ring_page,
        } = asked?;
        // As the typed layer has it: the ring of coalesced writes is on a page of its own, and the VM's.
        let run_private = match ring_page.checked_mul(page_size) {
            Some(at @ 1..) if at < run_size => at,
            _ => run_size,
        };
        let mut plan = None;
        if !config.faults.is_empty() {
            let faults = FaultPlan::new();
            config
                .faults
                .iter()
                .for_each(|fault| faults.add(fault.clone()));
            backend = Backend::Faults(Box::new(faults.wrap(backend)));
            plan = Some(faults);
        }
        Ok(Self {
            backend,
            page_size,
            run_size: run_size as usize,
            run_private: run_private as usize,
            kernel,
            plan,
            recorder,
            replay,
            path,
            said: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        })
    }

    /// Says so, the first time, when the run has left its recording.
    pub(crate) fn diverged(&self) {
        let said = self.said.swap(true, Ordering::Relaxed);
        if let (false, Some(replay)) = (said, &self.replay) {
            report::event("left");
            report::say(&format!("{}: {}", self.path.display(), replay.outcome()));
        }
    }

    fn end(&self) {
        if self.ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let path = self.path.display();
        if let Some(recorder) = &self.recorder {
            match recorder.finish() {
                Ok(summary) => report::note(&format!(
                    "recorded {path}: {} exits, {} records, {} bytes",
                    summary.exits, summary.records, summary.bytes
                )),
                Err(error) => report::trouble(&format!("{path}: {error}")),
            }
        }
        if let Some(replay) = &self.replay {
            let outcome = replay.outcome();
            if outcome.is_complete() {
                report::note(&format!("replayed {path}: {outcome}"));
            } else if !self.said.load(Ordering::Relaxed) {
                report::trouble(&format!("{path}: {outcome}"));
            }
        }
    }
}

/// What has to be known of a system.
struct Asked {
    page_size: u32,
    run_size: u32,
    ring_page: u32,
}

impl Asked {
    fn of(backend: &Backend) -> Result<Self, Errno> {
        let ring = Arg::Value(KVM_CAP_COALESCED_MMIO.0.into());
        Ok(Self {
            page_size: ask(backend, &ops::PAGE_SIZE, Arg::None)?,
            run_size: ask(backend, &KVM_GET_VCPU_MMAP_SIZE, Arg::None)?,
            ring_page: ask(backend, &KVM_CHECK_EXTENSION, ring)?,
        })
    }
}

/// Makes a call without effects of its own.
#[expect(unsafe_code, reason = "makes a call")]
fn ask(backend: &Backend, op: &'static Op, mut arg: Arg<'_>) -> Result<u32, Errno> {
    // SAFETY: the calls that are made here take nothing, or an integer.
    unsafe { backend.ioctl(op, &mut arg) }
}

#[expect(unsafe_code, reason = "takes over a descriptor")]
fn dev_kvm(fd: OwnedFd) -> DevKvm {
    // SAFETY: one of `/dev/kvm`, as `path` has found; a program that made another device of that name its KVM would
    // have made the same calls on it.
    unsafe { DevKvm::from_fd(fd) }
}

/// The host of a model: one of those that come with it, or what a file says.
fn profile_of(name: Option<&str>) -> Result<Profile, Errno> {
    let read = |path: &str| {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        Profile::parse(&text).map_err(|error| error.to_string())
    };
    let profile = match name {
        None | Some("synthetic") => Ok(Profile::synthetic()),
        #[cfg(target_arch = "x86_64")]
        Some("amd-pvm") => Profile::amd_pvm().map_err(|error| error.to_string()),
        Some(path) => read(path),
    };
    profile.map_err(|error| {
        report::trouble(&format!("profile {}: {error}", name.unwrap_or_default()));
        Errno::EIO
    })
}

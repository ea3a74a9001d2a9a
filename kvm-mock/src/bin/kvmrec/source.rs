//! [`Source`]: a recording that was opened, and its objects' names.

use std::fs;
use std::path::Path;

use kvm_mock::recording::{Object, Record, Recording};

use crate::Trouble;
use crate::progress::Progress;
use crate::text::several;

/// A recording that was opened and checked.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) recording: Recording,
    labels: Vec<String>,
    vcpus: Vec<Option<u64>>,
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self, Trouble> {
        let _progress = Progress::begun(format!("checking {}", path.display()), len(path));
        match Recording::open(path) {
            Ok(recording) => Ok(Self::new(recording)),
            Err(error) => Err(Trouble::Recording {
                path: path.to_owned(),
                error,
            }),
        }
    }

    fn new(recording: Recording) -> Self {
        let objects: Vec<_> = recording.objects().collect();
        let vms = objects.iter().filter(|object| is_vm(object)).count();
        let labels = objects.iter().map(|object| label(object, vms > 1));
        Self {
            labels: labels.collect(),
            vcpus: objects.iter().map(Object::vcpu_id).collect(),
            recording,
        }
    }

    /// The records, with progress on standard error.
    pub(crate) fn records(&self, what: &str) -> impl Iterator<Item = Record<'_>> {
        let mut progress = Progress::new(what.to_owned(), self.recording.summary().bytes);
        self.recording
            .records()
            .inspect(move |record| progress.at(record.offset))
    }

    /// What an object is: `system`, `VM`, `vCPU 0`. Where there is more than one VM, each has its stream's number, and
    /// what belongs to it too.
    pub(crate) fn label(&self, stream: u32) -> &str {
        of(&self.labels, stream).map_or("", String::as_str)
    }

    /// The id of a vCPU; nothing for other objects.
    pub(crate) fn vcpu(&self, stream: u32) -> Option<u64> {
        of(&self.vcpus, stream).copied().flatten()
    }

    /// The streams of the vCPUs, in the order of their creation.
    pub(crate) fn vcpus(&self) -> impl Iterator<Item = u32> {
        let streams = self.vcpus.iter().zip(0..);
        streams.filter_map(|(id, stream)| id.map(|_| stream))
    }

    /// One line about the whole.
    pub(crate) fn about(&self) -> String {
        let recording = &self.recording;
        let summary = recording.summary();
        let with = |present, what| if present { what } else { "" };
        format!(
            "{}, {}, {}, {}{}{}",
            recording.architecture(),
            several(summary.records, "record"),
            several(summary.exits, "exit"),
            several(summary.bytes, "byte"),
            with(recording.has_times(), ", times"),
            with(recording.has_memory(), ", guest memory"),
        )
    }
}

fn of<T>(list: &[T], stream: u32) -> Option<&T> {
    list.get(usize::try_from(stream).ok()?)
}

fn is_vm(object: &Object<'_>) -> bool {
    object.made_by == Some(kvm_sys::KVM_CREATE_VM.name)
}

fn label(object: &Object<'_>, several_vms: bool) -> String {
    let of_vm = match object.parent {
        Some(parent) if several_vms => format!("VM {parent} "),
        _ => String::new(),
    };
    let stream = object.stream;
    match object.made_by {
        None => "system".to_owned(),
        Some("KVM_CREATE_VM") if several_vms => format!("VM {stream}"),
        Some("KVM_CREATE_VM") => "VM".to_owned(),
        Some("KVM_CREATE_VCPU") => format!("{of_vm}vCPU {}", object.value),
        Some("KVM_CREATE_DEVICE") => format!("device {stream}"),
        Some("KVM_GET_STATS_FD") => format!("statistics {stream}"),
        Some(_) => format!("object {stream}"),
    }
}

/// The length of a file; 0 when it is not known.
pub(crate) fn len(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

//! The recorder disturbs no run, and hides no failure.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Shared, Vmm, model, record};
use kvm_core::Kvm;
use kvm_mock::{Model, Outcome, RecordError, Recorder, RecorderOptions, Replay};

/// A disk that gets full.
struct Full {
    file: Shared,
    room: usize,
    writes: Arc<AtomicUsize>,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        if self.room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let n = bytes.len().min(self.room);
        self.room -= n;
        self.file.write(&bytes[..n])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_stops_the_recording_not_the_run() {
    let (recorded, bytes) = record(Vmm::default(), RecorderOptions::new());
    for room in (64..bytes.len()).step_by(24) {
        let file = Shared::default();
        let disk = Full {
            file: file.clone(),
            room,
            writes: Arc::default(),
        };
        let recorder = Recorder::to_writer(model(), disk).unwrap();
        let handle = recorder.handle();
        let mut told = Vec::new();
        Vmm::default().run(recorder, &mut told).unwrap();
        assert_eq!(told, recorded);
        for _ in 0..2 {
            let Err(RecordError::Io(error)) = handle.finish() else {
                panic!("nobody says that the disk is full");
            };
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
        // What there was room for is good.
        assert_eq!(file.bytes(), bytes[..room]);
        let replay = Replay::from_bytes(file.bytes()).unwrap();
        assert!(matches!(replay.outcome(), Outcome::Cut { .. }));
    }
}

#[test]
fn each_record_is_one_write() {
    let writes = Arc::<AtomicUsize>::default();
    let disk = Full {
        file: Shared::default(),
        room: usize::MAX,
        writes: Arc::clone(&writes),
    };
    let recorder = Recorder::to_writer(model(), disk).unwrap();
    let handle = recorder.handle();
    Vmm::default().run(recorder, &mut Vec::new()).unwrap();
    let summary = handle.finish().unwrap();
    let header = 1;
    assert_eq!(
        writes.load(Ordering::Relaxed) as u64,
        header + summary.records
    );
}

#[test]
fn calls_after_the_end_are_passed_on_and_not_recorded() {
    let file = Shared::default();
    let recorder = Recorder::to_writer(Model::new(), file.clone()).unwrap();
    let handle = recorder.handle();
    let kvm = Kvm::with(recorder).unwrap();
    let summary = handle.finish().unwrap();
    let bytes = file.bytes();
    let vcpu = kvm.create_vm().unwrap().create_vcpu(0).unwrap();
    vcpu.get_regs().unwrap();
    drop((kvm, vcpu));
    assert_eq!(handle.finish().unwrap(), summary);
    assert_eq!(file.bytes(), bytes);
}

#[test]
fn a_file_that_can_not_be_made_is_an_error() {
    let path = std::env::temp_dir().join("kvm-mock-no-such-directory/a.kvmrec");
    let Err(error) = Recorder::create(Model::new(), path) else {
        panic!("created");
    };
    assert!(
        error
            .to_string()
            .starts_with("the recording can't be written: ")
    );
}

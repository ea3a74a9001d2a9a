//! What tools read from a recording.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{Vmm, record};
use kvm_core::Errno;
use kvm_core::kvm_exit::X86_64;
use kvm_mock::recording::{Content, Entry, Recording, RunPages};
use kvm_mock::{Architecture, Outcome, RecorderOptions, Replay};

fn entries(recording: &Recording) -> Vec<Entry<'_>> {
    let contents = recording.records().map(|record| record.content);
    let entries = contents.filter_map(|content| match content {
        Content::Entry(entry) => Some(entry),
        _ => None,
    });
    entries.collect()
}

#[test]
fn objects_and_records_are_those_of_the_run() {
    let options = RecorderOptions::new().memory(true);
    let (_, bytes) = record(Vmm::default(), options);
    let recording = Recording::from_bytes(&bytes[..]).unwrap();
    assert_eq!(recording.architecture(), Architecture::X86_64);
    assert_eq!((recording.page_size(), recording.cut()), (4096, None));
    assert!(recording.has_memory() && !recording.has_times());

    let labels: Vec<_> = recording.objects().map(|object| object.label).collect();
    assert_eq!(labels, ["the system", "the VM of stream 1", "vCPU 0"]);
    let vcpu = recording.object(2).unwrap();
    assert_eq!((vcpu.parent, vcpu.vcpu_id()), (Some(1), Some(0)));
    assert_eq!(vcpu.made_by, Some("KVM_CREATE_VCPU"));
    assert_eq!(recording.object(0).unwrap().vcpu_id(), None);
    assert_eq!(recording.object(3), None);

    let mut end = 64;
    let mut count = 0;
    let mut written = Vec::new();
    let mut calls = Vec::new();
    for record in recording.records() {
        assert_eq!((record.sequence, record.offset), (count, end));
        count += 1;
        end += record.len as u64;
        match record.content {
            Content::Call(call) if record.stream == Some(2) => calls.push(call.name),
            Content::Memory { offset, bytes, .. } => written.push((offset, bytes.to_vec())),
            Content::End => assert_eq!(end, bytes.len() as u64),
            _ => {}
        }
    }
    assert_eq!(calls, ["KVM_SET_REGS"]);
    assert_eq!(written[0], (0x1ff8, vec![0, 0, 0, 0, 0, 0, 9, 8]));
    let summary = recording.summary();
    assert_eq!((summary.records, summary.bytes), (count, end));
    assert_eq!((summary.exits, summary.objects), (6, 3));
}

#[test]
fn exits_decode_as_they_came() {
    let (told, bytes) = record(Vmm::default(), RecorderOptions::new());
    let recording = Recording::from_bytes(bytes).unwrap();
    let mut pages = RunPages::new();
    let mut exits = Vec::new();
    for record in recording.records() {
        pages.apply(&record);
        let Content::Entry(entry) = &record.content else {
            continue;
        };
        match entry.errno {
            Some(errno) => assert_eq!(errno, Errno::EINTR),
            None => {
                let page = pages.page::<X86_64>(record.stream.unwrap()).unwrap();
                exits.push(page.decode().unwrap().to_string());
            }
        }
    }
    // The VMM is not told of the interruption as of an exit.
    assert_eq!(exits.len(), told.len() - 1);
    assert!(exits.iter().all(|exit| told.contains(exit)), "{exits:?}");
    let replies: Vec<_> = entries(&recording)
        .iter()
        .flat_map(|entry| entry.reply.iter())
        .map(|(offset, bytes)| (offset, bytes[0]))
        .collect();
    // The byte that answers port I/O is in the page behind the first.
    assert!(replies.contains(&(4096, 0x1c)), "{replies:?}");
}

#[test]
fn a_cut_recording_is_read_up_to_its_end() {
    let (_, bytes) = record(Vmm::default(), RecorderOptions::new());
    let whole = Recording::from_bytes(&bytes[..]).unwrap();
    let cut = Recording::from_bytes(&bytes[..bytes.len() - 50]).unwrap();
    let count = cut.records().count() as u64;
    assert_eq!(count, cut.summary().records);
    assert!(count < whole.summary().records);
    let last = cut.records().last().unwrap();
    assert_eq!(cut.cut(), Some(last.offset + last.len as u64));
}

#[test]
fn times_ascend_and_change_nothing_else() {
    let (recorded, bytes) = record(Vmm::default(), RecorderOptions::new().times(true));
    let recording = Recording::from_bytes(&bytes[..]).unwrap();
    assert!(recording.has_times());
    let mut last = Duration::ZERO;
    for entry in entries(&recording) {
        let times = entry.times.unwrap();
        assert!(last <= times.entered && times.entered <= times.exited);
        last = times.exited;
    }
    assert!(last > Duration::ZERO);

    let replay = Replay::from_bytes(&bytes[..]).unwrap();
    let mut told = Vec::new();
    Vmm::default().run(replay.clone(), &mut told).unwrap();
    assert_eq!(told, recorded);
    assert_eq!(replay.outcome(), Outcome::Complete);

    let (_, without) = record(Vmm::default(), RecorderOptions::new());
    let plain = Recording::from_bytes(&without[..]).unwrap();
    assert!(entries(&plain).iter().all(|entry| entry.times.is_none()));
    assert_eq!(bytes.len(), without.len() + 6 * 16);
}

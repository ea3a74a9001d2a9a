//! `kvmrec stats`.

use kvm_mock::RecorderOptions;

use crate::{examples, file, golden, kvmrec, two_vcpus};

const GOLDEN: &str = "\
x86_64, 22 records, 5 exits, 1 656 bytes, guest memory
16 bytes of guest memory changed, in 2 pieces

vCPU 0: 5 exits
  kind                         count         bytes
  EINTR                            1             0
  hlt                              1             0
  io in                            1             1
  io out                           1             1
  mmio write                       1             4

ports and addresses
  at                   kind                   count         bytes
  0x100000             mmio write                 1             4
  port 0x60            io in                      1             1
  port 0x3f8           io out                     1             1

calls
  name                                        count        failed
  KVM_CREATE_VCPU                                 2             1
  KVM_CREATE_VM                                   1
  KVM_GET_API_VERSION                             1
  KVM_GET_REGS                                    1
  KVM_SET_REGS                                    1
  KVM_SET_USER_MEMORY_REGION                      1
  mmap                                            1
";

#[test]
fn all_of_it() {
    assert_eq!(kvmrec(&["stats", &golden()]).good(), GOLDEN);
}

#[test]
fn a_list_may_be_short() {
    let out = kvmrec(&["stats", "--top", "1", &golden()]).good();
    assert!(out.contains("  and 2 more, which --top 0 lists\n"), "{out}");
    assert!(!out.contains("port 0x60"), "{out}");
    assert_eq!(kvmrec(&["stats", "--top", "0", &golden()]).good(), GOLDEN);
}

#[test]
fn a_part_is_counted() {
    let ran = kvmrec(&["stats", "--json", &golden(), "--records", "15-18"]);
    let report = &ran.json()[0];
    let kinds = report["vcpus"][0]["kinds"].as_array().unwrap();
    let counted: Vec<_> = kinds
        .iter()
        .map(|kind| (&kind["kind"], &kind["count"]))
        .collect();
    let (read, write, one) = ("io in".into(), "mmio write".into(), 1.into());
    assert_eq!(counted, [(&read, &one), (&write, &one)]);
    assert_eq!(report["calls"].as_array().unwrap().len(), 0);
}

#[test]
fn counts_agree_with_the_recording() {
    for path in examples() {
        let ran = kvmrec(&["stats", "--json", &path]);
        let report = &ran.json()[0];
        let recording = kvm_mock::recording::Recording::open(&path).unwrap();
        let summary = recording.summary();
        assert_eq!(report["records"], summary.records);
        assert_eq!(report["exits"], summary.exits);
        let kinds = report["vcpus"][0]["kinds"].as_array().unwrap();
        let counted: u64 = kinds
            .iter()
            .map(|kind| kind["count"].as_u64().unwrap())
            .sum();
        assert_eq!(counted, summary.exits, "{path}");
    }
}

#[test]
fn times_are_told_where_there_are_some() {
    let path = file(
        "stats-times.kvmrec",
        &two_vcpus(RecorderOptions::new().times(true)),
    );
    let ran = kvmrec(&["stats", "--json", &path]);
    let report = &ran.json()[0];
    let vcpus = report["vcpus"].as_array().unwrap();
    assert_eq!(vcpus.len(), 2);
    let mut in_guest = 0;
    for kind in vcpus
        .iter()
        .flat_map(|vcpu| vcpu["kinds"].as_array().unwrap())
    {
        in_guest += kind["in_guest"]["sum_ns"].as_u64().unwrap();
        // What comes after the last exit, a halt, is not known.
        assert_eq!(kind["in_vmm"].is_null(), kind["kind"] == "hlt", "{kind}");
    }
    // One thread ran both.
    assert!(
        in_guest <= report["time_ns"].as_u64().unwrap(),
        "{}",
        ran.out
    );
    let out = kvmrec(&["stats", &path]).good();
    assert!(out.contains("in guest: median"), "{out}");
    assert!(
        out.contains("from the first entry to the last exit"),
        "{out}"
    );
}

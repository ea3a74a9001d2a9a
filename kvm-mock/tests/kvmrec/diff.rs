//! `kvmrec diff`.

use kvm_mock::RecorderOptions;

use crate::common::{Vmm, record};
use crate::{examples, file, golden, kvmrec, two_vcpus, two_vcpus_answered};

/// Two files of VMMs that differ in this.
fn files(name: &str, other: Vmm, options: RecorderOptions) -> [String; 2] {
    let a = record(Vmm::default(), options).1;
    let b = record(other, options).1;
    [
        file(&format!("{name}-a.kvmrec"), &a),
        file(&format!("{name}-b.kvmrec"), &b),
    ]
}

#[test]
fn a_recording_is_itself() {
    for path in examples().into_iter().chain([golden()]) {
        let out = kvmrec(&["diff", &path, &path]).good();
        assert!(out.ends_with("the recordings are the same\n"), "{out}");
    }
}

#[test]
fn times_do_not_count() {
    let [a, b] = [1, 2].map(|n| {
        let bytes = two_vcpus(RecorderOptions::new().times(true));
        file(&format!("diff-times-{n}.kvmrec"), &bytes)
    });
    assert_ne!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    kvmrec(&["diff", &a, &b]).good();
}

#[test]
fn another_answer() {
    let [a, b] = [0x1c, 0x1d].map(|answer| {
        let bytes = two_vcpus_answered(RecorderOptions::new(), [answer, 1]);
        file(&format!("diff-answer-{answer}.kvmrec"), &bytes)
    });
    let ran = kvmrec(&["diff", &a, &b, "-C", "1"]);
    assert_eq!(ran.code, 1);
    let (heads, text): (Vec<_>, Vec<_>) = ran.out.lines().partition(|line| line.contains(": "));
    let expected = [
        "system: the same, 4 records",
        "VM: the same, 3 records",
        "vCPU 0: the VMM's answer was another (1c, and 1d, at byte 4096 of the run page), behind 2 that are the same of 4 and 4",
        "vCPU 1: the same, 4 records",
        "the recordings differ: 1 of 4 objects",
    ];
    assert_eq!(heads, expected);
    let text: Vec<_> = text.iter().map(|line| (&line[..3], &line[12..])).collect();
    let exit = r#"#1    mmio write 0xd0000000 <- 61 0a  "a\n""#;
    let expected = [
        ("   ", "#0    io in 0x60 len 1"),
        (" - ", "      answered 1c"),
        (" - ", exit),
        (" - ", "#2    hlt"),
        (" + ", "      answered 1d"),
        (" + ", exit),
        (" + ", "#2    hlt"),
    ];
    assert_eq!(text, expected, "{}", ran.out);
    // The exits were the same.
    kvmrec(&["diff", "--exits", &a, &b]).good();
}

#[test]
fn another_argument() {
    let other = Vmm {
        register: 0x10,
        ..Vmm::default()
    };
    let [a, b] = files("diff-argument", other, RecorderOptions::new());
    let ran = kvmrec(&["diff", &a, &b, "--json"]);
    assert_eq!(ran.code, 1);
    let report = &ran.json()[0];
    assert_eq!(report["same"], false);
    let vcpu = &report["objects"][2];
    assert_eq!(
        (&vcpu["object"], &vcpu["same"]),
        (&"vCPU 0".into(), &1.into())
    );
    let difference = &vcpu["difference"];
    let text = |side: &str| difference[side][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(
        text("a"),
        "KVM_SET_REGS kvm_regs { rip: 0x100, rflags: 0x2 }"
    );
    assert_eq!(
        text("b"),
        "KVM_SET_REGS kvm_regs { rip: 0x110, rflags: 0x2 }"
    );
    assert!(
        difference["what"]
            .as_str()
            .unwrap()
            .starts_with("another argument (00, and 10, at byte 128)")
    );
}

#[test]
fn more_calls_in_one_of_them() {
    let other = Vmm {
        asks: true,
        ..Vmm::default()
    };
    let [a, b] = files("diff-more", other, RecorderOptions::new());
    let ran = kvmrec(&["diff", &a, &b]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("another kind of record"), "{}", ran.out);
    kvmrec(&["diff", "--exits", &a, &b]).good();
}

#[test]
fn one_that_ends_earlier() {
    let bytes = std::fs::read(golden()).unwrap();
    let cut = file("diff-cut.kvmrec", &bytes[..bytes.len() - 100]);
    let ran = kvmrec(&["diff", &golden(), &cut]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("the second recording has no more of it"),
        "{}",
        ran.out
    );
    let ran = kvmrec(&["diff", &cut, &golden()]);
    assert!(
        ran.out.contains("the first recording has no more of it"),
        "{}",
        ran.out
    );
}

#[test]
fn objects_that_only_one_has() {
    let two = file("diff-two.kvmrec", &two_vcpus(RecorderOptions::new()));
    let one = file(
        "diff-one.kvmrec",
        &record(Vmm::default(), RecorderOptions::new()).1,
    );
    let ran = kvmrec(&["diff", &two, &one]);
    assert_eq!(ran.code, 1);
    let only = format!("vCPU 1: only in {two} (");
    assert!(ran.out.contains(&only), "{}", ran.out);
    let ran = kvmrec(&["diff", &one, &two]);
    assert!(ran.out.contains(&only), "{}", ran.out);
}

#[test]
fn what_differs_as_a_whole_is_said_first() {
    let without = file(
        "diff-without.kvmrec",
        &record(Vmm::default(), RecorderOptions::new()).1,
    );
    let options = RecorderOptions::new().memory(true);
    let with = file("diff-with.kvmrec", &record(Vmm::default(), options).1);
    let ran = kvmrec(&["diff", &without, &with]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out
            .starts_with("guest memory: not recorded, and recorded\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("differ: as a whole, and 1 of "),
        "{}",
        ran.out
    );
    // What the exits were has nothing to do with it.
    kvmrec(&["diff", "--exits", &without, &with]).good();
}

//! `kvmrec show`.

use kvm_mock::RecorderOptions;

use crate::{examples, file, golden, kvmrec, two_vcpus};

const GOLDEN: &str = r#"      1  system    KVM_GET_API_VERSION = 12
      3  system    KVM_CREATE_VM 0 = VM
      5  VM        KVM_SET_USER_MEMORY_REGION kvm_userspace_memory_region { memory_size: 0x4000 }
      7  VM        KVM_CREATE_VCPU 0 = vCPU 0
      8  vCPU 0    mmap of 12288 bytes
      9  VM        KVM_CREATE_VCPU 0: EEXIST
     11  vCPU 0    KVM_SET_REGS kvm_regs { rip: 0x1234, rflags: 0x2 }
     13  vCPU 0    KVM_GET_REGS -> kvm_regs { rip: 0x1234, rflags: 0x2 }
     14  vCPU 0    #0    io out 0x3f8 <- 48  "H"
     15  vCPU 0    #1    io in 0x60 len 1
     18  vCPU 0    #1      answered 1c
     18  vCPU 0            wrote 16 bytes to slot 0 between 0x1ff8 and 0x2008
     18  vCPU 0    #2    mmio write 0x100000 <- 01 02 03 04
     19  vCPU 0    #3    EINTR
     20  vCPU 0    #4    hlt
"#;

/// What it prints of the golden recording with these options.
#[track_caller]
fn show(options: &[&str]) -> String {
    let path = golden();
    let args: Vec<_> = ["show", &path].iter().chain(options).copied().collect();
    kvmrec(&args).good()
}

/// These of its lines.
fn lines(wanted: &[usize]) -> String {
    let lines: Vec<_> = GOLDEN.split_inclusive('\n').collect();
    wanted.iter().map(|n| lines[*n]).collect()
}

#[test]
fn all_of_it() {
    assert_eq!(show(&[]), GOLDEN);
}

#[test]
fn filters() {
    for (options, wanted) in [
        (&["--exits"][..], &[8, 9, 10, 11, 12, 13, 14][..]),
        (&["--calls"], &[0, 1, 2, 3, 4, 5, 6, 7]),
        // An answer is with its exit.
        (&["--kind", "io"], &[8, 9, 10]),
        (&["--kind", "io in"], &[9, 10]),
        (&["--kind", "io out"], &[8]),
        (&["--kind", "KVM_EXIT_IO"], &[8, 9, 10]),
        (&["--kind", "hlt", "-k", "eintr"], &[13, 14]),
        (&["--kind", "set_*"], &[2, 6]),
        (&["--kind", "KVM_CREATE_VCPU"], &[3, 5]),
        (&["--kind", "mmap"], &[4]),
        (&["--port", "0x60"], &[9, 10]),
        (&["--port", "0x60-0x3f8"], &[8, 9, 10]),
        (&["--port", "0x3f0+8"], &[]),
        // So is the memory that changed until then.
        (&["--address", "0x100000+4"], &[11, 12]),
        (&["--address", "0x100000", "--port", "1016"], &[8, 11, 12]),
        (&["--vcpu", "0"], &[4, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
        (&["--vcpu", "0", "--calls"], &[4, 6, 7]),
        (&["--records", "9-14"], &[5, 6, 7, 8]),
        (&["--records", "15"], &[9, 10]),
        (&["--first", "2"], &[0, 1]),
        (&["--exits", "-n", "1"], &[8]),
        (&["--exits", "-n", "2"], &[8, 9, 10]),
        (&["--last", "2"], &[13, 14]),
        (&["--last", "4"], &[9, 10, 11, 12, 13, 14]),
        (&["--last", "1", "--kind", "mmio"], &[11, 12]),
    ] {
        let path = golden();
        let args: Vec<_> = ["show", &path].iter().chain(options).copied().collect();
        let ran = kvmrec(&args);
        assert_eq!((ran.code, ran.out), (0, lines(wanted)), "{options:?}");
    }
}

#[test]
fn a_filter_that_nothing_fits_says_so() {
    let ran = kvmrec(&["show", &golden(), "--vcpu", "7"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert!(
        ran.err.starts_with("kvmrec: nothing in the recording fits"),
        "{}",
        ran.err
    );
}

#[test]
fn a_filter_that_makes_no_sense_is_refused() {
    for (options, said) in [
        (["--port", "zero"], "`zero` is no number"),
        (["--address", "2-1"], "ends before it begins"),
        (["--from", "1 fortnight"], "`fortnight` is no unit"),
        (["--from", "1ms"], "the recording has no times"),
    ] {
        let ran = kvmrec(&["show", &golden(), options[0], options[1]]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{options:?}");
        assert!(ran.err.contains(said), "{options:?}: {}", ran.err);
    }
}

#[test]
fn a_json_object_on_each_line() {
    let ran = kvmrec(&["show", "--json", &golden()]);
    let lines = ran.json();
    assert_eq!(lines.len(), 14);
    let answer = &lines[10];
    assert_eq!(
        (&answer["type"], &answer["record"]),
        (&"answer".into(), &18.into())
    );
    assert_eq!(
        (&answer["exit"], &answer["answer"]),
        (&1.into(), &"1c".into())
    );
    let exit = &lines[11];
    assert_eq!(exit["record"], 18);
    assert_eq!(
        (&exit["type"], &exit["kind"]),
        (&"exit".into(), &"mmio write".into())
    );
    assert_eq!((&exit["vcpu"], &exit["exit"]), (&0.into(), &2.into()));
    assert_eq!(exit["address"], 0x10_0000);
    assert_eq!(exit["memory"][0]["bytes"], 16);
    assert_eq!(lines[12]["errno"], 4);
    let call = &lines[6];
    assert_eq!(
        (&call["type"], &call["name"]),
        (&"call".into(), &"KVM_SET_REGS".into())
    );
    let before = call["buffers"][0]["before"].as_str().unwrap();
    // Of 144 bytes, rip is at 128.
    assert_eq!((before.len(), &before[256..260]), (288, "3412"));
    assert_eq!(lines[1]["made"], "VM");
}

#[test]
fn times_are_shown_and_filtered() {
    let path = file(
        "show-times.kvmrec",
        &two_vcpus(RecorderOptions::new().times(true)),
    );
    let ran = kvmrec(&["show", "--exits", "--json", &path]);
    let mut exits = ran.json();
    exits.retain(|line| line["type"] == "exit");
    assert_eq!(exits.len(), 6);
    let time = |n: usize| exits[n]["exited_ns"].as_u64().unwrap();
    assert!((1..6).all(|n| time(n - 1) < time(n)), "{}", ran.out);

    let from = format!("{}ns", time(2));
    let to = format!("{}ns", time(4));
    let out = kvmrec(&["show", &path, "--from", &from, "--to", &to]).good();
    let is_exit = |line: &&str| line.contains('#') && !line.contains("answered");
    let shown: Vec<_> = out.lines().filter(is_exit).collect();
    assert_eq!(shown.len(), 3, "{out}");
    let seconds = format!("{}.{:09}", time(2) / 1_000_000_000, time(2) % 1_000_000_000);
    assert!(shown[0].contains(&seconds), "{out}");
}

#[test]
fn vcpus_are_told_apart() {
    let path = file("show-two.kvmrec", &two_vcpus(RecorderOptions::new()));
    let out = kvmrec(&["show", &path, "--vcpu", "1", "--exits"]).good();
    let lines: Vec<_> = out.lines().map(|line| line[9..].to_owned()).collect();
    let expected = [
        "vCPU 1    #0    io in 0x60 len 1",
        "vCPU 1    #0      answered 01",
        r#"vCPU 1    #1    mmio write 0xd0001000 <- 62 0a  "b\n""#,
        "vCPU 1    #2    hlt",
    ];
    assert_eq!(lines, expected);
    // A byte that is answered with the 0 that is there already is an answer too.
    let out = kvmrec(&["show", &path, "--vcpu", "0", "--exits"]).good();
    assert!(out.contains("answered 00"), "{out}");
}

#[test]
fn examples_are_shown_whole() {
    for path in examples() {
        let out = kvmrec(&["show", &path]).good();
        assert!(out.ends_with("hlt\n"), "{path}");
        let longer = kvmrec(&["show", "--full", &path]).good();
        assert!(longer.len() > out.len(), "{path}");
        assert_eq!(longer.lines().count(), out.lines().count());
    }
}

#[test]
fn what_was_cut_is_shown_up_to_there() {
    let bytes = std::fs::read(golden()).unwrap();
    for len in (64..bytes.len()).step_by(40) {
        let path = file("show-cut.kvmrec", &bytes[..len]);
        let ran = kvmrec(&["show", &path]);
        assert_eq!(ran.code, 0, "{len} bytes");
        assert!(GOLDEN.starts_with(&ran.out), "{len} bytes: {}", ran.out);
        assert!(
            ran.err.contains("was cut at offset"),
            "{len} bytes: {}",
            ran.err
        );
    }
}

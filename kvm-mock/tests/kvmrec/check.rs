//! `kvmrec check`.

use crate::{examples, file, golden, kvmrec};

#[test]
fn whole_recordings() {
    let files = examples();
    let args: Vec<_> = ["check"]
        .into_iter()
        .chain(files.iter().map(String::as_str))
        .collect();
    let out = kvmrec(&args).good();
    assert_eq!(out.lines().count(), files.len());
    assert!(
        out.lines().all(|line| line.contains(": whole: x86_64, ")),
        "{out}"
    );
    let out = kvmrec(&["check", &golden()]).good();
    assert!(
        out.ends_with("whole: x86_64, 22 records, 5 exits, 1 656 bytes, guest memory\n"),
        "{out}"
    );
}

#[test]
fn every_prefix_was_cut() {
    let bytes = std::fs::read(golden()).unwrap();
    for len in (1..bytes.len()).step_by(13) {
        let path = file("check-cut.kvmrec", &bytes[..len]);
        let ran = kvmrec(&["check", "--json", &path]);
        let report = &ran.json()[0];
        assert_eq!(
            (ran.code, &report["state"]),
            (1, &"cut".into()),
            "{len} bytes"
        );
        let offset = report["offset"].as_u64().unwrap();
        assert!(offset <= len as u64, "{offset} of {len}");
        // Up to there it is good: what is cut there is cut at its end.
        let path = file("check-good.kvmrec", &bytes[..offset as usize]);
        let again = kvmrec(&["check", "--json", &path]);
        assert_eq!(again.json()[0]["offset"], report["offset"], "{len} bytes");
    }
}

#[test]
fn damage_has_a_place_and_a_reason() {
    let mut bytes = std::fs::read(golden()).unwrap();
    bytes[700] ^= 1;
    let damaged = file("check-damaged.kvmrec", &bytes);
    let ran = kvmrec(&["check", &damaged]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("damaged at offset 6"), "{}", ran.out);
    assert!(
        ran.out.contains("a record's checksum does not fit"),
        "{}",
        ran.out
    );

    let text = file("check-text", b"hello\n");
    let ran = kvmrec(&["check", &text, &golden()]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("damaged: not a recording"), "{}", ran.out);
    assert!(
        ran.out.contains(": whole: "),
        "the others are checked too: {}",
        ran.out
    );
}

#[test]
fn of_several_the_worst_counts() {
    let bytes = std::fs::read(golden()).unwrap();
    let cut = file("check-worst-cut.kvmrec", &bytes[..800]);
    let damaged = file("check-worst.kvmrec", &[&bytes[..], &[0; 8]].concat());
    let code = |args: &[&str]| kvmrec(args).code;
    assert_eq!(code(&["check", &golden(), &cut]), 1);
    assert_eq!(code(&["check", &cut, "/nowhere/to.be", &golden()]), 2);
    assert_eq!(code(&["check", &damaged, &cut]), 3);
    assert_eq!(code(&["check", &cut, &damaged, "/nowhere/to.be"]), 3);
}

#[test]
fn a_huge_length_costs_nothing() {
    let mut bytes = std::fs::read(golden()).unwrap()[..64].to_vec();
    let (len, kind) = (0xffff_fff8u32, 2u16);
    let guard = !((len as u16) ^ ((len >> 16) as u16) ^ kind);
    bytes.extend(len.to_le_bytes());
    bytes.extend(kind.to_le_bytes());
    bytes.extend(guard.to_le_bytes());
    bytes.extend([0; 64]);
    let path = file("check-huge.kvmrec", &bytes);
    let ran = kvmrec(&["check", &path]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("cut: at offset 64"), "{}", ran.out);
    for args in [
        &["show", &path][..],
        &["stats", &path],
        &["diff", &path, &path],
    ] {
        assert_eq!(kvmrec(args).code, 0, "{args:?}");
    }
}

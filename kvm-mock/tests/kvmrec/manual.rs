//! `KVMREC.md`: what it shows is what is printed.

use std::path::Path;
use std::process::Command;

const MANUAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/KVMREC.md");
const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/recordings/x86_64");

/// The words of a command; those in quotes are one.
fn words(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    let words = parts.flat_map(|(n, part)| match n % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

/// The manual, with what its commands print now.
fn printed_now(manual: &str) -> String {
    let mut text = String::new();
    let mut shown = false;
    for line in manual.lines() {
        if let Some(command) = line.strip_prefix("$ kvmrec ") {
            let output = Command::new(env!("CARGO_BIN_EXE_kvmrec"))
                .args(words(command))
                .current_dir(RECORDINGS)
                .output()
                .unwrap();
            assert!(output.stderr.is_empty(), "{command}: {output:?}");
            text += &format!("{line}\n{}", String::from_utf8(output.stdout).unwrap());
            shown = true;
            continue;
        }
        shown &= line != "```";
        if !shown {
            text += &format!("{line}\n");
        }
    }
    text
}

#[test]
fn what_it_shows_is_what_is_printed() {
    let manual = std::fs::read_to_string(MANUAL).unwrap();
    let now = printed_now(&manual);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("KVMREC.md");
    std::fs::write(&path, &now).unwrap();
    let differs = manual.lines().zip(now.lines()).find(|(a, b)| a != b);
    assert!(
        manual == now,
        "{differs:?}; {} is as it should be",
        path.display()
    );
}

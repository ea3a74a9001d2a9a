//! `kvmrec timeline`.

use std::fs;

use kvm_mock::RecorderOptions;
use serde_json::Value;

use crate::{examples, file, kvmrec, place, two_vcpus};

/// The page of a recording, and the data in it.
fn page(path: &str) -> (String, Value) {
    let output = place("timeline.html");
    let output = output.with_extension(format!(
        "{}.html",
        std::thread::current().name().unwrap().replace("::", "-")
    ));
    kvmrec(&["timeline", path, "-o", output.to_str().unwrap()]).good();
    let page = fs::read_to_string(output).unwrap();
    let data = data(&page);
    (page, data)
}

fn data(page: &str) -> Value {
    let start = "<script id=\"data\" type=\"application/json\">";
    let (_, rest) = page.split_once(start).unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(data).unwrap()
}

fn column(lane: &Value, name: &str) -> Vec<u64> {
    let column = lane[name].as_array().unwrap().iter();
    column.map(|number| number.as_u64().unwrap()).collect()
}

#[test]
fn a_page_needs_nothing_beside_it() {
    for path in examples() {
        let (page, data) = page(&path);
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
        for outside in [
            "http:", "https:", "src=", "@import", "url(", "@DATA@", "@TITLE@",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("default-src 'none'"));
        assert_eq!(
            (&data["times"], &data["cut"]),
            (&false.into(), &Value::Null)
        );
        assert_eq!(data["lanes"][0]["name"], "vCPU 0");
    }
}

#[test]
fn lanes_have_the_exits_and_their_times() {
    let path = file(
        "timeline-two.kvmrec",
        &two_vcpus(RecorderOptions::new().times(true)),
    );
    let (_, data) = page(&path);
    assert_eq!(data["times"], true);
    let shown = kvmrec(&["show", "--exits", "--json", &path]).json();
    let lanes = data["lanes"].as_array().unwrap();
    assert_eq!(lanes.len(), 2);
    for (id, lane) in lanes.iter().enumerate() {
        let is_one = |line: &&Value| line["vcpu"] == id && line["type"] == "exit";
        let exits: Vec<_> = shown.iter().filter(is_one).collect();
        let (away, inside) = (column(lane, "away"), column(lane, "inside"));
        let (record, text) = (column(lane, "record"), column(lane, "text"));
        assert_eq!((exits.len(), record.len()), (3, 3));
        let (mut time, mut number) = (0, 0);
        for (n, exit) in exits.iter().enumerate() {
            number += record[n];
            assert_eq!(exit["record"], number);
            time += away[n];
            assert_eq!(exit["entered_ns"], time);
            time += inside[n];
            assert_eq!(exit["exited_ns"], time);
            let text = data["texts"][text[n] as usize].as_str().unwrap();
            assert!(text.starts_with(exit["text"].as_str().unwrap()), "{text}");
        }
        // The first exit was answered.
        let answer = lane["answered"][0][1].as_u64().unwrap();
        assert_eq!(lane["answered"][0][0], 0);
        assert_eq!(data["texts"][answer as usize], format!("0{id}"));
    }
}

#[test]
fn what_is_not_shown_is_counted() {
    let path = file("timeline-part.kvmrec", &two_vcpus(RecorderOptions::new()));
    for (options, left, lanes, exits) in [
        (&["--most", "4"][..], 2, 2, 2),
        (&["--vcpu", "1"], 3, 1, 3),
        (&["--records", "0-0"], 6, 0, 0),
    ] {
        let args = ["timeline", &path, "-o", "-"];
        let ran = kvmrec(&[&args[..], options].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{options:?}");
        let data = data(&ran.out);
        assert_eq!(data["left"], left, "{options:?}");
        let all = data["lanes"].as_array().unwrap();
        assert_eq!(all.len(), lanes, "{options:?}");
        for lane in all {
            assert_eq!(column(lane, "record").len(), exits, "{options:?}");
            // The answer is there, though the record that it is in is not shown.
            assert_eq!(lane["answered"].as_array().unwrap().len(), 1, "{options:?}");
        }
    }
    let ran = kvmrec(&["timeline", &path, "-o", "-", "--to", "1s"]);
    assert!(
        ran.err.contains("the recording has no times"),
        "{}",
        ran.err
    );
}

#[test]
fn a_name_can_do_no_harm() {
    let path = file("<script>alert(1)<", &two_vcpus(RecorderOptions::new()));
    let (page, data) = page(&path);
    assert!(!page.contains("<script>alert"));
    assert_eq!(data["file"], "<script>alert(1)<");
}

#[test]
fn a_page_that_cannot_be_written_is_named() {
    let path = file("timeline-page.kvmrec", &two_vcpus(RecorderOptions::new()));
    let ran = kvmrec(&["timeline", &path, "-o", "/nowhere/to/be.html"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.starts_with("kvmrec: /nowhere/to/be.html: "),
        "{}",
        ran.err
    );
}

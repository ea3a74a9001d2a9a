//! `kvmrec diff`: where two recordings part.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use kvm_mock::recording::{Content, Record};
use serde::Serialize;

use crate::compare::{Compare, Part};
use crate::paint::Paint;
use crate::source::Source;
use crate::tell::{Teller, Told};
use crate::text::{count, several};
use crate::{Done, json};

/// Tell where two recordings part
///
/// Objects are matched by what made them, and each one's records are held against the other's up to the first that
/// differs. Times are not compared, nor is the order between objects.
///
/// Exit codes: 0 the recordings are the same, 1 they differ, 2 trouble.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One recording
    a: PathBuf,
    /// The other
    b: PathBuf,
    /// Only how entries ended, decoded: no calls, answers, guest memory
    #[arg(long)]
    exits: bool,
    /// How many records are shown before and behind a difference
    #[arg(short = 'C', long, value_name = "N", default_value_t = 3)]
    context: usize,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    same: bool,
    /// What differs of the files as a whole.
    header: Vec<String>,
    objects: Vec<Object>,
}

/// What became of one object.
#[derive(Debug, Serialize)]
struct Object {
    object: String,
    /// How many records there are on each side; nothing where the object is missing.
    a: Option<u64>,
    b: Option<u64>,
    /// How many of the first are the same.
    same: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Difference>,
}

/// The first difference.
#[derive(Debug, Serialize)]
struct Difference {
    what: String,
    before: Vec<Told>,
    /// The record that differs, and those behind it; none where the recording ends.
    a: Vec<Told>,
    b: Vec<Told>,
}

pub(crate) fn run(args: &Args) -> Done {
    let (a, b) = (Source::open(&args.a)?, Source::open(&args.b)?);
    let header = header(&a, &b, args.exits);
    let mut objects = Vec::new();
    if a.recording.architecture() == b.recording.architecture() {
        for (stream_a, stream_b) in pairs(&a, &b) {
            let (side_a, side_b) = (Side(&a, stream_a), Side(&b, stream_b));
            let object = object(side_a, side_b, args);
            // Without calls, most objects have nothing.
            if !args.exits || (object.a, object.b) != (Some(0), Some(0)) {
                objects.push(object);
            }
        }
    }
    let differ =
        |object: &Object| object.difference.is_some() || object.a.is_some() != object.b.is_some();
    let report = Report {
        same: header.is_empty() && !objects.iter().any(differ),
        header,
        objects,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        out.write_all(json::line(&report)?.as_bytes())?;
    } else {
        print(&mut out, &report, args)?;
    }
    out.flush()?;
    Ok(ExitCode::from(u8::from(!report.same)))
}

/// What differs of the files as a whole; guest memory does not matter to exits.
fn header(a: &Source, b: &Source, exits: bool) -> Vec<String> {
    let (a, b) = (&a.recording, &b.recording);
    let mut differences = Vec::new();
    let mut hold = |what: &str, a: String, b: String| {
        if a != b {
            differences.push(format!("{what}: {a}, and {b}"));
        }
    };
    let (a_arch, b_arch) = (a.architecture(), b.architecture());
    hold("architecture", a_arch.to_string(), b_arch.to_string());
    hold(
        "page size",
        a.page_size().to_string(),
        b.page_size().to_string(),
    );
    let with = |memory| if memory { "recorded" } else { "not recorded" }.to_owned();
    if !exits {
        hold("guest memory", with(a.has_memory()), with(b.has_memory()));
    }
    differences
}

/// The streams of the same object on both sides, by what made it: parent, call, its integer, and the how manyth it is.
fn pairs(a: &Source, b: &Source) -> Vec<(Option<u32>, Option<u32>)> {
    let (of_a, mut of_b) = (paths(a), paths(b).into_iter().collect::<HashMap<_, _>>());
    let mut pairs: Vec<_> = of_a
        .into_iter()
        .map(|(path, stream)| (Some(stream), of_b.remove(&path)))
        .collect();
    let mut rest: Vec<_> = of_b.into_values().collect();
    rest.sort_unstable();
    pairs.extend(rest.into_iter().map(|stream| (None, Some(stream))));
    pairs
}

fn paths(source: &Source) -> Vec<(String, u32)> {
    let mut paths: Vec<(String, u32)> = Vec::new();
    let mut seen: HashMap<String, u64> = HashMap::new();
    for object in source.recording.objects() {
        let parent = object
            .parent
            .and_then(|parent| paths.get(usize::try_from(parent).ok()?));
        let parent = parent.map_or("", |(path, _)| path);
        let made_by = object.made_by.unwrap_or_default();
        let path = format!("{parent}/{made_by} {}", object.value);
        let nth = seen.entry(path.clone()).or_default();
        paths.push((format!("{path} {nth}"), object.stream));
        *nth += 1;
    }
    paths
}

/// An object of a recording, if it has it.
#[derive(Clone, Copy)]
struct Side<'a>(&'a Source, Option<u32>);

impl<'a> Side<'a> {
    fn records(self) -> Option<impl Iterator<Item = Record<'a>>> {
        Some(self.0.recording.records_of(self.1?))
    }

    fn label(self) -> Option<&'a str> {
        Some(self.0.label(self.1?))
    }
}

fn object(a: Side<'_>, b: Side<'_>, args: &Args) -> Object {
    let label = a.label().or(b.label()).unwrap_or_default().to_owned();
    let (Some(of_a), Some(of_b)) = (a.records(), b.records()) else {
        let len = |side: Side<'_>| side.records().map(|records| records.count() as u64);
        return Object {
            object: label,
            a: len(a),
            b: len(b),
            same: 0,
            difference: None,
        };
    };
    let mut compare = Compare::new(&a.0.recording, &b.0.recording, args.exits);
    let wanted = |record: &Record<'_>| !args.exits || matters_to_exits(&record.content);
    let (mut of_a, mut of_b) = (of_a.filter(wanted), of_b.filter(wanted));
    let mut same = 0;
    let (part, more_a, more_b) = loop {
        match (of_a.next(), of_b.next()) {
            (None, None) => break (None, 0, 0),
            (Some(_), None) => break (Some(Part::Ends("second")), 1, 0),
            (None, Some(_)) => break (Some(Part::Ends("first")), 0, 1),
            (Some(record_a), Some(record_b)) => match compare.differ(&record_a, &record_b) {
                None => same += 1,
                part => break (part, 1, 1),
            },
        }
    };
    Object {
        object: label,
        a: Some(same + more_a + of_a.count() as u64),
        b: Some(same + more_b + of_b.count() as u64),
        same,
        difference: part.map(|part| {
            let (before, a) = around(a, same, args);
            let (_, b) = around(b, same, args);
            Difference {
                what: part.to_string(),
                before,
                a,
                b,
            }
        }),
    }
}

/// Whether a record has to do with how entries end: mappings make the page that exits are in.
fn matters_to_exits(content: &Content<'_>) -> bool {
    matches!(content, Content::Entry(_) | Content::Map { .. })
}

/// What is told of the records before the one of this index, and from it on.
fn around(side: Side<'_>, index: u64, args: &Args) -> (Vec<Told>, Vec<Told>) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut teller = Teller::new(side.0);
    let first = index.saturating_sub(args.context as u64);
    let last = index.saturating_add(args.context as u64);
    let records = side.records().into_iter().flatten();
    let records = records.filter(|record| !args.exits || matters_to_exits(&record.content));
    for (record, n) in records.zip(0..) {
        if n > last {
            break;
        }
        let told = teller.tell(&record, n >= first);
        if let Some(told) = told {
            if n < index { &mut before } else { &mut after }.push(told);
        }
    }
    (before, after)
}

fn print(out: &mut impl Write, report: &Report, args: &Args) -> io::Result<()> {
    for difference in &report.header {
        writeln!(out, "{}", Paint::Bad.on(difference))?;
    }
    for object in &report.objects {
        let name = &object.object;
        match (&object.difference, object.a, object.b) {
            (_, Some(len), None) => {
                let len = several(len, "record");
                writeln!(
                    out,
                    "{}",
                    Paint::Bad.on(format!("{name}: only in {} ({len})", args.a.display()))
                )?;
            }
            (_, None, Some(len)) => {
                let len = several(len, "record");
                writeln!(
                    out,
                    "{}",
                    Paint::Good.on(format!("{name}: only in {} ({len})", args.b.display()))
                )?;
            }
            (None, ..) => {
                writeln!(out, "{name}: the same, {}", several(object.same, "record"))?;
            }
            (Some(difference), a, b) => {
                let head = format!("{name}: {}", difference.what);
                let (a, b) = (count(a.unwrap_or_default()), count(b.unwrap_or_default()));
                let same = count(object.same);
                writeln!(
                    out,
                    "{}, behind {same} that are the same of {a} and {b}",
                    Paint::Head.on(head)
                )?;
                for told in &difference.before {
                    lines(out, "   ", told, None)?;
                }
                for told in &difference.a {
                    lines(out, " - ", told, Some(Paint::Bad))?;
                }
                for told in &difference.b {
                    lines(out, " + ", told, Some(Paint::Good))?;
                }
            }
        }
    }
    if report.same {
        writeln!(out, "the recordings are the same")?;
    } else {
        let differ = report.objects.iter().filter(|object| {
            object.difference.is_some() || object.a.is_some() != object.b.is_some()
        });
        let (differ, all) = (differ.count(), report.objects.len());
        let whole = match report.header.len() {
            0 => "",
            _ => "as a whole, and ",
        };
        writeln!(
            out,
            "the recordings differ: {whole}{differ} of {}",
            several(all as u64, "object")
        )?;
    }
    Ok(())
}

fn lines(out: &mut impl Write, mark: &str, told: &Told, paint: Option<Paint>) -> io::Result<()> {
    for line in told.lines() {
        match paint {
            Some(paint) => writeln!(out, "{}", paint.on(format!("{mark}{line}")))?,
            None => writeln!(out, "{mark}{line}")?,
        }
    }
    Ok(())
}

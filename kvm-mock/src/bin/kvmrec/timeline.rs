//! `kvmrec timeline`: a page that shows exits over time.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kvm_mock::recording::{Content, Entry, Record};
use serde::Serialize;

use crate::exits::{End, Exits};
use crate::json::nanoseconds;
use crate::part::Part;
use crate::source::Source;
use crate::text::several;
use crate::{Done, Trouble};

/// Draw exits over time as a page for a browser
///
/// The page is one file that needs no network: a lane for each vCPU, a colour for each kind of exit, the decoded exit
/// under the pointer. It zooms and moves, by mouse and keyboard. `page.html#exit=N` selects the exit of record N.
/// Where the recording has no times, exits are in their order. Filters choose a part of a long one.
///
/// Exit codes: 0 done, 2 trouble.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The recording
    file: PathBuf,
    /// Where the page is written; `-` for standard output
    #[arg(short, long, value_name = "PAGE")]
    output: PathBuf,
    /// How many exits the page shows at most: the first ones
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    most: u64,
    #[command(flatten)]
    part: Part,
}

const TEMPLATE: &str = include_str!("timeline.html");
const TITLE: &str = "@TITLE@";
const DATA: &str = "@DATA@";

/// What the page shows.
#[derive(Debug, Serialize)]
struct Page<'a> {
    file: String,
    architecture: String,
    times: bool,
    cut: Option<u64>,
    /// Calls that are no entries.
    calls: u64,
    /// Exits that the page does not show.
    left: u64,
    kinds: Numbered,
    texts: Numbered,
    lanes: Vec<Lane<'a>>,
}

/// Texts that are referred to by their number.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
struct Numbered {
    list: Vec<String>,
    #[serde(skip)]
    numbers: HashMap<String, usize>,
}

impl Numbered {
    fn of(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.list.len();
        self.list.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

/// The exits of a vCPU, a column for each of their properties.
#[derive(Debug, Serialize)]
struct Lane<'a> {
    name: &'a str,
    /// How many records after the last exit's each record comes.
    record: Vec<u64>,
    offset: Vec<u64>,
    /// Nanoseconds from the last exit to the entry.
    away: Vec<u64>,
    /// Nanoseconds from there to the exit.
    inside: Vec<u64>,
    kind: Vec<usize>,
    text: Vec<usize>,
    /// The exits that the VMM answered, and what it did.
    answered: Vec<(usize, usize)>,
    /// Whether the last exit is in the page, and may yet be answered.
    #[serde(skip)]
    awaits: bool,
    #[serde(skip)]
    last_record: u64,
    #[serde(skip)]
    last_time: u64,
}

pub(crate) fn run(args: &Args) -> Done {
    let source = Source::open(&args.file)?;
    args.part.fits(&source)?;
    let page = page(&source, args);
    if args.output == Path::new("-") {
        write(&page, io::stdout().lock())?;
        return Ok(ExitCode::SUCCESS);
    }
    let failed = |error| Trouble::File {
        path: args.output.clone(),
        error,
    };
    let file = File::create(&args.output).map_err(failed)?;
    write(&page, file).map_err(failed)?;
    if page.left > 0 {
        let left = several(page.left, "exit");
        eprintln!("kvmrec: the page does not show {left} of the recording");
    }
    Ok(ExitCode::SUCCESS)
}

fn page<'a>(source: &'a Source, args: &Args) -> Page<'a> {
    let recording = &source.recording;
    let name = args.file.file_name().unwrap_or(args.file.as_os_str());
    let mut page = Page {
        file: name.to_string_lossy().into_owned(),
        architecture: recording.architecture().to_string(),
        times: recording.has_times(),
        cut: recording.cut(),
        calls: 0,
        left: 0,
        kinds: Numbered::default(),
        texts: Numbered::default(),
        lanes: Vec::new(),
    };
    let mut rows = HashMap::new();
    for stream in source.vcpus() {
        rows.insert(stream, page.lanes.len());
        page.lanes.push(Lane::new(source.label(stream)));
    }
    let mut exits = Exits::of(recording);
    let mut shown = 0;
    for record in source.records("drawing") {
        match &record.content {
            Content::Call(_) | Content::Create { .. } | Content::Read { .. } => page.calls += 1,
            Content::Entry(entry) => {
                let (kinds, texts) = (&mut page.kinds, &mut page.texts);
                let row = record.stream.and_then(|stream| rows.get(&stream));
                let Some(lane) = row.and_then(|row| page.lanes.get_mut(*row)) else {
                    continue;
                };
                let answer = exits.answer(&record, lane.awaits);
                lane.answered(answer.map(|answer| texts.of(&answer)));
                let wanted = shown < args.most && args.part.takes(&record, source);
                let told = exits.exit(&record, |end| {
                    wanted.then(|| (kinds.of(&end.kind()), texts.of(&end.line())))
                });
                match told.flatten() {
                    None => page.left += 1,
                    Some(told) => {
                        lane.push(&record, entry, told);
                        shown += 1;
                    }
                }
            }
            _ => _ = exits.apply(&record, |_: &End<'_>| ()),
        }
    }
    if page.left > 0 {
        page.lanes.retain(|lane| !lane.kind.is_empty());
    }
    page
}

impl<'a> Lane<'a> {
    fn new(name: &'a str) -> Self {
        Self {
            name,
            record: Vec::new(),
            offset: Vec::new(),
            away: Vec::new(),
            inside: Vec::new(),
            kind: Vec::new(),
            text: Vec::new(),
            answered: Vec::new(),
            awaits: false,
            last_record: 0,
            last_time: 0,
        }
    }

    /// Takes note of the answer to the last exit, if it came.
    fn answered(&mut self, answer: Option<usize>) {
        self.awaits = false;
        if let (Some(answer), Some(last)) = (answer, self.kind.len().checked_sub(1)) {
            self.answered.push((last, answer));
        }
    }

    fn push(&mut self, record: &Record<'_>, entry: &Entry<'_>, (kind, text): (usize, usize)) {
        self.awaits = true;
        self.record.push(record.sequence - self.last_record);
        self.last_record = record.sequence;
        self.offset.push(record.offset);
        if let Some(times) = entry.times {
            // A forged file may have times that go back.
            let entered = nanoseconds(times.entered).max(self.last_time);
            let exited = nanoseconds(times.exited).max(entered);
            self.away.push(entered - self.last_time);
            self.inside.push(exited - entered);
            self.last_time = exited;
        }
        self.kind.push(kind);
        self.text.push(text);
    }
}

fn write(page: &Page<'_>, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    // Neither is in the template twice.
    let (before, rest) = TEMPLATE.split_once(TITLE).unwrap_or((TEMPLATE, ""));
    let (middle, after) = rest.split_once(DATA).unwrap_or((rest, ""));
    write!(out, "{before}{}{middle}", escaped(&page.file))?;
    serde_json::to_writer(Inert(&mut out), page)?;
    out.write_all(after.as_bytes())?;
    out.flush()
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// Writes JSON that ends no element of a page: in strings, which are all that can have a `<`, it is escaped.
struct Inert<W>(W);

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for (n, piece) in bytes.split(|byte| *byte == b'<').enumerate() {
            if n > 0 {
                self.0.write_all(b"\\u003c")?;
            }
            self.0.write_all(piece)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_has_its_two_places() {
        assert_eq!(TEMPLATE.matches(TITLE).count(), 1);
        assert_eq!(TEMPLATE.matches(DATA).count(), 1);
    }

    #[test]
    fn no_text_ends_the_element_with_the_data() {
        let mut written = Vec::new();
        serde_json::to_writer(Inert(&mut written), "</script><!--").unwrap();
        assert_eq!(written, br#""\u003c/script>\u003c!--""#);
        assert_eq!(escaped("a<b>&c"), "a&lt;b&gt;&amp;c");
    }
}

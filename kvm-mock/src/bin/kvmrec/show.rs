//! `kvmrec show`: the exits and calls of a recording, as text.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use kvm_mock::recording::{Content, Record};
use serde::Serialize;

use crate::exits::Exits;
use crate::filter::Filter;
use crate::paint::Paint;
use crate::source::Source;
use crate::{Done, json, text};

/// Print exits and calls, one on a line
///
/// A line has the record's number, the time if the recording has times, the object, and what happened; exits are
/// numbered for each vCPU. What the VMM answered to an exit is on a line behind it, as is the guest memory that changed
/// until then. Fields of structures that are zero are left out, as are descriptors and addresses, which no recording
/// has.
///
/// Exit codes: 0 done, 2 trouble.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The recording
    file: PathBuf,
    #[command(flatten)]
    filter: Filter,
    /// Only the first N of them
    #[arg(short = 'n', long, value_name = "N")]
    first: Option<u64>,
    /// Only the last N of them
    #[arg(long, value_name = "N", conflicts_with = "first")]
    last: Option<usize>,
    /// Structures whole, however long
    #[arg(short = 'v', long)]
    full: bool,
    /// A JSON object on each line, with all bytes of calls
    #[arg(long)]
    json: bool,
}

/// What is told of a record.
#[derive(Debug, Serialize)]
struct Line<'a> {
    record: u64,
    offset: u64,
    object: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vcpu: Option<u64>,
    #[serde(flatten)]
    what: What<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum What<'a> {
    Exit(ExitLine),
    Call(json::Call<'a>),
}

#[derive(Debug, Serialize)]
struct ExitLine {
    /// Its number among those of the vCPU.
    exit: u64,
    #[serde(flatten)]
    end: json::Exit,
    /// What the VMM answered to the exit before.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_before: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    memory: Vec<Memory>,
}

/// Guest memory that changed in a slot.
#[derive(Clone, Copy, Debug, Serialize)]
struct Memory {
    slot: u32,
    pieces: u64,
    bytes: u64,
    from: u64,
    to: u64,
}

pub(crate) fn run(args: &Args) -> Done {
    let source = Source::open(&args.file)?;
    args.filter.fits(&source)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut lines = Lines::new(&source, &args.filter, args.full || args.json);
    let mut kept = VecDeque::new();
    let mut count = 0;
    for record in source.records("reading") {
        if args.filter.is_past(&record) || args.first == Some(count) {
            break;
        }
        let Some(line) = lines.line(&record) else {
            continue;
        };
        count += 1;
        let line = if args.json {
            json::line(&line)?
        } else {
            as_text(&line)
        };
        match args.last {
            None => out.write_all(line.as_bytes())?,
            Some(last) => {
                kept.push_back(line);
                if kept.len() > last {
                    kept.pop_front();
                }
            }
        }
    }
    for line in kept {
        out.write_all(line.as_bytes())?;
    }
    out.flush()?;
    if let Some(offset) = source.recording.cut() {
        eprintln!("kvmrec: the recording was cut at offset {offset}; what came then is not known");
    }
    if count == 0 {
        eprintln!("kvmrec: nothing in the recording fits: {}", source.about());
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes lines of records, which go by in their order.
struct Lines<'a> {
    source: &'a Source,
    filter: &'a Filter,
    full: bool,
    exits: Exits,
    /// The number of each vCPU's next exit.
    next: HashMap<u32, u64>,
    /// What was written to memory since the last exit, by stream and slot.
    memory: HashMap<u32, BTreeMap<u32, Memory>>,
}

impl<'a> Lines<'a> {
    fn new(source: &'a Source, filter: &'a Filter, full: bool) -> Self {
        Self {
            source,
            filter,
            full,
            exits: Exits::of(&source.recording),
            next: HashMap::new(),
            memory: HashMap::new(),
        }
    }

    /// Nothing for a record that the filter leaves out.
    fn line<'r>(&mut self, record: &Record<'r>) -> Option<Line<'r>>
    where
        'a: 'r,
    {
        let answer_before = self.exits.answer(record);
        let (source, filter) = (self.source, self.filter);
        let end = self.exits.exit(record, |end| {
            let taken = filter.takes_exit(record, end, source);
            taken.then(|| json::Exit::new(end, record))
        });
        let stream = record.stream?;
        let what = match &record.content {
            Content::Entry(_) => {
                let next = self.next.entry(stream).or_default();
                let exit = *next;
                *next += 1;
                let memory = self.memory.remove(&stream).unwrap_or_default();
                What::Exit(ExitLine {
                    exit,
                    end: end??,
                    answer_before,
                    memory: memory.into_values().collect(),
                })
            }
            Content::Memory {
                slot,
                offset,
                bytes,
            } => {
                self.wrote(stream, *slot, *offset, bytes.len() as u64);
                return None;
            }
            _ if !self.filter.takes(record, self.source) => return None,
            _ => What::Call(json::Call::new(
                record,
                self.exits.arch(),
                self.source,
                self.full,
            )?),
        };
        Some(Line {
            record: record.sequence,
            offset: record.offset,
            object: self.source.label(stream),
            vcpu: self.source.vcpu(stream),
            what,
        })
    }

    fn wrote(&mut self, stream: u32, slot: u32, from: u64, bytes: u64) {
        let to = from.saturating_add(bytes);
        let slots = self.memory.entry(stream).or_default();
        let memory = slots.entry(slot).or_insert(Memory {
            slot,
            pieces: 0,
            bytes: 0,
            from,
            to,
        });
        memory.pieces += 1;
        memory.bytes = memory.bytes.saturating_add(bytes);
        memory.from = memory.from.min(from);
        memory.to = memory.to.max(to);
    }
}

fn as_text(line: &Line<'_>) -> String {
    let start = |text: &str, time: Option<u64>| {
        let record = Paint::Faint.on(format!("{:>7}", line.record));
        let time = time.map(|time| {
            let (seconds, rest) = (time / 1_000_000_000, time % 1_000_000_000);
            Paint::Faint
                .on(format!("{seconds:>4}.{rest:09}  "))
                .to_string()
        });
        let time = time.unwrap_or_default();
        format!("{record}  {time}{:<8}  {text}\n", line.object)
    };
    match &line.what {
        What::Call(call) => {
            let text = match call.errno {
                Some(_) => Paint::Bad.on(&call.text).to_string(),
                None => call.text.clone(),
            };
            start(&text, None)
        }
        What::Exit(exit) => {
            let mut text = String::new();
            let more = |what: String| start(&Paint::Faint.on(what).to_string(), exit.end.exited_ns);
            if let Some(answer) = &exit.answer_before {
                text += &more(format!("      answered {answer}"));
            }
            for memory in &exit.memory {
                text += &more(format!(
                    "      wrote {} to slot {} between {:#x} and {:#x}",
                    text::several(memory.bytes, "byte"),
                    memory.slot,
                    memory.from,
                    memory.to
                ));
            }
            let number = Paint::Faint.on(format!("#{:<4}", exit.exit));
            let paint = if exit.end.errno.is_some() {
                Paint::Bad
            } else {
                Paint::Exit
            };
            let ascii = exit.end.ascii.as_deref().map(|ascii| format!("  {ascii}"));
            let ascii = Paint::Faint.on(ascii.unwrap_or_default());
            let what = format!("{number} {}{ascii}", paint.on(&exit.end.text));
            text + &start(&what, exit.end.exited_ns)
        }
    }
}

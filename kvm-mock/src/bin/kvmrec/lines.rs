//! [`Lines`]: what is told of a recording's records, one after the other.

use std::collections::{BTreeMap, HashMap, HashSet};

use kvm_mock::recording::{Content, Page, Record};
use serde::Serialize;

use crate::exits::Exits;
use crate::filter::Filter;
use crate::json;
use crate::paint::Paint;
use crate::silent::Silent;
use crate::source::Source;
use crate::text;

/// What is told of a record.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
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
    Exit(Exit),
    Answer(Answer),
    Call(json::Call<'a>),
}

#[derive(Debug, Serialize)]
struct Exit {
    /// Its number among those of the vCPU.
    exit: u64,
    #[serde(flatten)]
    end: json::Exit,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    memory: Vec<Memory>,
    /// Registers, writes that made no exit, and what is in the dirty ring.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beside: Vec<String>,
}

/// What the VMM answered to an exit.
#[derive(Debug, Serialize)]
struct Answer {
    /// The exit's number.
    exit: u64,
    answer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    entered_ns: Option<u64>,
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

/// Makes lines of records, which go by in their order.
pub(crate) struct Lines<'a> {
    source: &'a Source,
    filter: &'a Filter,
    full: bool,
    exits: Exits,
    /// The number of each vCPU's next exit.
    next: HashMap<u32, u64>,
    /// The streams of which a line tells the last exit, but none yet its answer.
    awaiting: HashSet<u32>,
    /// What was written to memory since the last exit, by stream and slot.
    memory: HashMap<u32, BTreeMap<u32, Memory>>,
    /// What else was recorded for the next exit, by stream.
    beside: HashMap<u32, Vec<Content<'a>>>,
}

impl<'a> Lines<'a> {
    /// `full` is for structures that are long.
    pub(crate) fn new(source: &'a Source, filter: &'a Filter, full: bool) -> Self {
        Self {
            source,
            filter,
            full,
            exits: Exits::of(&source.recording),
            next: HashMap::new(),
            awaiting: HashSet::new(),
            memory: HashMap::new(),
            beside: HashMap::new(),
        }
    }

    /// Whether an answer may come to an exit that was told.
    pub(crate) fn awaits(&self) -> bool {
        !self.awaiting.is_empty()
    }

    /// The answer in a record, to an exit that was told, and what else is told of the record if it is wanted and the filter
    /// takes it.
    pub(crate) fn of(
        &mut self,
        record: &Record<'a>,
        wanted: bool,
    ) -> (Option<Line<'a>>, Option<Line<'a>>) {
        let Some(stream) = record.stream else {
            return (None, None);
        };
        let answer = match &record.content {
            Content::Entry(entry) => {
                let told = self.awaiting.remove(&stream);
                let answer = self.exits.answer(record, told);
                let last = self.next.get(&stream).copied().unwrap_or_default();
                answer.map(|answer| Answer {
                    exit: last.saturating_sub(1),
                    answer,
                    entered_ns: entry.times.map(|times| json::nanoseconds(times.entered)),
                })
            }
            _ => None,
        };
        let line = |what| Line {
            record: record.sequence,
            offset: record.offset,
            object: self.source.label(stream),
            vcpu: self.source.vcpu(stream),
            what,
        };
        let what = self.what(record, stream, wanted);
        (answer.map(What::Answer).map(line), what.map(line))
    }

    fn what(&mut self, record: &Record<'a>, stream: u32, wanted: bool) -> Option<What<'a>> {
        let (source, filter) = (self.source, self.filter);
        let end = self.exits.exit(record, |end| {
            let taken = wanted && filter.takes_exit(record, end, source);
            taken.then(|| json::Exit::new(end, record))
        });
        match &record.content {
            Content::Entry(_) => {
                let next = self.next.entry(stream).or_default();
                let exit = *next;
                *next += 1;
                let memory = self.memory.remove(&stream).unwrap_or_default();
                let beside = self.beside.remove(&stream).unwrap_or_default();
                let end = end.flatten()?;
                self.awaiting.insert(stream);
                Some(What::Exit(Exit {
                    exit,
                    end,
                    memory: memory.into_values().collect(),
                    beside: beside.iter().flat_map(|it| self.beside(it)).collect(),
                }))
            }
            Content::Memory {
                slot,
                offset,
                bytes,
            } => {
                self.wrote(stream, *slot, *offset, bytes.len() as u64);
                None
            }
            Content::Pages { slot, pages } => {
                for page in pages.iter() {
                    self.wrote(stream, *slot, page.offset(), Page::LEN);
                }
                None
            }
            Content::Registers { .. }
            | Content::Coalesced(_)
            | Content::Doorbell { .. }
            | Content::DirtyRing(_) => {
                let beside = self.beside.entry(stream).or_default();
                beside.push(record.content.clone());
                None
            }
            _ if !wanted || !filter.takes(record, source) => None,
            _ => json::Call::new(record, self.exits.arch(), source, self.full).map(What::Call),
        }
    }

    fn beside(&self, content: &Content<'_>) -> Vec<String> {
        match content {
            Content::Registers { name, bytes } => {
                vec![text::registers(name, bytes, self.exits.arch(), self.full)]
            }
            Content::DirtyRing(pages) => vec![text::dirty_ring(pages)],
            _ => {
                let writes = Silent::all(content).into_iter();
                writes.map(|write| write.text).collect()
            }
        }
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

impl Line<'_> {
    /// One line or, with the memory that changed, several. There is a column for times if the recording has some.
    pub(crate) fn as_text(&self, times: bool) -> String {
        match &self.what {
            What::Call(call) => match call.errno {
                Some(_) => self.line(times, None, Paint::Bad.on(&call.text)),
                None => self.line(times, None, &call.text),
            },
            What::Answer(answer) => {
                let text = format!("#{:<4}   answered {}", answer.exit, answer.answer);
                self.line(times, answer.entered_ns, Paint::Faint.on(text))
            }
            What::Exit(exit) => {
                let mut text = String::new();
                for memory in &exit.memory {
                    let bytes = text::several(memory.bytes, "byte");
                    let (slot, from, to) = (memory.slot, memory.from, memory.to);
                    let what = format!(
                        "        wrote {bytes} to slot {slot} between {from:#x} and {to:#x}"
                    );
                    text += &self.line(times, exit.end.exited_ns, Paint::Faint.on(what));
                }
                for beside in &exit.beside {
                    let what = Paint::Faint.on(format!("        {beside}"));
                    text += &self.line(times, exit.end.exited_ns, what);
                }
                let number = Paint::Faint.on(format!("#{:<4}", exit.exit));
                let paint = match exit.end.errno {
                    Some(_) => Paint::Bad,
                    None => Paint::Exit,
                };
                let ascii = exit.end.ascii.as_deref().map(|ascii| format!("  {ascii}"));
                let ascii = Paint::Faint.on(ascii.unwrap_or_default());
                let what = format!("{number} {}{ascii}", paint.on(&exit.end.text));
                text + &self.line(times, exit.end.exited_ns, what)
            }
        }
    }

    fn line(&self, times: bool, time: Option<u64>, what: impl std::fmt::Display) -> String {
        let record = Paint::Faint.on(format!("{:>7}", self.record));
        let time = match time {
            _ if !times => String::new(),
            None => " ".repeat(16),
            Some(time) => {
                let (seconds, rest) = (time / 1_000_000_000, time % 1_000_000_000);
                let time = Paint::Faint.on(format!("{seconds:>4}.{rest:09}"));
                format!("{time}  ")
            }
        };
        format!("{record}  {time}{:<8}  {what}\n", self.object)
    }
}

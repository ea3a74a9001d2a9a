//! [`Teller`]: one object's records as lines of text.

use kvm_mock::recording::{Content, Record};
use serde::Serialize;

use crate::exits::Exits;
use crate::json;
use crate::silent::Silent;
use crate::source::Source;
use crate::text;

/// What is told of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Told {
    record: u64,
    offset: u64,
    /// The exit's number among those of the vCPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit: Option<u64>,
    /// What the VMM answered to the exit before.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_before: Option<String>,
    text: String,
}

impl Told {
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let record = self.record;
        let answer = self.answer_before.as_ref();
        let answer = answer.map(|answer| format!("{record:>7}        answered {answer}"));
        let exit = self.exit.map(|exit| format!("#{exit:<4} "));
        let text = format!("{record:>7}  {}{}", exit.unwrap_or_default(), self.text);
        answer.into_iter().chain([text])
    }
}

/// Tells an object's records, which go by in their order.
#[derive(Debug)]
pub(crate) struct Teller<'a> {
    source: &'a Source,
    exits: Exits,
    /// The number of the next exit.
    next: u64,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(source: &'a Source) -> Self {
        Self {
            source,
            exits: Exits::of(&source.recording),
            next: 0,
        }
    }

    /// Nothing if it is not wanted; the record then only goes by.
    pub(crate) fn tell(&mut self, record: &Record<'_>, wanted: bool) -> Option<Told> {
        let answer_before = self.exits.answer(record, wanted);
        let end = self.exits.exit(record, |end| wanted.then(|| end.line()));
        let exit = matches!(record.content, Content::Entry(_)).then_some(self.next);
        self.next += u64::from(exit.is_some());
        if !wanted {
            return None;
        }
        let text = match &record.content {
            Content::Entry(_) => end.flatten()?,
            Content::Memory {
                slot,
                offset,
                bytes,
            } => {
                let len = bytes.len();
                format!("{len} bytes of guest memory in slot {slot} at {offset:#x}")
            }
            Content::Pages { slot, pages } => {
                let count = pages.iter().count();
                format!("{count} pages of guest memory in slot {slot}")
            }
            Content::Registers { name, bytes } => {
                text::registers(name, bytes, self.exits.arch(), true)
            }
            Content::DirtyRing(pages) => text::dirty_ring(pages),
            Content::Coalesced(_) | Content::Doorbell { .. } => {
                let writes = Silent::all(&record.content).into_iter();
                let texts: Vec<_> = writes.map(|write| write.text).collect();
                texts.join(", ")
            }
            _ => json::Call::new(record, self.exits.arch(), self.source, true)?.text,
        };
        Some(Told {
            record: record.sequence,
            offset: record.offset,
            exit,
            answer_before,
            text,
        })
    }
}

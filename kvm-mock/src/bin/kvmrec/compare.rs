//! [`Compare`]: whether two records say the same, and if not what differs.

use std::fmt;

use kvm_mock::recording::{Call, Content, Entry, Record, Recording, Words};

use crate::exits::Exits;
use crate::text::hex;

/// What differs between two records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// There is no more in one recording.
    Ends(&'static str),
    /// They tell of different things.
    Kind,
    /// A call of another name.
    Name,
    /// What a call was given.
    Argument(String),
    /// What a call returned, or its error.
    Result,
    /// What a call left in its argument.
    Output(String),
    /// What the VMM wrote to the run page.
    Answer(String),
    /// How an entry ended.
    End,
    /// What the kernel wrote to the run page, beside what is decoded.
    Page(String),
    /// Bytes of guest memory.
    Memory,
    /// Registers at an exit.
    Registers,
    /// Writes that waited in a ring.
    Coalesced,
    Doorbell,
    DirtyRing,
    /// A mapping, or a read.
    Other,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ends(which) => write!(f, "the {which} recording has no more of it"),
            Self::Kind => f.write_str("another kind of record"),
            Self::Name => f.write_str("another call"),
            Self::Argument(what) => write!(f, "another argument ({what})"),
            Self::Result => f.write_str("another result"),
            Self::Output(what) => write!(f, "the call gave something else ({what})"),
            Self::Answer(what) => write!(f, "the VMM's answer was another ({what})"),
            Self::End => f.write_str("another exit"),
            Self::Page(what) => write!(f, "the exit left another run page ({what})"),
            Self::Memory => f.write_str("other guest memory"),
            Self::Registers => f.write_str("other registers"),
            Self::Coalesced => f.write_str("other coalesced writes"),
            Self::DirtyRing => f.write_str("other pages in the dirty ring"),
            Self::Doorbell => f.write_str("another write that signalled an eventfd"),
            Self::Other => f.write_str("it went otherwise"),
        }
    }
}

/// Holds the records of one object against those of another, which go by in their order.
#[derive(Debug)]
pub(crate) struct Compare {
    /// Both sides' exits, if these alone are compared.
    exits: Option<(Exits, Exits)>,
}

impl Compare {
    pub(crate) fn new(a: &Recording, b: &Recording, exits: bool) -> Self {
        Self {
            exits: exits.then(|| (Exits::of(a), Exits::of(b))),
        }
    }

    /// What differs, if anything does.
    pub(crate) fn differ(&mut self, a: &Record<'_>, b: &Record<'_>) -> Option<Part> {
        if let Some((exits_a, exits_b)) = &mut self.exits {
            let end_a = exits_a.apply(a, |end| (end.kind(), end.text()));
            let end_b = exits_b.apply(b, |end| (end.kind(), end.text()));
            return (end_a != end_b).then_some(Part::End);
        }
        match (&a.content, &b.content) {
            (Content::Call(a), Content::Call(b)) => calls(a, b),
            (Content::Create { call: a, .. }, Content::Create { call: b, .. }) => calls(a, b),
            (Content::Entry(a), Content::Entry(b)) => entries(a, b),
            (a, b) if a == b => None,
            (Content::Memory { .. }, Content::Memory { .. })
            | (Content::Pages { .. }, Content::Pages { .. }) => Some(Part::Memory),
            (Content::Registers { name: a, .. }, Content::Registers { name: b, .. }) if a == b => {
                Some(Part::Registers)
            }
            (Content::Coalesced(_), Content::Coalesced(_)) => Some(Part::Coalesced),
            (Content::DirtyRing(_), Content::DirtyRing(_)) => Some(Part::DirtyRing),
            (Content::Doorbell { .. }, Content::Doorbell { .. }) => Some(Part::Doorbell),
            (Content::Map { .. }, Content::Map { .. })
            | (Content::Read { .. }, Content::Read { .. }) => Some(Part::Other),
            _ => Some(Part::Kind),
        }
    }
}

fn calls(a: &Call<'_>, b: &Call<'_>) -> Option<Part> {
    if a == b {
        return None;
    }
    if a.name != b.name {
        return Some(Part::Name);
    }
    if a.value != b.value || a.buffers.len() != b.buffers.len() {
        return Some(Part::Argument(
            "the integer, or the number of pointers".to_owned(),
        ));
    }
    let buffers = || a.buffers.iter().zip(&b.buffers);
    let argument =
        buffers().find(|(a, b)| (a.offset, a.len, a.before) != (b.offset, b.len, b.before));
    if let Some((a, b)) = argument {
        return Some(Part::Argument(first(a.before, b.before)));
    }
    if (a.errno, a.returned) != (b.errno, b.returned) {
        return Some(Part::Result);
    }
    let output = buffers().find(|(a, b)| a.after != b.after);
    output.map(|(a, b)| Part::Output(first(a.after.or(a.before), b.after.or(b.before))))
}

fn entries(a: &Entry<'_>, b: &Entry<'_>) -> Option<Part> {
    let asked = |entry: &Entry<'_>| (entry.request_interrupt_window, entry.completes);
    if a.reply != b.reply || asked(a) != asked(b) {
        return Some(Part::Answer(words(a.reply, b.reply)));
    }
    if (a.errno, a.unfinished) != (b.errno, b.unfinished) {
        return Some(Part::End);
    }
    (a.exit != b.exit).then(|| Part::Page(words(a.exit, b.exit)))
}

/// Where changes of a run page first differ.
fn words(a: Words<'_>, b: Words<'_>) -> String {
    for (a, b) in a.iter().zip(b.iter()) {
        if a.0 != b.0 {
            let at = a.0.min(b.0);
            return format!("at byte {at} of the run page, which one of the two changes");
        }
        if a.1 != b.1 {
            let (left, right, at) = differing(a.1, b.1);
            return format!("{left}, and {right}, at byte {} of the run page", a.0 + at);
        }
    }
    match a.iter().count().cmp(&b.iter().count()) {
        std::cmp::Ordering::Equal => "what it asked for at the entry".to_owned(),
        _ => "one of the two changes more of the run page".to_owned(),
    }
}

/// Where two buffers first differ.
fn first(a: Option<&[u8]>, b: Option<&[u8]>) -> String {
    let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
    if a.len() != b.len() {
        return format!("{} bytes, and {}", a.len(), b.len());
    }
    let (left, right, at) = differing(a, b);
    format!("{left}, and {right}, at byte {at}")
}

/// The bytes that differ, of many the first, and where these are.
fn differing(a: &[u8], b: &[u8]) -> (String, String, usize) {
    let differ = |n: &usize| a.get(*n) != b.get(*n);
    let longest = a.len().max(b.len());
    let at = (0..longest).find(differ).unwrap_or(0);
    let end = (at..longest.min(at + 8)).rfind(differ).unwrap_or(at) + 1;
    let part = |bytes: &[u8]| hex(bytes.get(at..end.min(bytes.len())).unwrap_or_default());
    (part(a), part(b), at)
}

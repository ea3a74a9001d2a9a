//! [`Recording`]: a whole file, checked before any of it is used.

use std::collections::HashSet;
use std::io;

use super::body::{Coalesced, Delta, DirtyRing, Doorbell, End, Map, Name, Pread, Registers};
use super::call::{Call, Create};
use super::enter::Enter;
use super::header::{self, Architecture, FileHeader, Flags};
use super::pages::Pages;
use super::record::{self, Found, Kind, Lost, NO_STREAM};

/// Why a recording can't be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The file can't be read.
    #[error("the recording can't be read: {0}")]
    Io(#[from] io::Error),
    /// The file does not begin as recordings do.
    #[error("not a recording")]
    NotARecording,
    /// The file ends inside its header, so that not even its version is known.
    #[error("the recording was cut at offset {offset}, inside its header")]
    HeaderCut {
        /// The file's length in bytes.
        offset: u64,
    },
    /// The file is of a version that this one does not know.
    #[error(
        "the recording has format version {found}, and this version of the crate reads {known}"
    )]
    Version {
        /// The file's version.
        found: u32,
        /// The newest version that can be read.
        known: u32,
    },
    /// The file was made on a host with the other byte order; run pages are in that of the host.
    #[error("the recording's run pages have the other byte order than this host's")]
    ByteOrder,
    /// The file is of a guest of another architecture.
    #[error("the recorded guest is {found}, and {expected} is expected")]
    Architecture {
        /// What the reader expects.
        expected: Architecture,
        /// What the file holds.
        found: Architecture,
    },
    /// Bytes of the file are not what was written.
    #[error("the recording is damaged at offset {offset}: {what}")]
    Damaged {
        /// Offset in the file of the record, or the field of the header, with the damage.
        offset: u64,
        /// What can't be.
        what: &'static str,
    },
}

/// Where a record is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// Its number in the whole file, from 0.
    pub(crate) sequence: u64,
    pub(crate) offset: usize,
    /// Where its body ends.
    end: usize,
}

/// An object of the recording, and its records in their order.
#[derive(Debug)]
pub(crate) struct StreamInfo {
    /// What it is, for messages: "vCPU 0".
    pub(crate) label: String,
    pub(crate) number: i32,
    pub(crate) is_vcpu: bool,
    /// The stream of the object that made it, the number of the call's name, and the call's integer; nothing
    /// for the system.
    pub(crate) made: Option<(u32, u32, u64)>,
    pub(crate) entries: Vec<Entry>,
}

/// A recording whose every record was checked.
#[derive(Debug)]
pub(crate) struct Recording {
    bytes: Vec<u8>,
    pub(crate) header: FileHeader,
    names: Vec<String>,
    pub(crate) streams: Vec<StreamInfo>,
    /// Where it was cut, if it was.
    pub(crate) cut: Option<u64>,
    pub(crate) records: u64,
    pub(crate) exits: u64,
}

impl Recording {
    /// Checks the bytes of a file.
    pub(crate) fn new(bytes: Vec<u8>) -> Result<Self, ReplayError> {
        let header = FileHeader::decode(&bytes)?;
        let mut scan = Scan {
            at: header::LEN,
            sequence: 0,
            exits: 0,
            names: Vec::new(),
            known: HashSet::new(),
            streams: vec![StreamInfo {
                label: "the system".to_owned(),
                number: 0,
                is_vcpu: false,
                made: None,
                entries: Vec::new(),
            }],
            flags: header.flags,
            ended: false,
        };
        let cut = scan.run(&bytes)?;
        Ok(Self {
            header,
            names: scan.names,
            streams: scan.streams,
            cut,
            records: scan.sequence,
            exits: scan.exits,
            bytes,
        })
    }

    /// Length of the file in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The records in the order of the file, each with its offset.
    pub(crate) fn walk(&self) -> impl Iterator<Item = (usize, Found<'_>)> {
        let mut at = header::LEN;
        std::iter::from_fn(move || {
            let found = record::locate(self.bytes.get(at..)?).ok()?;
            let offset = at;
            at += found.len;
            Some((offset, found))
        })
    }

    /// The records of one stream in their order, each with its offset.
    pub(crate) fn walk_stream(&self, stream: u32) -> impl Iterator<Item = (usize, Found<'_>)> {
        let stream = usize::try_from(stream).ok();
        let info = stream.and_then(|stream| self.streams.get(stream));
        let entries = info.into_iter().flat_map(|info| &info.entries);
        entries.filter_map(|entry| {
            let found = record::locate(self.bytes.get(entry.offset..entry.end)?).ok()?;
            Some((entry.offset, found))
        })
    }

    /// The body of a record. Its reader gave something when the file was checked.
    pub(crate) fn body(&self, entry: &Entry) -> &[u8] {
        let start = entry.offset + record::LEN;
        self.bytes.get(start..entry.end).unwrap_or_default()
    }

    /// The name of a call.
    pub(crate) fn name(&self, op: u32) -> Option<&str> {
        let name = self.names.get(usize::try_from(op).ok()?)?;
        Some(name)
    }
}

struct Scan {
    at: usize,
    sequence: u64,
    exits: u64,
    names: Vec<String>,
    known: HashSet<String>,
    streams: Vec<StreamInfo>,
    flags: Flags,
    ended: bool,
}

type Checked<T> = Result<T, &'static str>;

impl Scan {
    /// Gives where the file was cut, if it was.
    fn run(&mut self, file: &[u8]) -> Result<Option<u64>, ReplayError> {
        loop {
            let rest = file.get(self.at..).unwrap_or_default();
            let offset = self.at as u64;
            let damaged = |what| Err(ReplayError::Damaged { offset, what });
            if self.ended {
                return match rest {
                    [] => Ok(None),
                    _ => damaged("bytes follow the record that ends it"),
                };
            }
            let found = match record::find(rest) {
                Ok(found) => found,
                Err(Lost::Cut) => return Ok(Some(offset)),
                // What follows may be part of the record, but no later one.
                Err(Lost::Unwritten) if !record::follows(rest, self.sequence) => {
                    return Ok(Some(offset));
                }
                Err(Lost::Unwritten) => return damaged("a record was overwritten by zeros"),
                Err(Lost::Damaged(what)) => return damaged(what),
            };
            if let Err(what) = self.record(&found) {
                return damaged(what);
            }
            self.at += found.len;
            self.sequence += 1;
        }
    }

    fn record(&mut self, found: &Found<'_>) -> Checked<()> {
        if found.sequence != self.sequence {
            return Err("a record is missing, or there twice");
        }
        let kind = Kind::from_number(found.kind).ok_or("there is no such kind of record")?;
        if (found.stream == NO_STREAM) != matches!(kind, Kind::Name | Kind::End) {
            return Err("a record has a stream that its kind can't have");
        }
        let bad = "a record's fields do not fit its length";
        let body = found.body;
        let mut child = None;
        match kind {
            Kind::Name => return self.name(&Name::read(body).ok_or(bad)?),
            Kind::End => return self.end(&End::read(body).ok_or(bad)?),
            Kind::Call => self.call(&Call::read(body).ok_or(bad)?).map(|_| ())?,
            Kind::Create => child = self.create(found.stream, &Create::read(body).ok_or(bad)?)?,
            Kind::Map => _ = Map::read(body).ok_or(bad)?,
            Kind::Enter => {
                let enter = Enter::read(body).ok_or(bad)?;
                if enter.flags.times != self.flags.times {
                    return Err("an entry has times, or none, against the header");
                }
                self.exits += 1;
            }
            Kind::Memory => _ = Delta::read(body).ok_or(bad)?,
            Kind::Doorbell => _ = Doorbell::read(body).ok_or(bad)?,
            Kind::DirtyRing => _ = DirtyRing::read(body).ok_or(bad)?,
            Kind::Registers => self.registers(&Registers::read(body).ok_or(bad)?)?,
            Kind::Coalesced => _ = Coalesced::read(body).ok_or(bad)?,
            Kind::Pages => _ = Pages::read(body).ok_or(bad)?,
            Kind::Read => _ = Pread::read(body).ok_or(bad)?,
        }
        let entry = Entry {
            kind,
            sequence: found.sequence,
            offset: self.at,
            end: self.at + found.len,
        };
        usize::try_from(found.stream)
            .ok()
            .and_then(|stream| self.streams.get_mut(stream))
            .ok_or("a record's stream was never created")?
            .entries
            .push(entry);
        self.streams.extend(child);
        Ok(())
    }

    fn name(&mut self, name: &Name<'_>) -> Checked<()> {
        if usize::try_from(name.id) != Ok(self.names.len()) {
            return Err("a name has a number out of turn");
        }
        let name = name.name.to_owned();
        if !self.known.insert(name.clone()) {
            return Err("a name is there twice");
        }
        self.names.push(name);
        Ok(())
    }

    fn registers(&self, registers: &Registers<'_>) -> Checked<()> {
        let known = usize::try_from(registers.op).is_ok_and(|op| op < self.names.len());
        known.then_some(()).ok_or("registers have no name")
    }

    fn call(&self, call: &Call<'_>) -> Checked<&str> {
        usize::try_from(call.op)
            .ok()
            .and_then(|op| self.names.get(op))
            .map(String::as_str)
            .ok_or("a call has no name")
    }

    fn create(&self, parent: u32, create: &Create<'_>) -> Checked<Option<StreamInfo>> {
        let name = self.call(&create.call)?;
        if create.call.errno != 0 {
            return match create.child {
                0 => Ok(None),
                _ => Err("a call that failed created an object"),
            };
        }
        if usize::try_from(create.child) != Ok(self.streams.len()) {
            return Err("an object has a number out of turn");
        }
        let label = match name {
            "KVM_CREATE_VM" => format!("the VM of stream {}", create.child),
            "KVM_CREATE_VCPU" => format!("vCPU {}", create.call.value),
            _ => format!("the object that {name} made, stream {}", create.child),
        };
        Ok(Some(StreamInfo {
            label,
            number: create.number,
            is_vcpu: name == kvm_sys::KVM_CREATE_VCPU.name,
            made: Some((parent, create.call.op, create.call.value)),
            entries: Vec::new(),
        }))
    }

    fn end(&mut self, end: &End) -> Checked<()> {
        let counted = End {
            records: self.sequence,
            exits: self.exits,
            streams: u32::try_from(self.streams.len()).unwrap_or(u32::MAX),
        };
        if *end != counted {
            return Err("the record that ends it counts others than there are");
        }
        self.ended = true;
        Ok(())
    }
}

//! [`Tape`]: the file that all objects of a recorder write to.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kvm_sys::op::Op;

use crate::format::{Create, End, FileHeader, Kind, NO_STREAM, Name, Record};
#[cfg(target_os = "linux")]
use crate::mapped::MappedFile;
use crate::process::Process;

/// What a recording that was ended holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Records of all kinds.
    pub records: u64,
    /// Entries into guests that returned, with an exit or an errno.
    pub exits: u64,
    /// Objects.
    pub objects: u32,
    /// Length of the file in bytes.
    pub bytes: u64,
}

/// Why there is no complete recording.
///
/// The file ends before the record that failed, and replays up to there as one that was cut does.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file can't be written.
    #[error("the recording can't be written: {0}")]
    Io(Arc<io::Error>),
    /// The backend does not say how large its host's pages are, which a recording has to.
    #[error("the backend does not tell its page size: {0}")]
    PageSize(kvm_core::Errno),
    /// The process was forked. The recording is that of the process that began it; calls that the child makes are
    /// passed on and not recorded.
    #[error("the recording is another process's, which forked this one")]
    Forked,
    /// Registers at exits are recorded for guests of x86_64 only: others have no call for so many at once.
    #[error("registers are recorded at the exits of x86_64 guests only")]
    Registers,
    /// A call has more bytes than fit into a record: 4 GiB.
    #[error("a call is too long for a record")]
    TooLong,
}

impl From<io::Error> for RecordError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

/// A file that records are appended to.
#[derive(Debug)]
pub(crate) struct Tape {
    state: Mutex<State>,
    header: FileHeader,
    began: Instant,
    process: Process,
}

#[derive(Debug)]
struct State {
    out: Out,
    sequence: u64,
    exits: u64,
    streams: u32,
    bytes: u64,
    names: HashMap<&'static str, u32>,
}

/// Where records go.
pub(crate) enum Sink {
    /// One call of `write_all` for each.
    Writer(Box<dyn Write + Send>),
    #[cfg(target_os = "linux")]
    File(MappedFile),
}

impl Sink {
    /// A file that is mapped where that can be.
    pub(crate) fn file(file: File) -> Self {
        #[cfg(target_os = "linux")]
        let file = match MappedFile::new(file) {
            Ok(mapped) => return Self::File(mapped),
            Err(file) => file,
        };
        Self::Writer(Box::new(file))
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        match self {
            Self::Writer(writer) => writer.write_all(record),
            #[cfg(target_os = "linux")]
            Self::File(file) => file.append(record),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Writer(writer) => writer.flush(),
            #[cfg(target_os = "linux")]
            Self::File(file) => file.finish(),
        }
    }
}

enum Out {
    Open(Sink),
    Ended(Summary),
    Failed(RecordError),
}

impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(_) => f.write_str("Open"),
            Self::Ended(summary) => f.debug_tuple("Ended").field(summary).finish(),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

impl Tape {
    /// Begins a recording; its first stream, the system's, is 0.
    pub(crate) fn new(mut out: Sink, header: &FileHeader) -> Result<Self, RecordError> {
        let bytes = header.encode();
        out.append(&bytes)?;
        Ok(Self {
            state: Mutex::new(State {
                out: Out::Open(out),
                sequence: 0,
                exits: 0,
                streams: 1,
                bytes: bytes.len() as u64,
                names: HashMap::new(),
            }),
            header: *header,
            began: Instant::now(),
            process: Process::new(),
        })
    }

    /// Whether entries have times.
    pub(crate) fn times(&self) -> bool {
        self.header.flags.times
    }

    /// Bytes of the host's pages.
    pub(crate) fn page_size(&self) -> u32 {
        self.header.page_size
    }

    /// Nanoseconds since the recording began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Number of the call's name, which is written when it is new.
    pub(crate) fn name(&self, op: &'static Op) -> u32 {
        let Some(mut state) = self.state() else {
            return 0;
        };
        let name = op.name;
        if let Some(id) = state.names.get(name) {
            return *id;
        }
        let id = u32::try_from(state.names.len()).unwrap_or(u32::MAX);
        state.names.insert(name, id);
        let mut record = Record::new();
        Name { id, name }.write(&mut record);
        state.append(Kind::Name, NO_STREAM, &mut record);
        id
    }

    /// Writes a record. Failures are kept for [`end`](Self::end).
    pub(crate) fn append(&self, kind: Kind, stream: u32, record: &mut Record) {
        if let Some(mut state) = self.state() {
            state.append(kind, stream, record);
        }
    }

    /// Writes the record of a new object, and gives it a stream, which the record is told.
    pub(crate) fn append_created(&self, stream: u32, record: &mut Record) -> u32 {
        let Some(mut state) = self.state() else {
            return 0;
        };
        let child = state.streams;
        state.streams = child.saturating_add(1);
        record.patch(Create::CHILD_AT, &child.to_le_bytes());
        state.append(Kind::Create, stream, record);
        child
    }

    /// Ends the recording, if it has not ended yet, and says what became of it.
    pub(crate) fn end(&self) -> Result<Summary, RecordError> {
        let mut state = self.state().ok_or(RecordError::Forked)?;
        if matches!(state.out, Out::Open(_)) {
            let mut record = Record::new();
            End {
                records: state.sequence,
                exits: state.exits,
                streams: state.streams,
            }
            .write(&mut record);
            state.append(Kind::End, NO_STREAM, &mut record);
        }
        let summary = Summary {
            records: state.sequence,
            exits: state.exits,
            objects: state.streams,
            bytes: state.bytes,
        };
        state.out = match mem::replace(&mut state.out, Out::Ended(summary)) {
            Out::Open(mut out) => match out.finish() {
                Ok(()) => Out::Ended(summary),
                Err(error) => Out::Failed(error.into()),
            },
            closed => closed,
        };
        match &state.out {
            Out::Failed(error) => Err(error.clone()),
            Out::Open(_) => Ok(summary),
            Out::Ended(summary) => Ok(*summary),
        }
    }

    /// Nothing in a forked child, which has no say in the file, and where nobody may be left to unlock this.
    fn state(&self) -> Option<MutexGuard<'_, State>> {
        let lock = || self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.process.is_same().then(lock)
    }
}

impl State {
    fn append(&mut self, kind: Kind, stream: u32, record: &mut Record) {
        let Out::Open(out) = &mut self.out else {
            return;
        };
        let written = match record.seal(kind, stream, self.sequence) {
            // Each record at once: a process that is killed loses the last one at most.
            Some(bytes) => out
                .append(bytes)
                .map(|()| bytes.len() as u64)
                .map_err(RecordError::from),
            None => Err(RecordError::TooLong),
        };
        match written {
            Ok(len) => {
                self.sequence += 1;
                self.bytes += len;
                self.exits += u64::from(kind == Kind::Enter);
            }
            Err(error) => self.out = Out::Failed(error),
        }
    }
}

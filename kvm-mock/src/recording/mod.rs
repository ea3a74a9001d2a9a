//! Reading recordings: what is in a file, record by record.
//!
//! This is for tools that show, count and compare recordings; to run a VMM on one, use a
//! [`Replay`](crate::Replay). `FORMAT.md` describes the file itself.
//!
//! [`Recording::open`] checks the whole file. [`Recording::records`] then gives its records in their order, and
//! [`RunPages`] keeps each vCPU's run page as it was at each of them, so that exits can be decoded:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use kvm_core::Kvm;
//! use kvm_core::kvm_exit::{Exit, Native};
//! use kvm_mock::recording::{Content, Recording, RunPages};
//! use kvm_mock::{Model, Recorder, Step};
//!
//! # let file = std::env::temp_dir().join(format!("recording-{}.kvmrec", std::process::id()));
//! let model = Model::new();
//! model.script(0, [Step::io_out(0x3f8, *b"H"), Step::hlt()]);
//! let mut vcpu = Kvm::with(Recorder::create(model, &file)?)?.create_vm()?.create_vcpu(0)?;
//! while vcpu.run()?.0 != Exit::Hlt {}
//! drop(vcpu);
//!
//! let recording = Recording::open(&file)?;
//! let mut pages = RunPages::new();
//! let mut exits = Vec::new();
//! for record in recording.records() {
//!     pages.apply(&record);
//!     if let (Content::Entry(_), Some(stream)) = (&record.content, record.stream) {
//!         let page = pages.page::<Native>(stream).ok_or("no run page")?;
//!         exits.push(page.decode()?.to_string());
//!     }
//! }
//! assert_eq!(exits, ["io out 0x3f8 <- 48", "hlt"]);
//! assert_eq!(recording.summary().exits, 2);
//! # std::fs::remove_file(&file)?;
//! # Ok(())
//! # }
//! ```

mod pages;
mod record;

use std::fs;
use std::path::Path;

use crate::format;
use crate::{Architecture, ReplayError, Summary};
pub use pages::RunPages;
pub use record::{Buffer, Call, Content, DirtyRing, Entry, Page, Pages, Record, Times, Words};

/// A recording whose every record was checked.
#[derive(Debug)]
pub struct Recording(format::Recording);

/// An object of a recording: the system, a VM, a vCPU, a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Object<'a> {
    /// The number of its stream: 0 for the system.
    pub stream: u32,
    /// What it is, for people: `vCPU 0`.
    pub label: &'a str,
    /// The stream of the object that made it; nothing for the system.
    pub parent: Option<u32>,
    /// The name of the call that made it (`KVM_CREATE_VCPU`); nothing for the system.
    pub made_by: Option<&'a str>,
    /// The integer that the call was given: a vCPU's id.
    pub value: u64,
    /// Its descriptor.
    pub number: i32,
}

impl Object<'_> {
    /// A vCPU's id; nothing for other objects.
    pub fn vcpu_id(&self) -> Option<u64> {
        let vcpu = self.made_by == Some(kvm_sys::KVM_CREATE_VCPU.name);
        vcpu.then_some(self.value)
    }
}

impl Recording {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] says what is wrong with the file, and where.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReplayError> {
        Self::from_bytes(fs::read(path)?)
    }

    /// Checks the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] says what is wrong with the bytes, and where.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, ReplayError> {
        format::Recording::new(bytes.into()).map(Self)
    }

    /// The guest's architecture.
    pub fn architecture(&self) -> Architecture {
        self.0.header.architecture
    }

    /// The page size, in bytes, of the host that it was made on.
    pub fn page_size(&self) -> u32 {
        self.0.header.page_size
    }

    /// Whether guest memory was recorded.
    pub fn has_memory(&self) -> bool {
        self.0.header.flags.memory
    }

    /// Whether entries have times.
    pub fn has_times(&self) -> bool {
        self.0.header.flags.times
    }

    /// The offset at which it was cut; nothing when it is whole.
    pub fn cut(&self) -> Option<u64> {
        self.0.cut
    }

    /// How much there is in it, up to where it was cut.
    pub fn summary(&self) -> Summary {
        Summary {
            records: self.0.records,
            exits: self.0.exits,
            objects: u32::try_from(self.0.streams.len()).unwrap_or(u32::MAX),
            bytes: self.0.len() as u64,
        }
    }

    /// The objects, by their streams.
    pub fn objects(&self) -> impl Iterator<Item = Object<'_>> {
        self.0.streams.iter().zip(0..).map(|(info, stream)| Object {
            stream,
            label: &info.label,
            parent: info.made.map(|(parent, ..)| parent),
            made_by: info.made.and_then(|(_, op, _)| self.0.name(op)),
            value: info.made.map_or(0, |(.., value)| value),
            number: info.number,
        })
    }

    /// The object of a stream.
    pub fn object(&self, stream: u32) -> Option<Object<'_>> {
        self.objects().nth(usize::try_from(stream).ok()?)
    }

    /// The records in the order of the file, which is that in which calls returned.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.0.walk().filter_map(|(offset, found)| {
            // All of them are: the file was checked.
            Record::new(&self.0, offset, &found)
        })
    }

    /// The records of one object, in their order. None for a stream that is not there.
    pub fn records_of(&self, stream: u32) -> impl Iterator<Item = Record<'_>> {
        self.0.walk_stream(stream).filter_map(|(offset, found)| {
            // As above.
            Record::new(&self.0, offset, &found)
        })
    }
}

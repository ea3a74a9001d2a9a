//! [`Record`]: what one record says.

use std::time::Duration;

use kvm_core::kvm_exit::{DirtyPage, RunPage};
use kvm_core::{Errno, Slot};

use crate::dirty_ring::Dirtied;
use crate::format::{self, Create, Delta, Enter, Found, Kind, Map, NO_STREAM, Name, Pread, Shape};

/// A record of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record<'a> {
    /// Its number in the whole file, from 0.
    pub sequence: u64,
    /// Its offset in the file.
    pub offset: u64,
    /// Its length in the file in bytes.
    pub len: usize,
    /// The stream of the object that it belongs to; nothing for one that belongs to none.
    pub stream: Option<u32>,
    /// What it says.
    pub content: Content<'a>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content<'a> {
    /// A name of calls has a number from now on. Only the file needs it: [`Call::name`] is the name.
    Name(&'a str),
    /// A call.
    Call(Call<'a>),
    /// A call that returns a new object.
    Create {
        /// The call.
        call: Call<'a>,
        /// The new object's stream; nothing when the call failed.
        object: Option<u32>,
    },
    /// A mapping of a vCPU's run page, or of its dirty ring.
    Map {
        /// Its length in bytes.
        len: u64,
        /// How many of its first bytes are the vCPU's alone; 0 for a dirty ring.
        private: u64,
        /// Why there is none.
        errno: Option<Errno>,
    },
    /// An entry into the guest, and the exit that ended it.
    Entry(Entry<'a>),
    /// Bytes that guest or kernel wrote to memory before the next exit of the same stream.
    Memory {
        /// Number of the slot.
        slot: u32,
        /// Offset in the slot in bytes.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Pages of guest memory that guest or kernel wrote to before the next exit of the same stream.
    Pages {
        /// Number of the slot.
        slot: u32,
        /// The pages, of 4096 bytes whatever the host's are, in ascending order.
        pages: Pages<'a>,
    },
    /// A write of the guest, before the next exit of the same stream, that signalled an eventfd.
    Doorbell {
        /// Whether it was to a port.
        pio: bool,
        /// The port, or the guest's address.
        address: u64,
        /// How many bytes it wrote.
        len: u32,
        /// What it wrote.
        value: u64,
    },
    /// Pages that were put into the vCPU's dirty ring before the next exit of the same stream.
    DirtyRing(DirtyRing<'a>),
    /// Registers at the next exit of the same stream.
    Registers {
        /// The call that got them (`KVM_GET_REGS`).
        name: &'a str,
        /// The structure that the call gives.
        bytes: &'a [u8],
    },
    /// Writes that were put into the VM's ring of coalesced writes before the next exit of the same stream. For
    /// [`CoalescedWrite::decode`](kvm_core::kvm_exit::CoalescedWrite::decode).
    Coalesced(&'a [[u8; 24]]),
    /// A read from an object, as from a file.
    Read {
        /// Offset in the object in bytes.
        offset: u64,
        /// Length of the buffer in bytes.
        room: u64,
        /// Why nothing was read.
        errno: Option<Errno>,
        /// What was read.
        bytes: &'a [u8],
    },
    /// The recording was ended, and is whole.
    End,
}

/// A call and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call<'a> {
    /// Its name (`KVM_GET_REGS`).
    pub name: &'a str,
    /// Why it failed.
    pub errno: Option<Errno>,
    /// What it returned; 0 when it failed.
    pub returned: u32,
    /// Its argument, where that is an integer.
    pub value: Option<u64>,
    /// The argument's bytes, then what each pointer in it points to.
    pub buffers: Vec<Buffer<'a>>,
}

/// Bytes that a call was given, and what it left there. Fields that mean something in one process only
/// (descriptors, addresses) are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Buffer<'a> {
    /// Offset of the pointer to it in the argument; 0 for the argument itself.
    pub offset: u32,
    /// Its length in bytes.
    pub len: usize,
    /// The bytes before the call; nothing where the call does not read them.
    pub before: Option<&'a [u8]>,
    /// The bytes after the call; nothing where it left them as they were.
    pub after: Option<&'a [u8]>,
}

/// An entry into the guest, and the exit that ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// Why there was no exit: `EINTR` when it was interrupted.
    pub errno: Option<Errno>,
    /// `request_interrupt_window` at the entry.
    pub request_interrupt_window: u8,
    /// Whether the VMM asked to complete pending I/O only.
    pub completes: bool,
    /// Whether the thread was still inside when the recording was ended.
    pub unfinished: bool,
    /// When it was; nothing if times were not recorded.
    pub times: Option<Times>,
    /// What the VMM wrote to the run page since the last exit: its reply.
    pub reply: Words<'a>,
    /// What the kernel wrote to the run page.
    pub exit: Words<'a>,
}

/// When a thread was inside the guest, counted from the beginning of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Times {
    /// The entry.
    pub entered: Duration,
    /// The exit, or else the end of the recording.
    pub exited: Duration,
}

/// Changes of a run page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words<'a>(pub(super) format::Runs<'a>);

impl<'a> Words<'a> {
    /// The offset in the run page of each run of words that changed, and its bytes.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &'a [u8])> + use<'a> {
        let runs = self.0.iter();
        runs.map(|(index, bytes)| (RunPage::OFFSET + index * size_of::<u64>(), bytes))
    }
}

/// Pages of guest memory, each as what differs from the page as it was recorded last; all zero before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages<'a>(format::Pages<'a>);

/// Pages that a vCPU wrote to, as they are in its dirty ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirtyRing<'a>(format::DirtyRing<'a>);

impl<'a> DirtyRing<'a> {
    /// The pages, in the order of the ring.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = DirtyPage> + use<'a> {
        self.0.iter().map(|Dirtied { slot, page }| {
            let slot = Slot(slot);
            DirtyPage {
                address_space: slot.address_space(),
                slot: slot.number(),
                page,
            }
        })
    }
}

/// A page of guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page<'a>(format::PageRuns<'a>);

impl<'a> Pages<'a> {
    /// The pages.
    pub fn iter(&self) -> impl Iterator<Item = Page<'a>> + use<'a> {
        self.0.iter().map(Page)
    }
}

impl Page<'_> {
    /// Its length in bytes.
    pub const LEN: u64 = 4096;

    /// Offset in the slot in bytes.
    pub fn offset(&self) -> u64 {
        self.0.offset
    }

    /// Makes of the page as it was recorded last what it is now.
    pub fn apply(&self, page: &mut [u8; 4096]) {
        self.0.apply(page);
    }
}

impl<'a> Record<'a> {
    pub(super) fn new(
        recording: &'a format::Recording,
        offset: usize,
        found: &Found<'a>,
    ) -> Option<Self> {
        let body = found.body;
        let content = match Kind::from_number(found.kind)? {
            Kind::Name => Content::Name(Name::read(body)?.name),
            Kind::Call => Content::Call(call(recording, format::Call::read(body)?)?),
            Kind::Create => {
                let create = Create::read(body)?;
                let made = create.call.errno == 0;
                Content::Create {
                    object: made.then_some(create.child),
                    call: call(recording, create.call)?,
                }
            }
            Kind::Map => {
                let map = Map::read(body)?;
                Content::Map {
                    len: map.len,
                    private: map.private,
                    errno: errno(map.errno),
                }
            }
            Kind::Enter => Content::Entry(entry(&Enter::read(body)?)),
            Kind::Memory => {
                let delta = Delta::read(body)?;
                Content::Memory {
                    slot: delta.slot,
                    offset: delta.offset,
                    bytes: delta.bytes,
                }
            }
            Kind::Doorbell => {
                let format::Doorbell(write) = format::Doorbell::read(body)?;
                Content::Doorbell {
                    pio: write.pio,
                    address: write.address,
                    len: write.len,
                    value: write.value,
                }
            }
            Kind::DirtyRing => Content::DirtyRing(DirtyRing(format::DirtyRing::read(body)?)),
            Kind::Registers => {
                let registers = format::Registers::read(body)?;
                Content::Registers {
                    name: recording.name(registers.op)?,
                    bytes: registers.bytes,
                }
            }
            Kind::Coalesced => Content::Coalesced(format::Coalesced::read(body)?.writes),
            Kind::Pages => {
                let pages = format::Pages::read(body)?;
                Content::Pages {
                    slot: pages.slot,
                    pages: Pages(pages),
                }
            }
            Kind::Read => {
                let read = Pread::read(body)?;
                Content::Read {
                    offset: read.offset,
                    room: read.room,
                    errno: errno(read.errno),
                    bytes: read.bytes,
                }
            }
            Kind::End => Content::End,
        };
        Some(Self {
            sequence: found.sequence,
            offset: offset as u64,
            len: found.len,
            stream: Some(found.stream).filter(|stream| *stream != NO_STREAM),
            content,
        })
    }
}

fn errno(number: u16) -> Option<Errno> {
    (number != 0).then_some(Errno(number))
}

fn call<'a>(recording: &'a format::Recording, call: format::Call<'a>) -> Option<Call<'a>> {
    let buffers = call.buffers.iter().map(|buffer| Buffer {
        offset: buffer.offset,
        len: buffer.len,
        before: buffer.input,
        after: buffer.output,
    });
    Some(Call {
        name: recording.name(call.op)?,
        errno: errno(call.errno),
        returned: call.returned,
        value: (call.shape == Shape::Value).then_some(call.value),
        buffers: buffers.collect(),
    })
}

fn entry<'a>(enter: &Enter<'a>) -> Entry<'a> {
    let times = enter.flags.times.then_some(Times {
        entered: Duration::from_nanos(enter.times.entered),
        exited: Duration::from_nanos(enter.times.exited),
    });
    Entry {
        errno: errno(enter.errno),
        request_interrupt_window: enter.request_interrupt_window,
        completes: enter.flags.complete,
        unfinished: enter.flags.unfinished,
        times,
        reply: Words(enter.reply),
        exit: Words(enter.exit),
    }
}

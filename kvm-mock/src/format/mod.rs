//! The recording format, version 1, as `FORMAT.md` describes it.

mod body;
mod call;
mod crc;
mod enter;
mod header;
mod pages;
mod record;
mod scan;

pub(crate) use body::{
    Coalesced, Delta, DirtyRing, Doorbell, End, Map, Name, Pread, Registers, Writer,
};
pub(crate) use call::{Buffer, Call, Create, Shape};
pub(crate) use crc::Crc;
pub(crate) use enter::{Enter, EnterFlags, Runs};
pub use header::Architecture;
pub(crate) use header::{FileHeader, Flags};
pub(crate) use pages::{PAGE, PageRuns, Pages, write as write_page};
pub(crate) use record::{Found, Kind, NO_STREAM, Record};
pub use scan::ReplayError;
pub(crate) use scan::{Entry, Recording};
